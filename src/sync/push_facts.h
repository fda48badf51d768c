/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_PUSH_FACTS_H
#define GRAPHFS_SYNC_PUSH_FACTS_H

/* What the rows around a row say about its next step: see push_plan.h. */

#include "sync/push_plan.h"

/* Fills in all that the store knows: not is_resting, has_content,
 * nor whether the partner is busy. */
int push_find_facts(struct store_txn *txn, const struct node *node, struct push_facts *ret);

#endif
