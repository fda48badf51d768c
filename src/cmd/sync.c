/* SPDX-License-Identifier: MIT */
/* graphfs sync: asks the daemon to look for changes now, and waits until they are there. */
#include "config.h"

#include <stddef.h>

#include "cmd/cmd.h"
#include "cmd/daemon.h"
#include "cmd/mountinfo.h"

struct sync_values {
    bool confirms_removals;
    bool has_failed; /* one of several */
};

static const struct option_row sync_rows[] = {
    { "confirm-removals", 0, OPTION_FLAG, NULL,
      "first let go what is gone from the service, though it is\nsurprisingly much",
      offsetof(struct sync_values, confirms_removals) },
    OPTIONS_END,
};

static int sync_mount(const struct mount_entry *mount, void *arg, struct err *err)
{
    const struct sync_values *values = arg;
    int r = values->confirms_removals ? daemon_request(mount, "confirm-removals", err) : 0;

    return r == 0 ? daemon_request(mount, "sync", err) : r;
}

/* One that fails holds up no other. */
static int sync_each(const struct mount_entry *mount, void *arg, struct err *err)
{
    struct sync_values *values = arg;

    if (sync_mount(mount, values, err) < 0) {
        (void)verb_failed(err, "syncing");
        values->has_failed = true;
    }
    return 0;
}

static int sync_place(const char *place, struct sync_values *values, struct err *err)
{
    struct mount_entry mount = { 0 };
    int r = mountinfo_find_holding(place, &mount, err);

    if (r == 0)
        r = sync_mount(&mount, values, err);
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
    .summary = "Looks for changes now; returns when they are there.",
    .details = "Without an argument: in each of your mounts.",
    .options = sync_rows,
    .run = run_sync,
};
