/* SPDX-License-Identifier: MIT */
/* Deleting, and what can be had back. A folder goes and comes with everything in it. */
#include "removal.h"

#include <json-c/json.h>

#include "field.h"
#include "ids.h"
#include "items.h"
#include "memory.h"
#include "request.h"
#include "writing.h"

/* Finds what is to go, and deletes it; false after an error answer. */
static bool remove_item(struct request *request, struct response *response, struct place *ret_place)
{
    struct change change;

    if (!writing_find_item(request, response, ret_place) ||
        !writing_may_take(request, response, ret_place->drive, ret_place->item) ||
        !writing_tags_match(request, response, ret_place->drive, ret_place->item))
        return false;
    change = writing_change(request, ret_place->drive);
    change_delete(&change, ret_place->item);
    response->status = 204;
    return true;
}

void removal_delete(struct request *request, struct response *response)
{
    struct place place;

    remove_item(request, response, &place);
}

void removal_post_permanent(struct request *request, struct response *response)
{
    struct place place;

    if (request->emulator->options->profile != PROFILE_BUSINESS) {
        response_error(request, response, 405, "notAllowed", "The method is not supported.", NULL);
        return;
    }
    if (remove_item(request, response, &place))
        place.drive->items[place.item].binned_with = ITEM_NONE;
}

/* The item in the recycle bin that the request names. */
static bool find_binned(struct request *request, struct response *response, struct place *ret_place)
{
    struct drive *drive = items_find_drive(request, response);
    uint32_t item;

    if (!drive)
        return false;
    item = request->item_id ? ids_parse(drive, request->item_id) : ITEM_NONE;
    if (item == ITEM_NONE || !drive->items[item].now.is_deleted ||
        drive->items[item].binned_with != item) {
        response_error(request, response, 404, "itemNotFound", "Item not found", NULL);
        return false;
    }
    *ret_place = (struct place){ .drive = drive, .item = item, .state = &drive->items[item].now };
    return true;
}

static void restore(struct request *request, struct response *response, struct json_object *body)
{
    struct change change;
    struct place place;
    struct drive *drive;
    uint32_t parent;

    if (!find_binned(request, response, &place) ||
        !writing_find_parent(request, response, place.drive, false, body, &drive, &parent))
        return;
    if (parent == ITEM_NONE)
        parent = place.state->parent;
    if (drive->items[parent].now.is_deleted) {
        response_error(request, response, 404, "itemNotFound", "The folder is gone.", NULL);
        return;
    }

    struct target target = { .drive = drive,
                             .parent = parent,
                             .item = ITEM_NONE,
                             .name = mem_strdup(field_text(body, "name", place.state->name)) };

    if (writing_check_name(request, response, &target, drive->items[place.item].is_folder) &&
        writing_may_change(request, response, drive, parent) &&
        writing_claim_name(request, response, &target, CONFLICT_FAIL, place.item)) {
        change = writing_change(request, drive);
        change_restore(&change, place.item, parent, target.name);
        writing_answer(request, response, drive, place.item, 200);
    }
    target_clear(&target);
}

void removal_post_restore(struct request *request, struct response *response)
{
    struct json_object *body;

    if (request->emulator->options->profile == PROFILE_BUSINESS) {
        response_error(request, response, 400, "invalidRequest",
                       "Restoring is not supported for this drive.", NULL);
        return;
    }
    body = writing_read_body(request, response);
    if (body)
        restore(request, response, body);
    json_object_put(body);
}
