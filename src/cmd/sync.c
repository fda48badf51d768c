/* SPDX-License-Identifier: MIT */
/* graphfs sync: asks the daemon to bring both sides in step now, and waits until they are. */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "cmd/cmd.h"
#include "cmd/daemon.h"
#include "cmd/mountinfo.h"

struct sync_values {
    bool confirms_removals;
    bool confirms_deletes;
    bool has_failed; /* one of several */
};

static const struct option_row sync_rows[] = {
    { "confirm-removals", 0, OPTION_FLAG, NULL,
      "first let go what is gone from the service, though it is\nsurprisingly much",
      offsetof(struct sync_values, confirms_removals) },
    { "confirm-deletes", 0, OPTION_FLAG, NULL,
      "send what was deleted here, though it is surprisingly much",
      offsetof(struct sync_values, confirms_deletes) },
    OPTIONS_END,
};

static int ask(const struct mount_entry *mount, const char *request,
               const struct sync_values *values, struct err *err)
{
    int r = values->confirms_removals ? daemon_request(mount, "confirm-removals", err) : 0;

    if (r == 0 && values->confirms_deletes)
        r = daemon_request(mount, "confirm-deletes", err);
    return r == 0 ? daemon_request(mount, request, err) : r;
}

/* One that fails holds up no other. */
static int sync_each(const struct mount_entry *mount, void *arg, struct err *err)
{
    struct sync_values *values = arg;

    if (ask(mount, "sync", values, err) < 0) {
        (void)verb_failed(err, "syncing");
        values->has_failed = true;
    }
    return 0;
}

/* A path is told by its number: the daemon knows no paths of ours. */
static int ask_for(const struct mount_entry *mount, const char *place,
                   const struct sync_values *values, struct err *err)
{
    cleanup_free char *request = NULL;
    struct stat stat;

    if (mountinfo_is_at(place, mount))
        return ask(mount, "sync", values, err);
    if (lstat(place, &stat) < 0)
        return err_set_errno(err, errno, "%s", place);
    request = x_asprintf("sync %llu", (unsigned long long)stat.st_ino);
    return ask(mount, request, values, err);
}

static int sync_place(const char *place, const struct sync_values *values, struct err *err)
{
    struct mount_entry mount = { 0 };
    int r = mountinfo_find_holding(place, &mount, err);

    if (r == 0)
        r = ask_for(&mount, place, values, err);
    mount_entry_clear(&mount);
    return r;
}

static int run_sync(const struct verb *verb, int argc, char **argv)
{
    struct sync_values values = { 0 };
    struct err err = { 0 };
    int first, code;

    if (!verb_parse(verb, argc, argv, &values, &first, &code))
        return code;
    if (first == argc && mountinfo_each_own(sync_each, &values, &err) < 0)
        return verb_failed(&err, "syncing");
    for (int i = first; i < argc; i++) {
        if (sync_place(argv[i], &values, &err) < 0)
            return verb_failed(&err, "syncing");
    }
    return values.has_failed ? EXIT_FAILED : EXIT_DONE;
}

const struct verb verb_sync = {
    .name = "sync",
    .args = "[MOUNTPOINT|PATH...]",
    .summary = "Brings what is here and on the service in step now; returns when it is.",
    .details =
        "Without an argument: each of your mounts. Of a PATH's mount only what was changed at\n"
        "or below the PATH is sent, before all else. What can't be sent is told.",
    .options = sync_rows,
    .run = run_sync,
};
