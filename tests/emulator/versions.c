/* SPDX-License-Identifier: MIT */
/*
 * The versions of a file: the current content first, then what was replaced, newest first. A page
 * ends at a version and the next one begins with what is older, so that a new content meanwhile
 * moves nothing.
 */
#include "versions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "download.h"
#include "item_json.h"
#include "items.h"
#include "json_writer.h"
#include "page.h"
#include "request.h"
#include "writing.h"

enum { VERSION_ID_SIZE = 16 };

static const char number_key[] = "p_Version=";

static void format_id(const struct place *place, const struct version *version,
                      char ret_id[VERSION_ID_SIZE])
{
    bool is_current = version->number == place->drive->items[place->item].version;

    if (is_current && place->drive->profile == PROFILE_CONSUMER_LEGACY)
        (void)snprintf(ret_id, VERSION_ID_SIZE, "current");
    else
        (void)snprintf(ret_id, VERSION_ID_SIZE, "%" PRIu32 ".0", version->number);
}

/* Without a URL of the bytes, which the reference lists and the service was seen to leave out. */
static void write_version(struct json_writer *json, const struct request *request,
                          const struct place *place, const struct version *version)
{
    char id[VERSION_ID_SIZE], time[TIME_TEXT_SIZE];

    format_id(place, version, id);
    time_format(version->changed_ms, place->drive->profile == PROFILE_CONSUMER_LEGACY, time);
    json_begin_object(json, NULL);
    json_string(json, "id", id);
    json_string(json, "lastModifiedDateTime", time);
    json_begin_object(json, "lastModifiedBy");
    json_begin_object(json, "user");
    json_string(json, "displayName", "Alex Example");
    json_string(json, "id", request->emulator->user_id);
    json_end_object(json);
    json_end_object(json);
    json_number(json, "size", version->blob->size);
    json_end_object(json);
}

/* The current content in the form of a version. */
static struct version current_version(const struct place *place)
{
    const struct item *item = &place->drive->items[place->item];

    return (struct version){ .older = item->versions,
                             .blob = item->now.blob,
                             .changed_ms = item->now.changed_ms,
                             .number = item->version };
}

/* Finds the file; false after an error answer. */
static bool find_file(struct request *request, struct response *response, struct place *ret_place)
{
    if (!items_find(request, response, VIEW_ITEM, ret_place))
        return false;
    if (ret_place->state->blob)
        return true;
    response_error(request, response, 400, "invalidRequest", "Folders have no versions.", NULL);
    return false;
}

/* The version that the request names; false after an error answer. */
static bool find_version(struct request *request, struct response *response,
                         struct place *ret_place, struct version *ret_version)
{
    char id[VERSION_ID_SIZE];

    if (!find_file(request, response, ret_place))
        return false;
    *ret_version = current_version(ret_place);
    for (const struct version *next = ret_version; next; next = next->older) {
        format_id(ret_place, next, id);
        if (strcmp(id, request->vars[0]) == 0) {
            *ret_version = *next;
            return true;
        }
    }
    response_error(request, response, 404, "itemNotFound", "Item not found", NULL);
    return false;
}

static void write_next_link(struct json_writer *json, const struct request *request, size_t limit,
                            uint32_t last_number, bool is_empty)
{
    struct buffer token = { 0 }, link = { 0 };

    buffer_addf(&token, "Paged=TRUE&%s%" PRIu32 "%s", number_key, last_number,
                is_empty ? "&p_Empty=1" : "");
    buffer_addf(&link, "%s%s?", request->base_url, request->path);
    page_add_options(&link, limit, &token);
    json_string(json, "@odata.nextLink", link.data);
    buffer_free(&token);
    buffer_free(&link);
}

/* The versions of the page, from `first` on. */
static void write_page(struct json_writer *json, const struct request *request,
                       const struct place *place, const struct page *page,
                       const struct version *first)
{
    const struct version *last = first;
    bool has_more, is_empty;

    for (size_t count = 1; last && last->older && count < page->limit; count++)
        last = last->older;
    has_more = last && last->older;
    is_empty = page->after && has_more && !page->was_empty && emulator_whim(request->emulator, 8);
    if (is_empty)
        write_next_link(json, request, page->limit, first->number + 1, true);
    else if (has_more)
        write_next_link(json, request, page->limit, last->number, false);
    json_begin_array(json, "value");
    for (; first && !is_empty; first = first == last ? NULL : first->older)
        write_version(json, request, place, first);
    json_end_array(json);
}

void versions_get(struct request *request, struct response *response)
{
    struct json_writer json = { .out = &response->body };
    struct page page;
    struct place place;

    if (!find_file(request, response, &place))
        return;
    if (page_parse(request, response, number_key, &page)) {
        struct version newest = current_version(&place);
        const struct version *first = &newest;

        while (first && page.after && first->number >= strtoul(page.after, NULL, 10))
            first = first->older;
        response_header(response, "Cache-Control", "no-store");
        response_json(response, 200);
        json_begin_object(&json, NULL);
        item_json_write_context(&json, "@odata.context", request, place.drive, place.item,
                                "/versions");
        write_page(&json, request, &place, &page, first);
        json_end_object(&json);
    }
    page_clear(&page);
}

void versions_get_one(struct request *request, struct response *response)
{
    struct json_writer json = { .out = &response->body };
    struct place place;
    struct version version;

    if (!find_version(request, response, &place, &version))
        return;
    response_header(response, "Cache-Control", "no-store");
    response_json(response, 200);
    write_version(&json, request, &place, &version);
}

void versions_get_redirect(struct request *request, struct response *response)
{
    struct place place;
    struct version version;
    struct buffer url = { 0 };

    if (!find_version(request, response, &place, &version))
        return;
    if (version.number == place.drive->items[place.item].version &&
        place.drive->profile != PROFILE_CONSUMER_LEGACY) {
        response_error(request, response, 400, "invalidRequest",
                       "You cannot get the content of the current version.", NULL);
        return;
    }
    response->status = 302;
    response_header(response, "Cache-Control", "no-store");
    download_add_url(request, place.drive, place.item, version.number, &url);
    response_header(response, "Location", "%s", url.data);
    buffer_free(&url);
}

void versions_post_restore(struct request *request, struct response *response)
{
    struct place place;
    struct version version;
    struct change change;

    if (!find_version(request, response, &place, &version) ||
        !writing_may_change(request, response, place.drive, place.item) ||
        !writing_may_edit(request, response, place.drive, place.item))
        return;
    change = writing_change(request, place.drive);
    change_write(&change, place.item, version.blob,
                 change_round_time(place.drive, version.changed_ms));
    response->status = 204;
}
