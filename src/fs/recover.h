/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_RECOVER_H
#define GRAPHFS_FS_RECOVER_H

#include "base/err.h"
#include "overlay/overlay.h"
#include "store/store.h"

/* Brings rows and overlays together after whatever ended the last mount: a row gets the size and
 * time that its overlay has; an overlay that no row stands for is set aside, and told in the log.
 * Before anything is mounted. -errno for failures of the store. */
int recover_written(struct store *store, struct overlays *overlays, struct err *err);

#endif
