/* SPDX-License-Identifier: MIT */
/*
 * Reading the server: for an intent whose fate isn't known, and where somebody else was there.
 *
 * The item is asked for by its id, or, if it had none, by its place. If it is as the intent asked,
 * then that had been carried out, and its answer is taken now. If not, what it is now is applied as
 * any answer is, the intent is forgotten, and what is next follows from the row.
 *
 * A session can be refused though nothing stands in its way: another one, that nobody knows of any
 * more (its answer was lost), keeps the name for days. Then a new file goes to the server under
 * another name first, and to its own as soon as that is free; and what has few bytes goes to a file
 * that is there in one request.
 *
 * A 404 is no proof in the first minutes after a change: the row is left alone for a while, and
 * asked for again before it is given up. Nor is an item that is as it was before. Of a change whose
 * answer was lost both may be said although it was carried out; if it were forgotten then, what
 * follows would make the same thing once more under a name that the row has by now, or take our own
 * content for somebody else's. So it is sent again, as it was, whatever the row wants by now: it is
 * guarded by the name or the tag, so that this can't be done twice. What is gone here by now waits
 * until the server can be believed.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/kill_point.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sync/apply_i.h"
#include "sync/push_i.h"
#include "sync/push_store.h"

/* What the server says of the item, or that there is none (NULL), is applied. */
static int apply_found(struct store_txn *txn, const struct apply_context *context,
                       const struct push_job *job, const struct item *item, struct err *err)
{
    if (item)
        return absence_apply_unreported(txn, context, item, NULL, err);
    return job->is_by_place ? 0 : apply_delete(txn, context, job->ino, err);
}

static int forget_intent(struct sync *sync, const struct push_job *job, const struct item *item,
                         struct err *err)
{
    const struct apply_context context = push_context(sync, job);
    cleanup_txn struct store_txn *txn = NULL;
    int r = store_begin(sync->conf.store, &txn, err);

    if (r == 0)
        r = txn_clear_intent(txn, job->ino);
    if (r == 0)
        r = apply_found(txn, &context, job, item, err);
    if (r == 0 && job->is_new)
        r = push_forget(txn, &context, err);
    return r < 0 ? sync_explain(err, r, "storing what is on the server") : sync_commit(&txn, err);
}

/* Another row, which is at this place by now. One that came later, and that only delta has told of,
 * may be of what was made here. */
static bool has_other_row(struct sync *sync, const struct push_job *job, const struct item *item)
{
    cleanup_txn struct store_txn *txn = NULL;
    struct err err = { 0 };
    struct node node;
    bool result;

    if (store_begin(sync->conf.store, &txn, &err) < 0 ||
        txn_find_node(txn, job->drive.id, item->id, &node) < 0)
        return false;
    result = node.attr.ino < job->ino || (node.attr.ino > job->ino && node.confirmed_ms != 0);
    node_clear(&node);
    return result;
}

/* Not another item, which has the name that it was to have. */
static bool is_ours(struct sync *sync, const struct push_job *job, const struct item *item)
{
    return job->intent.rid ? strcmp(job->intent.rid, item->id) == 0
                           : !has_other_row(sync, job, item);
}

/* The clock was set back since the service told of the item: the time to wait counts from now. */
static void confirm_now(struct sync *sync, ino_nr ino, int64_t now_ms)
{
    cleanup_txn struct store_txn *txn = NULL;
    struct err err = { 0 };

    if (store_begin(sync->conf.store, &txn, &err) == 0 && txn_confirm_node(txn, ino, now_ms) == 0)
        (void)sync_commit(&txn, &err);
}

/* Whether the service has told of the row's item so lately that it may not know it everywhere. */
static bool is_known_lately(struct sync *sync, const struct push_job *job)
{
    int64_t now_ms = clock_real_ms(sync->conf.clock);
    struct node node;
    bool is_fresh;

    if (job->is_by_place || store_get_node(sync->conf.store, job->ino, &node) < 0)
        return false;
    is_fresh = apply_is_fresh(&node, now_ms);
    if (node.confirmed_ms > now_ms)
        confirm_now(sync, job->ino, now_ms);
    node_clear(&node);
    return is_fresh;
}

/* What is found after a refusal isn't from here, unless something that was sent before may have
 * arrived: then it is what the service has made of that, not what somebody else gave the same time.
 */
static bool may_be_ours(struct sync *sync, const struct push_job *job)
{
    return job->is_unknown || pauses_has_doubt(&sync->push.pauses, job->ino);
}

/* Of a content, that needs a hash on both sides; an equal size and time would not do. */
static bool is_comparable(const struct intent *intent, const struct item *item)
{
    return intent->verb != INTENT_UPLOAD ||
           (intent->hash && item->hash && intent->hash_kind == item->hash_kind);
}

static bool is_done(struct sync *sync, const struct push_job *job, const struct item *item)
{
    struct node node;
    bool ret = push_is_done(&job->intent, item);

    if (!may_be_ours(sync, job))
        return ret && is_comparable(&job->intent, item);
    if (ret || store_get_node(sync->conf.store, job->ino, &node) < 0)
        return ret;
    ret = push_is_rewritten(&job->intent, item, sync->conf.user,
                            node.attr.flags & NODE_BASE ? &node.base : NULL);
    node_clear(&node);
    return ret;
}

/* The same may be refused once more, or be seen to have been carried out. */
static void end_lagging(struct sync *sync, struct push_job *job)
{
    bool has_doubt = may_be_ours(sync, job);
    ino_nr ino = job->ino;

    push_end_lagging(sync, job);
    if (has_doubt)
        pauses_note_doubt(&sync->push.pauses, ino);
}

/* ---- what may have been carried out all the same ---- */

/* Asked for so lately, or by a process that ended so lately, that the server may not tell yet. */
static bool is_asked_lately(struct sync *sync, const struct push_job *job)
{
    int64_t age_ms = clock_real_ms(sync->conf.clock) - job->intent.asked_ms;
    int64_t runs_ms = clock_mono_ms(sync->conf.clock) - sync->push.began_ms;

    return runs_ms < APPLY_LATE_MS || age_ms < APPLY_LATE_MS;
}

/* Whether the item, or that there is none, is what was there before. */
static bool may_be_older(const struct push_job *job, const struct node *node,
                         const struct item *item)
{
    if (!item)
        return job->is_by_place;
    return node->base.etag && item->etag && strcmp(node->base.etag, item->etag) == 0;
}

/* Not what is gone here by now, nor a large content that has another one behind it. */
static bool may_repeat(const struct push_job *job, const struct node *node)
{
    const struct intent *intent = &job->intent;

    return !job->is_repeated && node->attr.flags & NODE_LOCAL &&
           (intent->verb != INTENT_UPLOAD || node->local.generation == intent->generation ||
            intent->size <= (int64_t)REMOTE_PUT_MAX);
}

static void repeat(struct sync *sync, struct push_job *job, const struct node *node)
{
    job->is_repeated = true;
    job->is_by_place = false;
    free(job->if_match);
    job->if_match = x_strdup(node->base.etag);
    if (job->intent.verb == INTENT_UPLOAD && push_reopen(sync, job) < 0)
        push_end_lagging(sync, job);
    else
        push_send(sync, job);
}

/* True: it is seen to, or waits. */
static bool defer(struct sync *sync, struct push_job *job, const struct item *item)
{
    struct node node = { 0 };
    bool is_open =
        job->is_unknown && job->intent.verb != INTENT_DELETE && is_asked_lately(sync, job) &&
        (store_get_node(sync->conf.store, job->ino, &node) < 0 || may_be_older(job, &node, item));

    if (is_open && may_repeat(job, &node))
        repeat(sync, job, &node);
    else if (is_open)
        push_end_lagging(sync, job);
    node_clear(&node);
    return is_open;
}

static void conclude(struct sync *sync, struct push_job *job, const struct item *item)
{
    struct err err = { 0 };

    KILL_POINT("resolve");
    if (item)
        guard_learn(sync, job, item);
    if (item && is_ours(sync, job, item) && is_done(sync, job, item))
        push_succeed(sync, job, item);
    else if (!item && job->intent.verb == INTENT_DELETE)
        push_succeed_gone(sync, job);
    else if (defer(sync, job, item))
        return;
    else if (forget_intent(sync, job, item, &err) < 0)
        push_end_failed(sync, job, &err);
    else if (job->is_refused && (!item || !job->is_by_place))
        push_end_name_refused(sync, job);
    else
        end_lagging(sync, job);
}

static void on_found(struct sync *sync, struct push_job *job, const struct item *item,
                     const struct err *err)
{
    bool is_gone =
        err->code == -ENOENT || err->http_status == 404 || (item && item->flags & ITEM_DELETED);

    if (err->code != 0 && !is_gone)
        push_end_failed(sync, job, err);
    else if (is_gone && is_known_lately(sync, job))
        push_end_lagging(sync, job);
    else
        conclude(sync, job, is_gone ? NULL : item);
}

static void on_items(struct sync *sync, struct answer *answer, void *owner)
{
    struct push_job *job = owner;
    bool has_item = answer->err.code == 0 && answer->page && answer->page->count > 0;
    const struct err *err = has_item && answer->errors ? &answer->errors[0] : &answer->err;

    job->request = NULL;
    on_found(sync, job, has_item ? &answer->page->items[0] : NULL, err);
}

static void on_child(struct sync *sync, struct answer *answer, void *owner)
{
    struct push_job *job = owner;
    bool has_item = answer->err.code == 0 && answer->page && answer->page->count > 0;

    job->request = NULL;
    on_found(sync, job, has_item ? &answer->page->items[0] : NULL, &answer->err);
}

static void ask_by_id(struct sync *sync, struct push_job *job)
{
    const struct item_query query = {
        .drive_id = job->drive.drive_id,
        .ids = (const char *const[]){ job->intent.rid },
        .count = 1,
        .priority = REMOTE_UPLOAD,
    };

    job->request = request_items(sync, &query, on_items, job);
}

static void ask_by_place(struct sync *sync, struct push_job *job)
{
    const struct path_query query = {
        .drive_id = job->drive.drive_id,
        .parent_id = job->intent.parent_rid,
        .name = job->intent.name,
        .in_any_case = true, /* it is in the way all the same */
        .priority = REMOTE_UPLOAD,
    };

    job->is_by_place = true;
    job->request = request_child(sync, &query, on_child, job);
}

static void ask(struct sync *sync, struct push_job *job)
{
    if (job->intent.rid)
        ask_by_id(sync, job);
    else
        ask_by_place(sync, job);
}

static void note_asked(struct sync *sync, struct push_job *job, int64_t now_ms)
{
    struct err err = { 0 };

    job->intent.asked_ms = now_ms;
    if (push_put_intent(sync, job, &err) < 0)
        log_info("sync", "a change whose answer was lost: %s", err.msg);
}

void push_resolve(struct sync *sync, struct push_job *job)
{
    int64_t now_ms = clock_real_ms(sync->conf.clock);

    /* The clock was set back: the time to wait counts from now. */
    if (job->intent.asked_ms > now_ms)
        note_asked(sync, job, now_ms);
    job->is_unknown = job->intent.asked_ms != 0;
    ask(sync, job);
}

void push_lost_answer(struct sync *sync, struct push_job *job)
{
    /* Nothing can have been sent if that is 0: the answer was to be a session. */
    if (!job->is_resumed && job->intent.asked_ms != 0)
        note_asked(sync, job, clock_real_ms(sync->conf.clock));
    push_resolve(sync, job);
}

void push_look_again(struct sync *sync, struct push_job *job, const struct err *err)
{
    job->is_refused = err->http_status == 409 && job->intent.verb == INTENT_UPLOAD;
    if (err->http_status == 409 && job->intent.name)
        ask_by_place(sync, job);
    else
        ask(sync, job);
}
