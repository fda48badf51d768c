/* SPDX-License-Identifier: MIT */
/*
 * Upload sessions: fragments, where one goes on, its commit and its end.
 *
 * The URL of a session is preauthenticated, like those of contents: a secret, to a host that must
 * never see the token. A fragment goes out again only where it certainly was not taken (throttled);
 * else the session knows what it has, and is to be asked: a fragment that arrives twice is refused,
 * and of one that broke off a part may have been kept. A commit that is done leaves no session that
 * could be committed again. To end one twice does no harm.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/xalloc.h"
#include "graph/decode.h"
#include "graph/errmap.h"
#include "graph/remote_i.h"
#include "graph/secret.h"

struct session_op {
    struct op op;
    char *url; /* a secret */
    int64_t total;
    int64_t end; /* of what was sent at most */
    remote_fragment_fn *fragment_done;
    remote_session_fn *session_done;
    remote_page_fn *page_done;
    remote_done_fn *done; /* one of the four */
    void *arg;
};

/* ---- Ends ---- */

static void tell(const struct session_op *session_op, struct item_page *page,
                 const struct upload_session *session, const struct err *err)
{
    if (session_op->fragment_done)
        session_op->fragment_done(page, session, err, session_op->arg);
    else if (session_op->session_done)
        session_op->session_done(session, err, session_op->arg);
    else if (session_op->page_done)
        session_op->page_done(page, err, session_op->arg);
    else
        session_op->done(err, session_op->arg);
}

static void session_finish(struct session_op *session_op, struct item_page *page,
                           const struct upload_session *session, const struct err *err)
{
    tell(session_op, page, session, err);
    op_end(&session_op->op);
    secret_free(session_op->url);
    free(session_op);
}

/* A URL that is dead says nothing of the account: its 401 is none of the sign-in. */
static void session_fail(struct op *op, const struct err *err)
{
    struct err lost = *err;
    if (err->http_status == 401 || err->http_status == 404 || err->http_status == 410) {
        lost.code = -ENOENT;
        lost.scope = ERR_SCOPE_ITEM;
        lost.retry = ERR_RETRY_NEVER;
    }
    session_finish((struct session_op *)(void *)op, NULL, NULL, &lost);
}

/* Where the session goes on: nowhere behind what it can have. */
static int read_progress(const struct session_op *session_op, struct json_object *json,
                         struct upload_session *session, struct err *err)
{
    int ret =
        decode_session(json, session_op->total, -1, &session->next, &session->expires_ms, err);
    if (ret == 0 && session->next > session_op->end)
        ret = err_set(err, -EPROTO, "the upload session has more than it was sent");
    session->url = session_op->url;
    return ret;
}

/* A fragment whose answer is a success: with the item, or with where it goes on. */
static int read_fragment(const struct session_op *session_op, const struct call_answer *answer,
                         struct item_page **ret_page, struct upload_session *session,
                         struct err *err)
{
    cleanup_json struct json_object *json = remote_read_change(answer, err);
    if (!json)
        return err->code;
    if (json_has(json, "id"))
        return remote_take_item(json, answer, ret_page, err);
    int ret = read_progress(session_op, json, session, err);
    if (ret < 0) {
        err->is_fate_unknown = true;
        errmap_note_id(err, answer->request_id);
    }
    return ret;
}

static void on_fragment(struct call_answer *answer, const struct err *err, void *arg)
{
    struct session_op *session_op = arg;
    struct item_page *page = NULL;
    struct upload_session session = { 0 };
    struct err why;
    if (err)
        session_fail(&session_op->op, err);
    else if (read_fragment(session_op, answer, &page, &session, &why) < 0)
        session_fail(&session_op->op, &why);
    else
        session_finish(session_op, page, page ? NULL : &session, NULL);
}

static void on_progress(struct call_answer *answer, const struct err *err, void *arg)
{
    struct session_op *session_op = arg;
    struct upload_session session = { 0 };
    struct err why;
    if (err) {
        session_fail(&session_op->op, err);
        return;
    }
    cleanup_json struct json_object *json = decode_answer(&answer->body, &why);
    if (!json || read_progress(session_op, json, &session, &why) < 0) {
        errmap_note_id(&why, answer->request_id);
        session_fail(&session_op->op, &why);
        return;
    }
    session_finish(session_op, NULL, &session, NULL);
}

static void on_committed(struct call_answer *answer, const struct err *err, void *arg)
{
    struct session_op *session_op = arg;
    struct item_page *page = NULL;
    struct err why;
    if (err)
        session_fail(&session_op->op, err);
    else if (remote_read_item(answer, &page, &why) < 0)
        session_fail(&session_op->op, &why);
    else
        session_finish(session_op, page, NULL, NULL);
}

static void on_ended(struct call_answer *answer, const struct err *err, void *arg)
{
    struct session_op *session_op = arg;
    (void)answer;
    if (err)
        session_fail(&session_op->op, err);
    else
        session_finish(session_op, NULL, NULL, NULL);
}

/* ---- Asking ---- */

static struct session_op *session_op_new(const struct fragment_query *query, void *arg)
{
    struct session_op *session_op = x_calloc(1, sizeof(*session_op));
    session_op->op.fail = session_fail;
    session_op->url = x_strdup(query->url);
    session_op->total = query->total;
    session_op->end = query->total;
    session_op->arg = arg;
    return session_op;
}

/* Begins the operation with its only call. */
static uint64_t begin(struct remote *base, struct session_op *session_op,
                      const struct fragment_query *query, struct call_request *request,
                      call_done_fn *done)
{
    struct err *err = &session_op->op.err;
    int64_t deadline_ms =
        remote_upload_deadline_ms(query->deadline_ms, query->priority, request->body_length);
    request->kind = CALL_CONTENT;
    request->url = session_op->url;
    request->max_body = REMOTE_MAX_ANSWER;
    uint64_t id = op_begin(graph_remote_of(base), &session_op->op, query->priority, deadline_ms);
    if (err->code < 0 || url_check_content(query->url, err) < 0)
        op_fail_later(&session_op->op);
    else
        (void)op_call(&session_op->op, request, done); /* nobody knows its id yet */
    return id;
}

static bool is_fragment(const struct fragment_query *query)
{
    int64_t length = (int64_t)query->length;
    if (length <= 0 || query->length > REMOTE_FRAGMENT_MAX || query->offset < 0 ||
        query->total - length < query->offset)
        return false;
    return query->offset + length == query->total || query->length % REMOTE_FRAGMENT_UNIT == 0;
}

uint64_t graph_remote_session_put(struct remote *base, const struct fragment_query *query,
                                  remote_fragment_fn *done, void *arg)
{
    struct session_op *session_op = session_op_new(query, arg);
    struct call_request request = {
        .method = "PUT",
        .body = query->data,
        .body_length = query->length,
        .is_content = true,
        .content_first = query->offset,
        .content_total = query->total,
        .is_change = true,
    };
    session_op->fragment_done = done;
    if (is_fragment(query))
        session_op->end = query->offset + (int64_t)query->length;
    else
        (void)err_set(&session_op->op.err, -EINVAL, "the service takes no such fragment");
    return begin(base, session_op, query, &request, on_fragment);
}

uint64_t graph_remote_session_ask(struct remote *base, const struct fragment_query *query,
                                  remote_session_fn *done, void *arg)
{
    struct session_op *session_op = session_op_new(query, arg);
    struct call_request request = { .method = "GET", .is_repeatable = true };
    session_op->session_done = done;
    return begin(base, session_op, query, &request, on_progress);
}

uint64_t graph_remote_session_commit(struct remote *base, const struct fragment_query *query,
                                     remote_page_fn *done, void *arg)
{
    struct session_op *session_op = session_op_new(query, arg);
    struct call_request request = { .method = "POST", .is_change = true };
    session_op->page_done = done;
    return begin(base, session_op, query, &request, on_committed);
}

uint64_t graph_remote_session_end(struct remote *base, const struct fragment_query *query,
                                  remote_done_fn *done, void *arg)
{
    struct session_op *session_op = session_op_new(query, arg);
    struct call_request request = { .method = "DELETE", .is_change = true, .is_repeatable = true };
    session_op->done = done;
    return begin(base, session_op, query, &request, on_ended);
}
