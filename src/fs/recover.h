/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_RECOVER_H
#define GRAPHFS_FS_RECOVER_H

#include "base/err.h"
#include "overlay/overlay.h"
#include "store/store.h"
#include "sync/bytes.h"

struct recovered_rooms {
    struct store *store;
    struct overlays *overlays;
    struct bytes *bytes;
};

/* Brings rows and overlays together after whatever ended the last mount: a row gets the size and
 * time that its overlay has; what was sent goes into the cache; an overlay that no row stands for
 * is set aside, and told in the log. Before anything is mounted. -errno for failures of the store.
 */
int recover_written(const struct recovered_rooms *rooms, struct err *err);

#endif
