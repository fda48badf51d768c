/* SPDX-License-Identifier: MIT */
/*
 * Faults on demand. A rule names the requests that it hits and an action out of the table below.
 * An action acts before the request is served (and then usually is the answer), or on the answer:
 * its bytes, or how they are delivered, which the sender in server.c does.
 */
#include "fault.h"

#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include <json-c/json.h>

#include "auth.h"
#include "delta.h"
#include "download.h"
#include "json_writer.h"
#include "memory.h"
#include "request.h"

enum { DEFAULT_HUGE = 64 << 20, DEEP_LEVELS = 5000, SLOW_RATE = 64, STALL_STEP_MS = 50 };

struct fault_action {
    const char *name;
    bool (*before)(const struct fault *, struct request *, struct response *);
    void (*after)(const struct fault *, struct request *, struct response *);
};

static bool give_status(const struct fault *fault, struct request *request,
                        struct response *response)
{
    unsigned status = fault->status ? fault->status : 500;

    response_error(request, response, status,
                   fault->code     ? fault->code
                   : status == 429 ? "activityLimitReached"
                   : status == 503 ? "serviceNotAvailable"
                   : status == 404 ? "itemNotFound"
                   : status == 403 ? "accessDenied"
                                   : "generalException",
                   status == 429 ? "The request has been throttled" : "An error has occurred.",
                   status == 429 ? "throttledRequest" : NULL);
    if (fault->retry_after >= 0)
        response_header(response, "Retry-After", "%lld", (long long)fault->retry_after);
    if (fault->body && strcmp(fault->body, "json") != 0) {
        buffer_clear(&response->body);
        pairs_clear(&response->headers);
        response->may_pack = false;
        if (fault->retry_after >= 0)
            response_header(response, "Retry-After", "%lld", (long long)fault->retry_after);
    }
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
    char mark = '?';

    (void)fault;
    buffer_addf(&link, "%s%s", request->base_url, request->path);
    for (size_t i = 0; i < request->query.count; i++, mark = '&') {
        buffer_add_char(&link, mark);
        buffer_add_url(&link, request->query.list[i].name, "$");
        buffer_add_char(&link, '=');
        buffer_add_url(&link, request->query.list[i].value, "");
    }
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
    { "status", give_status, NULL },
    { "close", give_nothing, NULL },
    { "gone", give_gone, NULL },
    { "stall", NULL, stall_body },
    { "cut", NULL, cut_body },
    { "slow", NULL, slow_body },
    { "expire-token", expire_token, NULL },
    { "expire-url", expire_url, NULL },
    { "ignore-range", ignore_range, NULL },
    { "wrong-bytes", NULL, flip_byte },
    { "wrong-size", NULL, lie_about_size },
    { "loop-nextlink", NULL, loop_next_link },
    { "foreign-nextlink", NULL, foreign_next_link },
    { "bad-json", NULL, break_json },
    { "deep-json", NULL, deepen_json },
    { "huge", NULL, bloat_json },
};

static const char *const host_names[] = { "any", "api", "content", "login" };

static int64_t get_number(struct json_object *rule, const char *name, int64_t missing)
{
    struct json_object *value;

    return json_object_object_get_ex(rule, name, &value) ? json_object_get_int64(value) : missing;
}

static char *get_text(struct json_object *rule, const char *name)
{
    struct json_object *value;

    return json_object_object_get_ex(rule, name, &value) ? mem_strdup(json_object_get_string(value))
                                                         : NULL;
}

static void fault_clear(struct fault *fault)
{
    free(fault->method);
    free(fault->path);
    free(fault->code);
    free(fault->body);
}

/* NULL, or what is wrong with the rule. */
static const char *read_rule(struct json_object *rule, struct fault *fault)
{
    struct json_object *value;

    if (!json_object_is_type(rule, json_type_object))
        return "a rule must be an object";
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (json_object_object_get_ex(rule, "action", &value) &&
            strcmp(json_object_get_string(value), actions[i].name) == 0)
            fault->action = &actions[i];
    if (!fault->action)
        return "no action, or an unknown one";
    if (json_object_object_get_ex(rule, "host", &value)) {
        int host = 0;

        while (host <= FAULT_LOGIN && strcmp(json_object_get_string(value), host_names[host]) != 0)
            host++;
        if (host > FAULT_LOGIN)
            return "host is none of api, content, login";
        fault->host = (enum fault_host)host;
    }
    fault->probability = json_object_object_get_ex(rule, "probability", &value)
                             ? json_object_get_double(value)
                             : 1.0;
    fault->method = get_text(rule, "method");
    fault->path = get_text(rule, "path");
    fault->code = get_text(rule, "code");
    fault->body = get_text(rule, "body");
    fault->nth = get_number(rule, "nth", 1);
    fault->count = get_number(rule, "count", -1);
    fault->status = (unsigned)get_number(rule, "status", 0);
    fault->retry_after = get_number(rule, "retry_after", -1);
    fault->after_bytes = get_number(rule, "after_bytes", -1);
    fault->size = get_number(rule, "size", 0);
    fault->rate = get_number(rule, "rate", 0);
    fault->has_location = get_number(rule, "location", 0) != 0;
    return NULL;
}

int faults_add(struct faults *faults, struct json_object *list, const char **ret_reason)
{
    size_t before = faults->count;

    if (!json_object_is_type(list, json_type_array)) {
        *ret_reason = "faults must be an array";
        return -1;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        MEM_GROW(faults->list, faults->count, faults->capacity);

        struct fault *fault = &faults->list[faults->count++];

        *fault = (struct fault){ 0 };
        *ret_reason = read_rule(json_object_array_get_idx(list, i), fault);
        if (*ret_reason) {
            while (faults->count > before)
                fault_clear(&faults->list[--faults->count]);
            return -1;
        }
    }
    return 0;
}

void faults_list(const struct faults *faults, struct json_writer *json)
{
    json_begin_array(json, "faults");
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->list[i];

        json_begin_object(json, NULL);
        json_string(json, "action", fault->action->name);
        json_string(json, "method", fault->method);
        json_string(json, "path", fault->path);
        json_string(json, "host", host_names[fault->host]);
        json_number(json, "nth", fault->nth);
        json_number(json, "count", fault->count);
        json_number(json, "seen", fault->seen);
        json_number(json, "hits", fault->hits);
        json_end_object(json);
    }
    json_end_array(json);
}

void faults_clear(struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        fault_clear(&faults->list[i]);
    free(faults->list);
    *faults = (struct faults){ .generation = faults->generation + 1 };
}

static bool is_hit(struct fault *fault, const struct request *request, enum fault_host host)
{
    if (fault->host != FAULT_ANY_HOST && fault->host != host)
        return false;
    if (fault->method && strcasecmp(fault->method, request->method) != 0)
        return false;
    if (fault->path && fnmatch(fault->path, request->path, 0) != 0 &&
        fnmatch(fault->path, buffer_text(&request->pattern), 0) != 0)
        return false;
    fault->seen++;
    if (fault->seen < fault->nth || (fault->count >= 0 && fault->hits >= fault->count))
        return false;
    if (fault->probability < 1.0 &&
        (double)random_below(&request->emulator->random, 1000000) >= fault->probability * 1e6)
        return false;
    fault->hits++;
    return true;
}

struct fault *faults_match(struct request *request)
{
    struct faults *faults = &request->emulator->faults;
    enum fault_host host = request->origin == ORIGIN_CONTENT        ? FAULT_CONTENT
                           : strstr(request->path, "/oauth2/v2.0/") ? FAULT_LOGIN
                                                                    : FAULT_API;

    for (size_t i = 0; i < faults->count; i++)
        if (is_hit(&faults->list[i], request, host))
            return &faults->list[i];
    return NULL;
}

bool fault_before(const struct fault *fault, struct request *request, struct response *response)
{
    return fault->action->before && fault->action->before(fault, request, response);
}

void fault_after(const struct fault *fault, struct request *request, struct response *response)
{
    if (fault->action->after)
        fault->action->after(fault, request, response);
}

bool fault_is_stall(const struct fault *fault)
{
    return fault->action->after == stall_body && fault->after_bytes < 0;
}

/* True once the other side has closed its connection. */
static bool has_left(int socket)
{
    char byte;

    return socket >= 0 && recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

bool fault_wait(struct request *request, uint64_t generation, int socket)
{
    struct emulator *emulator = request->emulator;

    while (!emulator->is_stopping && emulator->faults.generation == generation) {
        struct timespec end;

        if (has_left(socket))
            return false;
        clock_gettime(CLOCK_MONOTONIC, &end);
        end.tv_nsec += STALL_STEP_MS * 1000000;
        if (end.tv_nsec >= 1000000000) {
            end.tv_sec++;
            end.tv_nsec -= 1000000000;
        }
        pthread_cond_timedwait(&emulator->wake, &emulator->lock, &end);
    }
    return !emulator->is_stopping;
}
