/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_WRITTEN_H
#define GRAPHFS_TESTS_WRITTEN_H

/* What users here write, as src/fs does it: the bytes first (memory_bytes.h), then the row. */

#include "world.h"

struct writing {
    unsigned content;
    int64_t size;
    bool is_partial; /* what isn't overwritten is to be kept */
};

/* The bytes of a new file are there, empty. */
void written_add_empty(struct world *world, const struct node_attr *file);

/* Writes to the file, which is open from then on. False: it can't be done. */
bool written_write(struct world *world, ino_nr ino, const struct writing *writing);

/* Closes it. False: it isn't open. */
bool written_close(struct world *world, ino_nr ino);

bool written_set_mtime(struct world *world, ino_nr ino, int64_t mtime_ns);

/* What is to be sent and still lacks a part has it now. False: there is none. */
bool written_fill(struct world *world);

/* After a start. */
void written_recover(struct world *world, bool is_power_cut);

/* All is closed, and whole. */
void written_finish(struct world *world);

/* A transaction that a user here asks for, and its end: 0, or why not. */
int written_begin(struct world *world, struct store_txn **ret);
int written_commit(struct world *world, struct store_txn *txn, int r, ino_nr ino);

#endif
