/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_PUSH_HOLD_H
#define GRAPHFS_SYNC_PUSH_HOLD_H

/*
 * Files that somebody has open for writing: their content isn't sent before the last has closed
 * them. What was synced meanwhile (fsync) is sent as it is some time after that, but not again and
 * again. In memory alone. Any thread; the lock is a leaf. Times are monotonic, ms.
 */

#include "store/store.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define HOLD_BUCKETS 256

/* Between two that are sent of one file while it is open there is this much time, or ten times as
 * much as the last one took. */
#define HOLD_INTERVAL_MS     (60 * INT64_C(1000))
#define HOLD_INTERVAL_FACTOR 10

/* It is held until it is closed, as things are now. */
#define HOLD_UNTIL_CLOSED INT64_MAX

struct push_hold;

struct push_holds {
    pthread_mutex_t lock;
    LIST_HEAD(hold_bucket, push_hold) buckets[HOLD_BUCKETS]; /* lock; by number */
    int64_t next_ms; /* lock; since the last holds_take_news(): when to look */
};

/* None is. */
void holds_init(struct push_holds *holds);

/* Forgets all. */
void holds_clear(struct push_holds *holds);

/* Somebody has opened it, once more; for holds_end(). */
void holds_begin(struct push_holds *holds, ino_nr ino);

/* True: rows have to be looked at, for one has waited for this. */
bool holds_end(struct push_holds *holds, ino_nr ino);

/* All that was written until now is to be sent, not before due_ms. True: rows have to be looked at
 * earlier than was known. */
bool holds_note_synced(struct push_holds *holds, ino_nr ino, int64_t due_ms);

/* The same, and that is sent at once, however lately it was. True as above. */
bool holds_hurry(struct push_holds *holds, ino_nr ino);

/* Whether somebody has it open, and all has arrived that was to be sent. */
bool holds_have_sent(struct push_holds *holds, ino_nr ino);

/* Whether somebody has it open. */
bool holds_has(struct push_holds *holds, ino_nr ino);

/* Until when its content is not sent, which the caller waits for: HOLD_UNTIL_CLOSED; or 0: it may
 * be sent as it is. */
int64_t holds_until(struct push_holds *holds, ino_nr ino, int64_t now_ms);

/* To be asked before the content is frozen that is to be sent, for holds_note_sent(). */
uint64_t holds_mark(struct push_holds *holds, ino_nr ino);

/* That content has arrived. */
void holds_note_sent(struct push_holds *holds, ino_nr ino, uint64_t mark, int64_t began_ms,
                     int64_t now_ms);

/* When rows have to be looked at because of what was told since holds_take_news(); INT64_MAX: not
 * at all. */
int64_t holds_next(struct push_holds *holds);

/* True, once: that time has come. */
bool holds_take_news(struct push_holds *holds, int64_t now_ms);

#endif
