/* SPDX-License-Identifier: MIT */
/*
 * graphfs pin, unpin, evict: what is kept on this machine. Items are named to the daemon by their
 * inode numbers, so that no path has to be quoted. The daemon does the work; pin only looks on, and
 * can be interrupted.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/xalloc.h"
#include "cmd/cmd.h"
#include "cmd/daemon.h"
#include "cmd/mountinfo.h"

enum { LOOK_PAUSE_MS = 200 };

struct pin_values {
    bool is_json;
    bool returns_at_once;
};

static const struct option_row pin_rows[] = {
    { "json", 0, OPTION_FLAG, NULL, "print progress as JSON, an object a line",
      offsetof(struct pin_values, is_json) },
    { "no-wait", 0, OPTION_FLAG, NULL, "don't wait until all is here",
      offsetof(struct pin_values, returns_at_once) },
    OPTIONS_END,
};

static const struct option_row unpin_rows[] = { OPTIONS_END };

static const struct option_row evict_rows[] = {
    { "json", 0, OPTION_FLAG, NULL, "print what was freed as JSON, an object for each PATH",
      offsetof(struct pin_values, is_json) },
    OPTIONS_END,
};

static int ask_about(const char *path, const char *what, struct mount_entry *ret_mount,
                     struct json_object **ret, struct err *err)
{
    cleanup_free char *request = NULL;
    struct stat stat_buffer;
    int r = mountinfo_find_holding(path, ret_mount, err);

    if (r < 0)
        return r;
    if (stat(path, &stat_buffer) != 0)
        return err_set_errno(err, errno, "%s", path);
    request = x_asprintf("%s %llu", what, (unsigned long long)stat_buffer.st_ino);
    return daemon_ask(ret_mount, request, ret, err);
}

static int64_t number(struct json_object *object, const char *name)
{
    int64_t value = 0;

    (void)json_get_i64(object, name, &value);
    return value;
}

/* ---- pin: looking on ---- */

struct progress {
    int64_t files, missing_files, missing_bytes;
    int64_t passes; /* the last one that has ended */
    bool is_busy;
    char error[ERR_MSG_SIZE]; /* "": none */
};

static int look(const struct mount_entry *mount, struct progress *ret, struct err *err)
{
    cleanup_json struct json_object *status = NULL;
    struct json_object *pins = NULL;
    const char *error = "", *state = "";
    int r = daemon_read_status(mount, &status, err);

    if (r < 0)
        return r;
    if (!json_object_object_get_ex(status, "pins", &pins))
        return err_set(err, -EBADMSG, "the daemon is of another version (mount again)");
    *ret = (struct progress){
        .files = number(pins, "files"),
        .missing_files = number(pins, "missing_files"),
        .missing_bytes = number(pins, "missing_bytes"),
        .passes = number(pins, "passes"),
    };
    (void)json_get_bool(pins, "busy", &ret->is_busy);
    (void)json_get_str(pins, "error", &error);
    (void)json_get_str(status, "state", &state);
    if (*error && strcmp(state, "online") != 0)
        error = strcmp(state, "offline") == 0 ? "offline" : "signed out (graphfs login)";
    (void)snprintf(ret->error, sizeof ret->error, "%s", error);
    return 0;
}

static void print_progress(const struct progress *progress, bool is_json)
{
    if (is_json)
        (void)printf("{\"files\":%" PRId64 ",\"missing_files\":%" PRId64
                     ",\"missing_bytes\":%" PRId64 ",\"busy\":%s}\n",
                     progress->files, progress->missing_files, progress->missing_bytes,
                     progress->is_busy ? "true" : "false");
    else
        (void)printf("%" PRId64 " of %" PRId64 " pinned files are here, %" PRId64 " bytes to go\n",
                     progress->files - progress->missing_files, progress->files,
                     progress->missing_bytes);
    (void)fflush(stdout);
}

static bool is_same(const struct progress *a, const struct progress *b)
{
    return a->files == b->files && a->missing_files == b->missing_files &&
           a->missing_bytes == b->missing_bytes && a->is_busy == b->is_busy;
}

/* Until all is here, or something is in the way: what the pass says that heeds the pin. An earlier
 * one knows nothing of it. */
static int look_on(const struct mount_entry *mount, int64_t pass, bool is_json, struct err *err)
{
    const struct timespec pause = { .tv_nsec = LOOK_PAUSE_MS * 1000000L };
    struct progress last = { .files = -1 }, now = { 0 };
    int r;

    while ((r = look(mount, &now, err)) == 0) {
        if (!is_same(&now, &last))
            print_progress(&now, is_json);
        if (now.passes >= pass && (!now.is_busy || *now.error))
            break;
        last = now;
        (void)nanosleep(&pause, NULL);
    }
    if (r == 0 && (now.missing_files > 0 || *now.error))
        r = err_set(err, -EIO, "%" PRId64 " files are not here yet: %s (it is tried again)",
                    now.missing_files, *now.error ? now.error : "they have just changed");
    return r;
}

static int pin(const char *path, const struct pin_values *values, struct err *err)
{
    cleanup_json struct json_object *answer = NULL;
    struct mount_entry mount = { 0 };
    int r = ask_about(path, "pin", &mount, &answer, err);

    if (r == 0 && !values->returns_at_once)
        r = look_on(&mount, number(answer, "pass"), values->is_json, err);
    mount_entry_clear(&mount);
    return r;
}

static int unpin(const char *path, const struct pin_values *values, struct err *err)
{
    cleanup_json struct json_object *answer = NULL;
    struct mount_entry mount = { 0 };
    int r = ask_about(path, "unpin", &mount, &answer, err);

    (void)values;
    mount_entry_clear(&mount);
    return r;
}

static int evict(const char *path, const struct pin_values *values, struct err *err)
{
    cleanup_json struct json_object *answer = NULL;
    struct mount_entry mount = { 0 };
    int r = ask_about(path, "evict", &mount, &answer, err);

    mount_entry_clear(&mount);
    if (r < 0)
        return r;
    if (values->is_json)
        (void)printf("%s\n", json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
    else
        (void)printf("%s: %" PRId64 " files dropped, %" PRId64 " bytes\n", path,
                     number(answer, "files"), number(answer, "bytes"));
    if (number(answer, "open") == 0 && number(answer, "pinned") == 0)
        return 0;
    return err_set(err, -EBUSY,
                   "%" PRId64 " files stay because they are open, %" PRId64
                   " because they are pinned (close or unpin them)",
                   number(answer, "open"), number(answer, "pinned"));
}

/* ---- the verbs ---- */

/* Does it for each path, whatever happens to the others. */
static int run_each(const struct verb *verb, int argc, char **argv,
                    int (*fn)(const char *path, const struct pin_values *values, struct err *err))
{
    struct pin_values values = { 0 };
    int first, code;

    if (!verb_parse(verb, argc, argv, &values, &first, &code))
        return code;
    if (first == argc)
        return verb_misused(verb, "it wants a PATH");
    code = EXIT_DONE;
    for (int i = first; i < argc; i++) {
        struct err err = { 0 };

        if (fn(argv[i], &values, &err) < 0)
            code = verb_failed(&err, "%s: %s", verb->name, argv[i]);
    }
    return code;
}

static int run_pin(const struct verb *verb, int argc, char **argv)
{
    return run_each(verb, argc, argv, pin);
}

static int run_unpin(const struct verb *verb, int argc, char **argv)
{
    return run_each(verb, argc, argv, unpin);
}

static int run_evict(const struct verb *verb, int argc, char **argv)
{
    return run_each(verb, argc, argv, evict);
}

const struct verb verb_pin = {
    .name = "pin",
    .args = "PATH...",
    .summary = "Keeps files, and all in folders, on this machine; returns when they are here.",
    .details =
        "What comes into a pinned folder later is kept, too. Interrupted, it goes on in the\n"
        "background.",
    .options = pin_rows,
    .run = run_pin,
};

const struct verb verb_unpin = {
    .name = "unpin",
    .args = "PATH...",
    .summary = "Lets go what was pinned: it may be dropped from the cache again.",
    .options = unpin_rows,
    .run = run_unpin,
};

const struct verb verb_evict = {
    .name = "evict",
    .args = "PATH...",
    .summary = "Drops files, and all in folders, from the cache now.",
    .details = "What is open or pinned stays.",
    .options = evict_rows,
    .run = run_evict,
};
