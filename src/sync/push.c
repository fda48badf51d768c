/* SPDX-License-Identifier: MIT */
/*
 * The reconciler: what was changed here goes to the service.
 *
 * There is no queue. A look goes through the rows that differ from base, in order of their number,
 * decides for each what is next (push_plan.c), and writes down what it is about to ask (the intent)
 * for as many as may be under way at once, all in one transaction; then they are sent. (The intent
 * of an upload has the hash of what is sent, and so comes a little later: push_upload.c.) When one
 * has ended the look goes on behind the last row. What ends may let go of rows that the pass is
 * beyond already: it never turns back, but if there was such news another one follows. So the work
 * grows with the rows, not with their square. After a pass without news the next one waits: for a
 * change, for the end of something under way, or for a time.
 *
 * A row rests for `upload_delay` after its last change here before anything is sent of it. Which
 * rows were changed lately is remembered in memory alone (push_pause.c), by whoever changes them,
 * before it can be seen: after a restart all have rested. The content of what somebody has open for
 * writing waits until it was closed, or synced (push_hold.c).
 */
#include "config.h"

#include "sync/push_fragment.h"
#include "sync/push_i.h"

/* While many rest, those that are done are looked at so often in the time of one rest. */
#define RESTS_IN_PARTS 16

/* ---- news, from any thread ---- */

/* The first that rests is waited for; who comes later is looked at then, or has its turn known. */
void push_note_change(struct sync *sync, ino_nr ino)
{
    if (pauses_rest(&sync->push.pauses, ino, push_now_ms(sync) + sync->conf.upload_delay_ms))
        inbox_wake(sync->inbox);
}

void push_hold(struct sync *sync, ino_nr ino)
{
    holds_begin(&sync->push.holds, ino);
}

void push_let_go(struct sync *sync, ino_nr ino, bool is_written)
{
    if (is_written)
        push_note_change(sync, ino);
    if (holds_end(&sync->push.holds, ino))
        inbox_wake(sync->inbox);
}

void push_note_written(struct sync *sync, ino_nr ino, bool is_synced)
{
    struct push_holds *holds = &sync->push.holds;

    if (!holds_has(holds, ino))
        push_note_change(sync, ino);
    else if (is_synced &&
             holds_note_synced(holds, ino, push_now_ms(sync) + sync->conf.upload_delay_ms))
        inbox_wake(sync->inbox);
}

/* ---- when to look ---- */

void push_poke(struct sync *sync)
{
    sync->push.has_news = true;
}

void push_begin_again(struct sync *sync)
{
    sync->push.is_in_pass = false;
    push_poke(sync);
}

void push_note_no_bytes(struct sync *sync)
{
    sync->push.awaits_bytes = false;
}

bool push_is_busy(const struct sync *sync)
{
    return sync->push.job_count > 0 || sync->push.awaits_bytes ||
           (sync->conf.bytes && bytes_is_busy(sync->conf.bytes));
}

void push_wake(struct sync *sync)
{
    pauses_end_failed(&sync->push.pauses);
    push_poke(sync);
}

/* ---- passes ---- */

/* When those that rest are looked at: where one after the other is done, many at once. */
static int64_t next_rest_ms(struct sync *sync)
{
    int64_t rested_ms = pauses_next_rest(&sync->push.pauses);
    int64_t earliest_ms = sync->push.rested_ms + sync->conf.upload_delay_ms / RESTS_IN_PARTS;

    return rested_ms > earliest_ms ? rested_ms : earliest_ms;
}

/* When there will be news, as is known now. */
static int64_t next_news_ms(struct sync *sync)
{
    int64_t rest_ms = next_rest_ms(sync), held_ms = holds_next(&sync->push.holds);

    return rest_ms < held_ms ? rest_ms : held_ms;
}

static bool has_rested(struct sync *sync, int64_t now_ms)
{
    if (pauses_next_rest(&sync->push.pauses) == TIME_NEVER || now_ms < next_rest_ms(sync))
        return false;
    sync->push.rested_ms = now_ms;
    return pauses_end_rests(&sync->push.pauses, now_ms);
}

static void begin_pass(struct sync *sync)
{
    struct push *push = &sync->push;

    push_waits_begin_pass(sync);
    push_held_count(sync);
    push->is_in_pass = true;
    push->has_news = push->awaits_bytes = false;
    push->cursor = 0;
    push->due_ms = TIME_NEVER;
}

static int64_t next_pass_ms(struct sync *sync)
{
    int64_t due_ms = sync->push.due_ms, news_ms = next_news_ms(sync);

    return due_ms < news_ms ? due_ms : news_ms;
}

int64_t push_turn(struct sync *sync, int64_t now_ms)
{
    struct push *push = &sync->push;

    if (!sync->conf.bytes || push_is_full(sync))
        return TIME_NEVER; /* nothing is written; or the end of a job comes first */
    push->has_news |= has_rested(sync, now_ms);
    push->has_news |= holds_take_news(&push->holds, now_ms);
    if (!push->is_in_pass) {
        if (!push->has_news && now_ms < push->due_ms)
            return next_pass_ms(sync);
        begin_pass(sync);
    }
    if (push_look(sync))
        return push_is_full(sync) ? TIME_NEVER : 0;
    push->is_in_pass = false;
    push_waits_check(sync);
    return push->has_news ? 0 : next_pass_ms(sync);
}

/* ---- life ---- */

static bool is_being_written(ino_nr ino, void *arg)
{
    struct sync *sync = arg;

    return holds_has(&sync->push.holds, ino);
}

void push_begin(struct sync *sync)
{
    LIST_INIT(&sync->push.jobs);
    LIST_INIT(&sync->push.waits);
    pauses_init(&sync->push.pauses);
    holds_init(&sync->push.holds);
    store_set_is_being_written(sync->conf.store, is_being_written, sync);
    sync->push.fragment_units = FRAGMENT_FIRST;
    sync->push.began_ms = push_now_ms(sync);
    sync->push.has_news = true;
}

void push_free(struct sync *sync)
{
    push_waits_free(sync);
    push_rows_clear(&sync->push.first);
    while (!LIST_EMPTY(&sync->push.jobs))
        push_drop_job(sync, LIST_FIRST(&sync->push.jobs));
    deletions_list_clear(&sync->push.deletions);
    pauses_clear(&sync->push.pauses);
    store_set_is_being_written(sync->conf.store, NULL, NULL);
    holds_clear(&sync->push.holds);
}
