/* SPDX-License-Identifier: MIT */
/*
 * All rests are of one length, so that they are in order of their ends as they come; whoever is
 * done is at the front, and nobody else is looked at. A rest that has ended is forgotten, for then
 * there is nothing to be known of the row. A failure is kept until something was sent, for the next
 * pause is to be longer.
 */
#include "config.h"

#include "sync/push_pause.h"

#include <stdlib.h>

#include "base/lock.h"
#include "base/xalloc.h"

struct push_pause {
    LIST_ENTRY(push_pause) link;
    TAILQ_ENTRY(push_pause) rest_link; /* while there is no failure */
    ino_nr ino;
    int64_t until_ms;
    enum pause_kind kind;
    unsigned failures; /* 0: it rests */
    unsigned refusals; /* of its name */
    bool has_doubt;    /* what was sent may have been carried out */
};

/* ---- with the lock ---- */

static struct pause_bucket *bucket_of(struct push_pauses *pauses, ino_nr ino)
{
    return &pauses->buckets[ino % PAUSE_BUCKETS];
}

static struct push_pause *find(struct push_pauses *pauses, ino_nr ino)
{
    struct push_pause *pause;

    LIST_FOREACH (pause, bucket_of(pauses, ino), link) {
        if (pause->ino == ino)
            return pause;
    }
    return NULL;
}

/* That of the row, in no queue; made if there is none. */
static struct push_pause *take(struct push_pauses *pauses, ino_nr ino)
{
    struct push_pause *pause = find(pauses, ino);

    if (pause) {
        if (pause->failures == 0)
            TAILQ_REMOVE(&pauses->resting, pause, rest_link);
        return pause;
    }
    pause = x_calloc(1, sizeof *pause);
    pause->ino = ino;
    LIST_INSERT_HEAD(bucket_of(pauses, ino), pause, link);
    return pause;
}

static void count_kind(struct push_pauses *pauses, struct push_pause *pause, enum pause_kind kind)
{
    pauses->lagging -= pause->kind == PAUSE_LAG;
    pauses->lagging += kind == PAUSE_LAG;
    pause->kind = kind;
}

static void drop(struct push_pauses *pauses, struct push_pause *pause)
{
    count_kind(pauses, pause, PAUSE_NONE);
    if (pause->failures == 0)
        TAILQ_REMOVE(&pauses->resting, pause, rest_link);
    LIST_REMOVE(pause, link);
    free(pause);
}

/* Before it are those that have rested earlier, or as early. */
static void queue(struct push_pauses *pauses, struct push_pause *pause)
{
    struct push_pause *before = TAILQ_LAST(&pauses->resting, pause_queue);

    while (before && before->until_ms > pause->until_ms)
        before = TAILQ_PREV(before, pause_queue, rest_link);
    if (before)
        TAILQ_INSERT_AFTER(&pauses->resting, before, pause, rest_link);
    else
        TAILQ_INSERT_HEAD(&pauses->resting, pause, rest_link);
}

/* ---- for all ---- */

void pauses_init(struct push_pauses *pauses)
{
    (void)pthread_mutex_init(&pauses->lock, NULL);
    for (size_t i = 0; i < PAUSE_BUCKETS; i++)
        LIST_INIT(&pauses->buckets[i]);
    TAILQ_INIT(&pauses->resting);
    pauses->lagging = 0;
}

void pauses_clear(struct push_pauses *pauses)
{
    LOCKED(&pauses->lock);
    for (size_t i = 0; i < PAUSE_BUCKETS; i++) {
        struct push_pause *pause = LIST_FIRST(&pauses->buckets[i]), *next;

        for (; pause; pause = next) {
            next = LIST_NEXT(pause, link);
            drop(pauses, pause);
        }
    }
}

bool pauses_rest(struct push_pauses *pauses, ino_nr ino, int64_t until_ms)
{
    struct push_pause *pause;

    LOCKED(&pauses->lock);
    pause = take(pauses, ino);
    count_kind(pauses, pause, PAUSE_REST);
    pause->failures = pause->refusals = 0;
    pause->has_doubt = false;
    pause->until_ms = until_ms;
    queue(pauses, pause);
    return TAILQ_FIRST(&pauses->resting) == pause;
}

void pauses_fail(struct push_pauses *pauses, ino_nr ino, enum pause_kind kind, int64_t until_ms)
{
    struct push_pause *pause;

    LOCKED(&pauses->lock);
    pause = take(pauses, ino);
    count_kind(pauses, pause, kind);
    pause->failures++;
    if (until_ms > pause->until_ms)
        pause->until_ms = until_ms;
}

unsigned pauses_count_failures(struct push_pauses *pauses, ino_nr ino)
{
    const struct push_pause *pause;

    LOCKED(&pauses->lock);
    pause = find(pauses, ino);
    return pause ? pause->failures : 0;
}

void pauses_note_refusal(struct push_pauses *pauses, ino_nr ino)
{
    struct push_pause *pause;

    LOCKED(&pauses->lock);
    pause = find(pauses, ino);
    if (pause)
        pause->refusals++;
}

unsigned pauses_count_refusals(struct push_pauses *pauses, ino_nr ino)
{
    const struct push_pause *pause;

    LOCKED(&pauses->lock);
    pause = find(pauses, ino);
    return pause ? pause->refusals : 0;
}

void pauses_note_doubt(struct push_pauses *pauses, ino_nr ino)
{
    struct push_pause *pause;

    LOCKED(&pauses->lock);
    pause = find(pauses, ino);
    if (pause)
        pause->has_doubt = true;
}

bool pauses_has_doubt(struct push_pauses *pauses, ino_nr ino)
{
    const struct push_pause *pause;

    LOCKED(&pauses->lock);
    pause = find(pauses, ino);
    return pause && pause->has_doubt;
}

int64_t pauses_until(struct push_pauses *pauses, ino_nr ino, int64_t now_ms)
{
    const struct push_pause *pause;

    LOCKED(&pauses->lock);
    pause = find(pauses, ino);
    return pause && pause->until_ms > now_ms ? pause->until_ms : 0;
}

enum pause_kind pauses_kind(struct push_pauses *pauses, ino_nr ino)
{
    const struct push_pause *pause;

    LOCKED(&pauses->lock);
    pause = find(pauses, ino);
    return pause ? pause->kind : PAUSE_NONE;
}

bool pauses_has_lag(struct push_pauses *pauses)
{
    LOCKED(&pauses->lock);
    return pauses->lagging > 0;
}

void pauses_hurry(struct push_pauses *pauses, ino_nr ino)
{
    struct push_pause *pause;

    LOCKED(&pauses->lock);
    pause = find(pauses, ino);
    if (pause && pause->failures == 0) {
        drop(pauses, pause);
    } else if (pause) {
        count_kind(pauses, pause, PAUSE_NONE);
        pause->until_ms = 0;
    }
}

void pauses_end(struct push_pauses *pauses, ino_nr ino)
{
    struct push_pause *pause;

    LOCKED(&pauses->lock);
    pause = find(pauses, ino);
    if (pause && pause->failures > 0)
        drop(pauses, pause);
}

void pauses_end_failed(struct push_pauses *pauses)
{
    LOCKED(&pauses->lock);
    for (size_t i = 0; i < PAUSE_BUCKETS; i++) {
        struct push_pause *pause;

        LIST_FOREACH (pause, &pauses->buckets[i], link) {
            if (pause->failures > 0)
                pause->until_ms = 0;
        }
    }
}

bool pauses_end_rests(struct push_pauses *pauses, int64_t now_ms)
{
    struct push_pause *pause, *next;
    bool has_rested = false;

    LOCKED(&pauses->lock);
    for (pause = TAILQ_FIRST(&pauses->resting); pause && pause->until_ms <= now_ms; pause = next) {
        next = TAILQ_NEXT(pause, rest_link);
        drop(pauses, pause);
        has_rested = true;
    }
    return has_rested;
}

int64_t pauses_next_rest(struct push_pauses *pauses)
{
    const struct push_pause *pause;

    LOCKED(&pauses->lock);
    pause = TAILQ_FIRST(&pauses->resting);
    return pause ? pause->until_ms : INT64_MAX;
}
