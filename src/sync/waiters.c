/* SPDX-License-Identifier: MIT */
/*
 * A list in order of id. Whoever takes an entry out of it, under the lock, decides its fate: either
 * it is forgotten or its function runs, never both. There are as many entries as system calls that
 * wait for the network: few, or all of them for the same listing, which finishes them from the
 * front.
 */
#include "config.h"

#include "sync/waiters.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/xalloc.h"

struct waiter {
    TAILQ_ENTRY(waiter) link;
    uint64_t id;
    waiter_done_fn *done;
    void *arg;
};

void waiters_init(struct waiters *waiters)
{
    (void)pthread_mutex_init(&waiters->lock, NULL);
    TAILQ_INIT(&waiters->list);
    waiters->last_id = 0;
}

void waiters_clear(struct waiters *waiters)
{
    (void)pthread_mutex_destroy(&waiters->lock);
}

uint64_t waiters_add(struct waiters *waiters, waiter_done_fn *done, void *arg)
{
    struct waiter *waiter = x_calloc(1, sizeof *waiter);

    waiter->done = done;
    waiter->arg = arg;
    LOCKED(&waiters->lock);
    waiter->id = ++waiters->last_id;
    TAILQ_INSERT_TAIL(&waiters->list, waiter, link);
    return waiter->id;
}

/* id 0: the oldest one */
static struct waiter *take(struct waiters *waiters, uint64_t id)
{
    struct waiter *waiter;

    LOCKED(&waiters->lock);
    TAILQ_FOREACH (waiter, &waiters->list, link) {
        if (id == 0 || waiter->id == id) {
            TAILQ_REMOVE(&waiters->list, waiter, link);
            return waiter;
        }
    }
    return NULL;
}

bool waiters_forget(struct waiters *waiters, uint64_t id)
{
    cleanup_free struct waiter *waiter = take(waiters, id);

    return waiter != NULL;
}

void waiters_finish(struct waiters *waiters, uint64_t id, const struct err *err)
{
    cleanup_free struct waiter *waiter = take(waiters, id);

    if (waiter)
        waiter->done(err, waiter->arg);
}

void waiters_finish_each(struct waiters *waiters, struct waiter_ids *ids, const struct err *err)
{
    struct waiter_ids finished = *ids;

    *ids = (struct waiter_ids){ 0 };
    for (size_t i = 0; i < finished.len; i++)
        waiters_finish(waiters, finished.items[i], err);
    waiter_ids_clear(&finished);
}

void waiters_finish_all(struct waiters *waiters, const struct err *err)
{
    struct waiter *waiter;

    while ((waiter = take(waiters, 0))) {
        waiter->done(err, waiter->arg);
        free(waiter);
    }
}
