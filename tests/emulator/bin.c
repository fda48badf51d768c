/* SPDX-License-Identifier: MIT */
/*
 * What is in the recycle bin: each thing that was deleted by itself, once, without what went with
 * it. The oldest items come first, and a page goes on behind an item, so that what comes and goes
 * meanwhile moves nothing.
 */
#include "bin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#include "item_json.h"
#include "items.h"
#include "json_writer.h"
#include "page.h"
#include "request.h"
#include "selection.h"

static const char item_key[] = "p_ID=";

bool bin_is_meant(const struct request *request)
{
    return request->special && !request->item_path &&
           strcasecmp(request->special, "recyclebin") == 0;
}

/* The next item in the bin from this one on, ITEM_NONE at the end. */
static uint32_t find_next(const struct drive *drive, uint32_t item)
{
    while (item < drive->count &&
           !(drive->items[item].now.is_deleted && drive->items[item].binned_with == item))
        item++;
    return item < drive->count ? item : ITEM_NONE;
}

static void write_next_link(struct json_writer *json, const struct request *request, size_t limit,
                            uint32_t last)
{
    struct buffer token = { 0 }, link = { 0 };

    buffer_addf(&token, "Paged=TRUE&%s%" PRIu32, item_key, last);
    buffer_addf(&link, "%s%s?", request->base_url, request->path);
    page_add_options(&link, limit, &token);
    json_string(json, "@odata.nextLink", link.data);
    buffer_free(&token);
    buffer_free(&link);
}

static void write_page(struct json_writer *json, const struct request *request, struct drive *drive,
                       const struct page *page, const struct selection *selection)
{
    uint32_t item =
        find_next(drive, page->after ? (uint32_t)strtoul(page->after, NULL, 10) + 1 : 0);
    uint32_t last = ITEM_NONE;

    json_begin_array(json, "value");
    for (size_t count = 0; item != ITEM_NONE && count < page->limit; count++) {
        item_json_write(json, request, drive, item, &drive->items[item].now, VIEW_CHILDREN,
                        selection);
        last = item;
        item = find_next(drive, item + 1);
    }
    json_end_array(json);
    if (item != ITEM_NONE)
        write_next_link(json, request, page->limit, last);
}

void bin_get(struct request *request, struct response *response)
{
    struct json_writer json = { .out = &response->body };
    struct drive *drive = items_find_drive(request, response);
    struct selection selection;
    struct page page;

    if (!drive)
        return;
    if (drive->profile != PROFILE_BUSINESS || selection_parse(request, &selection)) {
        response_error(request, response, 400, "invalidRequest",
                       "The recycle bin is not available in this way.", NULL);
        return;
    }
    if (page_parse(request, response, item_key, &page)) {
        response_header(response, "Cache-Control", "no-store");
        response_json(response, 200);
        json_begin_object(&json, NULL);
        write_page(&json, request, drive, &page, &selection);
        json_end_object(&json);
    }
    page_clear(&page);
}
