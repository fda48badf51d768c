/* SPDX-License-Identifier: MIT */
/*
 * graphfs unmount: returns when the daemon has gone, so that what comes next (another mount, a
 * backup of the cache) finds nothing half done. The mount of a daemon that has died is taken away.
 * What isn't sent yet stays for the next mount, and is told; with --wait it is sent first.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/daemon.h"
#include "cmd/mount_point.h"
#include "cmd/mountinfo.h"

/* How long a daemon may take to end; what is changed while all is sent is sent so often. */
enum { PATIENCE_MS = 30000, DRAINS_MAX = 10 };

struct unmount_values {
    bool waits;
};

static const struct option_row unmount_rows[] = {
    { "wait", 0, OPTION_FLAG, NULL, "first wait until all that was changed here is sent",
      offsetof(struct unmount_values, waits) },
    OPTIONS_END,
};

/* ---- what is to be sent ---- */

struct left {
    int64_t changes, bytes, blocked;
    char state[16]; /* of the mount */
};

static struct left look(const struct mount_entry *mount)
{
    cleanup_json struct json_object *status = NULL;
    struct left left = { 0 };

    if (daemon_read_status(mount, &status, NULL) == 0) {
        const char *state = "";

        (void)json_get_str(status, "state", &state);
        (void)snprintf(left.state, sizeof left.state, "%s", state);
        (void)json_get_i64(status, "changes.pending", &left.changes);
        (void)json_get_i64(status, "changes.bytes", &left.bytes);
        (void)json_get_i64(status, "changes.blocked", &left.blocked);
    }
    return left;
}

struct draining {
    const struct mount_entry *mount;
    struct err err;
    int result;
};

static void *drain(void *arg)
{
    struct draining *draining = arg;

    draining->result = daemon_request(draining->mount, "drain", &draining->err);
    return NULL;
}

/* For whoever sits before it, over and over in one line. */
static void print_progress(const struct mount_entry *mount, bool is_over)
{
    struct left left = { 0 };

    if (!isatty(STDERR_FILENO))
        return;
    if (!is_over)
        left = look(mount);
    if (left.changes > 0)
        (void)fprintf(stderr, "\r\33[K%s: %s, %" PRId64 " change%s to go, %" PRId64 " MiB",
                      mount->path, left.state, left.changes, left.changes == 1 ? "" : "s",
                      left.bytes >> 20);
    else
        (void)fputs("\r\33[K", stderr);
}

static int drain_once(const struct mount_entry *mount, struct err *err)
{
    struct draining draining = { .mount = mount };
    struct timespec now;
    pthread_t thread;
    int r = pthread_create(&thread, NULL, drain, &draining);

    if (r != 0)
        return err_set_errno(err, r, "starting a thread");
    do {
        print_progress(mount, false);
        (void)clock_gettime(CLOCK_REALTIME, &now);
        now.tv_sec++;
    } while (pthread_timedjoin_np(thread, NULL, &now) != 0);
    print_progress(mount, true);
    if (draining.result < 0)
        *err = draining.err;
    return draining.result;
}

/* Until nothing is left but what the service refuses. */
static void wait_until_sent(const struct mount_entry *mount)
{
    struct err err = { 0 };

    for (int i = 0; i < DRAINS_MAX && look(mount).changes > 0; i++) {
        if (drain_once(mount, &err) < 0) {
            (void)verb_failed(&err, "sending");
            return;
        }
    }
}

static void print_left(const struct mount_entry *mount, const struct left *left)
{
    if (left->changes == 0)
        return;
    (void)printf("%s: %" PRId64 " change%s left to be sent, %" PRId64 " bytes: at the next mount\n",
                 mount->path, left->changes, left->changes == 1 ? " is" : "s are", left->bytes);
    if (left->blocked > 0)
        (void)printf("%s: %" PRId64 " of them the service refuses (mount it, and look at graphfs "
                     "status)\n",
                     mount->path, left->blocked);
}

/* ---- the end of the daemon ---- */

/* A descriptor that becomes readable when the daemon ends; -1 if that can't be had. */
static int watch_daemon(const struct mount_entry *mount)
{
    cleanup_json struct json_object *status = NULL;
    int64_t pid;

    if (daemon_read_status(mount, &status, NULL) < 0 ||
        json_get_i64(status, "pid", &pid) != JSON_OK)
        return -1;
    return (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
}

/* It goes on if what it serves is mounted elsewhere, too: bound, or in another namespace. */
static void wait_for_end(const struct mount_entry *mount, int daemon)
{
    struct pollfd end = { .fd = daemon, .events = POLLIN };
    int r;

    if (daemon < 0)
        return;
    do {
        r = poll(&end, 1, PATIENCE_MS);
    } while (r < 0 && errno == EINTR);
    if (r == 0)
        (void)fprintf(stderr,
                      "graphfs: %s: unmounted; but its daemon goes on, as if it was mounted at "
                      "another place, too (findmnt -t fuse.graphfs)\n",
                      mount->path);
}

static int unmount_stale(const struct mount_entry *mount, struct err *err)
{
    int r = mount_point_detach(mount->path, err);

    if (r == 0)
        (void)fprintf(stderr, "graphfs: %s: its daemon had died; the mount is cleared away\n",
                      mount->path);
    return r;
}

static int unmount(const struct mount_entry *mount, bool waits, struct err *err)
{
    cleanup_close int daemon = -1;
    struct left left;
    int r;

    if (mount_point_is_stale(mount->path))
        return unmount_stale(mount, err);
    if (waits)
        wait_until_sent(mount);
    daemon = watch_daemon(mount);
    left = look(mount);
    r = mount_point_unmount(mount->path, err);
    if (r < 0)
        return r;
    wait_for_end(mount, daemon);
    print_left(mount, &left);
    return waits && left.changes > 0
               ? err_set(err, -EBUSY, "%s: unmounted, but not all is sent", mount->path)
               : 0;
}

static int find(const char *place, struct mount_entry *ret, struct err *err)
{
    cleanup_free char *absolute = NULL, *real = NULL;
    int r = mountinfo_absolute_path(place, &absolute, err);

    if (r < 0)
        return r;
    r = mountinfo_find_at(absolute, ret, err);
    if (r != -ENOENT)
        return r;
    real = realpath(absolute, NULL);
    r = real ? mountinfo_find_at(real, ret, err) : -ENOENT;
    return r == -ENOENT ? err_set(err, r, "%s: graphfs isn't mounted there", place) : r;
}

static int run_unmount(const struct verb *verb, int argc, char **argv)
{
    struct unmount_values values = { 0 };
    struct mount_entry mount = { 0 };
    struct err err = { 0 };
    int first, code, r;

    if (!verb_parse(verb, argc, argv, &values, &first, &code))
        return code;
    if (argc - first != 1)
        return verb_misused(verb, "one MOUNTPOINT is wanted");
    r = find(argv[first], &mount, &err);
    if (r == 0)
        r = unmount(&mount, values.waits, &err);
    mount_entry_clear(&mount);
    return r < 0 ? verb_failed(&err, "unmounting") : EXIT_DONE;
}

const struct verb verb_unmount = {
    .name = "unmount",
    .args = "MOUNTPOINT",
    .summary = "Unmounts, and waits until the daemon has ended.",
    .details =
        "What was changed here and isn't sent yet is sent at the next mount; how much that is\n"
        "is told.",
    .options = unmount_rows,
    .run = run_unmount,
};
