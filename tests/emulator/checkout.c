/* SPDX-License-Identifier: MIT */
/*
 * Checking out. What is written meanwhile is seen by all: the emulator has one user, and those who
 * edit by control requests. Discarding goes back to the content that the file had. A file that has
 * never been checked in has none, and is seen by nobody but its maker.
 */
#include "checkout.h"

#include "items.h"
#include "oddity.h"
#include "request.h"
#include "writing.h"

/* Finds the file whose state is to change; false after an error answer. */
static bool find_file(struct request *request, struct response *response, struct place *ret_place)
{
    if (request->emulator->options->profile != PROFILE_BUSINESS) {
        response_error(request, response, 400, "notSupported",
                       "Checking out is not supported for personal drives.", NULL);
        return false;
    }
    if (!writing_find_item(request, response, ret_place) ||
        !writing_may_change(request, response, ret_place->drive, ret_place->item))
        return false;
    if (ret_place->drive->items[ret_place->item].now.blob)
        return true;
    response_error(request, response, 400, "invalidRequest", "Only files are checked out.", NULL);
    return false;
}

void checkout_post(struct request *request, struct response *response)
{
    struct place place;
    struct change change;
    struct item *item;

    if (!find_file(request, response, &place))
        return;
    item = &place.drive->items[place.item];
    oddity_of(item)->checked_out = CHECKED_OUT;
    item->oddity->checked_out_version = item->version;
    change = writing_change(request, place.drive);
    change_tag(&change, place.item);
    response->status = 204;
}

/* The file that this user has checked out; NULL after an error answer. */
static struct item *find_own(struct request *request, struct response *response,
                             struct place *ret_place)
{
    struct item *item;

    if (!find_file(request, response, ret_place))
        return NULL;
    item = &ret_place->drive->items[ret_place->item];
    if (item->oddity && item->oddity->checked_out == CHECKED_OUT)
        return item;
    response_error(request, response, 400, "invalidRequest", "The file is not checked out.", NULL);
    return NULL;
}

void checkout_post_checkin(struct request *request, struct response *response)
{
    struct place place;
    struct change change;
    struct item *item = find_own(request, response, &place);

    if (!item)
        return;
    item->oddity->checked_out = CHECKED_IN;
    item->oddity->is_draft = false;
    change = writing_change(request, place.drive);
    change_tag(&change, place.item);
    response->status = 204;
}

void checkout_post_discard(struct request *request, struct response *response)
{
    struct place place;
    struct change change;
    struct item *item = find_own(request, response, &place);

    if (!item)
        return;
    change = writing_change(request, place.drive);
    response->status = 204;
    if (item->oddity->is_draft) {
        change_delete(&change, place.item);
        return;
    }
    item->oddity->checked_out = CHECKED_IN;
    for (const struct version *version = item->versions; version; version = version->older)
        if (version->number == item->oddity->checked_out_version) {
            change_write(&change, place.item, version->blob, item->now.mtime_ms);
            break;
        }
    change_tag(&change, place.item);
}
