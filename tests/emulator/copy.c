/* SPDX-License-Identifier: MIT */
/*
 * Copies, and the monitors that tell how far they are. The answer to the request is only a promise:
 * what is in the way of the copy shows when it is made, and only to who asks its monitor.
 */
#include "copy.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "download.h"
#include "emulator.h"
#include "field.h"
#include "ids.h"
#include "items.h"
#include "json_writer.h"
#include "link.h"
#include "memory.h"
#include "request.h"

#define MONITOR_LIFE_MS ((int64_t)3600 * 1000)

static const char *monitor_path(const struct emulator *emulator)
{
    return emulator->options->profile == PROFILE_CONSUMER_LEGACY ? MONITOR_LEGACY_PATH
                                                                 : MONITOR_PATH;
}

/* Copies the item and what is in it; returns the copy. Versions stay behind. */
static uint32_t copy_tree(const struct change *change, const struct drive *source, uint32_t item,
                          uint32_t parent, const char *name)
{
    struct blob *blob = source->items[item].now.blob;
    uint32_t made = change_create(change, parent, name, blob, source->items[item].now.mtime_ms);

    for (size_t i = 0; !blob && i < source->items[item].children->count; i++) {
        uint32_t child = source->items[item].children->items[i];

        copy_tree(change, source, child, made, source->items[child].now.name);
    }
    return made;
}

/* What is in the way of the copy by now: an error code, or NULL. */
static const char *find_obstacle(const struct copy *copy, uint32_t taken, int64_t size)
{
    const struct drive *drive = copy->target.drive;
    int64_t used = drive->quota_used >= 0 ? drive->quota_used : drive->items[ITEM_ROOT].tree_size;

    if (copy->source->items[copy->item].now.is_deleted ||
        drive->items[copy->target.parent].now.is_deleted)
        return "itemNotFound";
    if (drive->quota_total && size > drive->quota_total - used)
        return "quotaLimitReached";
    if (taken != ITEM_NONE &&
        (copy->conflict == CONFLICT_FAIL ||
         (copy->conflict == CONFLICT_REPLACE && drive->items[taken].is_folder)))
        return "nameAlreadyExists";
    return NULL;
}

static void run(struct emulator *emulator, struct copy *copy)
{
    struct target *target = &copy->target;
    const struct item *item = &copy->source->items[copy->item];
    uint32_t taken = drive_find_child(target->drive, target->parent, target->name, VIEW_TRUTH, 0);
    struct change change = { .drive = target->drive,
                             .random = &emulator->random,
                             .now_ms = clock_now_ms(&emulator->clock),
                             .lag_max_ms = emulator->options->lag_ms };

    copy->error =
        find_obstacle(copy, taken, item->is_folder ? item->tree_size : item->now.blob->size);
    copy->status = copy->error ? COPY_FAILED : COPY_IS_DONE;
    if (copy->error)
        return;
    target->item = taken;
    if (taken != ITEM_NONE && copy->conflict == CONFLICT_RENAME)
        target_number(target);
    else if (taken != ITEM_NONE)
        change_delete(&change, taken);
    target->item = copy_tree(&change, copy->source, copy->item, target->parent, target->name);
}

void copies_run(struct emulator *emulator)
{
    int64_t now_ms = clock_now_ms(&emulator->clock);

    for (size_t i = 0; i < emulator->copies.count; i++) {
        struct copy *copy = &emulator->copies.list[i];

        if (copy->status == COPY_RUNS && copy->due_ms <= now_ms)
            run(emulator, copy);
    }
}

void copies_clear(struct copies *copies)
{
    for (size_t i = 0; i < copies->count; i++)
        target_clear(&copies->list[i].target);
    free(copies->list);
    *copies = (struct copies){ 0 };
}

/* Promises the copy. */
static void begin(struct request *request, struct response *response, const struct place *place,
                  struct target *target, enum conflict conflict)
{
    struct emulator *emulator = request->emulator;
    struct copies *copies = &emulator->copies;
    int64_t now_ms = clock_now_ms(&emulator->clock);
    struct copy copy = { .source = place->drive,
                         .item = place->item,
                         .target = *target,
                         .conflict = conflict,
                         .begun_ms = now_ms,
                         .due_ms = now_ms + emulator->options->copy_ms };
    struct buffer url = { 0 };

    target->name = NULL;
    random_hex(&emulator->random, copy.key, COPY_KEY_SIZE - 1);
    MEM_GROW(copies->list, copies->count, copies->capacity);
    copies->list[copies->count++] = copy;
    download_add_origin(request, &url);
    buffer_add_text(&url, monitor_path(emulator));
    link_add_value(&url, copy.key);
    response->status = 202;
    response_header(response, "Location", "%s", url.data);
    buffer_free(&url);
}

static void post(struct request *request, struct response *response, struct json_object *body)
{
    enum conflict conflict = CONFLICT_FAIL;
    struct place place;
    struct drive *drive;
    uint32_t parent;

    if (!writing_find_item(request, response, &place) ||
        !writing_find_parent(request, response, place.drive, true, body, &drive, &parent))
        return;
    /* Personal drives don't hear of it, and others only in the query. */
    if (place.drive->profile == PROFILE_BUSINESS &&
        !writing_read_conflict(request, response, NULL, CONFLICT_FAIL, &conflict))
        return;

    const struct state *now = &place.drive->items[place.item].now;
    struct target target = { .drive = drive,
                             .parent = parent != ITEM_NONE    ? parent
                                       : drive == place.drive ? now->parent
                                                              : (uint32_t)ITEM_ROOT,
                             .item = ITEM_NONE,
                             .name = mem_strdup(field_text(body, "name", now->name)) };

    if (target.drive == place.drive && drive_is_below(place.drive, target.parent, place.item))
        response_error(request, response, 400, "invalidRequest",
                       "A folder can't be copied into itself.", NULL);
    else if (writing_check_name(request, response, &target,
                                place.drive->items[place.item].is_folder) &&
             writing_may_change(request, response, target.drive, target.parent))
        begin(request, response, &place, &target, conflict);
    target_clear(&target);
}

void copy_post(struct request *request, struct response *response)
{
    struct json_object *body = writing_read_body(request, response);

    if (body)
        post(request, response, body);
    json_object_put(body);
}

/* The copy whose monitor the request names, unless that has been long ago. */
static const struct copy *find_copy(const struct request *request)
{
    const struct emulator *emulator = request->emulator;
    char *key = link_read_value(request->path + strlen(monitor_path(emulator)), '\0');
    const struct copy *found = NULL;

    for (size_t i = 0; key && i < emulator->copies.count; i++) {
        const struct copy *copy = &emulator->copies.list[i];

        if (strcmp(copy->key, key) == 0 &&
            clock_now_ms(&emulator->clock) < copy->due_ms + MONITOR_LIFE_MS)
            found = copy;
    }
    free(key);
    return found;
}

static void write_done(struct json_writer *json, const struct copy *copy)
{
    char id[ID_SIZE];

    /* Of a personal drive, too, the form that SharePoint has. */
    if (copy->target.drive->profile == PROFILE_CONSUMER_LEGACY)
        ids_format(copy->target.drive, copy->target.item, id);
    else
        ids_format_business(copy->target.drive, copy->target.item, id);
    json_number(json, "percentageComplete", 100);
    json_string(json, "resourceId", id);
    json_string(json, "status", "completed");
}

static void write_failed(struct json_writer *json, const struct copy *copy)
{
    json_string(json, "status", "failed");
    json_begin_object(json, "error");
    json_string(json, "code", copy->error);
    json_string(json, "message", "The copy could not be made.");
    json_end_object(json);
}

static void write_running(struct json_writer *json, const struct request *request,
                          const struct copy *copy)
{
    int64_t passed_ms = clock_now_ms(&request->emulator->clock) - copy->begun_ms;

    json_number(json, "percentageComplete", passed_ms * 100 / (copy->due_ms - copy->begun_ms));
    json_string(json, "status", passed_ms > 0 ? "inProgress" : "notStarted");
}

static void answer_monitor(const struct request *request, struct response *response,
                           const struct copy *copy)
{
    struct json_writer json = { .out = &response->body };

    response_json(response, copy->status == COPY_RUNS ? 202 : 200);
    json_begin_object(&json, NULL);
    json_string(&json, "operation", "ItemCopy");
    switch (copy->status) {
    case COPY_RUNS:
        write_running(&json, request, copy);
        break;
    case COPY_IS_DONE:
        write_done(&json, copy);
        /* As older pages have it. */
        if (emulator_whim(request->emulator, 2))
            response->status = 303;
        break;
    case COPY_FAILED:
        write_failed(&json, copy);
        break;
    }
    json_end_object(&json);
}

void copy_serve_monitor(struct request *request, struct response *response)
{
    const struct copy *copy = find_copy(request);

    if (strcmp(request->method, "GET") != 0)
        response_error(request, response, 405, "notAllowed", "Method not allowed", NULL);
    else if (pairs_get(&request->headers, "Authorization") &&
             !request->emulator->options->forgives_bearer)
        response_error(request, response, 401, "unauthenticated",
                       "A preauthenticated URL takes no Authorization header.", NULL);
    else if (copy)
        answer_monitor(request, response, copy);
    else
        response_error(request, response, 404, "itemNotFound", "The monitor is gone.", NULL);
}
