/* SPDX-License-Identifier: MIT */
/*
 * Faults on demand: rules that name the requests they hit and an action each. A rule counts the
 * requests that it matches and the ones that it hits.
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

#include "delta.h"
#include "fault_action.h"
#include "field.h"
#include "json_writer.h"
#include "memory.h"
#include "request.h"

enum { STALL_STEP_MS = 50, FAULT_SIZE_MAX = 1 << 30 };

static const char *const host_names[] = { "any", "api", "content", "login" };

static void fault_clear(struct fault *fault)
{
    free(fault->method);
    free(fault->path);
    free(fault->code);
    free(fault->body);
}

static const struct field rule_fields[] = {
    { "action", FIELD_TEXT, 0, 0 },
    { "host", FIELD_TEXT, 0, 0 },
    { "method", FIELD_TEXT, 0, 0 },
    { "path", FIELD_TEXT, 0, 0 },
    { "code", FIELD_TEXT, 0, 0 },
    { "body", FIELD_TEXT, 0, 0 },
    { "nth", FIELD_NUMBER, 1, INT64_MAX },
    { "count", FIELD_NUMBER, -1, INT64_MAX },
    { "status", FIELD_NUMBER, 100, 599 },
    { "retry_after", FIELD_NUMBER, 0, INT32_MAX },
    { "after_bytes", FIELD_NUMBER, 0, INT64_MAX },
    { "size", FIELD_NUMBER, 0, FAULT_SIZE_MAX },
    { "rate", FIELD_NUMBER, 1, INT64_MAX },
    { "location", FIELD_FLAG, 0, 0 },
    { "retry_date", FIELD_FLAG, 0, 0 },
};

static char *copy_text(struct json_object *rule, const char *name)
{
    const char *text = field_text(rule, name, NULL);

    return text ? mem_strdup(text) : NULL;
}

/* NULL, or what is wrong with the probability. */
static const char *read_probability(struct json_object *rule, double *probability)
{
    struct json_object *value;

    *probability = 1.0;
    if (!json_object_object_get_ex(rule, "probability", &value))
        return NULL;
    *probability = json_object_get_double(value);
    return (json_object_is_type(value, json_type_double) ||
            json_object_is_type(value, json_type_int)) &&
                   *probability >= 0.0 && *probability <= 1.0
               ? NULL
               : "a probability is from 0 to 1";
}

/* NULL, or what is wrong with the rule. */
static const char *read_rule(struct json_object *rule, struct fault *fault)
{
    const char *wrong, *host;

    if (!json_object_is_type(rule, json_type_object))
        return "a rule must be an object";
    wrong = fields_check(rule, rule_fields, sizeof rule_fields / sizeof rule_fields[0]);
    if (!wrong)
        wrong = read_probability(rule, &fault->probability);
    if (wrong)
        return wrong;
    fault->action = fault_action_find(field_text(rule, "action", ""));
    if (!fault->action)
        return "no action, or an unknown one";
    host = field_text(rule, "host", host_names[FAULT_ANY_HOST]);
    while (fault->host <= FAULT_LOGIN && strcmp(host, host_names[fault->host]) != 0)
        fault->host++;
    if (fault->host > FAULT_LOGIN)
        return "host is none of api, content, login";
    if (strcmp(fault->action->name, "gone") == 0 &&
        !delta_is_gone_code(field_text(rule, "code", "resyncRequired")))
        return "delta has no such code";
    fault->method = copy_text(rule, "method");
    fault->path = copy_text(rule, "path");
    fault->code = copy_text(rule, "code");
    fault->body = copy_text(rule, "body");
    fault->nth = field_number(rule, "nth", 1);
    fault->count = field_number(rule, "count", -1);
    fault->status = (unsigned)field_number(rule, "status", 0);
    fault->retry_after = field_number(rule, "retry_after", -1);
    fault->after_bytes = field_number(rule, "after_bytes", -1);
    fault->size = field_number(rule, "size", 0);
    fault->rate = field_number(rule, "rate", 0);
    fault->has_retry_date = field_flag(rule, "retry_date");
    fault->has_location = field_flag(rule, "location");
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
    if (request->is_inner && fault->action->is_delivery)
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
    enum fault_host host = request->origin == ORIGIN_CONTENT ? FAULT_CONTENT
                           : request_is_login(request)       ? FAULT_LOGIN
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
    return strcmp(fault->action->name, "stall") == 0 && fault->after_bytes < 0;
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
