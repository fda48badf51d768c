/* SPDX-License-Identifier: MIT */
/* Requests and responses, apart from how they travel, and the error envelope. */
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "encode.h"
#include "json_writer.h"
#include "memory.h"

void pairs_add(struct pairs *pairs, const char *name, const char *value)
{
    MEM_GROW(pairs->list, pairs->count, pairs->capacity);
    pairs->list[pairs->count++] =
        (struct pair){ .name = mem_strdup(name), .value = mem_strdup(value ? value : "") };
}

const char *pairs_get(const struct pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (strcasecmp(pairs->list[i].name, name) == 0)
            return pairs->list[i].value;
    return NULL;
}

void pairs_remove(struct pairs *pairs, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < pairs->count; i++) {
        if (strcasecmp(pairs->list[i].name, name) != 0) {
            pairs->list[kept++] = pairs->list[i];
            continue;
        }
        free(pairs->list[i].name);
        free(pairs->list[i].value);
    }
    pairs->count = kept;
}

void pairs_clear(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->list[i].name);
        free(pairs->list[i].value);
    }
    free(pairs->list);
    *pairs = (struct pairs){ 0 };
}

void pairs_parse(struct pairs *pairs, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "&");
        size_t equals = strcspn(text, "=&");
        char *name = url_decode(text, equals, true);
        char *value = equals < length ? url_decode(text + equals + 1, length - equals - 1, true)
                                      : mem_strdup("");

        if (name && value)
            pairs_add(pairs, name, value);
        free(name);
        free(value);
        text += length + (text[length] == '&');
    }
}

void request_clear(struct request *request)
{
    free(request->method);
    free(request->path);
    free(request->raw_query);
    pairs_clear(&request->query);
    pairs_clear(&request->headers);
    buffer_free(&request->body);
    buffer_free(&request->pattern);
    buffer_free(&request->inner);
    for (int i = 0; i < REQUEST_VARS; i++)
        free(request->vars[i]);
    free(request->drive_id);
    free(request->item_id);
    free(request->item_path);
    free(request->special);
}

bool request_is_login(const struct request *request)
{
    return request->origin == ORIGIN_API && strstr(request->path, "/oauth2/v2.0/");
}

const char *request_option(const struct request *request, const char *name)
{
    const char *value = pairs_get(&request->query, name);

    return value || name[0] != '$' ? value : pairs_get(&request->query, name + 1);
}

int64_t request_page_limit(const struct request *request, int64_t asked, int64_t most)
{
    int64_t page_size = request->emulator->options->page_size;

    if (page_size > 0 && page_size < most)
        most = page_size;
    return asked < most ? asked : most;
}

bool request_prefers(const struct request *request, const char *preference)
{
    for (size_t i = 0; i < request->headers.count; i++)
        if (strcasecmp(request->headers.list[i].name, "Prefer") == 0 &&
            strcasestr(request->headers.list[i].value, preference))
            return true;
    return false;
}

void response_init(struct response *response)
{
    *response = (struct response){ .status = 200, .cut_at = -1, .stall_at = -1 };
}

void response_clear(struct response *response)
{
    pairs_clear(&response->headers);
    buffer_free(&response->body);
}

void response_header(struct response *response, const char *name, const char *format, ...)
{
    char value[4096];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(value, sizeof value, format, args);
    va_end(args);
    pairs_add(&response->headers, name, value);
}

int64_t response_length(const struct response *response)
{
    return response->blob ? response->blob_length : (int64_t)response->body.length;
}

void response_json(struct response *response, unsigned status)
{
    response->status = status;
    response->may_pack = true;
    response->is_chunked = true;
    response_header(response, "Content-Type",
                    "application/json;odata.metadata=minimal;odata.streaming=true;"
                    "IEEE754Compatible=false;charset=utf-8");
    response_header(response, "OData-Version", "4.0");
    response_header(response, "Vary", "Accept-Encoding");
}

/* Graph spells the key of the nested object in two ways, by host. */
static void write_error(const struct request *request, struct buffer *out, const char *code,
                        const char *message, const char *inner)
{
    struct json_writer json = { .out = out };
    const char *client_id = pairs_get(&request->headers, "client-request-id");
    char date[TIME_TEXT_SIZE];

    time_format(clock_now_ms(&request->emulator->clock), false, date);
    date[strlen(date) - 1] = '\0';
    json_begin_object(&json, NULL);
    json_begin_object(&json, "error");
    json_string(&json, "code", code);
    json_string(&json, "message", message);
    json_begin_object(&json, request->origin == ORIGIN_API ? "innerError" : "innererror");
    if (inner)
        json_string(&json, "code", inner);
    json_string(&json, "date", date);
    json_string(&json, "request-id", request->request_id);
    json_string(&json, "client-request-id", client_id ? client_id : request->request_id);
    json_end_object(&json);
    json_end_object(&json);
    json_end_object(&json);
}

void response_error(const struct request *request, struct response *response, unsigned status,
                    const char *code, const char *message, const char *inner)
{
    buffer_clear(&response->body);
    response->blob = NULL;
    response->status = status;
    response->may_pack = true;
    response->is_chunked = true;
    pairs_remove(&response->headers, "Content-Type");
    response_header(response, "Content-Type", "application/json");
    write_error(request, &response->body, code, message, inner);
}
