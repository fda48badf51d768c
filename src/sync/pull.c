/* SPDX-License-Identifier: MIT */
/*
 * `graphfs sync`: each call has a number. A drive notes the last number given out when a round of
 * it begins; when that round has been applied, all calls up to the number are satisfied as far as
 * this drive is concerned. A call ends when all followed drives have come that far, or with the
 * first failure; if none is followed, when the service has been asked for the drives.
 */
#include "config.h"

#include "sync/sync_i.h"

static uint64_t done_everywhere(struct sync *sync)
{
    uint64_t done = UINT64_MAX;
    struct follow *follow;

    LIST_FOREACH (follow, &sync->follows, link) {
        if (follow->done_pull < done)
            done = follow->done_pull;
    }
    return done;
}

/* The calls up to this number end. Their functions run last: they may call sync. */
static void finish_up_to(struct sync *sync, uint64_t number, const struct err *err)
{
    struct waiter_ids ended = { 0 };
    size_t kept = 0;

    for (size_t i = 0; i < sync->pulls.len; i++) {
        const struct pull pull = sync->pulls.items[i];

        if (pull.number <= number)
            (void)waiter_ids_push(&ended, pull.waiter);
        else
            sync->pulls.items[kept++] = pull;
    }
    sync->pulls.len = kept;
    waiters_finish_each(&sync->waiters, &ended, err);
}

void pull_finish_done(struct sync *sync)
{
    if (!LIST_EMPTY(&sync->follows))
        finish_up_to(sync, done_everywhere(sync), NULL);
}

void pull_finish_if_none(struct sync *sync)
{
    if (LIST_EMPTY(&sync->follows))
        finish_up_to(sync, UINT64_MAX, NULL);
}

void pull_fail(struct sync *sync, const struct err *err)
{
    finish_up_to(sync, UINT64_MAX, err);
}

void pull_ask(struct sync *sync, uint64_t waiter)
{
    struct follow *follow;

    (void)pull_list_push(&sync->pulls, (struct pull){
                                           .waiter = waiter,
                                           .number = ++sync->pulls_asked,
                                       });
    LIST_FOREACH (follow, &sync->follows, link) {
        follow->due_ms = 0;
    }
    if (LIST_EMPTY(&sync->follows))
        drives_ask(sync, 0);
}
