/* SPDX-License-Identifier: MIT */
/* See batch.h. Ids of the parts are their numbers, as strings, which is what the service echoes. */
#include "config.h"

#include "graph/batch.h"

#include <errno.h>
#include <json-c/linkhash.h>
#include <strings.h>

#include "base/json.h"
#include "graph/retry.h"

void batch_begin(struct strbuf *body)
{
    (void)strbuf_addstr(body, "{\"requests\":[");
}

void batch_add_get(struct strbuf *body, size_t number, const char *url, const char *prefer)
{
    (void)strbuf_addf(body, "%s{\"id\":\"%zu\",\"method\":\"GET\",\"url\":", number > 0 ? "," : "",
                      number);
    json_add_string(body, url);
    if (prefer) {
        (void)strbuf_addstr(body, ",\"headers\":{\"Prefer\":");
        json_add_string(body, prefer);
        (void)strbuf_addch(body, '}');
    }
    (void)strbuf_addch(body, '}');
}

void batch_add_change(struct strbuf *body, size_t number, const struct batch_change *change)
{
    (void)strbuf_addf(body, "%s{\"id\":\"%zu\",\"method\":\"%s\",\"url\":", number > 0 ? "," : "",
                      number, change->method);
    json_add_string(body, change->url);
    (void)strbuf_addstr(body, ",\"headers\":{\"Content-Type\":\"application/json\"");
    if (change->if_match) {
        (void)strbuf_addstr(body, ",\"If-Match\":");
        json_add_string(body, change->if_match);
    }
    (void)strbuf_addch(body, '}');
    if (change->body)
        (void)strbuf_addf(body, ",\"body\":%s", change->body);
    (void)strbuf_addch(body, '}');
}

int batch_end(struct strbuf *body)
{
    return strbuf_addstr(body, "]}");
}

/* Header names come in any case. */
static const char *find_header(struct json_object *part, const char *name)
{
    struct json_object *headers;
    if (json_get_obj(part, "headers", &headers) != JSON_OK)
        return NULL;
    json_object_object_foreach(headers, key, value)
    {
        if (strcasecmp(key, name) == 0 && json_object_is_type(value, json_type_string))
            return json_object_get_string(value);
    }
    return NULL;
}

static void read_part(struct json_object *json, int64_t now_ms, struct batch_part *part)
{
    int64_t status;
    if (part->status != 0 || json_get_i64(json, "status", &status) != JSON_OK || status < 100 ||
        status > 599)
        return;
    part->status = (long)status;
    part->retry_after_ms = retry_after_ms(find_header(json, "Retry-After"), now_ms);
    if (json_get_obj(json, "body", &part->body) != JSON_OK)
        part->body = NULL;
}

int batch_read(struct json_object *answer, int64_t now_ms, struct batch_part *parts, size_t count,
               struct err *err)
{
    struct json_object *responses;
    if (json_get_array(answer, "responses", &responses) != JSON_OK)
        return err_set(err, -EPROTO, "the answer is not that of a batch");
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct batch_part){ .retry_after_ms = -1 };
    for (size_t i = 0; i < json_object_array_length(responses); i++) {
        struct json_object *json = json_object_array_get_idx(responses, i);
        int64_t number;
        if (json_get_i64(json, "id", &number) == JSON_OK && number >= 0 && (uint64_t)number < count)
            read_part(json, now_ms, &parts[number]);
    }
    return 0;
}
