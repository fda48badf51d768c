/* SPDX-License-Identifier: MIT */
/*
 * graphfs status: what a mount says of itself, for people, or as the JSON that it comes in; of a
 * path inside of a mount, how much of it is here.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "cmd/cmd.h"
#include "cmd/daemon.h"
#include "cmd/mountinfo.h"

enum { STATUS_MAX_BYTES = 4 * 1024 * 1024, WATCH_PAUSE_S = 1 };

struct status_values {
    bool is_json;
    bool is_watching;
    bool has_failed; /* one of several */
};

static const struct option_row status_rows[] = {
    { "json", 0, OPTION_FLAG, NULL, "print it as the daemon tells it",
      offsetof(struct status_values, is_json) },
    { "watch", 0, OPTION_FLAG, NULL, "a line at each change, until interrupted",
      offsetof(struct status_values, is_watching) },
    OPTIONS_END,
};

/* ---- values ---- */

static const char *text(struct json_object *object, const char *path)
{
    const char *value = "";

    (void)json_get_str(object, path, &value);
    return value;
}

static int64_t number(struct json_object *object, const char *path)
{
    int64_t value = 0;

    (void)json_get_i64(object, path, &value);
    return value;
}

static const char *size_text(int64_t bytes, char *buffer, size_t size)
{
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
    double value = (double)bytes;
    size_t unit = 0;

    for (; value >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        value /= 1024;
    (void)snprintf(buffer, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return buffer;
}

#define SIZE_TEXT(bytes) size_text(bytes, (char[32]){ 0 }, 32)

/* ---- for people ---- */

static void describe_drive(struct json_object *drive, char *out, size_t size)
{
    const char *round = text(drive, "round");
    int64_t seen = number(drive, "items_seen");
    time_t last = (time_t)(number(drive, "last_round_ms") / 1000);
    char when[32] = "never";
    struct tm local;

    if (last != 0 && localtime_r(&last, &local))
        (void)strftime(when, sizeof when, "%F %T", &local);
    if (json_has(drive, "error"))
        (void)snprintf(out, size, "%s", text(drive, "error"));
    else if (strcmp(round, "first") == 0 && seen == 0)
        (void)snprintf(out, size, "beginning to read the tree");
    else if (strcmp(round, "first") == 0)
        (void)snprintf(out, size, "reading the tree: %" PRId64 " items so far", seen);
    else if (strcmp(round, "full") == 0)
        (void)snprintf(out, size, "comparing the whole tree: %" PRId64 " items so far", seen);
    else
        (void)snprintf(out, size, "as of %s", when);
}

static void print_drives(struct json_object *status)
{
    struct json_object *drives;

    if (json_get_array(status, "drives", &drives) != JSON_OK)
        return;
    for (size_t i = 0; i < json_object_array_length(drives); i++) {
        struct json_object *drive = json_object_array_get_idx(drives, i);
        char state[ERR_MSG_SIZE];

        describe_drive(drive, state, sizeof state);
        (void)printf("  drive     %s: %s\n", text(drive, "name"), state);
    }
}

static void print_problems(struct json_object *status)
{
    struct json_object *problems;

    if (json_get_array(status, "problems", &problems) != JSON_OK)
        return;
    for (size_t i = 0; i < json_object_array_length(problems); i++) {
        struct json_object *problem = json_object_array_get_idx(problems, i);

        (void)printf("  problem   %s (%s)\n", text(problem, "what"), text(problem, "remedy"));
    }
}

static void print_upload(struct json_object *upload)
{
    cleanup_free char *path = utf8_printable(text(upload, "path"));

    if (number(upload, "size") > 0)
        (void)printf("  sending   %s: %s of %s\n", path, SIZE_TEXT(number(upload, "sent")),
                     SIZE_TEXT(number(upload, "size")));
    else
        (void)printf("  sending   %s\n", path);
}

static void print_blocked(struct json_object *item)
{
    cleanup_free char *path = utf8_printable(text(item, "path"));

    (void)printf("  blocked   %s: %s (%s)\n", path, text(item, "why"), text(item, "remedy"));
}

static void print_conflict(struct json_object *item)
{
    cleanup_free char *path = utf8_printable(json_object_get_string(item));

    (void)printf("  conflict  %s (compare it with the other one; rename or delete it)\n", path);
}

static void print_waiting(struct json_object *item)
{
    cleanup_free char *path = utf8_printable(json_object_get_string(item));

    (void)printf("  waiting   %s\n", path);
}

static void print_each(struct json_object *status, const char *list,
                       void (*print)(struct json_object *item))
{
    struct json_object *items;

    if (json_get_array(status, list, &items) != JSON_OK)
        return;
    for (size_t i = 0; i < json_object_array_length(items); i++)
        print(json_object_array_get_idx(items, i));
}

/* What was changed here and isn't on the service; nothing if there is none. */
static void print_changes(struct json_object *status)
{
    int64_t pending = number(status, "changes.pending");

    if (pending > 0)
        (void)printf("  changes   %" PRId64 " to be sent, %s; %" PRId64 " blocked\n", pending,
                     SIZE_TEXT(number(status, "changes.bytes")), number(status, "changes.blocked"));
    print_each(status, "changes.uploading", print_upload);
    print_each(status, "changes.pending_paths", print_waiting);
    print_each(status, "changes.blocked_items", print_blocked);
    print_each(status, "changes.conflict_paths", print_conflict);
}

static void print_for_people(struct json_object *status)
{
    (void)printf("%s: %s\n", text(status, "mountpoint"), text(status, "state"));
    (void)printf("  account   %s, %s, process %" PRId64 "\n", text(status, "account"),
                 text(status, "root"), number(status, "pid"));
    print_drives(status);
    (void)printf("  tree      %" PRId64 " items, %s\n", number(status, "tree.items"),
                 SIZE_TEXT(number(status, "tree.bytes")));
    (void)printf("  cache     %s of %s\n", SIZE_TEXT(number(status, "cache.used_bytes")),
                 SIZE_TEXT(number(status, "cache.limit_bytes")));
    if (number(status, "pins.count") > 0)
        (void)printf("  pinned    %s, %s missing\n", SIZE_TEXT(number(status, "pins.bytes")),
                     SIZE_TEXT(number(status, "pins.missing_bytes")));
    (void)printf("  requests  %" PRId64 ", %s received\n", number(status, "requests.count"),
                 SIZE_TEXT(number(status, "requests.bytes_received")));
    print_changes(status);
    (void)printf("  log       %s\n", json_has(status, "log") ? text(status, "log") : "stderr");
    print_problems(status);
}

static int print_mount(const struct mount_entry *mount, bool is_json, struct err *err)
{
    cleanup_json struct json_object *status = NULL;
    cleanup_strbuf struct strbuf raw;
    int r;

    strbuf_init(&raw, STATUS_MAX_BYTES);
    r = is_json ? daemon_read_status_text(mount, &raw, err)
                : daemon_read_status(mount, &status, err);
    if (r < 0)
        return r;
    if (is_json)
        (void)fputs(raw.data, stdout);
    else
        print_for_people(status);
    return 0;
}

/* ---- watching ---- */

static void summarize(struct json_object *status, struct strbuf *out)
{
    int64_t pending = number(status, "changes.pending");
    struct json_object *drives;

    (void)strbuf_addf(out, "%s", text(status, "state"));
    if (pending > 0)
        (void)strbuf_addf(out, "; %" PRId64 " to be sent", pending);
    if (json_get_array(status, "drives", &drives) != JSON_OK)
        return;
    for (size_t i = 0; i < json_object_array_length(drives); i++) {
        struct json_object *drive = json_object_array_get_idx(drives, i);
        char state[ERR_MSG_SIZE];

        describe_drive(drive, state, sizeof state);
        (void)strbuf_addf(out, "; %s: %s", text(drive, "name"), state);
    }
}

/* One line; NULL if the mount is gone. */
static char *watch_line(const struct mount_entry *mount, struct err *err)
{
    cleanup_json struct json_object *status = NULL;
    struct strbuf line;

    if (daemon_read_status(mount, &status, err) < 0)
        return NULL;
    strbuf_init(&line, STATUS_MAX_BYTES);
    summarize(status, &line);
    return strbuf_steal(&line);
}

static bool is_still_mounted(const struct mount_entry *mount)
{
    struct mount_entry now = { 0 };
    bool is_there = mountinfo_find_at(mount->path, &now, NULL) == 0;

    mount_entry_clear(&now);
    return is_there;
}

/* Ends when the mount does, or nobody reads it any more. */
static int watch_mount(const struct mount_entry *mount, struct err *err)
{
    cleanup_free char *last = NULL;

    while (!ferror(stdout)) {
        char *line = watch_line(mount, err);

        if (!line) {
            if (is_still_mounted(mount))
                return err->code;
            (void)printf("unmounted\n");
            return 0;
        }
        if (!last || strcmp(last, line) != 0) {
            (void)printf("%s\n", line);
            (void)fflush(stdout);
        }
        free(last);
        last = line;
        (void)sleep(WATCH_PAUSE_S);
    }
    return 0;
}

/* ---- paths ---- */

static void print_state_as_json(const char *path, const char *state)
{
    cleanup_strbuf struct strbuf out;

    strbuf_init(&out, STATUS_MAX_BYTES);
    (void)strbuf_addstr(&out, "{\"path\":");
    json_add_string(&out, path);
    (void)strbuf_addstr(&out, ",\"state\":");
    json_add_string(&out, state);
    (void)printf("%s}\n", out.data);
}

static int print_path(const char *path, bool is_json, struct err *err)
{
    char state[256] = "-"; /* folders and links have no content */
    ssize_t length = getxattr(path, "user.graphfs.state", state, sizeof state - 1);

    if (length < 0 && errno != ENODATA)
        return err_set_errno(err, errno, "%s", path);
    if (length >= 0)
        state[length] = '\0';
    if (is_json)
        print_state_as_json(path, state);
    else
        (void)printf("%-10s %s\n", state, path);
    return 0;
}

/* ---- the verb ---- */

static int show_mount(const struct mount_entry *mount, void *arg, struct err *err)
{
    const struct status_values *values = arg;

    return values->is_watching ? watch_mount(mount, err) : print_mount(mount, values->is_json, err);
}

/* One that can't be asked hides no other. */
static int show_each(const struct mount_entry *mount, void *arg, struct err *err)
{
    struct status_values *values = arg;

    if (show_mount(mount, values, err) < 0) {
        (void)verb_failed(err, "status");
        values->has_failed = true;
    }
    return 0;
}

static int show(const char *path, struct status_values *values, struct err *err)
{
    struct mount_entry mount = { 0 };
    int r = mountinfo_find_holding(path, &mount, err);

    if (r == 0) {
        if (mountinfo_is_at(path, &mount))
            r = show_mount(&mount, values, err);
        else if (values->is_watching)
            r = err_set(err, -EINVAL, "%s: only a mount can be watched, not a path in it", path);
        else
            r = print_path(path, values->is_json, err);
    }
    mount_entry_clear(&mount);
    return r;
}

static int run_status(const struct verb *verb, int argc, char **argv)
{
    struct status_values values = { 0 };
    struct err err = { 0 };
    int first, code;

    if (!verb_parse(verb, argc, argv, &values, &first, &code))
        return code;
    if (values.is_watching && (argc - first > 1 || values.is_json))
        return verb_misused(verb, "--watch takes one MOUNTPOINT, and no --json");
    if (first == argc && mountinfo_each_own(show_each, &values, &err) < 0)
        return verb_failed(&err, "status");
    for (int i = first; i < argc; i++) {
        if (show(argv[i], &values, &err) < 0)
            return verb_failed(&err, "status");
    }
    return values.has_failed ? EXIT_FAILED : EXIT_DONE;
}

const struct verb verb_status = {
    .name = "status",
    .args = "[MOUNTPOINT|PATH...]",
    .summary = "Tells how a mount is, or how much of a file is here.",
    .details = "Without an argument: of each of your mounts.",
    .options = status_rows,
    .run = run_status,
};
