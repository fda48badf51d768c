/* SPDX-License-Identifier: MIT */
/*
 * Content on its way up:
 *
 *     hash ─► intent ─► session ─► (read ─► fragment)* ─► item
 *                          ▲                   │ an answer was lost, or the service is elsewhere:
 *                          └───── asked ◄──────┘ where does it go on?
 *
 * The bytes are frozen meanwhile, so that what arrives is one state of the file. Its hash goes into
 * the intent: with it a lost answer is recognised. The session's URL does as well, so that a
 * restart takes the upload up where it was. A session carries the time along, and the guard. A file
 * without bytes can't have one, nor one that a lost session keeps: these go in one request.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/kill_point.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sync/push_fragment.h"
#include "sync/push_i.h"

static void read_next(struct sync *sync, struct push_job *job);

/* ---- the intent ---- */

int push_put_intent(struct sync *sync, const struct push_job *job, struct err *err)
{
    cleanup_txn struct store_txn *txn = NULL;
    struct node_attr attr;
    int r = store_begin(sync->conf.store, &txn, err);

    if (r == 0)
        r = txn_getattr(txn, job->ino, &attr);
    if (r == 0)
        r = txn_put_intent(txn, &job->intent);
    return r < 0 ? sync_explain(err, r, "storing what is sent") : sync_commit(&txn, err);
}

static struct upload_target target_of(const struct push_job *job)
{
    const struct intent *intent = &job->intent;

    return (struct upload_target){
        .drive_id = job->drive.drive_id,
        .item_id = intent->rid,
        .if_match = intent->rid ? job->if_match : NULL,
        .parent_id = intent->rid ? NULL : intent->parent_rid,
        .name = intent->rid ? NULL : intent->name,
    };
}

/* ---- fragments ---- */

/* Nobody waits for that. */
void push_end_session(struct sync *sync, const struct push_job *job)
{
    const struct fragment_query query = {
        .url = job->url,
        .total = job->intent.size,
        .priority = REMOTE_UPLOAD,
    };

    if (job->url)
        request_session_end(sync, &query);
}

static void on_session(struct sync *sync, struct answer *answer, void *owner);

static void ask_session(struct sync *sync, struct push_job *job)
{
    const struct fragment_query query = {
        .url = job->url,
        .total = job->intent.size,
        .priority = REMOTE_UPLOAD,
    };

    job->request = request_session_ask(sync, &query, on_session, job);
}

static bool is_lost(const struct err *err)
{
    return err->http_status == 401 || err->http_status == 404 || err->http_status == 410;
}

/* What the line has taken. */
static void learn(struct sync *sync, const struct push_job *job, const struct err *err)
{
    unsigned *units = &sync->push.fragment_units;

    if (err->code == 0)
        *units =
            fragment_after(*units, job->length, clock_mono_ms(sync->conf.clock) - job->sent_ms);
    else if (err->is_fate_unknown)
        *units = fragment_after_failure(*units);
}

static void on_fragment(struct sync *sync, struct answer *answer, void *owner)
{
    struct push_job *job = owner;
    const struct err *err = &answer->err;

    KILL_POINT("fragment");
    job->request = NULL;
    learn(sync, job, err);
    if (err->code == 0 && answer->page) {
        push_succeed(sync, job, &answer->page->items[0]);
    } else if (err->code == 0) {
        job->offset = answer->session.next;
        job->has_come = true;
        read_next(sync, job);
    } else if (is_lost(err)) {
        push_lost_answer(sync, job);
    } else if ((err->is_fate_unknown || err->http_status == 416) && job->has_come) {
        job->has_come = false; /* once, until it goes on */
        ask_session(sync, job);
    } else {
        job->end_was_refused = err->http_status == 412 && job->has_tag_guard;
        push_end_session(sync, job);
        push_refused(sync, job, err);
    }
}

void push_send_fragment(struct sync *sync, struct push_job *job)
{
    const struct fragment_query query = {
        .url = job->url,
        .total = job->intent.size,
        .offset = job->offset,
        .length = job->length,
        .data = job->buffer,
        .priority = REMOTE_UPLOAD,
    };

    job->sent_ms = clock_mono_ms(sync->conf.clock);
    job->request = request_session_put(sync, &query, job->buffer, on_fragment, job);
    job->buffer = NULL; /* the request's now */
}

static void on_read(struct sync *sync, struct push_job *job, int status, const char *text)
{
    bool is_last = job->offset + (int64_t)job->length >= job->intent.size;
    struct err err;

    (void)text;
    if (status < 0) {
        push_end_session(sync, job);
        (void)err_set_errno(&err, status, "reading what is to be sent");
        push_end_failed(sync, job, &err);
    } else if (is_last && guard_has_to_look(job)) {
        guard_look(sync, job);
    } else {
        push_send_fragment(sync, job);
    }
}

static void read_next(struct sync *sync, struct push_job *job)
{
    int64_t left = job->intent.size - job->offset;
    struct err err;

    if (left <= 0 || job->offset < 0) {
        (void)err_set(&err, -EPROTO, "the service has all of a file, and doesn't say so");
        push_resolve(sync, job);
        return;
    }
    job->length = fragment_length(sync->push.fragment_units, sync->push.upload_count, left);
    free(job->buffer);
    job->buffer = malloc(job->length);
    if (job->buffer) {
        push_read(sync, job, on_read);
        return;
    }
    (void)err_set(&err, -ENOMEM, "no memory for what is to be sent");
    push_end_failed(sync, job, &err);
}

/* ---- beginning ---- */

static void on_session(struct sync *sync, struct answer *answer, void *owner)
{
    struct push_job *job = owner;
    struct err err = { 0 };

    job->request = NULL;
    if (answer->err.code != 0) {
        if (job->url && is_lost(&answer->err))
            push_lost_answer(sync, job);
        else
            push_refused(sync, job, &answer->err);
        return;
    }
    KILL_POINT("session");
    if (!job->url) {
        job->url = x_strdup(answer->session_url);
        job->intent.session_url = x_strdup(answer->session_url);
        job->intent.session_until_ms = answer->session.expires_ms;
        job->intent.asked_ms = clock_real_ms(sync->conf.clock);
        if (push_put_intent(sync, job, &err) < 0) {
            push_end_failed(sync, job, &err);
            return;
        }
    }
    job->offset = answer->session.next;
    job->has_come = true;
    read_next(sync, job);
}

static void on_put(struct sync *sync, struct answer *answer, void *owner)
{
    struct push_job *job = owner;

    job->request = NULL;
    if (answer->err.code != 0)
        push_refused(sync, job, &answer->err);
    else
        push_succeed(sync, job, &answer->page->items[0]);
}

static void put_whole(struct sync *sync, struct push_job *job)
{
    const struct put_query query = {
        .target = target_of(job),
        .data = job->buffer,
        .length = (size_t)job->intent.size,
        .priority = REMOTE_UPLOAD,
    };

    job->request = request_put(sync, &query, job->buffer, on_put, job);
    job->buffer = NULL; /* the request's now */
}

static void on_read_whole(struct sync *sync, struct push_job *job, int status, const char *text)
{
    struct err err;

    (void)text;
    if (status == 0) {
        put_whole(sync, job);
        return;
    }
    (void)err_set_errno(&err, status, "reading what is to be sent");
    push_end_failed(sync, job, &err);
}

/* Such a file doesn't take its time along: that follows as a change. */
static void begin_whole(struct sync *sync, struct push_job *job)
{
    if (job->intent.size == 0) {
        put_whole(sync, job);
        return;
    }
    job->length = (size_t)job->intent.size;
    job->buffer = x_malloc(job->length);
    push_read(sync, job, on_read_whole);
}

static void begin(struct sync *sync, struct push_job *job)
{
    struct session_query query = {
        .target = target_of(job),
        .size = job->intent.size,
        .has_mtime = true,
        .mtime_ns = job->intent.mtime_ns,
        .priority = REMOTE_UPLOAD,
    };

    if (job->is_whole) {
        begin_whole(sync, job);
        return;
    }
    job->has_tag_guard = guard_takes_tag(sync, job);
    if (!job->has_tag_guard)
        query.target.if_match = NULL;
    job->request = request_session_begin(sync, &query, on_session, job);
}

static void on_hash(struct sync *sync, struct push_job *job, int status, const char *text)
{
    struct err err = { 0 };

    /* Without its session's address nothing can have been sent. */
    if (!job->is_whole && !job->is_unknown)
        job->intent.asked_ms = 0;
    free(job->intent.hash);
    job->intent.hash = status == 0 ? x_strdup(text) : NULL;
    if (status < 0)
        (void)err_set_errno(&err, status, "reading what is to be sent");
    else
        status = push_put_intent(sync, job, &err);
    KILL_POINT("hashed");
    if (status < 0)
        push_end_failed(sync, job, &err);
    else
        begin(sync, job);
}

void push_upload(struct sync *sync, struct push_job *job)
{
    push_hash(sync, job, job->intent.hash_kind, on_hash);
}

int push_reopen(struct sync *sync, struct push_job *job)
{
    int64_t size = 0;
    int r = 0;

    push_close_bytes(job);
    free(job->url);
    free(job->intent.session_url);
    job->url = job->intent.session_url = NULL;
    r = bytes_open(sync->conf.bytes, job->intent.generation, &job->file, &size);
    if (r == 0 && size != job->intent.size)
        r = -ENOENT;
    job->is_whole = size == 0;
    return r;
}

bool push_resume_upload(struct sync *sync, struct push_job *job)
{
    int64_t size = 0;

    if (job->intent.verb != INTENT_UPLOAD || !job->intent.session_url ||
        bytes_open(sync->conf.bytes, job->intent.generation, &job->file, &size) < 0)
        return false;
    if (size != job->intent.size)
        return false;
    job->url = x_strdup(job->intent.session_url);
    ask_session(sync, job);
    return true;
}
