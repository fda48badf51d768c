/* SPDX-License-Identifier: MIT */
/*
 * Listings. A page ends at a name and the next one begins after that name, not at a position: what
 * is created or deleted meanwhile may be missed or moved, as with the real service, but nothing
 * that stays is.
 */
#include "children.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bin.h"
#include "ids.h"
#include "item_json.h"
#include "items.h"
#include "memory.h"
#include "names.h"
#include "oddity.h"
#include "page.h"
#include "request.h"

static const char name_key[] = "p_FileLeafRef=";

/* A listing: whose, as the client asked for it. */
struct listing {
    const char *next_key; /* of the link to the next page */
    const char *url;
    const char *select; /* NULL: everything */
    const char *expand;
};

static void add_option(struct buffer *link, const char *name, const char *value)
{
    if (!value)
        return;
    buffer_addf(link, "%s=", name);
    buffer_add_url(link, value, "");
    buffer_add_char(link, '&');
}

static void write_next_link(struct json_writer *json, const struct listing *listing, size_t limit,
                            const char *last_name, uint32_t last_item, bool is_empty)
{
    struct buffer token = { 0 }, link = { 0 };

    buffer_addf(&token, "Paged=TRUE&p_SortBehavior=1&%s", name_key);
    buffer_add_url(&token, last_name, "");
    buffer_addf(&token, "&p_ID=%u%s", last_item + 1, is_empty ? "&p_Empty=1" : "");
    buffer_addf(&link, "%s?", listing->url);
    add_option(&link, "$select", listing->select);
    add_option(&link, "$expand", listing->expand);
    page_add_options(&link, limit, &token);
    json_string(json, listing->next_key, link.data);
    buffer_free(&token);
    buffer_free(&link);
}

/* Writes the elements of the array. */
static void write_value(struct json_writer *json, const struct request *request,
                        struct drive *drive, const uint32_t *items, size_t count,
                        const struct selection *selection)
{
    int64_t now_ms = clock_now_ms(&request->emulator->clock);

    for (size_t i = 0; i < count; i++) {
        const struct oddity *oddity = drive->items[items[i]].oddity;
        const struct state *state = drive_see(drive, items[i], VIEW_CHILDREN, now_ms);
        int times = oddity && oddity->is_duplicate ? 2 : 1;

        if (!items_is_listed(request, drive, items[i]))
            continue;
        while (times-- > 0)
            item_json_write(json, request, drive, items[i], state, VIEW_CHILDREN, selection);
    }
}

static void write_page(struct request *request, struct response *response,
                       const struct place *place, const struct page *page,
                       const struct selection *selection)
{
    struct json_writer json = { .out = &response->body };
    struct buffer url = { 0 };
    struct listing listing = { .next_key = "@odata.nextLink",
                               .select = request_option(request, "$select"),
                               .expand = request_option(request, "$expand") };
    int64_t now_ms = clock_now_ms(&request->emulator->clock);
    struct drive_page part =
        drive_list(place->drive, place->item, VIEW_CHILDREN, now_ms, page->after, page->limit);
    bool has_more = part.next != ITEM_NONE;
    bool is_empty =
        page->after && has_more && !page->was_empty && emulator_whim(request->emulator, 8);

    buffer_addf(&url, "%s%s", request->base_url, request->path);
    listing.url = url.data;
    json_begin_object(&json, NULL);
    item_json_write_context(&json, "@odata.context", request, place->drive, place->item,
                            "/children");
    if (place->drive->profile == PROFILE_CONSUMER_LEGACY)
        json_number(&json, "@odata.count", (int64_t)part.total);
    if (is_empty) {
        write_next_link(&json, &listing, page->limit, page->after, part.items[0], true);
        part.count = 0;
    } else if (has_more) {
        uint32_t last = part.items[part.count - 1];
        const struct state *state = drive_see(place->drive, last, VIEW_CHILDREN, now_ms);

        write_next_link(&json, &listing, page->limit, state ? state->name : "", last, false);
    }
    json_begin_array(&json, "value");
    write_value(&json, request, place->drive, part.items, part.count, selection);
    json_end_array(&json);
    json_end_object(&json);
    free(part.items);
    buffer_free(&url);
}

void children_get(struct request *request, struct response *response)
{
    struct selection selection;
    struct page page;
    struct place place;

    if (bin_is_meant(request)) {
        bin_get(request, response);
        return;
    }
    if (selection_parse(request, &selection)) {
        response_error(request, response, 400, "BadRequest",
                       "Parsing OData Select and Expand failed: Could not find a property named "
                       "in $select on type 'microsoft.graph.driveItem'.",
                       NULL);
        return;
    }
    if (!items_find(request, response, VIEW_CHILDREN, &place))
        return;
    if (!place.drive->items[place.item].is_folder) {
        response_error(request, response, 404, "itemNotFound", "Item not found", NULL);
        return;
    }
    if (page_parse(request, response, name_key, &page)) {
        response_header(response, "Cache-Control", "no-store");
        response_json(response, 200);
        write_page(request, response, &place, &page, &selection);
    }
    page_clear(&page);
}

/* What stands in the parentheses of $expand=children(...). */
struct expansion {
    char *text;
    char *select; /* in `text`; NULL: none */
    size_t limit;
};

/* False if there is no $expand=children, or one with options that can't be. The caller frees the
 * text. */
static bool parse_expand(const struct request *request, struct expansion *ret_expansion)
{
    static const char name[] = "children";
    const char *expand = request_option(request, "$expand");
    const char *options = expand ? strcasestr(expand, name) : NULL;
    char *rest = NULL;

    *ret_expansion = (struct expansion){ .limit = PAGE_DEFAULT };
    if (!options)
        return false;
    options += sizeof name - 1;
    if (*options != '(')
        return true;
    ret_expansion->text = mem_strndup(options + 1, strcspn(options + 1, ")"));
    for (char *option = strtok_r(ret_expansion->text, ";", &rest); option;
         option = strtok_r(NULL, ";", &rest)) {
        option += *option == '$';
        if (strncasecmp(option, "select=", 7) == 0)
            ret_expansion->select = option + 7;
        else if (strncasecmp(option, "top=", 4) == 0 && strtoll(option + 4, NULL, 10) > 0)
            ret_expansion->limit =
                (size_t)request_page_limit(request, strtoll(option + 4, NULL, 10), PAGE_MAX);
        else
            return false;
    }
    return true;
}

bool children_check_expand(const struct request *request)
{
    const char *expand = request_option(request, "$expand");
    struct expansion expansion;
    struct selection selection;
    bool is_asked = expand && strcasestr(expand, "children");
    bool is_right =
        parse_expand(request, &expansion) && !selection_parse_text(expansion.select, &selection);

    free(expansion.text);
    return !is_asked || is_right;
}

static void write_expansion(struct json_writer *json, const struct request *request,
                            struct drive *drive, uint32_t folder, const struct expansion *expansion)
{
    int64_t now_ms = clock_now_ms(&request->emulator->clock);
    struct listing listing = { .next_key = "children@odata.nextLink", .select = expansion->select };
    struct selection selection;
    struct buffer url = { 0 };
    char id[ID_SIZE];
    struct drive_page part =
        drive_list(drive, folder, VIEW_CHILDREN, now_ms, NULL, expansion->limit);

    (void)selection_parse_text(expansion->select, &selection);
    ids_format(drive, folder, id);
    buffer_addf(&url, "%s/v1.0/drives/", request->base_url);
    buffer_add_url(&url, drive->id, "!");
    buffer_addf(&url, "/items/%s/children", id);
    listing.url = url.data;
    item_json_write_context(json, "children@odata.context", request, drive, folder, "/children");
    if (part.next != ITEM_NONE) {
        uint32_t number = part.items[part.count - 1];
        const struct state *last = drive_see(drive, number, VIEW_CHILDREN, now_ms);

        write_next_link(json, &listing, expansion->limit, last ? last->name : "", number, false);
    }
    json_begin_array(json, "children");
    write_value(json, request, drive, part.items, part.count, &selection);
    json_end_array(json);
    free(part.items);
    buffer_free(&url);
}

void children_write_expanded(struct json_writer *json, const struct request *request,
                             struct drive *drive, uint32_t folder)
{
    struct expansion expansion;

    if (parse_expand(request, &expansion) && drive->items[folder].children)
        write_expansion(json, request, drive, folder, &expansion);
    free(expansion.text);
}
