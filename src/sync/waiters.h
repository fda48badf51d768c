/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_WAITERS_H
#define GRAPHFS_SYNC_WAITERS_H

/*
 * Who waits for something that sync does: a function to call, under an id by which the wait can be
 * given up from any thread. What is waited for holds ids only, so it need not know who has left.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/vec.h"

typedef void waiter_done_fn(const struct err *err, void *arg);

struct waiters {
    pthread_mutex_t lock;
    /* lock */
    TAILQ_HEAD(, waiter) list;
    uint64_t last_id;
};

DEFINE_VEC(waiter_ids, uint64_t);

/* Begin and end. At the end nobody may wait any more. */
void waiters_init(struct waiters *waiters);
void waiters_clear(struct waiters *waiters);

/* Ids are never 0 and never used again. */
uint64_t waiters_add(struct waiters *waiters, waiter_done_fn *done, void *arg);

/* True: its done will not run. */
bool waiters_forget(struct waiters *waiters, uint64_t id);

/* Runs done, unless the waiter has left. err is NULL on success. Hold no lock. */
void waiters_finish(struct waiters *waiters, uint64_t id, const struct err *err);

/* The same for each of ids, which is empty afterwards. */
void waiters_finish_each(struct waiters *waiters, struct waiter_ids *ids, const struct err *err);

/* The same for all there are. */
void waiters_finish_all(struct waiters *waiters, const struct err *err);

#endif
