/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CMD_SERVE_H
#define GRAPHFS_CMD_SERVE_H

#include "base/err.h"
#include "cmd/background.h"
#include "cmd/mount_options.h"
#include "graph/graph.h"

/* What a mount is made of. Borrowed. */
struct serve_conf {
    const char *account;
    const char *state_dir;
    const char *cache_dir;
    const struct graph_conf *graph;
    const struct mount_options *options;
    const char *mountpoint; /* absolute, prepared */
    const char *log_file;   /* absolute; NULL: stderr */
    struct background *background;
};

/* The daemon: puts the rooms together, mounts, says so, serves until the end, and takes all down
 * again. Returns 0 after an orderly end, or -errno with a message if it never came to serve. */
int serve(const struct serve_conf *conf, struct err *err);

#endif
