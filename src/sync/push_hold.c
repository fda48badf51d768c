/* SPDX-License-Identifier: MIT */
/*
 * What was synced and what was sent is told apart by counting: an fsync that comes while a file is
 * sent is not in what arrives.
 */
#include "config.h"

#include "sync/push_hold.h"

#include <stdlib.h>

#include "base/lock.h"
#include "base/xalloc.h"

struct push_hold {
    LIST_ENTRY(push_hold) link;
    ino_nr ino;
    unsigned opens;
    uint64_t syncs;      /* how often it was synced */
    uint64_t sent_syncs; /* of these are in what was sent */
    int64_t due_ms;      /* of the first one that isn't */
    int64_t earliest_ms; /* not sent again before */
    bool is_awaited;     /* somebody was told to wait for its end */
};

/* ---- with the lock ---- */

static struct hold_bucket *bucket_of(struct push_holds *holds, ino_nr ino)
{
    return &holds->buckets[ino % HOLD_BUCKETS];
}

static struct push_hold *find(struct push_holds *holds, ino_nr ino)
{
    struct push_hold *hold;

    LIST_FOREACH (hold, bucket_of(holds, ino), link) {
        if (hold->ino == ino)
            return hold;
    }
    return NULL;
}

static void drop(struct push_hold *hold)
{
    LIST_REMOVE(hold, link);
    free(hold);
}

static int64_t due_of(const struct push_hold *hold)
{
    if (hold->syncs == hold->sent_syncs)
        return HOLD_UNTIL_CLOSED;
    return hold->due_ms > hold->earliest_ms ? hold->due_ms : hold->earliest_ms;
}

static bool look_at(struct push_holds *holds, int64_t time_ms)
{
    bool is_earlier = time_ms < holds->next_ms;

    if (is_earlier)
        holds->next_ms = time_ms;
    return is_earlier;
}

/* ---- for all ---- */

void holds_init(struct push_holds *holds)
{
    (void)pthread_mutex_init(&holds->lock, NULL);
    for (size_t i = 0; i < HOLD_BUCKETS; i++)
        LIST_INIT(&holds->buckets[i]);
    holds->next_ms = INT64_MAX;
}

void holds_clear(struct push_holds *holds)
{
    LOCKED(&holds->lock);
    for (size_t i = 0; i < HOLD_BUCKETS; i++) {
        struct push_hold *hold = LIST_FIRST(&holds->buckets[i]), *next;

        for (; hold; hold = next) {
            next = LIST_NEXT(hold, link);
            drop(hold);
        }
    }
}

void holds_begin(struct push_holds *holds, ino_nr ino)
{
    struct push_hold *hold;

    LOCKED(&holds->lock);
    hold = find(holds, ino);
    if (!hold) {
        hold = x_calloc(1, sizeof *hold);
        hold->ino = ino;
        LIST_INSERT_HEAD(bucket_of(holds, ino), hold, link);
    }
    hold->opens++;
}

bool holds_end(struct push_holds *holds, ino_nr ino)
{
    struct push_hold *hold;
    bool is_news = false;

    LOCKED(&holds->lock);
    hold = find(holds, ino);
    if (!hold || --hold->opens > 0)
        return false;
    if (hold->is_awaited)
        is_news = look_at(holds, 0);
    drop(hold);
    return is_news;
}

bool holds_note_synced(struct push_holds *holds, ino_nr ino, int64_t due_ms)
{
    struct push_hold *hold;

    LOCKED(&holds->lock);
    hold = find(holds, ino);
    if (!hold)
        return false;
    if (hold->syncs == hold->sent_syncs)
        hold->due_ms = due_ms;
    hold->syncs++;
    return look_at(holds, due_of(hold));
}

bool holds_hurry(struct push_holds *holds, ino_nr ino)
{
    struct push_hold *hold;

    LOCKED(&holds->lock);
    hold = find(holds, ino);
    if (!hold)
        return false;
    hold->syncs++;
    hold->due_ms = hold->earliest_ms = 0;
    return look_at(holds, 0);
}

bool holds_have_sent(struct push_holds *holds, ino_nr ino)
{
    const struct push_hold *hold;

    LOCKED(&holds->lock);
    hold = find(holds, ino);
    return hold && hold->syncs > 0 && hold->syncs == hold->sent_syncs;
}

bool holds_has(struct push_holds *holds, ino_nr ino)
{
    LOCKED(&holds->lock);
    return find(holds, ino) != NULL;
}

int64_t holds_until(struct push_holds *holds, ino_nr ino, int64_t now_ms)
{
    struct push_hold *hold;

    LOCKED(&holds->lock);
    hold = find(holds, ino);
    if (!hold || due_of(hold) <= now_ms)
        return 0;
    hold->is_awaited = true;
    return due_of(hold);
}

uint64_t holds_mark(struct push_holds *holds, ino_nr ino)
{
    const struct push_hold *hold;

    LOCKED(&holds->lock);
    hold = find(holds, ino);
    return hold ? hold->syncs : 0;
}

void holds_note_sent(struct push_holds *holds, ino_nr ino, uint64_t mark, int64_t began_ms,
                     int64_t now_ms)
{
    int64_t pause_ms = HOLD_INTERVAL_FACTOR * (now_ms - began_ms);
    struct push_hold *hold;

    LOCKED(&holds->lock);
    hold = find(holds, ino);
    if (!hold)
        return;
    hold->earliest_ms = now_ms + (pause_ms > HOLD_INTERVAL_MS ? pause_ms : HOLD_INTERVAL_MS);
    if (mark > hold->sent_syncs && mark <= hold->syncs)
        hold->sent_syncs = mark;
    if (hold->syncs != hold->sent_syncs)
        (void)look_at(holds, due_of(hold));
}

int64_t holds_next(struct push_holds *holds)
{
    LOCKED(&holds->lock);
    return holds->next_ms;
}

bool holds_take_news(struct push_holds *holds, int64_t now_ms)
{
    LOCKED(&holds->lock);
    if (holds->next_ms > now_ms)
        return false;
    holds->next_ms = INT64_MAX;
    return true;
}
