/* SPDX-License-Identifier: MIT */
/*
 * What a call sends: the request that it was begun with, and the headers of an attempt.
 *
 * A URL may be preauthenticated, and a header holds the token: both are wiped.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "graph/call_i.h"
#include "graph/secret.h"

struct call_request call_request_copy(const struct call_request *request)
{
    struct call_request copy = *request;
    copy.method = x_strdup(request->method);
    copy.url = x_strdup(request->url);
    copy.prefer = x_strdup(request->prefer);
    copy.if_match = x_strdup(request->if_match);
    if (!request->is_content)
        copy.body = x_memdup(request->body, request->body_length);
    return copy;
}

void call_request_clear(struct call_request *request)
{
    free((char *)(uintptr_t)request->method);
    secret_free((char *)(uintptr_t)request->url);
    free((char *)(uintptr_t)request->prefer);
    free((char *)(uintptr_t)request->if_match);
    if (!request->is_content)
        free((char *)(uintptr_t)request->body);
}

static char *make_range(const struct call_request *asked)
{
    int64_t end = asked->content_first + (int64_t)asked->body_length;
    return x_asprintf("Content-Range: bytes %lld-%lld/%lld", (long long)asked->content_first,
                      (long long)end - 1, (long long)asked->content_total);
}

/* The last element stays NULL: at most seven headers are made. */
static void make_headers(struct call *call, const char *token)
{
    const struct call_request *asked = &call->asked;
    size_t count = 0;
    call->headers[count++] = x_asprintf("client-request-id: %s", call->request_id);
    call->headers[count++] = x_strdup(asked->kind == CALL_CONTENT ? "Accept-Encoding: identity"
                                                                  : "Accept: application/json");
    if (asked->body)
        call->headers[count++] =
            x_strdup(asked->is_content ? "Content-Type: application/octet-stream"
                                       : "Content-Type: application/json");
    if (asked->content_total > 0)
        call->headers[count++] = make_range(asked);
    if (asked->prefer)
        call->headers[count++] = x_asprintf("Prefer: %s", asked->prefer);
    if (asked->if_match)
        call->headers[count++] = x_asprintf("If-Match: %s", asked->if_match);
    if (token)
        call->headers[count++] = x_asprintf("Authorization: Bearer %s", token);
}

void call_compose(struct call *call, const char *token)
{
    const struct call_request *asked = &call->asked;
    uuid_v4(call->request_id);
    make_headers(call, token);
    call->request = (struct net_request){
        .method = asked->method,
        .url = asked->url,
        .headers = (const char *const *)call->headers,
        .body = asked->body,
        .body_length = asked->body_length,
        .class = asked->kind == CALL_CONTENT ? NET_CONTENT : NET_API,
        .priority = asked->priority,
        .is_compressed = asked->kind == CALL_GRAPH,
        .max_body = asked->max_body,
        .range_first = asked->range_first,
        .range_length = asked->range_length,
        .piece_length = asked->piece ? asked->piece_length : 0,
        .is_fresh = call->is_stalled,
        .is_once = asked->is_change,
        .deadline_ms = call->due_ms,
    };
}

void call_headers_clear(struct call *call)
{
    for (size_t i = 0; i < CALL_MAX_HEADERS; i++)
        secret_replace(&call->headers[i], NULL);
}
