/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_BYTES_H
#define GRAPHFS_FS_BYTES_H

/* What was written here, for sync to send: struct bytes over overlays. */

#include "fs/endings.h"
#include "fs/fs.h"
#include "sync/bytes.h"
#include "sync/sync.h"

/* All is borrowed, and outlives it. For fs_bytes_free(), when nothing is sent any more. */
struct bytes *fs_bytes_new(const struct endings_conf *conf);

/* Whom to wake when content has come. Before anything is sent. */
void fs_bytes_set_sync(struct bytes *bytes, struct sync *sync);

/* Whose files those are. The same. */
void fs_bytes_set_fs(struct bytes *bytes, struct fs *fs);

/* Waits until nobody reads any more, and what isn't needed has gone; a hash is given up with
 * -ECANCELED. When sync has stopped, and before the overlays go: what was being read is let go by
 * whoever hears of the end. NULL is allowed. */
void fs_bytes_stop(struct bytes *bytes);

/* NULL is allowed. */
void fs_bytes_free(struct bytes *bytes);

#endif
