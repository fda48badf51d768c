/* SPDX-License-Identifier: MIT */
/*
 * Items by id, in batches of twenty.
 *
 * Each id is pending until its part of some batch has settled it. A batch takes the first twenty
 * that are pending; what was throttled or failed for a moment stays so and goes into the next one,
 * after the longest pause that any part asked for. An id that fails for a moment too often is
 * settled with that error.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/uuid.h"
#include "base/xalloc.h"
#include "graph/batch.h"
#include "graph/decode.h"
#include "graph/errmap.h"
#include "graph/remote_i.h"
#include "graph/retry.h"

#define MAX_BATCH_BYTES ((size_t)64 * 1024)
#define MAX_ATTEMPTS    6

struct items_op {
    struct op op;
    char *drive_id;
    char **ids;
    size_t count;
    struct item_page *page;  /* an item by index; without an id: pending or failed */
    struct err *errors;      /* by index */
    unsigned *attempts;      /* by index */
    bool *is_settled;        /* by index */
    size_t batch[BATCH_MAX]; /* the indexes that are under way */
    size_t batch_count;
    remote_items_fn *done;
    void *arg;
};

static void send_batch(struct items_op *items_op, int64_t pause_ms);

static void items_free(struct items_op *items_op)
{
    for (size_t i = 0; i < items_op->count; i++)
        free(items_op->ids[i]);
    item_page_free(items_op->page);
    free(items_op->drive_id);
    free(items_op->ids);
    free(items_op->errors);
    free(items_op->attempts);
    free(items_op->is_settled);
    free(items_op);
}

static void items_fail(struct op *op, const struct err *err)
{
    struct items_op *items_op = (struct items_op *)(void *)op;
    items_op->done(NULL, NULL, err, items_op->arg);
    op_end(op);
    items_free(items_op);
}

static void items_succeed(struct items_op *items_op)
{
    struct item_page *page = steal_ptr(&items_op->page);
    for (size_t i = 0; i < items_op->count; i++) {
        unsigned flags = items_op->errors[i].http_status == 404 ? ITEM_DELETED : 0;
        if (!page->items[i].id)
            decode_page_put_bare(page, i, items_op->ids[i], flags);
    }
    items_op->done(page, items_op->errors, NULL, items_op->arg);
    op_end(&items_op->op);
    items_free(items_op);
}

/* What the service said of one id. Returns how long to wait if it has to be asked again, else -1.
 */
static int64_t settle(struct items_op *items_op, size_t i, const struct batch_part *part,
                      const char *request_id)
{
    struct err *error = &items_op->errors[i];
    items_op->attempts[i]++;
    if (part->status >= 200 && part->status < 300 && part->body && !json_has(part->body, "error")) {
        items_op->is_settled[i] = true;
        err_clear(error);
        if (decode_page_put(items_op->page, i, part->body, error) < 0)
            errmap_note_id(error, request_id);
        return -1;
    }
    if (part->status == 0) {
        (void)err_set(error, -EIO, "the service left this out of its answer to a batch");
        errmap_note_id(error, request_id);
        error->retry = ERR_RETRY_LATER;
    } else {
        (void)errmap_object(error, part->status, part->body, request_id);
    }
    if (error->retry != ERR_RETRY_LATER || items_op->attempts[i] >= MAX_ATTEMPTS) {
        items_op->is_settled[i] = true;
        return -1;
    }
    uint32_t random;
    random_bytes(&random, sizeof(random));
    bool is_untold = error->code == -EAGAIN && part->retry_after_ms < 0;
    int64_t pause_ms =
        retry_pause_ms(is_untold ? RETRY_THROTTLED : RETRY_FAILED, items_op->attempts[i], random);
    return part->retry_after_ms > pause_ms ? part->retry_after_ms : pause_ms;
}

static void on_batch(struct call_answer *answer, const struct err *err, void *arg)
{
    struct items_op *items_op = arg;
    struct batch_part parts[BATCH_MAX];
    struct err why;
    if (err) {
        items_fail(&items_op->op, err);
        return;
    }
    cleanup_json struct json_object *json = decode_answer(&answer->body, &why);
    if (!json || batch_read(json, clock_real_ms(items_op->op.remote->clock), parts,
                            items_op->batch_count, &why) < 0) {
        errmap_note_id(&why, answer->request_id);
        items_fail(&items_op->op, &why);
        return;
    }
    int64_t pause_ms = -1;
    int64_t hold_ms = -1; /* of all calls of the account */
    for (size_t i = 0; i < items_op->batch_count; i++) {
        int64_t wanted_ms = settle(items_op, items_op->batch[i], &parts[i], answer->request_id);
        bool is_throttled = wanted_ms >= 0 && items_op->errors[items_op->batch[i]].code == -EAGAIN;
        int64_t held_ms =
            is_throttled ? retry_hold_ms(parts[i].status, parts[i].retry_after_ms) : -1;
        if (wanted_ms > pause_ms)
            pause_ms = wanted_ms;
        if (held_ms > hold_ms)
            hold_ms = held_ms;
    }
    if (hold_ms >= 0)
        call_hold(items_op->op.remote->caller, hold_ms);
    send_batch(items_op, pause_ms);
}

/* Puts the URLs of the first pending ids into the body. */
static void build_batch(struct items_op *items_op, struct strbuf *body)
{
    cleanup_strbuf struct strbuf url;
    strbuf_init(&url, REMOTE_MAX_URL);
    items_op->batch_count = 0;
    batch_begin(body);
    for (size_t i = 0; i < items_op->count && items_op->batch_count < BATCH_MAX; i++) {
        if (items_op->is_settled[i])
            continue;
        strbuf_reset(&url);
        remote_add_item_url(&url, "", items_op->drive_id, items_op->ids[i]);
        batch_add_get(body, items_op->batch_count, url.data, NULL);
        items_op->batch[items_op->batch_count++] = i;
    }
    (void)batch_end(body);
}

/* Asks for what is pending; with nothing left, that's the end. */
static void send_batch(struct items_op *items_op, int64_t pause_ms)
{
    struct graph_remote *remote = items_op->op.remote;
    cleanup_strbuf struct strbuf body;
    cleanup_free char *url = x_asprintf("%s/$batch", remote->root);
    strbuf_init(&body, MAX_BATCH_BYTES);
    build_batch(items_op, &body);
    if (items_op->batch_count == 0) {
        items_succeed(items_op);
        return;
    }
    struct call_request request = {
        .kind = CALL_GRAPH,
        .method = "POST",
        .url = url,
        .body = body.data,
        .body_length = body.len,
        .is_repeatable = true, /* there are only GETs in it */
        .pause_ms = pause_ms,
        .max_body = REMOTE_MAX_ANSWER,
    };
    if (op_call(&items_op->op, &request, on_batch) < 0) {
        struct err err;
        (void)err_set(&err, -ECANCELED, "cancelled");
        items_fail(&items_op->op, &err);
    }
}

uint64_t graph_remote_items(struct remote *base, const struct item_query *query,
                            remote_items_fn *done, void *arg)
{
    struct items_op *items_op = x_calloc(1, sizeof(*items_op));
    size_t room = query->count > 0 ? query->count : 1;
    items_op->op.fail = items_fail;
    items_op->drive_id = x_strdup(query->drive_id);
    items_op->count = query->count;
    items_op->ids = x_calloc(room, sizeof(*items_op->ids));
    items_op->page = decode_page_new(query->count);
    items_op->errors = x_calloc(room, sizeof(*items_op->errors));
    items_op->attempts = x_calloc(room, sizeof(*items_op->attempts));
    items_op->is_settled = x_calloc(room, sizeof(*items_op->is_settled));
    items_op->done = done;
    items_op->arg = arg;
    for (size_t i = 0; i < query->count; i++)
        items_op->ids[i] = x_strdup(query->ids[i]);
    uint64_t id =
        op_begin(graph_remote_of(base), &items_op->op, query->priority, query->deadline_ms);
    if (query->count > 0) {
        send_batch(items_op, 0);
    } else {
        (void)err_set(&items_op->op.err, -EINVAL, "no items were asked for");
        op_fail_later(&items_op->op);
    }
    return id;
}
