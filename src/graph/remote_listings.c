/* SPDX-License-Identifier: MIT */
/*
 * The children of several folders in one batch. It is made ahead of need, so that nothing in it is
 * repeated: what failed or was throttled is told, and whoever needs it asks by itself.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/xalloc.h"
#include "graph/batch.h"
#include "graph/decode.h"
#include "graph/errmap.h"
#include "graph/remote_i.h"
#include "graph/retry.h"

#define MAX_BATCH_BYTES ((size_t)64 * 1024)
/* Twenty pages of so many have to fit into REMOTE_MAX_ANSWER. */
#define LISTING_TOP 200

_Static_assert(LISTINGS_MAX <= BATCH_MAX, "the folders go into one batch");

struct listings_op {
    struct op op;
    size_t count;
    struct listing_part parts[LISTINGS_MAX];
    remote_listings_fn *done;
    void *arg;
};

static void listings_end(struct listings_op *listings_op)
{
    op_end(&listings_op->op);
    for (size_t i = 0; i < listings_op->count; i++)
        item_page_free(listings_op->parts[i].page);
    free(listings_op);
}

static void listings_fail(struct op *op, const struct err *err)
{
    struct listings_op *listings_op = (struct listings_op *)(void *)op;
    listings_op->done(NULL, err, listings_op->arg);
    listings_end(listings_op);
}

static int read_page(const struct graph_remote *remote, const struct batch_part *answer,
                     struct item_page **ret_page, struct err *err)
{
    struct item_page *page = NULL;
    int ret = decode_page(answer->body, &page, err);
    if (ret == 0 && page->next_link)
        ret = remote_check_link(remote, page->next_link, err);
    if (ret < 0)
        item_page_free(page);
    else
        *ret_page = page;
    return ret;
}

/* Reads what the service said of one folder. Returns how long it has all calls of the account wait,
 * -1 if it doesn't. */
static int64_t read_part(const struct graph_remote *remote, const struct batch_part *answer,
                         const char *request_id, struct listing_part *part)
{
    struct err *err = &part->err;
    if (answer->status >= 200 && answer->status < 300 && answer->body &&
        !json_has(answer->body, "error")) {
        if (read_page(remote, answer, &part->page, err) < 0)
            errmap_note_id(err, request_id);
        return -1;
    }
    if (answer->status == 0) {
        (void)err_set(err, -EIO, "the service left this out of its answer to a batch");
        errmap_note_id(err, request_id);
    } else {
        (void)errmap_object(err, answer->status, answer->body, request_id);
    }
    if (err->code != -EAGAIN)
        return -1;
    err->retry_after_ms = answer->retry_after_ms > 0 ? answer->retry_after_ms : 0;
    return retry_hold_ms(answer->status, answer->retry_after_ms);
}

static void on_batch(struct call_answer *answer, const struct err *err, void *arg)
{
    struct listings_op *listings_op = arg;
    struct graph_remote *remote = listings_op->op.remote;
    struct batch_part answers[LISTINGS_MAX];
    struct err why;
    int64_t hold_ms = -1;
    if (err) {
        listings_fail(&listings_op->op, err);
        return;
    }
    cleanup_json struct json_object *json = decode_answer(&answer->body, &why);
    if (!json ||
        batch_read(json, clock_real_ms(remote->clock), answers, listings_op->count, &why) < 0) {
        errmap_note_id(&why, answer->request_id);
        listings_fail(&listings_op->op, &why);
        return;
    }
    for (size_t i = 0; i < listings_op->count; i++) {
        int64_t held_ms =
            read_part(remote, &answers[i], answer->request_id, &listings_op->parts[i]);
        if (held_ms > hold_ms)
            hold_ms = held_ms;
    }
    if (hold_ms >= 0)
        call_hold(remote->caller, hold_ms);
    listings_op->done(listings_op->parts, NULL, listings_op->arg);
    listings_end(listings_op);
}

static void build_body(const struct listings_query *query, struct strbuf *body)
{
    cleanup_strbuf struct strbuf url;
    strbuf_init(&url, REMOTE_MAX_URL);
    batch_begin(body);
    for (size_t i = 0; i < query->count; i++) {
        strbuf_reset(&url);
        remote_add_item_url(&url, "", query->drive_id, query->ids[i]);
        remote_add_children(&url, LISTING_TOP);
        batch_add_get(body, i, url.data, REMOTE_SHOW_SHORTCUTS);
    }
    (void)batch_end(body);
}

uint64_t graph_remote_listings(struct remote *base, const struct listings_query *query,
                               remote_listings_fn *done, void *arg)
{
    struct graph_remote *remote = graph_remote_of(base);
    struct listings_op *listings_op = x_calloc(1, sizeof(*listings_op));
    cleanup_strbuf struct strbuf body;
    cleanup_free char *url = x_asprintf("%s/$batch", remote->root);
    strbuf_init(&body, MAX_BATCH_BYTES);
    listings_op->op.fail = listings_fail;
    listings_op->count = query->count;
    listings_op->done = done;
    listings_op->arg = arg;
    build_body(query, &body);
    uint64_t id = op_begin(remote, &listings_op->op, query->priority, query->deadline_ms);
    struct call_request request = {
        .kind = CALL_GRAPH,
        .method = "POST",
        .url = url,
        .body = body.data,
        .body_length = body.len,
        .is_repeatable = true, /* there are only GETs in it */
        .never_pauses = true,
        .max_body = REMOTE_MAX_ANSWER,
    };
    if (strbuf_error(&body) < 0) {
        (void)err_set(&listings_op->op.err, -EPROTO, "the ids of the folders are too long");
        op_fail_later(&listings_op->op);
    } else {
        /* Nobody knows its id yet who could have cancelled it. */
        (void)op_call(&listings_op->op, &request, on_batch);
    }
    return id;
}
