/* SPDX-License-Identifier: MIT */
/* The commands' side of `.graphfs`; the daemon's is in src/fs/control_handle.c. */
#include "config.h"

#include "cmd/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

enum { ANSWER_MAX_BYTES = 4 * 1024 * 1024, ANSWER_MAX_DEPTH = 16 };

static int explain(const struct mount_entry *mount, int r, struct err *err)
{
    if (r == -ENOTCONN || r == -ECONNABORTED)
        return err_set(err, -ENOTCONN, "%s: its daemon has gone (graphfs unmount %s)", mount->path,
                       mount->path);
    if (r == -EACCES)
        return err_set(err, r, "%s: it is another user's mount", mount->path);
    return err_set_errno(err, r, "%s: asking the daemon", mount->path);
}

static int open_file(const struct mount_entry *mount, const char *name, int flags, int *ret_fd)
{
    cleanup_free char *path = x_asprintf("%s/.graphfs/%s", mount->path, name);
    int fd = open(path, flags | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

static int read_to_end(int fd, struct strbuf *out)
{
    char buffer[4096];
    ssize_t got;

    while ((got = read(fd, buffer, sizeof buffer)) > 0) {
        int r = strbuf_add(out, buffer, (size_t)got);

        if (r < 0)
            return r;
    }
    return got < 0 ? -errno : 0;
}

static struct json_object *parse(const struct strbuf *text, struct err *err)
{
    return json_parse_bounded(text->data, text->len, ANSWER_MAX_DEPTH, err);
}

int daemon_read_status_text(const struct mount_entry *mount, struct strbuf *out, struct err *err)
{
    cleanup_close int fd = -1;
    int r = open_file(mount, "status", O_RDONLY, &fd);

    if (r == 0)
        r = read_to_end(fd, out);
    return r < 0 ? explain(mount, r, err) : 0;
}

int daemon_read_status(const struct mount_entry *mount, struct json_object **ret, struct err *err)
{
    cleanup_strbuf struct strbuf text;
    int r;

    strbuf_init(&text, ANSWER_MAX_BYTES);
    r = daemon_read_status_text(mount, &text, err);
    if (r < 0)
        return r;
    *ret = parse(&text, err);
    return *ret ? 0 : -EBADMSG;
}

static int judge(const struct strbuf *answer, struct json_object **ret, struct err *err)
{
    cleanup_json struct json_object *json = parse(answer, err);
    const char *why = "the daemon gave no reason";
    bool is_ok = false;

    if (!json)
        return -EBADMSG;
    if (json_get_bool(json, "ok", &is_ok) == JSON_OK && is_ok) {
        *ret = json_object_get(json);
        return 0;
    }
    (void)json_get_str(json, "error", &why);
    return err_set(err, -EIO, "%s", why);
}

int daemon_ask(const struct mount_entry *mount, const char *request, struct json_object **ret,
               struct err *err)
{
    cleanup_strbuf struct strbuf answer;
    cleanup_close int fd = -1;
    int r = open_file(mount, "control", O_RDWR, &fd);

    strbuf_init(&answer, ANSWER_MAX_BYTES);
    if (r == 0 && write(fd, request, strlen(request)) < 0)
        r = -errno;
    if (r == 0)
        r = read_to_end(fd, &answer);
    return r < 0 ? explain(mount, r, err) : judge(&answer, ret, err);
}

int daemon_request(const struct mount_entry *mount, const char *request, struct err *err)
{
    cleanup_json struct json_object *answer = NULL;

    return daemon_ask(mount, request, &answer, err);
}
