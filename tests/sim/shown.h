/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_SHOWN_H
#define GRAPHFS_TESTS_SHOWN_H

/*
 * What the store has shown, commit by commit, and what must not happen to it on the way, even if
 * all is well in the end:
 *
 * - A row whose item was never deleted, nor a folder that it was in, stays, with its inode number.
 * - A content that is the same keeps its generation: it isn't fetched again.
 * - Once an item was asked for and the answer taken, its row never goes back behind that.
 * - An item that is gone for whoever is asked doesn't come back.
 */

#include "../fakes/fake_remote.h"
#include "base/vec.h"
#include "graph/item.h"
#include "store/store.h"

struct world;

struct shown_item {
    ino_nr ino; /* 0: not shown so far, or no more */
    unsigned content;
    uint64_t generation;
    int floor;     /* number of the version that an answer told last; -1: none */
    int candidate; /* the same, of an answer that was not taken yet */
    bool was_removed;
    size_t removed_len; /* versions that it had then */
    bool told_alive;    /* since then, by an answer about itself */
};

DEFINE_VEC(shown_items, struct shown_item);

struct shown {
    struct shown_items items; /* by number in the model */
};

void shown_clear(struct shown *shown);

/* A commit told of these changes. */
void shown_take_changes(struct world *world, const struct change *changes, size_t count);
/* An answer arrives. */
void shown_take_answer(struct world *world, enum fake_request kind, const struct item_page *page);
/* A turn has ended: what arrived before it was taken, or never will be. */
void shown_end_turn(struct world *world);
/* Looks at all rows. */
void shown_look(struct world *world);

/* How often a folder is nested at most. */
#define SHOWN_DEPTH 64

#endif
