/* SPDX-License-Identifier: MIT */
/* How a request's path leads to an item, and the answer to a GET of it. */
#include "items.h"

#include <string.h>
#include <strings.h>

#include "children.h"
#include "ids.h"
#include "item_json.h"
#include "names.h"
#include "oddity.h"
#include "request.h"

static void answer_missing(struct request *request, struct response *response)
{
    response_error(request, response, 404, "itemNotFound",
                   request->emulator->options->profile == PROFILE_BUSINESS
                       ? "The resource could not be found."
                       : "Item not found",
                   NULL);
}

struct drive *items_find_drive(struct request *request, struct response *response)
{
    struct emulator *emulator = request->emulator;
    struct drive *found = NULL;

    for (int i = 0; !found && i < emulator->drive_count; i++)
        if (!request->drive_id || ids_is_drive(&emulator->drives[i], request->drive_id))
            found = &emulator->drives[i];
    if (!found) {
        response_error(request, response, 404, "itemNotFound", "Item does not exist", NULL);
        return NULL;
    }
    if (found->role == DRIVE_PHANTOM) {
        response_error(request, response, 400, "invalidRequest", "ObjectHandle is Invalid", NULL);
        return NULL;
    }
    drive_settle(found, clock_now_ms(&emulator->clock));
    return found;
}

/* Checks what the path may not contain at all; false after an error answer. */
static bool check_path(struct request *request, struct response *response)
{
    long units = names_utf16_length(request->item_path);
    const char *inner = NULL;

    if (request->has_bad_path || units < 0 || strpbrk(request->item_path, "\"*:<>?\\|"))
        inner = "invalidPath";
    else if (units - 1 > PATH_MAX_UNITS)
        inner = "pathIsTooLong";
    if (inner)
        response_error(request, response, 400, "invalidRequest",
                       "The provided path is not valid or is too long.", inner);
    return !inner;
}

/* A special folder is the newest item there is that carries its name in its facet. */
static uint32_t find_special(const struct drive *drive, const char *name)
{
    for (size_t i = drive->special_count; i-- > 0;) {
        const struct item *item = &drive->items[drive->specials[i]];

        if (!item->now.is_deleted && strcasecmp(item->oddity->special_name, name) == 0)
            return drive->specials[i];
    }
    return ITEM_NONE;
}

bool items_find(struct request *request, struct response *response, enum view view,
                struct place *ret_place)
{
    struct drive *drive = items_find_drive(request, response);
    int64_t now_ms = clock_now_ms(&request->emulator->clock);
    uint32_t item = ITEM_ROOT;

    if (!drive)
        return false;
    if (request->item_path && !check_path(request, response))
        return false;
    if (request->item_id)
        item = ids_parse(drive, request->item_id);
    else if (request->special)
        item = find_special(drive, request->special);
    if (request->item_path && item != ITEM_NONE) {
        item = drive_find_path(drive, item, request->item_path, VIEW_PATH, now_ms);
        view = VIEW_PATH;
    }

    const struct state *state = item == ITEM_NONE ? NULL : drive_see(drive, item, view, now_ms);

    if (!state || state->is_deleted) {
        answer_missing(request, response);
        return false;
    }
    *ret_place = (struct place){ .drive = drive, .item = item, .state = state };
    return true;
}

bool items_is_listed(const struct request *request, const struct drive *drive, uint32_t item)
{
    const struct oddity *oddity = drive->items[item].oddity;

    return !oddity || !oddity->is_shortcut ||
           request_prefers(request, "Include-Feature=AddToOneDrive");
}

void items_get(struct request *request, struct response *response)
{
    struct json_writer json = { .out = &response->body };
    struct selection selection;
    struct place place;
    const char *unknown = selection_parse(request, &selection);
    const char *known_tag = pairs_get(&request->headers, "If-None-Match");
    char tag[TAG_SIZE];

    if (unknown || !children_check_expand(request)) {
        response_error(request, response, 400, "BadRequest",
                       "Parsing OData Select and Expand failed: Could not find a property named "
                       "in $select on type 'microsoft.graph.driveItem'.",
                       NULL);
        return;
    }
    if (!items_find(request, response, VIEW_ITEM, &place))
        return;
    if (place.drive->items[place.item].oddity &&
        place.drive->items[place.item].oddity->is_foreign) {
        answer_missing(request, response);
        return;
    }
    ids_etag(place.drive, place.item, place.state, tag);
    if (place.drive->profile == PROFILE_CONSUMER_LEGACY) {
        response_header(response, "Cache-Control", "private");
    } else {
        response_header(response, "Cache-Control", "no-cache");
        response_header(response, "ETag", "%s", tag);
    }
    if (known_tag && strcmp(known_tag, tag) == 0) {
        response->status = 304;
        return;
    }
    response_json(response, 200);
    item_json_write_whole(&json, request, place.drive, place.item, place.state, VIEW_ITEM,
                          &selection);
}
