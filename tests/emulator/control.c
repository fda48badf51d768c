/* SPDX-License-Identifier: MIT */
/* The test's own side of the emulator. Requests and answers are JSON. */
#include "control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "auth.h"
#include "delta.h"
#include "edit.h"
#include "encode.h"
#include "field.h"
#include "ids.h"
#include "json_writer.h"
#include "memory.h"
#include "oddity.h"
#include "request.h"
#include "request_log.h"

static void answer_wrong(struct response *response, const char *message, int place)
{
    struct json_writer json = { .out = &response->body };

    buffer_clear(&response->body);
    pairs_clear(&response->headers);
    response->status = 400;
    response_header(response, "Content-Type", "application/json");
    json_begin_object(&json, NULL);
    json_string(&json, "error", message);
    if (place >= 0)
        json_number(&json, "operation", place);
    json_end_object(&json);
}

static struct json_writer begin_answer(struct response *response)
{
    struct json_writer json = { .out = &response->body };

    response_header(response, "Content-Type", "application/json");
    json_begin_object(&json, NULL);
    return json;
}

/* Answers with an empty object. */
static void answer_done(struct response *response)
{
    struct json_writer json = begin_answer(response);

    json_end_object(&json);
}

/* The fields of all control requests but faults and edits, which check their own. */
static const struct field body_fields[] = {
    { "user_code", FIELD_TEXT, 0, 0 },
    { "action", FIELD_TEXT, 0, 0 },
    { "code", FIELD_TEXT, 0, 0 },
    { "location", FIELD_FLAG, 0, 0 },
    { "advance_ms", FIELD_NUMBER, 0, INT64_MAX },
    { "total", FIELD_NUMBER, 0, INT64_MAX },
    { "used", FIELD_NUMBER, -1, INT64_MAX },
};

/* The body as an object; NULL after an error answer. The caller puts it. */
static struct json_object *read_body(struct request *request, struct response *response)
{
    struct json_object *body = json_tokener_parse(buffer_text(&request->body));
    const char *wrong =
        json_object_is_type(body, json_type_object)
            ? fields_check(body, body_fields, sizeof body_fields / sizeof body_fields[0])
            : "the body must be a JSON object";

    if (!wrong)
        return body;
    json_object_put(body);
    answer_wrong(response, wrong, -1);
    return NULL;
}

void control_get_requests(struct request *request, struct response *response)
{
    struct json_writer json = begin_answer(response);

    request_log_write_counts(&request->emulator->log, &json);
    json_end_object(&json);
}

void control_get_log(struct request *request, struct response *response)
{
    const char *since = pairs_get(&request->query, "since");

    response_header(response, "Content-Type", "application/x-ndjson");
    request_log_write_lines(&request->emulator->log, since ? strtoul(since, NULL, 10) : 0,
                            &response->body);
}

void control_post_reset_counts(struct request *request, struct response *response)
{
    request_log_reset_counts(&request->emulator->log);
    answer_done(response);
}

void control_get_faults(struct request *request, struct response *response)
{
    struct json_writer json = begin_answer(response);

    faults_list(&request->emulator->faults, &json);
    json_end_object(&json);
}

void control_post_faults(struct request *request, struct response *response)
{
    struct json_object *body = read_body(request, response), *list = NULL;
    const char *reason;

    if (!body)
        return;
    json_object_object_get_ex(body, "faults", &list);
    if (faults_add(&request->emulator->faults, list, &reason) < 0)
        answer_wrong(response, reason, -1);
    else
        answer_done(response);
    json_object_put(body);
}

void control_delete_faults(struct request *request, struct response *response)
{
    faults_clear(&request->emulator->faults);
    pthread_cond_broadcast(&request->emulator->wake);
    answer_done(response);
}

void control_post_edit(struct request *request, struct response *response)
{
    struct json_object *body = read_body(request, response), *list = NULL;
    const char *wrong;
    int failed = 0;

    if (!body)
        return;

    struct json_writer json = begin_answer(response);

    json_object_object_get_ex(body, "ops", &list);
    wrong = edit_apply(request->emulator, list, &json, &failed);
    if (wrong)
        answer_wrong(response, wrong, failed);
    else
        json_end_object(&json);
    json_object_put(body);
}

static const char *type_of(const struct item *item)
{
    if (item->oddity && item->oddity->is_onenote)
        return "package";
    if (item->oddity && item->oddity->is_shortcut)
        return "shortcut";
    return item->is_folder ? "folder" : "file";
}

static void write_tree_item(struct json_writer *json, struct drive *drive, uint32_t number,
                            bool has_hashes)
{
    const struct item *item = &drive->items[number];
    struct buffer path = { 0 };
    char text[TAG_SIZE];

    drive_add_path(drive, number, &path);
    json_begin_object(json, NULL);
    json_string(json, "path", path.length ? path.data : "/");
    buffer_free(&path);
    ids_format(drive, number, text);
    json_string(json, "id", text);
    json_string(json, "type", type_of(item));
    json_number(json, "size", item->is_folder ? item->tree_size : item->now.blob->size);
    time_format(item->now.mtime_ms, drive->profile == PROFILE_CONSUMER_LEGACY, text);
    json_string(json, "mtime", text);
    ids_etag(drive, number, &item->now, text);
    json_string(json, "eTag", text);
    ids_ctag(drive, number, &item->now, text);
    json_string(json, "cTag", text);
    if (item->now.blob && has_hashes) {
        const struct digests *digests = blob_digests(&drive->arena, item->now.blob);

        base64_encode(blob_quickxor(item->now.blob), QUICKXOR_SIZE, text);
        json_string(json, "quickXorHash", text);
        hex_encode(digests->sha256, SHA256_SIZE, text);
        json_string(json, "sha256", text);
    }
    json_end_object(json);
}

void control_get_tree(struct request *request, struct response *response)
{
    const char *hashes = pairs_get(&request->query, "hashes");
    struct drive *drive = edit_find_drive(request->emulator, pairs_get(&request->query, "drive"));

    if (!drive) {
        answer_wrong(response, "there is no such drive", -1);
        return;
    }

    struct json_writer json = begin_answer(response);

    json_begin_array(&json, "items");
    for (uint32_t i = 0; i < drive->count; i++)
        if (!drive->items[i].now.is_deleted)
            write_tree_item(&json, drive, i, !hashes || strcmp(hashes, "0") != 0);
    json_end_array(&json);
    json_end_object(&json);
}

void control_post_approve(struct request *request, struct response *response)
{
    struct json_object *body = read_body(request, response);

    if (!body)
        return;
    if (auth_decide(&request->emulator->auth, field_text(body, "user_code", ""),
                    field_text(body, "action", "approve")))
        answer_done(response);
    else
        answer_wrong(response, "there is no such device code or action", -1);
    json_object_put(body);
}

void control_post_tokens(struct request *request, struct response *response)
{
    struct json_object *body = read_body(request, response);

    if (!body)
        return;
    if (auth_administer(&request->emulator->auth, field_text(body, "action", "")))
        answer_done(response);
    else
        answer_wrong(response, "there is no such action", -1);
    json_object_put(body);
}

static void advance(struct request *request, struct response *response, int64_t ms)
{
    struct json_writer json;
    char now[TIME_TEXT_SIZE];

    if (ms > TIME_MAX_MS - clock_now_ms(&request->emulator->clock)) {
        answer_wrong(response, "the clock ends with the year 9999", -1);
        return;
    }
    json = begin_answer(response);
    request->emulator->clock.offset_ms += ms;
    time_format(clock_now_ms(&request->emulator->clock), true, now);
    json_string(&json, "now", now);
    json_end_object(&json);
}

void control_post_clock(struct request *request, struct response *response)
{
    struct json_object *body = read_body(request, response);

    if (!body)
        return;

    int64_t ms = field_number(body, "advance_ms", -1);

    if (ms < 0)
        answer_wrong(response, "advance_ms must be a number of milliseconds", -1);
    else
        advance(request, response, ms);
    json_object_put(body);
}

void control_post_settle(struct request *request, struct response *response)
{
    advance(request, response, request->emulator->options->lag_ms + 1);
}

void control_post_delta(struct request *request, struct response *response)
{
    struct emulator *emulator = request->emulator;
    struct json_object *body = read_body(request, response);

    if (!body)
        return;
    if (strcmp(field_text(body, "action", ""), "expire-all") != 0) {
        answer_wrong(response, "there is no such action", -1);
    } else if (!delta_is_gone_code(field_text(body, "code", "resyncRequired"))) {
        answer_wrong(response, "delta has no such code", -1);
    } else {
        (void)snprintf(emulator->gone_code, sizeof emulator->gone_code, "%s",
                       field_text(body, "code", "resyncRequired"));
        emulator->gone_has_location = field_flag(body, "location");
        for (int i = 0; i < emulator->drive_count; i++)
            emulator->drives[i].feed.epoch++;
        answer_done(response);
    }
    json_object_put(body);
}

void control_post_quota(struct request *request, struct response *response)
{
    struct drive *drive = emulator_drive(request->emulator, DRIVE_DEFAULT);
    struct json_object *body = read_body(request, response);

    if (!body)
        return;
    drive->quota_total = field_number(body, "total", drive->quota_total);
    drive->quota_used = field_number(body, "used", drive->quota_used);
    answer_done(response);
    json_object_put(body);
}
