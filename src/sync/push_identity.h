/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_PUSH_IDENTITY_H
#define GRAPHFS_SYNC_PUSH_IDENTITY_H

/*
 * Identity is kept on save: a new file that ends where the server has a file that is gone here
 * takes over that one's item. So its versions, its sharing links and its comments survive programs
 * that save by renaming, or by removing and making anew. Files only, never folders. All of it works
 * inside the caller's transaction.
 */

#include "store/store.h"

/* The other one of a pair: for a file that was made here the row whose item it is to be; for that
 * row the new file. STORE_INO_NONE: the row is none of these. */
int identity_find_partner(struct store_txn *txn, const struct node *node, ino_nr *ret);

/* Makes the pair one: the new file has the item from now on, with a content of its own. The row
 * that had it goes. Either of the two may be `ino`. */
int identity_hand_over(struct store_txn *txn, ino_nr ino, ino_nr partner);

#endif
