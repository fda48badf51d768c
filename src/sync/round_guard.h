/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_ROUND_GUARD_H
#define GRAPHFS_SYNC_ROUND_GUARD_H

/* What is kept of what the server deletes all at once. */

#include "sync/apply.h"

/*
 * To be called when a round is staged, before it is applied. If it deletes too many at once (as
 * removal_is_too_big() says), what is pinned, or has something pinned in it, is not deleted with
 * the rest: it is noted as missing, and held until the user agrees. What was changed here stays
 * without that.
 */
int guard_hold_pinned(struct store *store, struct store_txn *txn,
                      const struct apply_context *context);

#endif
