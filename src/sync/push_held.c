/* SPDX-License-Identifier: MIT */
/*
 * Deletions that are too many at once are held until somebody confirms them: a program may have
 * been mistaken, or a script. They hold up nothing else.
 *
 * Counted are, per drive, the rows that are gone here and not on the service. More than
 * `big_delete` of them (or a thousand, and a fifth of the drive) are held, all of them. Those that
 * were confirmed go, with what is deleted meanwhile, until there are so few that they wouldn't be
 * held.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/log.h"
#include "sync/push_i.h"

/* Never held without an option that says so. */
#define FEW_DELETIONS 1000
/* Of a drive, as a divisor. */
#define SURPRISING_PART 5

static struct push_deletions *find(struct push *push, int64_t drive)
{
    for (size_t i = 0; i < push->deletions.len; i++) {
        if (push->deletions.items[i].drive == drive)
            return &push->deletions.items[i];
    }
    return NULL;
}

static int64_t limit_of(struct sync *sync, int64_t drive)
{
    int64_t items = 0, part;

    if (sync->conf.big_delete > 0)
        return sync->conf.big_delete;
    if (store_count_items(sync->conf.store, drive, &items) < 0)
        return FEW_DELETIONS;
    part = items / SURPRISING_PART;
    return part > FEW_DELETIONS ? part : FEW_DELETIONS;
}

static void judge(struct sync *sync, struct push_deletions *deletions, int64_t count)
{
    int64_t few = sync->conf.big_delete > 0 ? sync->conf.big_delete : FEW_DELETIONS;

    if (count <= few)
        *deletions = (struct push_deletions){ .drive = deletions->drive };
    else if (deletions->limit == 0) /* how large a drive is isn't counted in each pass */
        deletions->limit = limit_of(sync, deletions->drive);
    deletions->count = count;
    if (count <= deletions->limit)
        deletions->is_held = deletions->is_confirmed = false;
    if (count <= few || count <= deletions->limit || deletions->is_confirmed || deletions->is_held)
        return;
    deletions->is_held = true;
    log_warn("sync", "%" PRId64 " deletions are held: graphfs sync --confirm-deletes sends them",
             count);
}

static bool take_count(int64_t drive, int64_t count, void *arg)
{
    struct sync *sync = arg;
    struct push *push = &sync->push;
    struct push_deletions *deletions = find(push, drive);

    if (!deletions)
        deletions =
            deletions_list_push(&push->deletions, (struct push_deletions){ .drive = drive });
    judge(sync, deletions, count);
    return true;
}

void push_held_count(struct sync *sync)
{
    struct push *push = &sync->push;
    int64_t held = 0;

    for (size_t i = 0; i < push->deletions.len; i++)
        push->deletions.items[i].count = 0;
    (void)store_count_deleted(sync->conf.store, take_count, sync);
    for (size_t i = 0; i < push->deletions.len; i++) {
        struct push_deletions *deletions = &push->deletions.items[i];

        if (deletions->count == 0)
            *deletions = (struct push_deletions){ .drive = deletions->drive };
        held += deletions->is_held ? deletions->count : 0;
    }
    LOCKED(&sync->lock);
    sync->held_deletes = held;
}

bool push_is_held(struct sync *sync, int64_t drive)
{
    const struct push_deletions *deletions = find(&sync->push, drive);

    return deletions && deletions->is_held;
}

void push_held_note(struct sync *sync, ino_nr ino)
{
    struct err err;

    (void)err_set(&err, -EBUSY,
                  "too much was deleted at once (graphfs sync --confirm-deletes sends it)");
    push_waits_note_failure(sync, ino, &err);
}

void push_held_confirm(struct sync *sync)
{
    struct push *push = &sync->push;

    for (size_t i = 0; i < push->deletions.len; i++) {
        push->deletions.items[i].is_confirmed |= push->deletions.items[i].is_held;
        push->deletions.items[i].is_held = false;
    }
    push_begin_again(sync);
}

int64_t sync_count_held_deletes(struct sync *sync)
{
    LOCKED(&sync->lock);
    return sync->held_deletes;
}
