/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_PREFETCH_H
#define GRAPHFS_FS_PREFETCH_H

/*
 * Sees when the small files of a folder are being opened one after the other, by name or by number
 * (the order of readdir), and has content fetch those that come next.
 */

#include "fs/fs_i.h"

struct prefetcher;

/* One that has seen nothing yet. For prefetcher_free(), which takes NULL, too. */
struct prefetcher *prefetcher_new(void);
void prefetcher_free(struct prefetcher *prefetcher);

/* A small file has been opened. Reads the store at times; no lock is held. Any thread. */
void prefetch_note_open(struct fs *fs, const struct node *node);

#endif
