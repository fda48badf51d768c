/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_REWRITTEN_H
#define GRAPHFS_FS_REWRITTEN_H

/*
 * Files that the service stores in another way than they were sent. What the user wrote is shown as
 * long as all of it is here; then the file is what the service has.
 */

#include "fs/fs_i.h"

/* Whether the row shows a content that can't be had any more. Reads no more than the row unless it
 * is one of these files. */
bool rewritten_is_lost(const struct fs *fs, const struct node *node);

/* If it does it shows the service's from now on. Not under the store's lock. */
int rewritten_check(struct fs *fs, ino_nr ino);

#endif
