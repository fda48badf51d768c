/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CMD_MOUNT_ROOT_H
#define GRAPHFS_CMD_MOUNT_ROOT_H

#include "base/err.h"
#include "store/store.h"
#include "sync/sync.h"

/* Whether this can be the path of a root: absolute, with no empty, "." or ".." part. -EINVAL with a
 * message if it can't. */
int mount_root_check(const char *path, struct err *err);

/*
 * Finds the directory that a Graph path names. What the store knows is enough; else the service is
 * asked, which blocks, and for which sync must run. -ENOENT if there is no such place, -ENOTDIR,
 * -ENETDOWN.
 */
int mount_root_find(struct store *store, struct sync *sync, const char *path, ino_nr *ret_root,
                    struct err *err);

/* The same without asking: -ENOENT if the store doesn't know it. */
int mount_root_find_known(struct store *store, const char *path, ino_nr *ret_root);

#endif
