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
 * asked for again before it is given up.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/kill_point.h"
#include "base/log.h"
#include "sync/apply_i.h"
#include "sync/push_i.h"
#include "sync/push_store.h"

/* What the server says of the item, or that there is none (NULL), is applied. */
static int apply_found(struct store_txn *txn, const struct apply_context *context,
                       const struct push_job *job, const struct item *item, struct err *err)
{
    if (item)
        return apply_report(txn, context, item, NULL, err);
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

/* Not another item, which has the name that it was to have. */
static bool is_ours(const struct push_job *job, const struct item *item)
{
    return !job->intent.rid || strcmp(job->intent.rid, item->id) == 0;
}

/* Whether the service has told of the row's item so lately that it may not know it everywhere. */
static bool is_known_lately(struct sync *sync, const struct push_job *job)
{
    struct node node;
    bool is_fresh;

    if (job->is_by_place || store_get_node(sync->conf.store, job->ino, &node) < 0)
        return false;
    is_fresh = apply_is_fresh(&node, clock_real_ms(sync->conf.clock));
    node_clear(&node);
    return is_fresh;
}

/* What is found after a refusal isn't from here, unless something that was sent before may have
 * arrived: then it is what the service has made of that, not what somebody else gave the same time.
 */
static bool may_be_ours(struct sync *sync, const struct push_job *job)
{
    return !job->was_refused || pauses_has_doubt(&sync->push.pauses, job->ino);
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

static void conclude(struct sync *sync, struct push_job *job, const struct item *item)
{
    struct err err = { 0 };

    KILL_POINT("resolve");
    if (item)
        guard_learn(sync, job, item);
    if (item && is_ours(job, item) && is_done(sync, job, item))
        push_succeed(sync, job, item);
    else if (!item && job->intent.verb == INTENT_DELETE)
        push_succeed_gone(sync, job);
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
        .priority = REMOTE_UPLOAD,
    };

    job->is_by_place = true;
    job->request = request_child(sync, &query, on_child, job);
}

void push_resolve(struct sync *sync, struct push_job *job)
{
    if (job->intent.rid)
        ask_by_id(sync, job);
    else
        ask_by_place(sync, job);
}

void push_look_again(struct sync *sync, struct push_job *job, const struct err *err)
{
    job->was_refused = true;
    job->is_refused = err->http_status == 409 && job->intent.verb == INTENT_UPLOAD;
    if (err->http_status == 409 && job->intent.name)
        ask_by_place(sync, job);
    else
        push_resolve(sync, job);
}
