/* SPDX-License-Identifier: MIT */
/* New folders. */
#include "folders.h"

#include <json-c/json.h>

#include "field.h"
#include "ids.h"
#include "items.h"
#include "memory.h"
#include "oddity.h"
#include "request.h"
#include "writing.h"

/* Finds the folder that is to get a child. */
static bool find_parent(struct request *request, struct response *response, struct place *place)
{
    if (!items_find(request, response, VIEW_ITEM, place))
        return false;

    const struct item *folder = &place->drive->items[place->item];

    if (!folder->now.is_deleted && folder->is_folder &&
        !(folder->oddity && folder->oddity->is_onenote))
        return true;
    if (folder->now.is_deleted)
        response_error(request, response, 404, "itemNotFound", "Item not found", NULL);
    else
        response_error(request, response, 400, "invalidRequest", "The item is no folder.", NULL);
    return false;
}

static void answer_folder(struct request *request, struct response *response, struct drive *drive,
                          uint32_t folder, unsigned status)
{
    char id[ID_SIZE];
    struct buffer url = { 0 };

    ids_format(drive, folder, id);
    buffer_addf(&url, "%s/v1.0/drives/", request->base_url);
    buffer_add_url(&url, drive->id, "!");
    buffer_addf(&url, "/items/%s", id);
    response_header(response, "Location", "%s", url.data);
    buffer_free(&url);
    writing_answer(request, response, drive, folder, status);
}

/* Makes the folder, or finds that "replace" is content with the one that is there. */
static void create(struct request *request, struct response *response, struct target *target,
                   enum conflict conflict)
{
    struct drive *drive = target->drive;
    struct change change = writing_change(request, drive);
    uint32_t there = drive_find_child(drive, target->parent, target->name, VIEW_TRUTH, 0);

    if (there != ITEM_NONE && conflict == CONFLICT_REPLACE && drive->items[there].is_folder) {
        answer_folder(request, response, drive, there, 200);
        return;
    }
    /* A file that has the name keeps it. */
    if (!writing_claim_name(request, response, target,
                            conflict == CONFLICT_REPLACE ? CONFLICT_FAIL : conflict, ITEM_NONE))
        return;
    answer_folder(request, response, drive,
                  change_create(&change, target->parent, target->name, NULL,
                                change_round_time(drive, change.now_ms)),
                  201);
}

static void post(struct request *request, struct response *response, struct json_object *body)
{
    struct json_object *facet;
    const char *name = field_text(body, "name", NULL);
    enum conflict conflict;
    struct place place;

    if (!name || !json_object_object_get_ex(body, "folder", &facet) ||
        !json_object_is_type(facet, json_type_object)) {
        response_error(request, response, 400, "invalidRequest",
                       "A name and the folder facet are needed.", NULL);
        return;
    }
    if (!find_parent(request, response, &place) ||
        !writing_may_change(request, response, place.drive, place.item) ||
        !writing_read_conflict(request, response, body, CONFLICT_FAIL, &conflict))
        return;

    struct target target = {
        .drive = place.drive, .parent = place.item, .item = ITEM_NONE, .name = mem_strdup(name)
    };

    if (writing_check_name(request, response, &target, true))
        create(request, response, &target, conflict);
    target_clear(&target);
}

void folders_post(struct request *request, struct response *response)
{
    struct json_object *body = writing_read_body(request, response);

    if (body)
        post(request, response, body);
    json_object_put(body);
}
