/* SPDX-License-Identifier: MIT */
/*
 * Ranges of content.
 *
 * The URL is preauthenticated: a secret of its own, to a host that must never see the token. That
 * the range is the right one was checked by the call.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "graph/errmap.h"
#include "graph/range.h"
#include "graph/remote_i.h"

struct fetch_op {
    struct op op;
    remote_fetch_fn *done;
    remote_piece_fn *piece;
    void *arg;
    bool is_compressed; /* a piece was, and had to be dropped */
};

static void fetch_finish(struct fetch_op *fetch_op, const struct fetch_answer *answer,
                         const struct err *err)
{
    fetch_op->done(answer, err, fetch_op->arg);
    op_end(&fetch_op->op);
    free(fetch_op);
}

static void fetch_fail(struct op *op, const struct err *err)
{
    fetch_finish((struct fetch_op *)(void *)op, NULL, err);
}

/* An ETag header without what HTTP puts around the tag itself. */
static char *bare_etag(const char *etag)
{
    if (!etag)
        return NULL;
    if (strncmp(etag, "W/", 2) == 0)
        etag += 2;
    size_t length = strlen(etag);
    if (length >= 2 && etag[0] == '"' && etag[length - 1] == '"')
        return x_strndup(etag + 1, length - 2);
    return x_strdup(etag);
}

/* Size of the whole content; -1 if the host didn't say. */
static int64_t total_of(const struct call_answer *answer)
{
    struct content_range range;
    if (answer->status == 200)
        return answer->content_length;
    return content_range_parse(answer->content_range, &range) ? range.total : -1;
}

static bool is_compressed(const struct call_answer *answer)
{
    return answer->content_encoding && strcasecmp(answer->content_encoding, "identity") != 0;
}

/* Borrows from both. */
static struct fetch_answer fetched(const struct call_answer *answer, const char *etag)
{
    return (struct fetch_answer){
        .data = answer->body.data,
        .offset = answer->first,
        /* The body of a 416 is words about it, not content. */
        .length = answer->status == 416 ? 0 : answer->body.len,
        .total = total_of(answer),
        .etag = etag,
    };
}

static void on_piece(struct call_answer *answer, void *arg)
{
    struct fetch_op *fetch_op = arg;
    cleanup_free char *etag = bare_etag(answer->etag);
    struct fetch_answer piece = fetched(answer, etag);
    fetch_op->is_compressed |= is_compressed(answer);
    if (!fetch_op->is_compressed)
        fetch_op->piece(&piece, fetch_op->arg);
}

static void on_fetched(struct call_answer *answer, const struct err *err, void *arg)
{
    struct fetch_op *fetch_op = arg;
    struct err why;
    if (err) {
        fetch_finish(fetch_op, NULL, err);
        return;
    }
    if (fetch_op->is_compressed || is_compressed(answer)) {
        (void)err_set(&why, -EPROTO, "the content host compresses although asked not to");
        errmap_note_id(&why, answer->request_id);
        fetch_finish(fetch_op, NULL, &why);
        return;
    }
    cleanup_free char *etag = bare_etag(answer->etag);
    struct fetch_answer whole = fetched(answer, etag);
    fetch_finish(fetch_op, &whole, NULL);
}

uint64_t graph_remote_fetch(struct remote *base, const struct fetch_query *query,
                            remote_fetch_fn *done, void *arg)
{
    struct fetch_op *fetch_op = x_calloc(1, sizeof(*fetch_op));
    fetch_op->op.fail = fetch_fail;
    fetch_op->done = done;
    fetch_op->piece = query->piece;
    fetch_op->arg = arg;
    uint64_t id =
        op_begin(graph_remote_of(base), &fetch_op->op, query->priority, query->deadline_ms);
    if (url_check_content(query->url, &fetch_op->op.err) < 0) {
        op_fail_later(&fetch_op->op);
        return id;
    }
    struct call_request request = {
        .kind = CALL_CONTENT,
        .method = "GET",
        .url = query->url,
        .is_repeatable = true,
        .max_body = query->length,
        .range_first = query->offset,
        .range_length = query->length,
        .piece_length = query->piece_length,
        .piece = query->piece ? on_piece : NULL,
    };
    (void)op_call(&fetch_op->op, &request, on_fetched);
    return id;
}
