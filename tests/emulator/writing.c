/* SPDX-License-Identifier: MIT */
/*
 * What writing requests have in common. A request finds its item as a reader would, in a read model
 * that may lag, so what was made a moment ago can be 404 for its maker too; but names, tags and
 * rights are checked against the truth, and the answer tells the truth.
 */
#include "writing.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "field.h"
#include "ids.h"
#include "item_json.h"
#include "items.h"
#include "memory.h"
#include "names.h"
#include "oddity.h"
#include "request.h"
#include "selection.h"

void target_clear(struct target *target)
{
    free(target->name);
    target->name = NULL;
}

struct change writing_change(const struct request *request, struct drive *drive)
{
    struct emulator *emulator = request->emulator;

    return (struct change){ .drive = drive,
                            .random = &emulator->random,
                            .now_ms = clock_now_ms(&emulator->clock),
                            .lag_max_ms = emulator->options->lag_ms };
}

static bool refuse(const struct request *request, struct response *response, unsigned status,
                   const char *code, const char *message, const char *inner)
{
    response_error(request, response, status, code, message, inner);
    return false;
}

static bool answer_missing(const struct request *request, struct response *response)
{
    return refuse(request, response, 404, "itemNotFound", "Item not found", NULL);
}

struct json_object *writing_read_body(struct request *request, struct response *response)
{
    struct json_object *body = request->body.length
                                   ? json_tokener_parse(buffer_text(&request->body))
                                   : json_object_new_object();

    if (json_object_is_type(body, json_type_object))
        return body;
    json_object_put(body);
    refuse(request, response, 400, "BadRequest", "Unable to read JSON request payload.", NULL);
    return NULL;
}

bool writing_read_conflict(struct request *request, struct response *response,
                           struct json_object *body, enum conflict missing,
                           enum conflict *ret_conflict)
{
    static const char key[] = "@microsoft.graph.conflictBehavior";
    static const char old_key[] = "@name.conflictBehavior";
    static const char *const names[] = { "fail", "replace", "rename" };
    const char *text = pairs_get(&request->query, key);

    if (!text && body)
        text = field_text(body, key, NULL);
    if (body && json_object_object_get_ex(body, old_key, NULL)) {
        if (!request->emulator->options->forgives_annotations)
            return refuse(request, response, 400, "invalidRequest",
                          "The annotation @name.conflictBehavior is not supported.", NULL);
        text = text ? text : field_text(body, old_key, NULL);
    }
    *ret_conflict = missing;
    for (int i = 0; text && i < 3; i++)
        if (strcasecmp(text, names[i]) == 0) {
            *ret_conflict = (enum conflict)i;
            return true;
        }
    return !text || refuse(request, response, 400, "invalidRequest",
                           "The conflict behavior is not valid.", NULL);
}

/* False if there is such a time and it is none. */
static bool read_time(struct json_object *info, const char *name, const struct drive *drive,
                      int64_t *ret_ms)
{
    struct json_object *value;
    int64_t time_ms;

    *ret_ms = INT64_MIN;
    if (!json_object_object_get_ex(info, name, &value) || !value)
        return true;
    if (!json_object_is_type(value, json_type_string) ||
        time_parse(json_object_get_string(value), &time_ms) < 0)
        return false;
    *ret_ms = change_round_time(drive, time_ms);
    return true;
}

bool writing_read_times(struct request *request, struct response *response,
                        const struct drive *drive, struct json_object *body,
                        struct times *ret_times)
{
    struct json_object *info;

    *ret_times = (struct times){ .created_ms = INT64_MIN, .modified_ms = INT64_MIN };
    if (!json_object_object_get_ex(body, "fileSystemInfo", &info) || !info)
        return true;
    if (json_object_is_type(info, json_type_object) &&
        read_time(info, "createdDateTime", drive, &ret_times->created_ms) &&
        read_time(info, "lastModifiedDateTime", drive, &ret_times->modified_ms))
        return true;
    return refuse(request, response, 400, "invalidRequest", "fileSystemInfo is not valid.", NULL);
}

bool writing_find_item(struct request *request, struct response *response, struct place *ret_place)
{
    if (!items_find(request, response, VIEW_ITEM, ret_place))
        return false;
    if (ret_place->drive->items[ret_place->item].now.is_deleted)
        return answer_missing(request, response);
    if (ret_place->item == ITEM_ROOT)
        return refuse(request, response, 403, "accessDenied", "The root can't be changed.", NULL);
    return true;
}

/* The drive of a parentReference; NULL after an error answer. */
static struct drive *find_drive(struct request *request, struct response *response,
                                struct drive *drive, bool may_leave, const char *id)
{
    struct emulator *emulator = request->emulator;

    if (!id || ids_is_drive(drive, id))
        return drive;
    for (int i = 0; may_leave && i < emulator->drive_count; i++)
        if (ids_is_drive(&emulator->drives[i], id))
            return &emulator->drives[i];
    if (may_leave)
        answer_missing(request, response);
    else
        refuse(request, response, 400, "invalidRequest", "Items can't be moved to another drive.",
               NULL);
    return NULL;
}

/* A folder by its path, which may begin with the drive's. */
static uint32_t find_path(const struct request *request, const struct drive *drive,
                          const char *path)
{
    const char *root = strstr(path, "/root:");

    return drive_find_path(drive, ITEM_ROOT, root ? root + strlen("/root:") : path, VIEW_PATH,
                           clock_now_ms(&request->emulator->clock));
}

bool writing_find_parent(struct request *request, struct response *response, struct drive *drive,
                         bool may_leave, struct json_object *body, struct drive **ret_drive,
                         uint32_t *ret_parent)
{
    struct json_object *reference;
    const char *id, *path;
    uint32_t parent = ITEM_NONE;

    *ret_drive = drive;
    *ret_parent = ITEM_NONE;
    if (!json_object_object_get_ex(body, "parentReference", &reference))
        return true;
    if (!json_object_is_type(reference, json_type_object))
        return refuse(request, response, 400, "invalidRequest", "parentReference is not valid.",
                      NULL);
    id = field_text(reference, "id", NULL);
    path = field_text(reference, "path", NULL);
    drive = find_drive(request, response, drive, may_leave, field_text(reference, "driveId", NULL));
    if (!drive)
        return false;
    drive_settle(drive, clock_now_ms(&request->emulator->clock));
    *ret_drive = drive;
    if (!id && !path)
        return true;
    /* The alias is good in URLs only. */
    if (!id)
        parent = find_path(request, drive, path);
    else if (strcasecmp(id, "root") != 0)
        parent = ids_parse(drive, id);

    const struct state *state =
        parent == ITEM_NONE
            ? NULL
            : drive_see(drive, parent, VIEW_ITEM, clock_now_ms(&request->emulator->clock));

    if (!state || state->is_deleted || drive->items[parent].now.is_deleted)
        return refuse(request, response, 404, "itemNotFound",
                      "Failed to verify the existence of destination location", NULL);
    if (!drive->items[parent].is_folder ||
        (drive->items[parent].oddity && drive->items[parent].oddity->is_onenote))
        return refuse(request, response, 400, "invalidRequest", "The parent is no folder.", NULL);
    *ret_parent = parent;
    return true;
}

/* The folder above the path of the request. */
static bool find_folder(struct request *request, struct response *response, char *path,
                        struct place *ret_place)
{
    char *whole = request->item_path;
    bool is_found;

    request->item_path = *path ? path : NULL;
    is_found = items_find(request, response, VIEW_ITEM, ret_place);
    request->item_path = whole;
    if (!is_found)
        return false;

    const struct item *folder = &ret_place->drive->items[ret_place->item];

    if (folder->now.is_deleted)
        return answer_missing(request, response);
    if (!folder->is_folder || (folder->oddity && folder->oddity->is_onenote))
        return refuse(request, response, 400, "invalidRequest", "A part of the path is a file.",
                      NULL);
    return true;
}

static bool find_target_by_path(struct request *request, struct response *response,
                                struct target *target)
{
    char *path = mem_strdup(request->item_path), *slash = strrchr(path, '/');
    struct place folder;
    bool is_found;

    *slash = '\0';
    is_found = !request->has_bad_path && find_folder(request, response, path, &folder);
    if (request->has_bad_path)
        refuse(request, response, 400, "invalidRequest", "The provided path is not valid.",
               "invalidPath");
    if (is_found) {
        target->drive = folder.drive;
        target->parent = folder.item;
        target->name = mem_strdup(slash + 1);
        target->item = drive_find_child(folder.drive, folder.item, target->name, VIEW_TRUTH, 0);
    }
    free(path);
    return is_found;
}

bool writing_find_target(struct request *request, struct response *response,
                         struct target *ret_target)
{
    struct target target = { .item = ITEM_NONE };
    struct place place;

    if (request->item_path) {
        if (!find_target_by_path(request, response, &target))
            return false;
    } else {
        if (!items_find(request, response, VIEW_ITEM, &place))
            return false;
        if (place.drive->items[place.item].now.is_deleted)
            return answer_missing(request, response);
        if (place.drive->items[place.item].is_folder)
            return refuse(request, response, 400, "invalidRequest",
                          "File name not provided in url.", NULL);
        target.drive = place.drive;
        target.item = place.item;
        target.parent = place.drive->items[place.item].now.parent;
        target.name = mem_strdup(place.drive->items[place.item].now.name);
    }
    *ret_target = target;
    return true;
}

static bool is_read_only(const struct drive *drive, uint32_t item)
{
    for (; item != ITEM_NONE; item = drive->items[item].now.parent)
        if (drive->items[item].oddity && drive->items[item].oddity->is_read_only)
            return true;
    return false;
}

/* How somebody else keeps an item from being changed. */
struct keeping {
    const char *code;
    const char *message;
};

/* NULL if nobody does. */
static const struct keeping *find_keeping(const struct request *request, const struct item *item)
{
    static const struct keeping locked = { "resourceLocked",
                                           "The resource you are attempting to access is locked" };
    static const struct keeping checked_out = { "notAllowed",
                                                "The file is checked out by another user." };
    const struct oddity *oddity = item->oddity;

    if (!oddity)
        return NULL;
    if (oddity->lock == LOCK_EXCLUSIVE ||
        (oddity->lock == LOCK_SHARED && !request_prefers(request, "bypass-shared-lock")))
        return &locked;
    return oddity->checked_out == CHECKED_OUT_BY_OTHER ? &checked_out : NULL;
}

/* The same of what is in a folder. */
static const struct keeping *find_keeping_below(const struct request *request,
                                                const struct drive *drive, uint32_t folder)
{
    const struct children *children = drive->items[folder].children;
    const struct keeping *found = NULL;

    for (size_t i = 0; children && !found && i < children->count; i++) {
        found = find_keeping(request, &drive->items[children->items[i]]);
        if (!found)
            found = find_keeping_below(request, drive, children->items[i]);
    }
    return found;
}

static bool refuse_kept(const struct request *request, struct response *response,
                        const struct keeping *keeping)
{
    return !keeping ||
           refuse(request, response, 423, keeping->code, keeping->message, "lockMismatch");
}

bool writing_may_change(struct request *request, struct response *response,
                        const struct drive *drive, uint32_t item)
{
    if (is_read_only(drive, item))
        return refuse(request, response, 403, "accessDenied", "Access denied", NULL);
    return refuse_kept(request, response, find_keeping(request, &drive->items[item]));
}

bool writing_may_take(struct request *request, struct response *response, const struct drive *drive,
                      uint32_t item)
{
    return writing_may_change(request, response, drive, item) &&
           refuse_kept(request, response, find_keeping_below(request, drive, item));
}

bool writing_may_edit(struct request *request, struct response *response, const struct drive *drive,
                      uint32_t item)
{
    const struct oddity *oddity = drive->items[item].oddity;

    if (!request->emulator->options->requires_checkout || drive->profile != PROFILE_BUSINESS ||
        drive->items[item].is_folder || (oddity && oddity->checked_out == CHECKED_OUT))
        return true;
    return refuse(request, response, 423, "notAllowed",
                  "The file is not checked out. It must be before changes are made.", NULL);
}

bool writing_is_tag(const struct drive *drive, uint32_t item, const char *tag)
{
    const struct state *state = &drive->items[item].now;
    char tags[2][TAG_SIZE];

    ids_etag(drive, item, state, tags[0]);
    ids_ctag(drive, item, state, tags[1]);
    for (int i = 0; i < 2; i++) {
        size_t length = strlen(tags[i]);

        if (strcmp(tag, tags[i]) == 0)
            return true;
        /* The legacy tags have no quotes of their own, a header's have. */
        if (tags[i][0] != '"' && tag[0] == '"' && strncmp(tag + 1, tags[i], length) == 0 &&
            strcmp(tag + 1 + length, "\"") == 0)
            return true;
    }
    return false;
}

bool writing_tags_match(struct request *request, struct response *response,
                        const struct drive *drive, uint32_t item)
{
    const char *wanted = pairs_get(&request->headers, "If-Match");
    const char *unwanted = pairs_get(&request->headers, "If-None-Match");
    bool is_there = item != ITEM_NONE;

    if (wanted && !(is_there && (strcmp(wanted, "*") == 0 || writing_is_tag(drive, item, wanted))))
        return refuse(request, response, 412, "resourceModified",
                      "ETag does not match current item's value", "entityTagDoesNotMatch");
    /* "*" forbids nothing: the service is not to be relied on there. */
    if (unwanted && is_there && writing_is_tag(drive, item, unwanted))
        return refuse(request, response, 412, "resourceModified",
                      "ETag matches current item's value", "entityTagDoesNotMatch");
    return true;
}

bool writing_has_room(struct request *request, struct response *response, const struct drive *drive,
                      int64_t grown)
{
    int64_t used = drive->quota_used >= 0 ? drive->quota_used : drive->items[ITEM_ROOT].tree_size;

    if (!drive->quota_total || grown <= 0 || grown <= drive->quota_total - used)
        return true;
    return refuse(request, response, 507, "quotaLimitReached", "Insufficient Space Available",
                  "insufficientStorage");
}

bool writing_check_name(struct request *request, struct response *response,
                        const struct target *target, bool is_folder)
{
    struct buffer path = { 0 };
    const char *inner = names_refusal(target->name);

    if (!inner && target->drive->profile == PROFILE_BUSINESS)
        inner = names_library_refusal(target->name, is_folder, target->parent == ITEM_ROOT);
    drive_add_path(target->drive, target->parent, &path);
    if (!inner &&
        names_utf16_length(buffer_text(&path)) + names_utf16_length(target->name) > PATH_MAX_UNITS)
        inner = "pathIsTooLong";
    buffer_free(&path);
    return !inner ||
           refuse(request, response, 400, "invalidRequest",
                  "The provided name cannot contain those characters or is too long.", inner);
}

void target_number(struct target *target)
{
    char *name = NULL;

    for (unsigned number = 1; target->item != ITEM_NONE; number++) {
        free(name);
        name = names_numbered(target->name, number);
        target->item = drive_find_child(target->drive, target->parent, name, VIEW_TRUTH, 0);
    }
    free(target->name);
    target->name = name;
}

bool writing_claim_name(struct request *request, struct response *response, struct target *target,
                        enum conflict conflict, uint32_t self)
{
    target->item = drive_find_child(target->drive, target->parent, target->name, VIEW_TRUTH, 0);
    if (target->item == self)
        target->item = ITEM_NONE;
    if (target->item == ITEM_NONE)
        return true;
    switch (conflict) {
    case CONFLICT_RENAME:
        target_number(target);
        return true;
    case CONFLICT_REPLACE:
        /* A folder gives way to nothing, a notebook is one. */
        if (!target->drive->items[target->item].is_folder)
            return writing_may_change(request, response, target->drive, target->item) &&
                   writing_may_edit(request, response, target->drive, target->item);
        break;
    case CONFLICT_FAIL:
        break;
    }
    return refuse(request, response, 409, "nameAlreadyExists",
                  "The specified item name already exists.", NULL);
}

void writing_answer(struct request *request, struct response *response, struct drive *drive,
                    uint32_t item, unsigned status)
{
    struct json_writer json = { .out = &response->body };
    struct selection selection;
    char tag[TAG_SIZE];

    if (selection_parse(request, &selection))
        (void)selection_parse_text(NULL, &selection);
    if (drive->profile != PROFILE_CONSUMER_LEGACY) {
        ids_etag(drive, item, &drive->items[item].now, tag);
        response_header(response, "ETag", "%s", tag);
    }
    response_json(response, status);
    item_json_write_whole(&json, request, drive, item, &drive->items[item].now, VIEW_ITEM,
                          &selection);
}
