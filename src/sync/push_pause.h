/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_PUSH_PAUSE_H
#define GRAPHFS_SYNC_PUSH_PAUSE_H

/*
 * Rows that are left alone for a while before anything is sent of them: they were changed here and
 * rest, or sending has failed. In memory alone. Any thread; the lock is a leaf. Times are
 * monotonic, ms.
 */

#include "store/store.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define PAUSE_BUCKETS 4096

struct push_pause;

/* Why a row is left alone. */
enum pause_kind {
    PAUSE_NONE,
    PAUSE_REST,    /* it was changed here */
    PAUSE_LAG,     /* what the service has done isn't seen everywhere yet */
    PAUSE_FAILED,  /* sending has failed */
    PAUSE_BLOCKED, /* the service has refused it */
};

struct push_pauses {
    pthread_mutex_t lock;
    LIST_HEAD(pause_bucket, push_pause) buckets[PAUSE_BUCKETS]; /* lock; by number */
    TAILQ_HEAD(pause_queue, push_pause) resting;                /* lock; by the end of the rest */
    size_t lagging;                                             /* lock */
};

/* None is. */
void pauses_init(struct push_pauses *pauses);

/* Forgets all. Who changes rows may still do so. */
void pauses_clear(struct push_pauses *pauses);

/* The row was changed here; what has failed before doesn't count any more. True: of all that rest
 * it is the first to have rested. */
bool pauses_rest(struct push_pauses *pauses, ino_nr ino, int64_t until_ms);

/* Sending has failed, once more, as this kind says. A rest isn't shortened. */
void pauses_fail(struct push_pauses *pauses, ino_nr ino, enum pause_kind kind, int64_t until_ms);
unsigned pauses_count_failures(struct push_pauses *pauses, ino_nr ino);

/* That failure was a refusal of the name, though nothing stands in its way. */
void pauses_note_refusal(struct push_pauses *pauses, ino_nr ino);
unsigned pauses_count_refusals(struct push_pauses *pauses, ino_nr ino);

/* Something that was sent before that failure may have been carried out. */
void pauses_note_doubt(struct push_pauses *pauses, ino_nr ino);
bool pauses_has_doubt(struct push_pauses *pauses, ino_nr ino);

/* Until when the row is left alone; 0: it isn't. */
int64_t pauses_until(struct push_pauses *pauses, ino_nr ino, int64_t now_ms);

/* Why it is left alone; also once that is over, until it is sent or changed again. */
enum pause_kind pauses_kind(struct push_pauses *pauses, ino_nr ino);

/* Whether any row waits for what lags. */
bool pauses_has_lag(struct push_pauses *pauses);

/* Somebody waits for the row: it isn't left alone any more. */
void pauses_hurry(struct push_pauses *pauses, ino_nr ino);

/* The row is as the server has it, or gone. */
void pauses_end(struct push_pauses *pauses, ino_nr ino);

/* The network, or a sign-in, is back: what has failed may be tried. */
void pauses_end_failed(struct push_pauses *pauses);

/* Forgets those that have rested. True: there were some. */
bool pauses_end_rests(struct push_pauses *pauses, int64_t now_ms);

/* When the first of those that rest has rested; INT64_MAX: none does. */
int64_t pauses_next_rest(struct push_pauses *pauses);

#endif
