/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_PUSH_STORE_H
#define GRAPHFS_SYNC_PUSH_STORE_H

/*
 * What the answers to our own changes do to rows. The counterpart of apply for what was asked by
 * us: here the server says what we said. All of it blocks on the disk, inside the caller's
 * transaction.
 */

#include "sync/apply.h"

/* The item is as the intent asked: it becomes base. What was changed here since stays a difference.
 * The intent is cleared. If delta has made another row of the item meanwhile that one goes; unless
 * something was changed in it here, then that is left to settle. */
int push_take_item(struct store_txn *txn, const struct apply_context *context,
                   const struct intent *intent, const struct item *item, struct err *err);

/* The item is gone, as the intent asked. */
int push_take_deletion(struct store_txn *txn, const struct apply_context *context,
                       const struct intent *intent, struct err *err);

/* The intent has no outcome: what appeared in its place meanwhile is shown. After what is known of
 * the item by now has been applied. */
int push_forget(struct store_txn *txn, const struct apply_context *context, struct err *err);

/* Whether the item is what the intent asked for: so an answer that was lost had been yes. */
bool push_is_done(const struct intent *intent, const struct item *item);

/* The same for a content that the service stores in another way than it was sent: by whoever
 * changed it last (user: ourselves), and by its time, if that of the former content (NULL: there is
 * none) was another. */
bool push_is_rewritten(const struct intent *intent, const struct item *item, const char *user,
                       const struct node_state *former);

#endif
