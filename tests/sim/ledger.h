/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_LEDGER_H
#define GRAPHFS_TESTS_LEDGER_H

/*
 * What must not happen to contents, wherever they were made:
 *
 * - What a user here closed is there when all is calm: as an item of the server, unless it was
 *   overwritten or deleted here, or by somebody on the server, who had it before his eyes there.
 * - What the server has is overwritten or deleted from here only if a user here, who saw it, has
 *   overwritten or deleted it. What is in a folder that is deleted counts as seen only if it could
 *   be: a listing that was made before the folder was deleted had it.
 * - What is saved into an item stays in that item, and is in no other; what was then overwritten or
 *   deleted here is in none.
 * - A row that nobody here has touched keeps its inode number.
 *
 * A content is a number, and no two that anybody writes are the same, but for empty ones.
 */

#include "base/vec.h"
#include "store/store.h"

struct world;

struct noted_content {
    unsigned origin;  /* the service has made it of that one; 0: it hasn't */
    bool is_closed;   /* a user here has closed it */
    bool is_released; /* a user here has seen it, and overwritten or deleted it */
    bool is_copy;     /* it may be in more than one item, or in one that is to be gone */
    size_t item;      /* that it was saved into; SIZE_MAX: a new one */
    unsigned change;  /* of the item's version that it was based on */
};

DEFINE_VEC(noted_contents, struct noted_content);

struct noted_row {
    ino_nr ino;
    unsigned change; /* of the item's version when it was looked at */
};

DEFINE_VEC(noted_rows, struct noted_row);
DEFINE_VEC(touched_rows, ino_nr);

struct ledger {
    struct noted_contents contents; /* by number */
    struct noted_rows rows;         /* by number of the item in the model, as of the last calm */
    struct touched_rows touched;    /* since then, by users here */
};

void ledger_clear(struct ledger *ledger);

/* The content that the row shows; 0: an empty one, or nobody knows. */
unsigned ledger_shown(struct world *world, const struct node *node);

/* A user here has overwritten or deleted this content, which the row showed; or nobody knows. */
void ledger_note_released(struct world *world, ino_nr ino, unsigned content, bool is_sure);
void ledger_note_touched(struct world *world, ino_nr ino);
/* He has closed what he wrote: the row shows it. */
void ledger_note_closed(struct world *world, const struct node *node);
/* He has written what somebody else had made. */
void ledger_note_copied(struct world *world, unsigned content);
/* The power was cut: what the store has forgotten was not on the disk. */
void ledger_note_power_cut(struct world *world);

/* From the fake service: see fake_settings. arg is the world. */
void ledger_on_loss(size_t item, void *arg);
void ledger_on_rewrite(unsigned from, unsigned to, void *arg);

/* Whether two contents are the same, as far as the service leaves them what they are. */
bool ledger_is_same(const struct world *world, unsigned one, unsigned other);

/* All must be there. */
void ledger_check(struct world *world);

#endif
