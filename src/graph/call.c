/* SPDX-License-Identifier: MIT */
/*
 * Calls, from call_start() to the completion on the pool.
 *
 *              ┌──────────────── pause ◀──────────────┐
 *              ▼                                      │ transient, and time is left
 *     start ─▶ step ─▶ (token) ─▶ on the wire ─▶ answer ─▶ finish ─▶ pool: done
 *
 * All of it but the completion runs on the net thread, which alone touches the live calls, the
 * floors and the offline times. A call has one timer: for its next step, or its deadline while it
 * waits for a token; on the wire, net.c watches the deadline.
 */
#include "config.h"

#include "graph/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/xalloc.h"
#include "graph/call_i.h"
#include "graph/errmap.h"
#include "graph/range.h"
#include "graph/remote.h"
#include "graph/retry.h"
#include "graph/secret.h"
#include "graph/url.h"

/* How long the news that there is no network is good enough for somebody who waits. */
#define OFFLINE_NEWS_MS 5000
/* Readers, and who fetches ahead of them, bear this many failures to connect before they are told
 * that there is no network. */
#define READER_CONNECTS 2
#define MAX_REDIRECTS   2
/* How an error object that comes with 200 begins, and how long it is at most. */
#define ERROR_BEGIN        "{\"error\""
#define MAX_DISGUISE_BYTES 4096

/* By priority. A system call waits for a read, hence the limit that people bear. */
static const int64_t default_deadlines_ms[NET_PRIORITIES] = {
    [REMOTE_READ] = 60 * 1000,
    [REMOTE_PREFETCH] = 120 * 1000,
    [REMOTE_UPLOAD] = 300 * 1000,
    [REMOTE_BACKGROUND] = 300 * 1000,
};

/* ---- Completion ---- */

/* The call is over: with err, or well if that holds no error. */
static void finish(struct call *call)
{
    if (call->err.code < 0)
        call->err.is_fate_unknown = call->is_in_doubt;
    net_timer_clear(&call->timer);
    auth_unwait(call->caller->auth, &call->waiter);
    if (call->is_on_wire)
        net_cancel(&call->request);
    net_request_clear(&call->request);
    call_headers_clear(call);
    LIST_REMOVE(call, link);
    call_deliver_end(call);
}

/* An attempt ends without a whole answer: it may have been carried out, unless it never went out or
 * the part of the answer that has come says otherwise. */
static void note_doubt(struct call *call, const struct net_request *request)
{
    struct err said = { .code = -EIO, .http_status = request->status };
    if (call->asked.is_change && request->was_sent && errmap_leaves_doubt(&said, false))
        call->is_in_doubt = true;
}

void call_fail(struct call *call, int code, const char *why)
{
    if (call->is_on_wire)
        note_doubt(call, &call->request);
    (void)err_set(&call->err, code, "%s", why);
    call->err.scope = ERR_SCOPE_ACCOUNT;
    call->err.retry = ERR_RETRY_LATER;
    finish(call);
}

/* Why a call ends that never got anywhere. */
static void explain_delay(struct call *call)
{
    int64_t left_ms = call->caller->floor_ms[call->asked.kind] - net_now_ms(call->caller->net);
    if (left_ms > 0)
        (void)err_set(&call->err, -ETIMEDOUT, "the service asks to wait %lld s",
                      (long long)(left_ms + 999) / 1000);
    else
        (void)err_set(&call->err, -ETIMEDOUT, "the token wasn't renewed in time");
    call->err.retry_after_ms = left_ms > 0 ? left_ms : 0;
}

/* The deadline has passed, or will have before anything else can be tried. */
static void finish_late(struct call *call)
{
    if (call->err.code == 0)
        explain_delay(call);
    else
        (void)err_wrap(&call->err, "given up in the end");
    call->err.code = call->caller->is_offline ? -ENETDOWN : -ETIMEDOUT;
    call->err.retry = ERR_RETRY_LATER;
    finish(call);
}

/* ---- Waiting ---- */

/* Does the next step at at_ms. If that is too late anyway, the call ends now: whoever waits for it
 * gains nothing by waiting for the deadline. */
static void pause_until(struct call *call, int64_t at_ms)
{
    if (at_ms >= call->due_ms || call->asked.never_pauses) {
        finish_late(call);
        return;
    }
    /* Many calls may wait, for minutes, and a body may have megabytes. */
    strbuf_clear(&call->answer.body);
    net_timer_set(call->caller->net, &call->timer, at_ms, call_step, call);
}

/* How long to pause. wanted_ms is what the service asked for, if anything: never less than a call
 * pauses anyway, for it has been seen to ask for no time at all. */
static int64_t backoff_ms(const struct call *call, enum retry_cause cause, int64_t wanted_ms)
{
    uint32_t random;
    random_bytes(&random, sizeof(random));
    int64_t pause_ms = retry_pause_ms(cause, call->attempts, random);
    return wanted_ms > pause_ms ? wanted_ms : pause_ms;
}

static void pause_after_failure(struct call *call, enum retry_cause cause, int64_t wanted_ms)
{
    call->is_pausing = wanted_ms <= 0;
    pause_until(call, net_now_ms(call->caller->net) + backoff_ms(call, cause, wanted_ms));
}

/* ---- Answers ---- */

/* Whoever wants content, now or soon, asks again by itself and is better told than kept waiting. */
static bool is_for_readers(const struct call *call)
{
    return call->asked.priority == REMOTE_READ || call->asked.priority == REMOTE_PREFETCH;
}

/* The owner has to look at what became of the change before it is sent again. */
static bool is_left_to_owner(const struct call *call)
{
    return call->is_in_doubt && !call->asked.is_repeatable;
}

static void take_unreachable(struct call *call)
{
    struct caller *caller = call->caller;
    call->failed_connects++;
    call->err.scope = ERR_SCOPE_ACCOUNT;
    if (call->asked.kind == CALL_GRAPH)
        caller_saw_offline(caller, call->err.msg);
    if (is_for_readers(call) && call->failed_connects >= READER_CONNECTS) {
        call->err.code = -ENETDOWN;
        finish(call);
        return;
    }
    if (is_left_to_owner(call)) {
        finish(call);
        return;
    }
    pause_after_failure(call, call->failed_connects == 1 ? RETRY_FAILED : RETRY_OFFLINE, 0);
}

/* What an attempt without an answer means. */
static void take_failure(struct call *call, const struct net_request *request)
{
    (void)err_set(&call->err, -EIO, "%s", request->error);
    errmap_note_id(&call->err, call->request_id);
    call->err.retry = ERR_RETRY_LATER;
    note_doubt(call, request);
    switch (request->outcome) {
    case NET_UNREACHABLE:
        take_unreachable(call);
        return;
    case NET_UNTRUSTED:
        (void)err_wrap(&call->err, "the server's identity can't be verified");
        take_unreachable(call);
        return;
    case NET_LATE:
        finish_late(call);
        return;
    case NET_INVALID:
        call->err.code = -EINVAL;
        call->err.retry = ERR_RETRY_NEVER;
        finish(call);
        return;
    case NET_TOO_LARGE:
        (void)err_set(&call->err, -EMSGSIZE, "the answer is larger than %zu bytes",
                      call->asked.max_body);
        errmap_note_id(&call->err, call->request_id);
        finish(call);
        return;
    case NET_IDLE:
        call->is_stalled = true;
        break;
    case NET_BROKEN:
    case NET_ANSWERED:
        break;
    }
    if (call->asked.is_repeatable)
        pause_after_failure(call, RETRY_FAILED, 0);
    else
        finish(call);
}

static char *copy_header(const struct net_request *request, const char *name)
{
    return x_strdup(net_header(request, name));
}

/* What has come of the answer so far, or all of it; its body is taken over. */
static struct call_answer copy_answer(struct call *call, struct net_request *request)
{
    struct call_answer answer = {
        .status = request->status,
        .body = request->body_received,
        .etag = copy_header(request, "ETag"),
        .content_range = copy_header(request, "Content-Range"),
        .content_encoding = copy_header(request, "Content-Encoding"),
        .location = copy_header(request, "Location"),
        .first = call->asked.range_first,
        .content_length = request->content_length,
    };
    memcpy(answer.request_id, call->request_id, sizeof(call->request_id));
    strbuf_init(&request->body_received, request->body_received.max);
    return answer;
}

static void take_answer(struct call *call, struct net_request *request)
{
    call_answer_clear(&call->answer);
    call->answer = copy_answer(call, request);
}

/* A range that comes must be the one that was asked for, whole or up to the end of the content. */
static bool is_range_right(const struct call *call, const struct call_answer *answer,
                           struct content_range *ret_range)
{
    const struct call_request *asked = &call->asked;
    if (!content_range_parse(answer->content_range, ret_range) || !ret_range->has_range)
        return false;
    int64_t wanted = asked->range_first + (int64_t)asked->range_length - 1;
    if (ret_range->total >= 0 && wanted >= ret_range->total)
        wanted = ret_range->total - 1;
    /* What was handed over of this answer is asked for no longer. */
    return ret_range->first == asked->range_first - (int64_t)call->request.handed &&
           ret_range->last == wanted;
}

static bool is_answer_right(const struct call *call)
{
    struct content_range range;
    const struct call_answer *answer = &call->answer;
    if (call->asked.range_length == 0 || answer->status != 206)
        return true;
    return is_range_right(call, answer, &range) &&
           (int64_t)answer->body.len == range.last - answer->first + 1;
}

/* What has been handed over is not asked for again, should the rest not come. */
static bool on_piece(struct net_request *request, void *arg)
{
    struct call *call = arg;
    struct content_range range;
    struct call_answer piece = copy_answer(call, request);
    if (piece.status == 206 && !is_range_right(call, &piece, &range)) {
        call_answer_clear(&piece);
        call->is_wrong_range = true;
        return false;
    }
    call->asked.range_first += (int64_t)piece.body.len;
    call->asked.range_length -= piece.body.len;
    call->asked.max_body -= piece.body.len;
    if (!call_deliver_piece(call, &piece))
        net_hold(request);
    return true;
}

/* The service has been seen to send its error object with 200. One that says "too many requests" is
 * better repeated here than taken for the end by whoever decodes it. */
static bool is_throttled_in_disguise(const struct call *call)
{
    struct err err;
    const struct strbuf *body = &call->answer.body;
    if (call->answer.status != 200 || body->len > MAX_DISGUISE_BYTES ||
        strncmp(body->data, ERROR_BEGIN, sizeof(ERROR_BEGIN) - 1) != 0)
        return false;
    return errmap_answer(&err, 200, body->data, body->len, NULL) == -EAGAIN;
}

static bool is_success(const struct call *call)
{
    long status = call->answer.status;
    if (call->asked.range_length > 0)
        return status == 200 || status == 206 || status == 416;
    if (call->asked.kind == CALL_CONTENT)
        return status / 100 == 2;
    return status >= 200 && status < 400 && !is_throttled_in_disguise(call);
}

static void take_wrong_range(struct call *call)
{
    (void)err_set(&call->err, -EPROTO, "the host sent another range than the one asked for");
    errmap_note_id(&call->err, call->request_id);
    call->err.http_status = call->answer.status;
    if (call->attempts < 3)
        pause_after_failure(call, RETRY_FAILED, 0);
    else
        finish(call);
}

static void take_success(struct call *call)
{
    if (!is_answer_right(call)) {
        take_wrong_range(call);
        return;
    }
    err_clear(&call->err);
    finish(call);
}

static void take_throttled(struct call *call, int64_t wanted_ms)
{
    struct caller *caller = call->caller;
    if (call->asked.kind == CALL_GRAPH)
        net_slow_down(caller->net);
    caller_raise_floor(caller, call->asked.kind, retry_hold_ms(call->answer.status, wanted_ms));
    /* The step after the pause heeds the floor, which is no shorter than what was asked for. */
    enum retry_cause cause = wanted_ms >= 0 ? RETRY_FAILED : RETRY_THROTTLED;
    pause_until(call, net_now_ms(caller->net) + backoff_ms(call, cause, wanted_ms));
}

static void take_unauthorised(struct call *call)
{
    auth_reject(call->caller->auth, call->generation);
    if (call->is_reauthorised) {
        finish(call);
        return;
    }
    call->is_reauthorised = true;
    call_step(call);
}

/* A content host may send on to another. No token is in such a request, so none gets there; but the
 * URL is a secret of its own, hence https. Sets err and returns false if it isn't followed. */
static bool follow_redirect(struct call *call)
{
    if (!call->answer.location || call->redirects >= MAX_REDIRECTS) {
        (void)err_set(&call->err, -EPROTO, "the content host sends from one place to another");
        return false;
    }
    char *url = url_resolve(call->asked.url, call->answer.location);
    if (url_check_content(url ? url : "", &call->err) < 0) {
        secret_free(url);
        return false;
    }
    call->redirects++;
    secret_free((char *)(uintptr_t)call->asked.url);
    call->asked.url = url;
    return true;
}

static void take_redirect(struct call *call)
{
    if (follow_redirect(call)) {
        call_step(call);
        return;
    }
    call->err.http_status = call->answer.status;
    errmap_note_id(&call->err, call->request_id);
    finish(call);
}

/* A question is asked again after any error that passes; a change only if it may have been made,
 * and may be made twice: the owner is better told of the rest, such as a lock. */
static bool is_worth_repeating(const struct call *call, bool is_doubtful)
{
    return call->asked.is_repeatable && call->err.retry == ERR_RETRY_LATER &&
           (is_doubtful || !call->asked.is_change);
}

static void take_error(struct call *call, const char *retry_after)
{
    struct call_answer *answer = &call->answer;
    int64_t wanted_ms = retry_after_ms(retry_after, clock_real_ms(call->caller->clock));
    (void)errmap_answer(&call->err, answer->status, answer->body.data, answer->body.len,
                        call->request_id);
    call->err.retry_after_ms = wanted_ms > 0 ? wanted_ms : 0;
    bool is_doubtful = call->asked.is_change && errmap_leaves_doubt(&call->err, wanted_ms >= 0);
    call->is_in_doubt |= is_doubtful;
    if (answer->status == 401 && call->asked.kind == CALL_GRAPH)
        take_unauthorised(call);
    else if (call->err.code == -EAGAIN && !is_left_to_owner(call))
        take_throttled(call, wanted_ms);
    else if (is_worth_repeating(call, is_doubtful))
        pause_after_failure(call, RETRY_FAILED, wanted_ms);
    else
        finish(call);
}

static void on_net_done(struct net_request *request, void *arg)
{
    struct call *call = arg;
    char retry_after[64] = "";
    const char *value = net_header(request, "Retry-After");
    call->is_on_wire = false;
    if (value)
        (void)snprintf(retry_after, sizeof(retry_after), "%s", value);
    call_headers_clear(call);
    if (call->is_wrong_range) {
        call->answer.status = request->status;
        take_wrong_range(call);
        return;
    }
    if (request->outcome != NET_ANSWERED) {
        take_failure(call, request);
        return;
    }
    if (call->asked.kind == CALL_GRAPH)
        caller_saw_online(call->caller);
    take_answer(call, request);
    net_request_clear(request);
    if (is_success(call))
        take_success(call);
    else if (call->asked.kind == CALL_CONTENT && call->answer.status / 100 == 3 &&
             !call->asked.is_change)
        take_redirect(call);
    else
        take_error(call, retry_after[0] != '\0' ? retry_after : NULL);
}

/* ---- Sending ---- */

static void send_request(struct call *call, const char *token)
{
    net_request_clear(&call->request);
    call_compose(call, token);
    call->request.on_piece = on_piece;
    call->request.done = on_net_done;
    call->request.arg = call;
    call->attempts++;
    call->is_wrong_range = false;
    call->is_on_wire = true;
    net_start(call->caller->net, &call->request);
}

static void on_token(const struct err *err, void *arg)
{
    struct call *call = arg;
    if (!err) {
        call_step(call);
        return;
    }
    call->err = *err;
    call->attempts++;
    if (err->retry == ERR_RETRY_AFTER_LOGIN)
        finish(call);
    else if (err->code == -ENETDOWN)
        take_unreachable(call);
    else
        pause_after_failure(call, RETRY_FAILED, err->retry_after_ms);
}

/* A call that has failed to connect itself tries again, for the news are its own. */
static bool is_known_offline(const struct call *call)
{
    const struct caller *caller = call->caller;
    return caller->is_offline && call->failed_connects == 0 && is_for_readers(call) &&
           net_now_ms(caller->net) - caller->offline_ms < OFFLINE_NEWS_MS;
}

/* The next attempt, or whatever has to be waited for before it. */
void call_step(void *arg)
{
    struct call *call = arg;
    struct caller *caller = call->caller;
    enum call_kind kind = call->asked.kind;
    net_timer_clear(&call->timer);
    auth_unwait(caller->auth, &call->waiter);
    call->is_pausing = false;
    if (net_now_ms(caller->net) >= call->due_ms) {
        finish_late(call);
        return;
    }
    if (net_now_ms(caller->net) < caller->floor_ms[kind]) {
        pause_until(call, caller->floor_ms[kind]);
        return;
    }
    if (is_known_offline(call)) {
        call_fail(call, -ENETDOWN, caller->offline_why);
        return;
    }
    const char *token = NULL;
    if (kind == CALL_GRAPH && !(token = auth_token(caller->auth, &call->generation))) {
        net_timer_set(caller->net, &call->timer, call->due_ms, call_step, call);
        auth_wait(caller->auth, &call->waiter);
        return;
    }
    send_request(call, token);
}

/* ---- Its begin ---- */

static void begin(void *arg)
{
    struct call *call = arg;
    struct caller *caller = call->caller;
    LIST_INSERT_HEAD(&caller->calls, call, link);
    if (caller->is_stopping)
        call_fail(call, -ECANCELED, "the program ends");
    else if (call->asked.pause_ms > 0)
        pause_until(call, net_now_ms(caller->net) + call->asked.pause_ms);
    else
        call_step(call);
}

int64_t call_default_deadline_ms(unsigned priority)
{
    return default_deadlines_ms[priority];
}

uint64_t call_start(struct caller *caller, const struct call_request *request, call_done_fn *done,
                    void *arg)
{
    struct call *call = x_calloc(1, sizeof(*call));
    int64_t deadline_ms = request->deadline_ms > 0 ? request->deadline_ms
                                                   : call_default_deadline_ms(request->priority);
    call->caller = caller;
    call->id = atomic_fetch_add(&caller->last_id, 1) + 1;
    call->asked = call_request_copy(request);
    call->done = done;
    call->arg = arg;
    call->due_ms = clock_mono_ms(caller->clock) + deadline_ms;
    call->waiter.fn = on_token;
    call->waiter.arg = call;
    STAILQ_INIT(&call->pieces);
    call_answer_clear(&call->answer);
    {
        LOCKED(&caller->lock);
        caller->outstanding++;
    }
    uint64_t id = call->id;
    net_post(caller->net, begin, call);
    return id;
}
