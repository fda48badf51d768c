/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_PIN_H
#define GRAPHFS_FS_PIN_H

/* Pinning and unpinning, as people ask for it by command or attribute. */

#include "fs/fs_i.h"

/* Pins the row and all below it, for good; *ret_pass is the first pass of the pinner that knows of
 * it. Waits for the store's writer; no lock is held. -ENOENT: there is no such row. */
int pin_set(struct fs *fs, ino_nr ino, uint64_t *ret_pass, struct err *err);

/* Lets the row and all below it go. -EBUSY with a message if something above it is pinned. */
int pin_clear(struct fs *fs, ino_nr ino, uint64_t *ret_pass, struct err *err);

#endif
