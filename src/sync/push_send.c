/* SPDX-License-Identifier: MIT */
/*
 * One change: its request, and what the answer means.
 *
 * The guard of a change is the tag that base has (If-Match). Refused for it, or because the name is
 * taken, or since the item is gone, means that somebody else was there: what the server has now is
 * applied, which may make a conflict that is then settled. What can't succeed without the user is
 * noted as blocked, and tried again now and then. What may have happened although no answer says so
 * is read from the server before anything is repeated.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/kill_point.h"
#include "base/log.h"
#include "sync/push_i.h"
#include "sync/push_store.h"

/* ---- success ---- */

/* While they are still frozen: nobody may have written to what becomes the version. */
static void keep_bytes(struct sync *sync, const struct push_job *job)
{
    uint64_t generation = job->intent.generation;
    bool is_shown = false;
    struct node node;

    if (job->intent.verb != INTENT_UPLOAD)
        return;
    if (store_get_node(sync->conf.store, job->ino, &node) == 0) {
        is_shown = node.local.generation == generation && node.attr.flags & NODE_LOCAL;
        if (is_shown)
            bytes_keep(sync->conf.bytes, &node, job->drive.drive_id);
        node_clear(&node);
    }
    if (!is_shown)
        bytes_drop(sync->conf.bytes, generation);
}

/* How the store is told of an answer. */
typedef int take_fn(struct store_txn *txn, const struct apply_context *context,
                    const struct push_job *job, const struct item *item, struct err *err);

/* One that is new may go before delta has told of it, and then it never will. */
static int take_item(struct store_txn *txn, const struct apply_context *context,
                     const struct push_job *job, const struct item *item, struct err *err)
{
    int r = push_take_item(txn, context, &job->intent, item, err);

    return r < 0 || job->intent.rid ? r : absence_note(txn, context, item->id, false);
}

static int take_deletion(struct store_txn *txn, const struct apply_context *context,
                         const struct push_job *job, const struct item *item, struct err *err)
{
    (void)item;
    return push_take_deletion(txn, context, &job->intent, err);
}

/* The intent stays if this fails: what has happened is then read from the server. */
static int store_answer(struct sync *sync, const struct push_job *job, const struct item *item,
                        take_fn *take, struct err *err)
{
    const struct apply_context context = push_context(sync, job);
    cleanup_txn struct store_txn *txn = NULL;
    int r = store_begin(sync->conf.store, &txn, err);

    if (r == 0)
        r = take(txn, &context, job, item, err);
    if (r == 0)
        r = txn_clear_blocked(txn, job->ino);
    return r < 0 ? sync_explain(err, r, "storing an answer") : sync_commit(&txn, err);
}

static void end_with(struct sync *sync, struct push_job *job, const struct item *item,
                     take_fn *take)
{
    struct err err = { 0 };

    KILL_POINT("answer");
    if (store_answer(sync, job, item, take, &err) < 0) {
        push_end_failed(sync, job, &err);
        return;
    }
    KILL_POINT("answered");
    keep_bytes(sync, job);
    if (job->file)
        holds_note_sent(&sync->push.holds, job->ino, job->hold_mark, job->began_ms,
                        clock_mono_ms(sync->conf.clock));
    pauses_end(&sync->push.pauses, job->ino);
    push_end(sync, job);
}

void push_succeed(struct sync *sync, struct push_job *job, const struct item *item)
{
    end_with(sync, job, item, take_item);
}

void push_succeed_gone(struct sync *sync, struct push_job *job)
{
    end_with(sync, job, NULL, take_deletion);
}

/* ---- refusals ---- */

/* What was settled while the service refused it waits for nobody. */
static int is_to_be_sent(struct store_txn *txn, ino_nr ino)
{
    struct node node;
    int r = txn_get_node(txn, ino, &node);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = node_dirty(&node, APPLY_MTIME_GRANULARITY_NS) != 0;
    node_clear(&node);
    return r;
}

static int put_blocked(struct sync *sync, struct store_txn *txn, const struct push_job *job,
                       const struct err *why, const struct refusal *refusal)
{
    int64_t now_ms = clock_real_ms(sync->conf.clock);
    const struct blocked blocked = {
        .ino = job->ino,
        .since_ms = now_ms,
        .retry_ms = now_ms + refusal->retry_ms,
        .code = why->code,
        .reason = (char *)(uintptr_t)(refusal->why ? refusal->why : why->msg),
        .remedy = (char *)(uintptr_t)refusal->remedy,
    };
    int r = is_to_be_sent(txn, job->ino);

    return r > 0 ? txn_put_blocked(txn, &blocked) : r;
}

static int clear_intent(struct sync *sync, const struct push_job *job, const struct err *why,
                        const struct refusal *refusal, struct err *err)
{
    const struct apply_context context = push_context(sync, job);
    cleanup_txn struct store_txn *txn = NULL;
    int r = store_begin(sync->conf.store, &txn, err);

    if (r == 0)
        r = txn_clear_intent(txn, job->ino);
    if (r == 0 && job->is_new)
        r = push_forget(txn, &context, err);
    if (r == 0 && refusal)
        r = put_blocked(sync, txn, job, why, refusal);
    return r < 0 ? sync_explain(err, r, "storing a refusal") : sync_commit(&txn, err);
}

/* It was certainly not carried out: nothing is left of the attempt. */
static void give_up(struct sync *sync, struct push_job *job, const struct err *why)
{
    const struct refusal *refusal = refusal_find(why);
    struct err err = { 0 };

    if (refusal)
        log_warn("sync", "%s: the service refuses it: %s",
                 job->intent.name ? job->intent.name : "a change", why->msg);
    if (clear_intent(sync, job, why, refusal, &err) < 0)
        push_end_failed(sync, job, &err);
    else if (refusal)
        push_end_blocked(sync, job, why, refusal);
    else
        push_end_failed(sync, job, why);
}

static bool is_someone_else(const struct err *err)
{
    return err->http_status == 404 || err->http_status == 409 || err->http_status == 412;
}

void push_refused(struct sync *sync, struct push_job *job, const struct err *err)
{
    if (err->is_fate_unknown)
        push_lost_answer(sync, job);
    else if (is_someone_else(err))
        push_look_again(sync, job, err);
    else
        give_up(sync, job, err);
}

/* ---- requests ---- */

static void on_item(struct sync *sync, struct answer *answer, void *owner)
{
    struct push_job *job = owner;

    job->request = NULL;
    if (answer->err.code != 0)
        push_refused(sync, job, &answer->err);
    else
        push_succeed(sync, job, &answer->page->items[0]);
}

static void send_folder(struct sync *sync, struct push_job *job)
{
    const struct path_query query = {
        .drive_id = job->drive.drive_id,
        .parent_id = job->intent.parent_rid,
        .name = job->intent.name,
        .priority = REMOTE_UPLOAD,
    };

    job->request = request_make_folder(sync, &query, on_item, job);
}

static void send_change(struct sync *sync, struct push_job *job)
{
    const struct intent *intent = &job->intent;
    const struct change_query query = {
        .drive_id = job->drive.drive_id,
        .item_id = intent->rid,
        .if_match = job->if_match,
        .parent_id = intent->parent_rid,
        .name = intent->name,
        .has_mtime = intent->mtime_ns != 0,
        .mtime_ns = intent->mtime_ns,
        .priority = REMOTE_UPLOAD,
    };

    job->request = request_change(sync, &query, on_item, job);
}

void push_send(struct sync *sync, struct push_job *job)
{
    static void (*const send[])(struct sync * sync, struct push_job * job) = {
        [INTENT_CREATE_FOLDER] = send_folder,
        [INTENT_UPLOAD] = push_upload,
        [INTENT_CHANGE] = send_change,
        [INTENT_DELETE] = push_delete,
    };

    KILL_POINT("send");
    send[job->intent.verb](sync, job);
}
