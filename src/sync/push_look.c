/* SPDX-License-Identifier: MIT */
/* One look at rows that differ, see push.c: which are come to, and that what they begin is sent. */
#include "config.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "sync/push_look.h"

/* Rows that one look considers. */
#define LOOK_MAX 500
/* After a failure of the store. */
#define PUSH_RETRY_MS 5000

/* ---- which rows ---- */

static bool add_ino(const struct node_attr *attr, const char *name, void *arg)
{
    struct push_look *look = arg;

    (void)name;
    (void)push_rows_push(&look->inos, attr->ino);
    return look->inos.len < LOOK_MAX;
}

static bool add_intent(const struct intent *intent, void *arg)
{
    struct push_look *look = arg;

    (void)push_rows_push(&look->inos, intent->ino);
    return true;
}

/* What the server has may differ where nothing does here: it waited for those who have it open. */
static int add_with_remote(struct push_look *look)
{
    cleanup_free ino_nr *inos = NULL;
    size_t count = 0;
    int r = txn_list_with_remote(look->txn, &inos, &count);

    for (size_t i = 0; i < count && r == 0; i++)
        (void)push_rows_push(&look->inos, inos[i]);
    return r;
}

/* Changes that nobody waits for an answer to, which may be of rows that are clean by now, and in
 * the beginning of a pass rows that the server has news of; then what differs, from the cursor on.
 */
static int list_rows(struct push_look *look, size_t *ret_intents)
{
    struct push *push = &look->sync->push;
    int r = push->has_resumed ? 0 : store_list_intents(look->sync->conf.store, 0, add_intent, look);

    if (r == 0 && push->cursor == 0)
        r = add_with_remote(look);
    *ret_intents = look->inos.len;
    return r < 0 ? r : txn_list_dirty(look->txn, push->cursor, add_ino, look);
}

/* Those that somebody waits for, in a look of their own. */
static int look_at_first(struct push_look *look)
{
    struct push *push = &look->sync->push;
    int r = 0;

    while (push->first_done < push->first.len && r == 0 && !push_is_full(look->sync))
        r = row_consider(look, push->first.items[push->first_done++]);
    return r;
}

static int look_at_rows(struct push_look *look)
{
    struct push *push = &look->sync->push;
    size_t intents = 0, i;
    int r;

    if (push->first_done < push->first.len)
        return look_at_first(look);
    r = list_rows(look, &intents);

    for (i = 0; i < look->inos.len && r == 0 && !push_is_full(look->sync); i++) {
        r = row_consider(look, look->inos.items[i]);
        if (i >= intents)
            push->cursor = look->inos.items[i];
        else if (i + 1 == intents)
            push->has_resumed = look->next_ms == TIME_NEVER;
    }
    if (intents == 0)
        push->has_resumed = true;
    look->is_whole = i == look->inos.len && look->inos.len - intents < LOOK_MAX;
    return r;
}

/* ---- sending ---- */

/* Disk alone. */
static void own(struct sync *sync, struct push_job *job)
{
    int r = bytes_own(sync->conf.bytes, job->ino);
    struct err err;

    if (r < 0) {
        (void)err_set_errno(&err, r, "a backup can't have a content of its own");
        log_info("sync", "%s", err.msg);
        push_end_name_refused(sync, job);
    } else {
        push_end(sync, job);
    }
}

/* NULL: all that was begun is under way. */
static struct push_job *next_begun(struct sync *sync)
{
    struct push_job *job;

    LIST_FOREACH (job, &sync->push.jobs, link) {
        if (job->is_begun)
            return job;
    }
    return NULL;
}

/* Sends what was begun, if the intents are in the store; else it is as if nothing had been. */
static void send_begun(struct sync *sync, bool is_committed)
{
    struct push_job *job;

    while ((job = next_begun(sync))) {
        job->is_begun = false;
        if (!is_committed)
            push_drop_job(sync, job);
        else if (job->is_conflict)
            push_settle_with_hash(sync, job);
        else if (job->is_to_own)
            own(sync, job);
        else if (!job->is_resumed)
            push_send(sync, job);
        else if (!push_resume_upload(sync, job))
            push_resolve(sync, job);
    }
}

static void explain(struct push_look *look, int r)
{
    if (sync_explain(&look->err, r, "sending changes") < 0)
        log_error("sync", "%s", look->err.msg);
}

/* Returns whether there is more to look at in this pass, now. */
bool push_look(struct sync *sync)
{
    struct push *push = &sync->push;
    struct push_look look = { .sync = sync, .next_ms = TIME_NEVER };
    cleanup_txn struct store_txn *txn = NULL;
    int r;

    r = store_begin(sync->conf.store, &txn, &look.err);
    if (r == 0) {
        look.txn = txn;
        r = look_at_rows(&look);
    }
    if (r == 0)
        r = sync_commit(&txn, &look.err);
    explain(&look, r);
    send_begun(sync, r == 0);
    push_rows_clear(&look.inos);
    if (r < 0)
        look.next_ms = push_now_ms(sync) + PUSH_RETRY_MS;
    if (look.next_ms < push->due_ms)
        push->due_ms = look.next_ms;
    push->has_news |= r == 0 && look.has_changed;
    return r == 0 && !look.is_whole;
}
