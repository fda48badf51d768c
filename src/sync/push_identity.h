/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_PUSH_IDENTITY_H
#define GRAPHFS_SYNC_PUSH_IDENTITY_H

/*
 * Identity is kept on save: a new file that ends where the server has a file that is gone here, or
 * that has the name of a backup by now, takes over that one's item. So its versions, its sharing
 * links and its comments survive programs that save by renaming, or by removing and making anew;
 * the backup is the new item. Files only, never folders. All of it works inside the caller's
 * transaction.
 */

#include "store/store.h"

struct identity_pair {
    /* The other one: for a file that was made here the row whose item it is to be; for that row the
     * new file. STORE_INO_NONE: the row is none of these. */
    ino_nr partner;
    bool is_backup; /* the row itself is; it needs a content of its own first */
    bool is_later;  /* the partner has something to do before */
};

/* Which pair the row is one of. */
int identity_find_pair(struct store_txn *txn, const struct node *node, struct identity_pair *ret);

/* The new file has the item from now on, with a content of its own. The row that had it goes; a
 * backup has none any more. Either of the two may be `ino`. */
int identity_hand_over(struct store_txn *txn, ino_nr ino, ino_nr partner);

#endif
