/* SPDX-License-Identifier: MIT */
/*
 * graphfs unmount: returns when the daemon has gone, so that what comes next (another mount, a
 * backup of the cache) finds nothing half done. The mount of a daemon that has died is taken away.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/daemon.h"
#include "cmd/mount_point.h"
#include "cmd/mountinfo.h"

/* How long a daemon may take to end. */
enum { PATIENCE_MS = 30000 };

static const struct option_row unmount_rows[] = {
    OPTIONS_END,
};

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

static int unmount(const struct mount_entry *mount, struct err *err)
{
    cleanup_close int daemon = -1;
    int r;

    if (mount_point_is_stale(mount->path))
        return unmount_stale(mount, err);
    daemon = watch_daemon(mount);
    r = mount_point_unmount(mount->path, err);
    if (r == 0)
        wait_for_end(mount, daemon);
    return r;
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
    struct mount_entry mount = { 0 };
    struct err err = { 0 };
    int first, code, r;

    if (!verb_parse(verb, argc, argv, NULL, &first, &code))
        return code;
    if (argc - first != 1)
        return verb_misused(verb, "one MOUNTPOINT is wanted");
    r = find(argv[first], &mount, &err);
    if (r == 0)
        r = unmount(&mount, &err);
    mount_entry_clear(&mount);
    return r < 0 ? verb_failed(&err, "unmounting") : EXIT_DONE;
}

const struct verb verb_unmount = {
    .name = "unmount",
    .args = "MOUNTPOINT",
    .summary = "Unmounts, and waits until the daemon has ended.",
    .options = unmount_rows,
    .run = run_unmount,
};
