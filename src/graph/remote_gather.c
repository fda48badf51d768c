/* SPDX-License-Identifier: MIT */
/*
 * Changes that are asked for together go out together: as many as a batch has room for in one
 * request. To whoever asked each is a call of its own, with its own answer.
 *
 * What the service tells in the answer to a part is what it would have told of the part alone, with
 * two exceptions: what was throttled, or refused for the token, has certainly not been carried out,
 * and goes out again by itself, as a call that waits and is repeated. If the batch as a whole has
 * no answer, no part of it has: the fate of each is unknown, or not, as that of the batch is.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/xalloc.h"
#include "graph/batch.h"
#include "graph/decode.h"
#include "graph/errmap.h"
#include "graph/remote_i.h"
#include "graph/retry.h"

/* Each part has at most an id, a tag and a name. */
#define MAX_BATCH_BYTES ((size_t)512 * 1024)

struct batch_op {
    struct op op;
    struct gathered *parts[BATCH_MAX];
    size_t count;
};

static void gathered_free(struct gathered *gathered)
{
    if (!gathered)
        return;
    draft_clear(&gathered->draft);
    free(gathered);
}

/* ---- one by itself ---- */

static void send_alone(struct gathered *gathered)
{
    struct op *op = gathered->op;
    call_done_fn *done = gathered->done;
    struct err err = { 0 };
    int r = draft_call(&gathered->draft, op, gathered->method, done, &err);
    gathered_free(gathered);
    if (r < 0)
        done(NULL, &err, op);
}

/* ---- the answer to a batch ---- */

static void finish_part(struct gathered *gathered, struct call_answer *answer,
                        const struct err *err)
{
    gathered->done(answer, err, gathered->op);
    gathered_free(gathered);
}

static void succeed(struct gathered *gathered, const struct batch_part *part,
                    const char *request_id)
{
    struct call_answer answer = { .status = part->status };
    strbuf_init(&answer.body, REMOTE_MAX_ANSWER);
    if (part->body)
        (void)strbuf_addstr(&answer.body, json_object_to_json_string(part->body));
    memcpy(answer.request_id, request_id, sizeof(answer.request_id));
    finish_part(gathered, &answer, NULL);
    strbuf_clear(&answer.body);
}

/* Returns how long all calls of the account are to wait; -1: they aren't. */
static int64_t settle_part(struct gathered *gathered, const struct batch_part *part,
                           const char *request_id)
{
    struct err err;
    if (part->status / 100 == 2) {
        succeed(gathered, part, request_id);
        return -1;
    }
    if (part->status == 0) {
        (void)err_set(&err, -EIO, "the service left this out of its answer to a batch");
        errmap_note_id(&err, request_id);
        err.retry = ERR_RETRY_LATER;
        err.is_fate_unknown = true;
        finish_part(gathered, NULL, &err);
        return -1;
    }
    (void)errmap_object(&err, part->status, part->body, request_id);
    if (err.code == -EAGAIN || part->status == 401) {
        send_alone(gathered);
        return err.code == -EAGAIN ? retry_hold_ms(part->status, part->retry_after_ms) : -1;
    }
    err.is_fate_unknown = errmap_leaves_doubt(&err, part->retry_after_ms >= 0);
    finish_part(gathered, NULL, &err);
    return -1;
}

/* Sends what is gathered, unless more is about to come. */
static void send_all(struct graph_remote *remote);

static void end_batch(struct batch_op *batch_op)
{
    struct graph_remote *remote = batch_op->op.remote;
    {
        LOCKED(&remote->lock);
        remote->answering--;
    }

    send_all(remote);
    op_end(&batch_op->op);
    free(batch_op);
}

static void begin_answers(struct batch_op *batch_op)
{
    struct graph_remote *remote = batch_op->op.remote;
    LOCKED(&remote->lock);
    remote->answering++;
}

static void batch_fail(struct op *op, const struct err *err)
{
    struct batch_op *batch_op = (struct batch_op *)(void *)op;
    begin_answers(batch_op);
    for (size_t i = 0; i < batch_op->count; i++)
        finish_part(batch_op->parts[i], NULL, err);
    end_batch(batch_op);
}

static void on_batch(struct call_answer *answer, const struct err *err, void *arg)
{
    struct batch_op *batch_op = arg;
    struct graph_remote *remote = batch_op->op.remote;
    struct batch_part parts[BATCH_MAX];
    int64_t hold_ms = -1;
    struct err why;
    if (err) {
        batch_fail(&batch_op->op, err);
        return;
    }
    cleanup_json struct json_object *json = decode_answer(&answer->body, &why);
    if (!json || batch_read(json, clock_real_ms(remote->clock), parts, batch_op->count, &why) < 0) {
        errmap_note_id(&why, answer->request_id);
        why.is_fate_unknown = true;
        batch_fail(&batch_op->op, &why);
        return;
    }
    begin_answers(batch_op);
    for (size_t i = 0; i < batch_op->count; i++) {
        int64_t held_ms = settle_part(batch_op->parts[i], &parts[i], answer->request_id);
        if (held_ms > hold_ms)
            hold_ms = held_ms;
    }
    if (hold_ms >= 0)
        call_hold(remote->caller, hold_ms);
    end_batch(batch_op);
}

/* ---- sending ---- */

static void add_part(const struct graph_remote *remote, struct strbuf *body, size_t number,
                     const struct gathered *gathered)
{
    const struct draft *draft = &gathered->draft;
    const struct batch_change change = {
        .method = gathered->method,
        .url = draft->url.data + strlen(remote->root),
        .if_match = draft->if_match,
        .body = draft->body.len > 0 ? draft->body.data : NULL,
    };
    batch_add_change(body, number, &change);
}

static void send_together(struct graph_remote *remote, struct gathered *const *parts, size_t count)
{
    struct batch_op *batch_op = x_calloc(1, sizeof(*batch_op));
    cleanup_strbuf struct strbuf body;
    cleanup_free char *url = x_asprintf("%s/$batch", remote->root);
    strbuf_init(&body, MAX_BATCH_BYTES);
    batch_op->op.fail = batch_fail;
    batch_op->count = count;
    batch_begin(&body);
    for (size_t i = 0; i < count; i++) {
        batch_op->parts[i] = parts[i];
        add_part(remote, &body, i, parts[i]);
    }
    (void)batch_end(&body);
    (void)op_begin(remote, &batch_op->op, (enum remote_priority)parts[0]->op->priority, 0);
    struct call_request request = {
        .kind = CALL_GRAPH,
        .method = "POST",
        .url = url,
        .body = body.data,
        .body_length = body.len,
        .is_change = true,
        .max_body = REMOTE_MAX_ANSWER,
    };
    if (strbuf_error(&body) < 0) {
        (void)err_set(&batch_op->op.err, -EINVAL, "an id or a name is too long");
        op_fail_later(&batch_op->op);
    } else {
        /* Nobody knows its id who could cancel it. */
        (void)op_call(&batch_op->op, &request, on_batch);
    }
}

/* While parts of a batch are being answered, what follows from each is waited for. */
static size_t take_gathered(struct graph_remote *remote, struct gathered **ret)
{
    size_t count = 0;
    LOCKED(&remote->lock);
    if (remote->is_gathering || remote->answering > 0)
        return 0;
    while (count < BATCH_MAX && !STAILQ_EMPTY(&remote->gathered)) {
        struct gathered *gathered = STAILQ_FIRST(&remote->gathered);
        if (count > 0 && gathered->op->priority != ret[0]->op->priority)
            break;
        STAILQ_REMOVE_HEAD(&remote->gathered, next);
        ret[count++] = gathered;
    }
    return count;
}

static void send_all(struct graph_remote *remote)
{
    struct gathered *parts[BATCH_MAX];
    size_t count;
    while ((count = take_gathered(remote, parts)) > 0) {
        if (count == 1)
            send_alone(parts[0]);
        else
            send_together(remote, parts, count);
    }
}

void graph_remote_send_gathered(struct remote *base)
{
    struct graph_remote *remote = graph_remote_of(base);
    {
        LOCKED(&remote->lock);
        remote->is_gathering = false;
    }

    send_all(remote);
}

void graph_remote_gather(struct remote *base)
{
    struct graph_remote *remote = graph_remote_of(base);
    LOCKED(&remote->lock);
    remote->is_gathering = true;
}

void gathered_send(struct draft *draft, struct op *op, const char *method, call_done_fn *done)
{
    struct graph_remote *remote = op->remote;
    struct gathered *gathered = x_calloc(1, sizeof(*gathered));
    bool is_gathering;
    gathered->op = op;
    gathered->method = method;
    gathered->done = done;
    gathered->draft = *draft;
    draft_init(draft);
    if (draft_check(&gathered->draft, &op->err) < 0) {
        gathered_free(gathered);
        op_fail_later(op);
        return;
    }
    {
        LOCKED(&remote->lock);
        is_gathering = remote->is_gathering;
        if (is_gathering)
            STAILQ_INSERT_TAIL(&remote->gathered, gathered, next);
    }
    if (!is_gathering)
        send_alone(gathered);
}
