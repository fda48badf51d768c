/* SPDX-License-Identifier: MIT */
/*
 * What faults do: a row per action. It acts before the request is served, and then usually is the
 * answer, or on the answer: on its bytes, or on how they are delivered, which the sender in
 * server.c does.
 */
#include "fault_action.h"

#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "auth.h"
#include "delta.h"
#include "download.h"
#include "fault.h"
#include "fragment.h"
#include "request.h"

enum { DEFAULT_HUGE = 64 << 20, DEEP_LEVELS = 5000, SLOW_RATE = 64 };

/* In how long to try again, or with `has_retry_date` when: HTTP allows both. */
static void add_retry_after(const struct fault *fault, const struct request *request,
                            struct response *response)
{
    char date[TIME_TEXT_SIZE];

    if (fault->retry_after < 0)
        return;
    time_format_http(clock_now_ms(&request->emulator->clock) + fault->retry_after * 1000, date);
    if (fault->has_retry_date)
        response_header(response, "Retry-After", "%s", date);
    else
        response_header(response, "Retry-After", "%lld", (long long)fault->retry_after);
}

static bool give_status(const struct fault *fault, struct request *request,
                        struct response *response)
{
    unsigned status = fault->status ? fault->status : 500;

    if (request_is_login(request))
        auth_answer_unavailable(request, response, status, fault->code);
    else
        response_error(request, response, status,
                       fault->code     ? fault->code
                       : status == 401 ? "InvalidAuthenticationToken"
                       : status == 429 ? "activityLimitReached"
                       : status == 503 ? "serviceNotAvailable"
                       : status == 404 ? "itemNotFound"
                       : status == 403 ? "accessDenied"
                       : status == 409 ? "nameAlreadyExists"
                       : status == 412 ? "resourceModified"
                       : status == 423 ? "resourceLocked"
                       : status == 507 ? "quotaLimitReached"
                       : status == 509 ? "activityLimitReached"
                                       : "generalException",
                       status == 429 ? "The request has been throttled" : "An error has occurred.",
                       status == 429 ? "throttledRequest" : NULL);
    if (status == 401 && request->origin == ORIGIN_API && !request_is_login(request))
        auth_add_challenge(request, response);
    if (fault->body && strcmp(fault->body, "json") != 0) {
        buffer_clear(&response->body);
        pairs_clear(&response->headers);
        response->may_pack = false;
        response->is_no_json = true;
    }
    add_retry_after(fault, request, response);
    if (fault->body && strcmp(fault->body, "html") == 0) {
        response_header(response, "Content-Type", "text/html; charset=us-ascii");
        buffer_addf(&response->body,
                    "<!DOCTYPE HTML><HTML><HEAD><TITLE>Error</TITLE></HEAD><BODY><h2>%u</h2>"
                    "</BODY></HTML>\r\n",
                    status);
    }
    return true;
}

static bool give_nothing(const struct fault *fault, struct request *request,
                         struct response *response)
{
    (void)fault;
    (void)request;
    response->is_closed = true;
    return true;
}

static bool give_gone(const struct fault *fault, struct request *request, struct response *response)
{
    delta_answer_gone(request, response, fault->code ? fault->code : "resyncRequired",
                      fault->has_location);
    return true;
}

static bool expire_token(const struct fault *fault, struct request *request,
                         struct response *response)
{
    (void)fault;
    (void)response;
    auth_expire_bearer(request);
    return false;
}

static bool expire_url(const struct fault *fault, struct request *request,
                       struct response *response)
{
    (void)fault;
    (void)response;
    download_expire_url(request);
    return false;
}

static bool lose_session(const struct fault *fault, struct request *request,
                         struct response *response)
{
    (void)fault;
    (void)response;
    fragment_lose_session(request);
    return false;
}

/* A fragment arrives in part, and its sender is not told. */
static bool keep_part(const struct fault *fault, struct request *request, struct response *response)
{
    (void)response;
    request->kept_bytes =
        fault->after_bytes >= 0 ? fault->after_bytes : (int64_t)request->body.length / 2;
    return false;
}

/* It is done, but nobody hears of it. */
static void lose_answer(const struct fault *fault, struct request *request,
                        struct response *response)
{
    (void)fault;
    (void)request;
    response->is_closed = true;
}

/* It is done, but called a failure. */
static void fail_afterwards(const struct fault *fault, struct request *request,
                            struct response *response)
{
    struct fault gateway = *fault;

    if (!gateway.status)
        gateway.status = 504;
    pairs_clear(&response->headers);
    give_status(&gateway, request, response);
}

static void empty_body(const struct fault *fault, struct request *request,
                       struct response *response)
{
    (void)fault;
    (void)request;
    response->blob = NULL;
    buffer_clear(&response->body);
}

static bool ignore_range(const struct fault *fault, struct request *request,
                         struct response *response)
{
    (void)fault;
    (void)response;
    for (size_t i = 0; i < request->headers.count; i++)
        if (strcasecmp(request->headers.list[i].name, "Range") == 0)
            request->headers.list[i].name[0] = '-';
    return false;
}

/* A cut leaves at least one byte out, however short the answer is. */
static void cut_body(const struct fault *fault, struct request *request, struct response *response)
{
    int64_t length = response_length(response);

    (void)request;
    response->cut_at = fault->after_bytes >= 0 ? fault->after_bytes : length / 2;
    if (response->cut_at >= length)
        response->cut_at = length > 0 ? length - 1 : 0;
}

static void stall_body(const struct fault *fault, struct request *request,
                       struct response *response)
{
    (void)request;
    if (fault->after_bytes >= 0)
        response->stall_at = fault->after_bytes;
}

static void slow_body(const struct fault *fault, struct request *request, struct response *response)
{
    (void)request;
    response->rate = fault->rate > 0 ? fault->rate : SLOW_RATE;
}

static void flip_byte(const struct fault *fault, struct request *request, struct response *response)
{
    (void)fault;
    (void)request;
    response->is_flipped = true;
}

static void lie_about_size(const struct fault *fault, struct request *request,
                           struct response *response)
{
    (void)fault;
    (void)request;
    response->has_wrong_size = true;
}

/* Puts `link` in the place of the nextLink, if the answer has one; else adds it. */
static void replace_next_link(struct response *response, const char *link)
{
    struct json_object *body = json_tokener_parse(buffer_text(&response->body));

    if (json_object_is_type(body, json_type_object)) {
        json_object_object_del(body, "@odata.deltaLink");
        json_object_object_add(body, "@odata.nextLink", json_object_new_string(link));
        buffer_clear(&response->body);
        buffer_add_text(&response->body,
                        json_object_to_json_string_ext(body, JSON_C_TO_STRING_NOSLASHESCAPE));
    }
    json_object_put(body);
}

static void loop_next_link(const struct fault *fault, struct request *request,
                           struct response *response)
{
    struct buffer link = { 0 };

    (void)fault;
    buffer_addf(&link, "%s%s?%s", request->base_url, request->path,
                request->raw_query ? request->raw_query : "");
    replace_next_link(response, buffer_text(&link));
    buffer_free(&link);
}

static void foreign_next_link(const struct fault *fault, struct request *request,
                              struct response *response)
{
    (void)fault;
    (void)request;
    replace_next_link(response, "https://graph.example.com/v1.0/me/drive/root/delta?token=x");
}

static void break_json(const struct fault *fault, struct request *request,
                       struct response *response)
{
    (void)fault;
    (void)request;
    if (response->body.length)
        response->body.data[response->body.length /= 2] = '\0';
    response->is_no_json = true;
}

static void deepen_json(const struct fault *fault, struct request *request,
                        struct response *response)
{
    (void)fault;
    (void)request;
    response->blob = NULL;
    buffer_clear(&response->body);
    buffer_add_text(&response->body, "{\"value\":");
    for (int i = 0; i < DEEP_LEVELS; i++)
        buffer_add_char(&response->body, '[');
    for (int i = 0; i < DEEP_LEVELS; i++)
        buffer_add_char(&response->body, ']');
    buffer_add_char(&response->body, '}');
}

static void bloat_json(const struct fault *fault, struct request *request,
                       struct response *response)
{
    int64_t size = fault->size > 0 ? fault->size : DEFAULT_HUGE;

    (void)request;
    response->blob = NULL;
    buffer_clear(&response->body);
    buffer_add_text(&response->body, "{\"value\":[],\"filler\":\"");
    while ((int64_t)response->body.length < size)
        buffer_add_text(&response->body, "a very long answer, a very long answer, a very long ");
    buffer_add_text(&response->body, "\"}");
}

static const struct fault_action actions[] = {
    { "status", give_status, NULL, false },
    { "close", give_nothing, NULL, false },
    { "gone", give_gone, NULL, false },
    { "stall", NULL, stall_body, true },
    { "cut", NULL, cut_body, true },
    { "slow", NULL, slow_body, true },
    { "expire-token", expire_token, NULL, false },
    { "expire-url", expire_url, NULL, false },
    { "lose-session", lose_session, NULL, false },
    { "keep-part", keep_part, lose_answer, false },
    { "lose-answer", NULL, lose_answer, false },
    { "fail-afterwards", NULL, fail_afterwards, false },
    { "empty-body", NULL, empty_body, false },
    { "ignore-range", ignore_range, NULL, false },
    { "wrong-bytes", NULL, flip_byte, true },
    { "wrong-size", NULL, lie_about_size, true },
    { "loop-nextlink", NULL, loop_next_link, false },
    { "foreign-nextlink", NULL, foreign_next_link, false },
    { "bad-json", NULL, break_json, false },
    { "deep-json", NULL, deepen_json, false },
    { "huge", NULL, bloat_json, false },
};

const struct fault_action *fault_action_find(const char *name)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}
