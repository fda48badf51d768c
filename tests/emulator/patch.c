/* SPDX-License-Identifier: MIT */
/* Renaming, moving and new times, all in one request. */
#include "patch.h"

#include <string.h>

#include <json-c/json.h>

#include "field.h"
#include "items.h"
#include "memory.h"
#include "names.h"
#include "request.h"
#include "writing.h"

/* What a PATCH asks for, checked. */
struct plan {
    struct target target; /* where the item will be; `item` is what has to go from there */
    struct times times;
    bool is_move;
};

/* Where the item is to go, which is where it is if the request says nothing of it. */
static bool read_target(struct request *request, struct response *response,
                        struct json_object *body, const struct place *place,
                        struct target *ret_target)
{
    const struct state *now = &place->drive->items[place->item].now;
    const char *name = field_text(body, "name", now->name);
    struct drive *drive;
    uint32_t parent;

    if (!writing_find_parent(request, response, place->drive, false, body, &drive, &parent))
        return false;
    *ret_target = (struct target){ .drive = place->drive,
                                   .parent = parent == ITEM_NONE ? now->parent : parent,
                                   .item = ITEM_NONE,
                                   .name = mem_strdup(name) };
    return true;
}

/* The personal service is not sure what to make of a change of case alone. */
static bool is_odd_rename(const struct request *request, const struct target *target,
                          const struct state *now)
{
    return target->drive->profile != PROFILE_BUSINESS && target->parent == now->parent &&
           strcmp(target->name, now->name) != 0 && names_compare(target->name, now->name) == 0 &&
           emulator_whim(request->emulator, 2);
}

static bool claim_target(struct request *request, struct response *response,
                         const struct place *place, struct target *target, enum conflict conflict)
{
    const struct item *item = &place->drive->items[place->item];

    if (drive_is_below(place->drive, target->parent, place->item)) {
        response_error(request, response, 400, "invalidRequest",
                       "A folder can't be moved into itself.", NULL);
        return false;
    }
    /* Only files give way, and only to files. */
    if (item->is_folder && conflict == CONFLICT_REPLACE)
        conflict = CONFLICT_FAIL;
    if (is_odd_rename(request, target, &item->now)) {
        response_error(request, response, 409, "nameAlreadyExists",
                       "The specified item name already exists.", NULL);
        return false;
    }
    return writing_check_name(request, response, target, item->is_folder) &&
           writing_may_change(request, response, place->drive, target->parent) &&
           writing_claim_name(request, response, target, conflict, place->item);
}

static bool make_plan(struct request *request, struct response *response, struct json_object *body,
                      const struct place *place, struct plan *plan)
{
    const struct state *now = &place->drive->items[place->item].now;
    enum conflict conflict;

    if (!writing_may_change(request, response, place->drive, place->item) ||
        !writing_may_edit(request, response, place->drive, place->item) ||
        !writing_tags_match(request, response, place->drive, place->item) ||
        !writing_read_conflict(request, response, body, CONFLICT_FAIL, &conflict) ||
        !writing_read_times(request, response, place->drive, body, &plan->times) ||
        !read_target(request, response, body, place, &plan->target))
        return false;
    plan->is_move = plan->target.parent != now->parent || strcmp(plan->target.name, now->name) != 0;
    return !plan->is_move || (writing_may_take(request, response, place->drive, place->item) &&
                              claim_target(request, response, place, &plan->target, conflict));
}

static void carry_out(const struct request *request, const struct place *place,
                      const struct plan *plan)
{
    struct change change = writing_change(request, place->drive);

    if (plan->is_move && plan->target.item != ITEM_NONE)
        change_delete(&change, plan->target.item);
    if (plan->is_move)
        change_move(&change, place->item, plan->target.parent, plan->target.name);
    if (plan->times.created_ms != INT64_MIN)
        place->drive->items[place->item].created_ms = plan->times.created_ms;
    if (plan->times.modified_ms != INT64_MIN)
        change_touch(&change, place->item, plan->times.modified_ms);
    else if (plan->times.created_ms != INT64_MIN)
        change_tag(&change, place->item);
}

static void patch(struct request *request, struct response *response, struct json_object *body)
{
    struct plan plan = { .is_move = false };
    struct place place;

    if (!writing_find_item(request, response, &place))
        return;
    if (make_plan(request, response, body, &place, &plan)) {
        carry_out(request, &place, &plan);
        writing_answer(request, response, place.drive, place.item, 200);
    }
    target_clear(&plan.target);
}

void patch_item(struct request *request, struct response *response)
{
    struct json_object *body = writing_read_body(request, response);

    if (body)
        patch(request, response, body);
    json_object_put(body);
}
