/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CMD_MOUNT_POINT_H
#define GRAPHFS_CMD_MOUNT_POINT_H

#include "base/err.h"

#include <stdbool.h>

/* Looks whether FUSE is there, and lets this user mount, also for others. -errno with a message
 * that says what to do. */
int mount_point_check_fuse(bool lets_others_in, struct err *err);

/*
 * Looks whether one can mount at path: it is an empty directory where nothing of ours is mounted.
 * What a daemon that died has left there is cleared first. Returns 0 with the
 * absolute path, for the caller to free, or -errno with a message that says what to do.
 */
int mount_point_prepare(const char *path, bool may_have_files, char **ret_path, struct err *err);

/* Refuses (-EINVAL) if what the daemon itself needs lies at or below the mount point, or would when
 * it is made: the daemon would wait for itself, and couldn't even be killed. */
int mount_point_check_hides(const char *mountpoint, const char *path, const char *what,
                            struct err *err);

/* Takes a mount away from the tree, even if it is in use (`fusermount3 -uz`). */
int mount_point_detach(const char *path, struct err *err);

/* Takes a mount away unless it is in use: -EBUSY. */
int mount_point_unmount(const char *path, struct err *err);

/* Whether the daemon of the mount at path is gone. */
bool mount_point_is_stale(const char *path);

#endif
