/* SPDX-License-Identifier: MIT */
/* graphfs sync: asks the daemon to look for changes now, and waits until they are there. */
#include "config.h"

#include <stddef.h>

#include "cmd/cmd.h"
#include "cmd/daemon.h"
#include "cmd/mountinfo.h"

struct sync_values {
    bool confirms_removals;
};

static const struct option_row sync_rows[] = {
    { "confirm-removals", 0, OPTION_FLAG, NULL,
      "first let go what is gone from the service, though it is\nsurprisingly much",
      offsetof(struct sync_values, confirms_removals) },
    OPTIONS_END,
};

static int sync_mount(const char *place, const struct sync_values *values, struct err *err)
{
    struct mount_entry mount = { 0 };
    int r = mountinfo_find_holding(place, &mount, err);

    if (r == 0 && values->confirms_removals)
        r = daemon_request(&mount, "confirm-removals", err);
    if (r == 0)
        r = daemon_request(&mount, "sync", err);
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
    if (first == argc && sync_mount(NULL, &values, &err) < 0)
        return verb_failed(&err, "syncing");
    for (int i = first; i < argc; i++) {
        if (sync_mount(argv[i], &values, &err) < 0)
            return verb_failed(&err, "syncing");
    }
    return EXIT_DONE;
}

const struct verb verb_sync = {
    .name = "sync",
    .args = "[MOUNTPOINT|PATH...]",
    .summary = "Looks for changes now; returns when they are there.",
    .options = sync_rows,
    .run = run_sync,
};
