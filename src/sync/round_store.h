/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_ROUND_STORE_H
#define GRAPHFS_SYNC_ROUND_STORE_H

/*
 * What a round writes: each function is one transaction, so that a kill between two of them loses
 * nothing, and updates follow->status to what the store then says. Sync thread only.
 */

#include "sync/sync_i.h"

/* Takes a page of the round that is under way: applies it (the very first round) or stages it. The
 * last page makes the round ROUND_APPLY; or ROUND_NONE if there is nothing to apply. */
int round_store_page(struct sync *sync, struct follow *follow, const struct item_page *page,
                     struct err *err);

/* Forgets all links and what was staged: the round begins again, without a token. */
int round_store_restart(struct sync *sync, struct follow *follow, struct err *err);

enum round_apply_result {
    ROUND_APPLY_MORE,
    ROUND_APPLY_UNDECIDED, /* only follow->undecided is left: to be asked for */
    ROUND_APPLY_DONE,      /* the round has ended */
    ROUND_APPLY_FAILED,    /* err says why */
};

/* Applies the next part of what is staged. */
enum round_apply_result round_store_apply(struct sync *sync, struct follow *follow,
                                          struct err *err);

#endif
