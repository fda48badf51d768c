/* SPDX-License-Identifier: MIT */
/* Files that can't be sent since parts of them are nowhere: what a change of them was to keep has
 * gone from the service before it was fetched. What was written is kept. */
#include "config.h"

#include <errno.h>

#include "sync/push_i.h"

/* Somebody may have restored it. */
#define RETRY_MS (10 * 60 * INT64_C(1000))

int push_note_lost(struct sync *sync, struct store_txn *txn, ino_nr ino)
{
    static char why[] = "parts of its former content are not on the service any more";
    static char remedy[] = "write all of it, restore it there, or delete it";
    int64_t now_ms = clock_real_ms(sync->conf.clock);
    const struct blocked blocked = {
        .ino = ino,
        .since_ms = now_ms,
        .retry_ms = now_ms + RETRY_MS,
        .code = -ESTALE,
        .reason = why,
        .remedy = remedy,
    };
    struct err err;

    (void)err_set(&err, -ESTALE, "%s (%s)", why, remedy);
    push_waits_note_failure(sync, ino, &err);
    pauses_fail(&sync->push.pauses, ino, PAUSE_BLOCKED, clock_mono_ms(sync->conf.clock) + RETRY_MS);
    return txn_put_blocked(txn, &blocked);
}
