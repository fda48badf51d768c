/* SPDX-License-Identifier: MIT */
/*
 * The state of the mount as JSON, for `graphfs status` and for programs. Each room is asked once;
 * the parts may be of slightly different moments.
 *
 * `problems` is the part for people: what is wrong, and what to do about it.
 */
#include "config.h"

#include "fs/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/vec.h"
#include "fs/notify.h"
#include "fs/opens.h"
#include "fs/pinner.h"
#include "fs/wait.h"

DEFINE_VEC(drive_statuses, struct sync_drive_status);

static const char *const link_names[] = {
    [GRAPH_ONLINE] = "online",
    [GRAPH_OFFLINE] = "offline",
    [GRAPH_SIGNED_OUT] = "signed-out",
};

static const char *const round_names[] = {
    [ROUND_NONE] = "none", [ROUND_FIRST] = "first",    [ROUND_DELTA] = "delta",
    [ROUND_FULL] = "full", [ROUND_APPLY] = "applying",
};

static void add_member(struct strbuf *out, const char *name, const char *value)
{
    (void)strbuf_addf(out, "\"%s\":", name);
    if (value)
        json_add_string(out, value);
    else
        (void)strbuf_addstr(out, "null");
}

static void collect(const struct sync_drive_status *status, void *arg)
{
    (void)drive_statuses_push(arg, *status);
}

static void add_drive(struct fs *fs, struct strbuf *out, const struct sync_drive_status *status)
{
    struct drive_row drive = { 0 };
    bool is_complete =
        store_get_drive(fs->conf.store, status->drive, &drive) == 0 && drive.round_ended_ms != 0;

    (void)strbuf_addch(out, '{');
    add_member(out, "id", drive.drive_id);
    (void)strbuf_addch(out, ',');
    add_member(out, "name", drive.name);
    (void)strbuf_addch(out, ',');
    add_member(out, "type", drive.type);
    (void)strbuf_addch(out, ',');
    add_member(out, "round", round_names[status->round]);
    (void)strbuf_addf(out,
                      ",\"complete\":%s,\"items_seen\":%" PRId64 ",\"rounds\":%" PRId64
                      ",\"last_round_ms\":%" PRId64 ",\"held\":%" PRId64 ",",
                      is_complete ? "true" : "false", status->items_seen, status->rounds,
                      status->last_round_ms, status->held);
    add_member(out, "error", status->error.code != 0 ? status->error.msg : NULL);
    (void)strbuf_addch(out, '}');
    drive_row_clear(&drive);
}

static void add_drives(struct fs *fs, struct strbuf *out, const struct drive_statuses *statuses)
{
    const char *separator = "";

    (void)strbuf_addstr(out, ",\"drives\":[");
    for (size_t i = 0; i < statuses->len; i++) {
        if (statuses->items[i].drive == 0)
            continue; /* not a drive: what went wrong when they were asked for */
        (void)strbuf_addstr(out, separator);
        add_drive(fs, out, &statuses->items[i]);
        separator = ",";
    }
    (void)strbuf_addch(out, ']');
}

struct problems {
    struct strbuf *out;
    const char *separator;
};

static void add_problem(struct problems *problems, const char *what, const char *remedy)
{
    (void)strbuf_addf(problems->out, "%s{", problems->separator);
    add_member(problems->out, "what", what);
    (void)strbuf_addch(problems->out, ',');
    add_member(problems->out, "remedy", remedy);
    (void)strbuf_addch(problems->out, '}');
    problems->separator = ",";
}

static void add_link_problem(struct fs *fs, struct problems *problems, enum graph_link link,
                             const char *message)
{
    char remedy[128];

    if (link == GRAPH_OFFLINE) {
        add_problem(problems, message,
                    "what is known and cached can be read; it goes on when the network is back");
    } else if (link == GRAPH_SIGNED_OUT) {
        (void)snprintf(remedy, sizeof remedy, "graphfs login -a %s", fs->conf.account);
        add_problem(problems, message, remedy);
    }
}

static bool find_denied(const struct blocked *blocked, void *arg)
{
    bool *is_denied = arg;

    *is_denied = blocked->code == -EACCES;
    return !*is_denied;
}

/* Of a sign-in that was for reading everything that is sent is refused. */
static void add_permission_problem(struct fs *fs, struct problems *problems)
{
    struct graph_identity identity = { 0 };
    bool is_denied = false;
    char remedy[128];

    if (store_list_blocked(fs->conf.store, 0, find_denied, &is_denied) < 0 || !is_denied ||
        graph_identity_load(fs->conf.state_dir, &identity, NULL) < 0)
        return;
    (void)snprintf(remedy, sizeof remedy, "graphfs login --write -a %s", fs->conf.account);
    if (!identity.writes)
        add_problem(problems, "the sign-in is for reading: changes are refused", remedy);
    graph_identity_clear(&identity);
}

static void add_pin_problem(struct fs *fs, struct problems *problems, enum graph_link link)
{
    struct pin_status pins;

    pinner_status(fs->pinner, &pins);
    if (pins.error.code == -ENOSPC)
        add_problem(problems, "there is no room on the disk for all that is pinned",
                    "make room on the disk of the cache, or unpin something");
    else if (pins.error.code != 0 && link == GRAPH_ONLINE)
        add_problem(problems, pins.error.msg, "it is tried again");
}

static void add_held_problem(struct fs *fs, struct problems *problems)
{
    int64_t count = sync_count_held_deletes(fs->conf.sync);
    char what[128];

    if (count == 0)
        return;
    (void)snprintf(what, sizeof what, "%" PRId64 " items were deleted here all at once", count);
    add_problem(problems, what,
                "they stay on the service until graphfs sync --confirm-deletes says so");
}

static void add_pins(struct fs *fs, struct strbuf *out)
{
    struct pin_status pins;

    pinner_status(fs->pinner, &pins);
    (void)strbuf_addf(out,
                      ",\"pins\":{\"count\":%" PRId64 ",\"files\":%" PRId64 ",\"bytes\":%" PRId64
                      ",\"missing_files\":%" PRId64 ",\"missing_bytes\":%" PRId64
                      ",\"busy\":%s,\"passes\":%" PRIu64 ",",
                      pins.pins, pins.files, pins.bytes, pins.missing_files, pins.missing_bytes,
                      pins.is_busy ? "true" : "false", pins.passes);
    add_member(out, "error", pins.error.code != 0 ? pins.error.msg : NULL);
    (void)strbuf_addch(out, '}');
}

static void add_problems(struct fs *fs, struct strbuf *out, enum graph_link link,
                         const char *message, const struct drive_statuses *statuses)
{
    struct problems problems = { out, "" };
    struct content_status cache;

    (void)strbuf_addstr(out, ",\"problems\":[");
    add_link_problem(fs, &problems, link, message);
    add_permission_problem(fs, &problems);
    content_get_status(fs->conf.content, &cache);
    if (cache.is_without_room)
        add_problem(&problems, "there is no room to keep what is read: each reading fetches again",
                    "make room on the disk of the cache, or set cache_size and min_free");
    add_pin_problem(fs, &problems, link);
    add_held_problem(fs, &problems);
    for (size_t i = 0; i < statuses->len; i++) {
        const struct sync_drive_status *status = &statuses->items[i];
        char held[128];

        /* Being offline was said already. */
        if (status->error.code != 0 && link == GRAPH_ONLINE)
            add_problem(&problems, status->error.msg,
                        status->error.code == -ENOSPC
                            ? "make room on the disk of the state directory"
                            : "it is tried again");
        if (status->held > 0) {
            (void)snprintf(held, sizeof held,
                           "%" PRId64 " items are gone from the service all at once", status->held);
            add_problem(&problems, held,
                        "they stay here until graphfs sync --confirm-removals says so");
        }
    }
    (void)strbuf_addch(out, ']');
}

static void add_tree(struct fs *fs, struct strbuf *out)
{
    struct store_counts counts = { 0 };

    (void)store_counts(fs->conf.store, &counts);
    (void)strbuf_addf(
        out, ",\"tree\":{\"items\":%" PRId64 ",\"folders\":%" PRId64 ",\"bytes\":%" PRId64 "}",
        counts.nodes, counts.folders, counts.bytes);
}

static void add_activity(struct fs *fs, struct strbuf *out)
{
    struct graph_counters counters = graph_count(fs->conf.graph);
    struct content_status cache;

    content_get_status(fs->conf.content, &cache);
    (void)strbuf_addf(
        out,
        ",\"cache\":{\"used_bytes\":%" PRId64 ",\"pinned_bytes\":%" PRId64
        ",\"limit_bytes\":%" PRId64 ",\"files\":%" PRId64 ",\"fetches_active\":%" PRId64 "}",
        cache.used_bytes, cache.pinned_bytes, cache.limit_bytes, cache.files, cache.fetches_active);
    (void)strbuf_addf(out,
                      ",\"requests\":{\"count\":%" PRIu64 ",\"bytes_received\":%" PRIu64
                      ",\"bytes_sent\":%" PRIu64 "}",
                      counters.requests, counters.bytes_received, counters.bytes_sent);
    status_write_changes(fs, out);
    (void)strbuf_addf(out, ",\"open_files\":%zu,\"waiting\":%zu,\"notifications\":%zu",
                      fs_count_open_files(fs), waits_count(fs->waits),
                      notifier_length(fs->notifier));
}

void status_write(struct fs *fs, struct strbuf *out)
{
    struct drive_statuses statuses = { 0 };
    char message[ERR_MSG_SIZE];
    enum graph_link link = graph_state(fs->conf.graph, message, sizeof message);

    sync_status(fs->conf.sync, collect, &statuses);
    (void)strbuf_addf(out, "{\"version\":\"%s\",\"pid\":%ld,", PACKAGE_VERSION, (long)getpid());
    add_member(out, "account", fs->conf.account);
    (void)strbuf_addch(out, ',');
    add_member(out, "mountpoint", fs->conf.mountpoint);
    (void)strbuf_addch(out, ',');
    add_member(out, "root", fs->root_path);
    (void)strbuf_addch(out, ',');
    add_member(out, "log", fs->conf.log_file);
    (void)strbuf_addch(out, ',');
    add_member(out, "state", link_names[link]);
    (void)strbuf_addch(out, ',');
    add_member(out, "message", message);
    add_drives(fs, out, &statuses);
    add_activity(fs, out);
    add_pins(fs, out);
    add_tree(fs, out);
    add_problems(fs, out, link, message, &statuses);
    (void)strbuf_addstr(out, "}\n");
    drive_statuses_clear(&statuses);
}
