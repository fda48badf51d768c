/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_PUSH_RIVAL_H
#define GRAPHFS_SYNC_PUSH_RIVAL_H

/*
 * What the server has at the place that a row has here. It looks at no case: "A" is in the way of
 * "a", although both can be shown. Inside the caller's transaction.
 */

#include "store/store.h"

/* An item that waits for the row's name, or has it but for case. -ENOENT: there is none. */
int rival_find(struct store_txn *txn, const struct node *node, ino_nr *ret);

/* A row that has this name on the server, but for case, and is gone here. -ENOENT. */
int rival_find_gone(struct store_txn *txn, const struct node *node, ino_nr *ret);

#endif
