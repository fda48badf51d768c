/* SPDX-License-Identifier: MIT */
/*
 * $batch. Every inner request goes the way of any other, with the headers of the outer one where it
 * has none of its own, and may be throttled by itself. Answers come in any order; what depends on a
 * failure is not tried.
 */
#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "dispatch.h"
#include "encode.h"
#include "field.h"
#include "json_writer.h"
#include "memory.h"
#include "request.h"
#include "route.h"

enum { BATCH_MAX = 20 };

struct part {
    const char *id; /* in the parsed body */
    struct json_object *source;
    struct response response;
    bool is_done;
};

/* The path of an inner request, undecoded. The caller frees it. */
static char *inner_path(const char *url)
{
    struct buffer path = { 0 };

    url += strspn(url, "/");
    buffer_add_text(&path, "/v1.0/");
    buffer_add(&path, url, strcspn(url, "?"));
    return path.data;
}

/* True if the url leads to a batch, however it is spelled. */
static bool is_batch(const char *url)
{
    struct request probe = { .method = mem_strdup("POST"), .path = inner_path(url) };
    bool is_known;
    const struct route *route = route_find(&probe, &is_known);
    bool is_it = route && route->handle == batch_post;

    request_clear(&probe);
    return is_it;
}

/* True if everything that the part depends on is the id of a part. */
static bool has_known_needs(const struct part *part, const struct part *parts, int count)
{
    struct json_object *needs;

    if (!json_object_object_get_ex(part->source, "dependsOn", &needs))
        return true;
    if (!json_object_is_type(needs, json_type_array))
        return false;
    for (size_t i = 0; i < json_object_array_length(needs); i++) {
        struct json_object *need = json_object_array_get_idx(needs, i);
        int j = 0;

        if (!json_object_is_type(need, json_type_string))
            return false;
        while (j < count && strcmp(parts[j].id, json_object_get_string(need)) != 0)
            j++;
        if (j == count)
            return false;
    }
    return true;
}

/* The type that an inner request gives its body, NULL: none. */
static const char *content_type(struct json_object *source)
{
    struct json_object *headers;

    if (!json_object_object_get_ex(source, "headers", &headers) ||
        !json_object_is_type(headers, json_type_object))
        return NULL;
    json_object_object_foreach(headers, name, value)
    {
        if (strcasecmp(name, "Content-Type") == 0)
            return json_object_get_string(value);
    }
    return NULL;
}

/* True if the body of an inner request can be read: it has a type, and is base64 unless that is
 * JSON. */
static bool has_right_body(struct json_object *source)
{
    struct json_object *body;
    const char *type = content_type(source);
    char *bytes;
    long length;

    if (!json_object_object_get_ex(source, "body", &body))
        return true;
    if (!type || strncasecmp(type, "application/json", 16) == 0)
        return type;
    if (!json_object_is_type(body, json_type_string))
        return false;
    bytes = mem_alloc((size_t)json_object_get_string_len(body) + 1);
    length = base64_decode(json_object_get_string(body), bytes);
    free(bytes);
    return length >= 0;
}

static int refuse_shape(struct request *request, struct response *response)
{
    response_error(request, response, 400, "BadRequest", "Invalid batch payload format.", NULL);
    return -1;
}

/* Checks the shape of the body. Returns the number of requests, or -1 after an error answer. */
static int read_parts(struct request *request, struct response *response, struct json_object *body,
                      struct part *parts)
{
    struct json_object *list;
    char message[160];

    if (!json_object_object_get_ex(body, "requests", &list) ||
        !json_object_is_type(list, json_type_array) || !json_object_array_length(list) ||
        json_object_array_length(list) > BATCH_MAX)
        return refuse_shape(request, response);

    int count = (int)json_object_array_length(list);

    for (int i = 0; i < count; i++) {
        struct json_object *source = json_object_array_get_idx(list, (size_t)i);
        const char *url = field_text(source, "url", NULL);

        parts[i] = (struct part){ .id = field_text(source, "id", NULL), .source = source };
        if (!parts[i].id || !field_text(source, "method", NULL) || !url || strstr(url, "://") ||
            is_batch(url) || !has_right_body(source))
            return refuse_shape(request, response);
        for (int j = 0; j < i; j++)
            if (strcmp(parts[j].id, parts[i].id) == 0) {
                (void)snprintf(message, sizeof message,
                               "Request Id %.64s has to be unique in a batch.", parts[i].id);
                response_error(request, response, 400, "BadRequest", message, NULL);
                return -1;
            }
    }
    for (int i = 0; i < count; i++)
        if (!has_known_needs(&parts[i], parts, count))
            return refuse_shape(request, response);
    return count;
}

static void copy_headers(struct request *inner, const struct request *outer,
                         struct json_object *source)
{
    static const char *const inherited[] = { "Authorization", "Prefer", "client-request-id" };
    struct json_object *headers;

    if (json_object_object_get_ex(source, "headers", &headers) &&
        json_object_is_type(headers, json_type_object)) {
        json_object_object_foreach(headers, name, text)
        {
            pairs_add(&inner->headers, name, json_object_get_string(text));
        }
    }
    for (size_t i = 0; i < sizeof inherited / sizeof inherited[0]; i++) {
        const char *value = pairs_get(&outer->headers, inherited[i]);

        if (value && !pairs_get(&inner->headers, inherited[i]))
            pairs_add(&inner->headers, inherited[i], value);
    }
}

static void copy_body(struct request *inner, struct json_object *source)
{
    struct json_object *body;
    const char *type = content_type(source);

    if (!json_object_object_get_ex(source, "body", &body))
        return;
    if (strncasecmp(type, "application/json", 16) == 0) {
        buffer_add_text(&inner->body, json_object_to_json_string(body));
        return;
    }
    buffer_reserve(&inner->body, (size_t)json_object_get_string_len(body));
    inner->body.length = (size_t)base64_decode(json_object_get_string(body), inner->body.data);
    inner->body.data[inner->body.length] = '\0';
}

/* The inner request in full; the caller clears it. */
static struct request make_inner(const struct request *outer, struct json_object *source)
{
    struct request inner = { .emulator = outer->emulator,
                             .origin = ORIGIN_API,
                             .is_inner = true,
                             .kept_bytes = -1,
                             .method = mem_strdup(field_text(source, "method", NULL)) };
    const char *url = field_text(source, "url", NULL);

    inner.path = inner_path(url);
    if (strchr(url, '?')) {
        inner.raw_query = mem_strdup(strchr(url, '?') + 1);
        pairs_parse(&inner.query, inner.raw_query);
    }
    copy_headers(&inner, outer, source);
    copy_body(&inner, source);
    memcpy(inner.base_url, outer->base_url, sizeof inner.base_url);
    memcpy(inner.request_id, outer->request_id, sizeof inner.request_id);
    return inner;
}

/* False if one of those it depends on has failed. */
static bool may_run(const struct part *part, const struct part *parts, int count)
{
    struct json_object *needs;

    if (!json_object_object_get_ex(part->source, "dependsOn", &needs))
        return true;
    for (size_t i = 0; i < json_object_array_length(needs); i++) {
        const char *id = json_object_get_string(json_object_array_get_idx(needs, i));

        for (int j = 0; j < count; j++)
            if (strcmp(parts[j].id, id) == 0 &&
                (!parts[j].is_done || parts[j].response.status >= 400))
                return false;
    }
    return true;
}

static void run_part(struct request *outer, struct part *parts, int count, struct part *part)
{
    struct request inner = make_inner(outer, part->source);

    response_init(&part->response);
    if (may_run(part, parts, count))
        dispatch_inner(&inner, &part->response);
    else
        response_error(&inner, &part->response, 424, "FailedDependency",
                       "A request that this one depends on has failed.", NULL);
    part->is_done = true;
    buffer_addf(&outer->inner, "%s%s %s %u", outer->inner.length ? ";" : "", inner.method,
                buffer_text(&inner.pattern), part->response.status);
    request_clear(&inner);
}

/* What is no JSON is told as a text, in base64 unless its type promises JSON. */
static void write_body(struct json_writer *json, const struct response *response)
{
    const struct buffer *body = &response->body;
    const char *type = pairs_get(&response->headers, "Content-Type");

    if (!response->is_no_json) {
        json_raw(json, "body", body->data);
    } else if (type && strncmp(type, "application/json", 16) == 0) {
        json_string(json, "body", body->data);
    } else {
        char *text = mem_alloc(BASE64_SIZE(body->length));

        base64_encode(body->data, body->length, text);
        json_string(json, "body", text);
        free(text);
    }
}

static void write_part(struct json_writer *json, const struct part *part)
{
    json_begin_object(json, NULL);
    json_string(json, "id", part->id);
    json_number(json, "status", part->response.status);
    json_begin_object(json, "headers");
    for (size_t i = 0; i < part->response.headers.count; i++)
        if (strcmp(part->response.headers.list[i].name, "Vary") != 0)
            json_string(json, part->response.headers.list[i].name,
                        part->response.headers.list[i].value);
    json_end_object(json);
    if (part->response.body.length)
        write_body(json, &part->response);
    json_end_object(json);
}

void batch_post(struct request *request, struct response *response)
{
    struct json_writer json = { .out = &response->body };
    struct json_object *body = json_tokener_parse(buffer_text(&request->body));
    struct part parts[BATCH_MAX];
    int count = read_parts(request, response, body, parts);

    for (int i = 0; i < count; i++)
        run_part(request, parts, count, &parts[i]);
    if (count > 0) {
        int first = (int)(emulator_whim(request->emulator, 2)
                              ? random_below(&request->emulator->random, (uint64_t)count)
                              : 0);

        response_json(response, 200);
        response->is_batch = true;
        json_begin_object(&json, NULL);
        json_begin_array(&json, "responses");
        for (int i = 0; i < count; i++)
            write_part(&json, &parts[(first + i) % count]);
        json_end_array(&json);
        json_end_object(&json);
    }
    for (int i = 0; i < count; i++)
        response_clear(&parts[i].response);
    json_object_put(body);
}
