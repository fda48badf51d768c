/* SPDX-License-Identifier: MIT */
/*
 * Delta. A token is either a place in a full enumeration or a position in the drive's feed.
 *
 * An enumeration goes through the items in the order of their creation and ends with a deltaLink at
 * the position that the feed had when it began, so whatever changed meanwhile is told again. Items
 * that were deleted before the enumeration came to them leave no tombstone, though: the token
 * carries the few of them along. What a page says of an item is what the delta view shows at that
 * moment.
 */
#include "delta.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "ids.h"
#include "item_json.h"
#include "items.h"
#include "json_writer.h"
#include "memory.h"
#include "oddity.h"
#include "request.h"

enum { PAGE_DEFAULT = 200, PAGE_MAX = 5000, SILENT_MAX = 64, TOKEN_TEXT_MAX = 1024 };

struct delta_token {
    bool is_enumeration;
    uint32_t epoch;
    uint32_t scope;    /* the folder whose changes are followed */
    uint32_t cursor;   /* enumeration: the next item */
    uint32_t position; /* in the feed: where the changes begin */
    uint32_t scanned;  /* enumeration: feed position up to which deletions were looked at */
    uint32_t silent[SILENT_MAX];
    uint32_t silent_count;
};

/* The items of one page, in the order in which they are told. */
struct page {
    uint32_t *items;
    size_t count;
    size_t capacity;
    size_t limit;
};

static uint64_t seal(const struct drive *drive, const char *text)
{
    uint64_t hash = drive->seed;

    for (; *text; text++)
        hash = random_mix(hash ^ (uint64_t)(unsigned char)*text);
    return hash;
}

static void add_token(const struct drive *drive, const struct delta_token *token,
                      struct buffer *out)
{
    struct buffer text = { 0 };

    buffer_addf(&text, "%c;%" PRIx32 ";%" PRIx32 ";%" PRIx32 ";%" PRIx32 ";%" PRIx32,
                token->is_enumeration ? 'e' : 'p', token->epoch, token->scope, token->cursor,
                token->position, token->scanned);
    for (uint32_t i = 0; i < token->silent_count; i++)
        buffer_addf(&text, ";%" PRIx32, token->silent[i]);
    buffer_addf(&text, "|%" PRIx64, seal(drive, buffer_text(&text)));

    char *encoded = mem_alloc(BASE64_SIZE(text.length));

    base64url_encode(text.data, text.length, encoded);
    buffer_add_text(out, encoded);
    free(encoded);
    buffer_free(&text);
}

/* False if this is no token of the drive. */
static bool parse_token(const struct drive *drive, const char *encoded, struct delta_token *token)
{
    char text[TOKEN_TEXT_MAX] = "";
    unsigned fields[5 + SILENT_MAX], count = 0;

    if (strlen(encoded) >= sizeof text || base64_decode(encoded, text) < 0)
        return false;

    char *mark = strchr(text, '|');

    if (!mark)
        return false;
    *mark = '\0';
    if (strtoull(mark + 1, NULL, 16) != seal(drive, text))
        return false;
    for (char *next = text + 1; *next == ';' && count < 5 + SILENT_MAX;)
        fields[count++] = (unsigned)strtoul(next + 1, &next, 16);
    if (count < 5)
        return false;
    *token = (struct delta_token){ .is_enumeration = text[0] == 'e',
                                   .epoch = fields[0],
                                   .scope = fields[1],
                                   .cursor = fields[2],
                                   .position = fields[3],
                                   .scanned = fields[4],
                                   .silent_count = count - 5 };
    memcpy(token->silent, fields + 5, (count - 5) * sizeof *fields);
    return true;
}

static void add_link(const struct request *request, const struct drive *drive,
                     const struct delta_token *token, struct buffer *link)
{
    const char *select = request_option(request, "$select");
    const char *top = request_option(request, "$top");
    char id[ID_SIZE];

    buffer_addf(link, "%s/v1.0/drives/", request->base_url);
    buffer_add_url(link, drive->id, "!");
    if (token->scope == ITEM_ROOT) {
        buffer_add_text(link, "/root/delta?");
    } else {
        ids_format(drive, token->scope, id);
        buffer_addf(link, "/items/%s/delta?", id);
    }
    if (select) {
        buffer_add_text(link, "$select=");
        buffer_add_url(link, select, "");
        buffer_add_char(link, '&');
    }
    if (top)
        buffer_addf(link, "$top=%lld&", strtoll(top, NULL, 10));
    buffer_add_text(link, "token=");
    add_token(drive, token, link);
}

void delta_answer_gone(struct request *request, struct response *response, const char *code,
                       bool has_location)
{
    static const char message[] =
        "Resync required. Replace any local items with the server's version (including deletes) "
        "if you're sure that the service was up to date with your local changes when you last "
        "sync'd. Upload any local changes that the server doesn't know about.";
    struct response ignored;
    struct drive *drive;

    response_error(request, response, 410,
                   strcmp(code, "apply") == 0    ? "resyncChangesApplyDifferences"
                   : strcmp(code, "upload") == 0 ? "resyncChangesUploadDifferences"
                                                 : "resyncRequired",
                   message, strcmp(code, "resyncRequired") == 0 ? "resyncApplyDifferences" : NULL);
    if (!has_location)
        return;
    response_init(&ignored);
    drive = items_find_drive(request, &ignored);
    if (drive) {
        struct delta_token fresh = { .is_enumeration = true,
                                     .epoch = drive->feed.epoch,
                                     .position = (uint32_t)drive->feed.count,
                                     .scanned = (uint32_t)drive->feed.count };
        struct buffer link = { 0 };

        add_link(request, drive, &fresh, &link);
        response_header(response, "Location", "%s", link.data);
        buffer_free(&link);
    }
    response_clear(&ignored);
}

static void page_add(struct page *page, uint32_t item)
{
    MEM_GROW(page->items, page->count, page->capacity);
    page->items[page->count++] = item;
}

static bool page_has(const struct page *page, uint32_t item)
{
    for (size_t i = 0; i < page->count; i++)
        if (page->items[i] == item)
            return true;
    return false;
}

static bool is_alive(const struct drive *drive, uint32_t item, int64_t now_ms)
{
    const struct state *state = drive_see(drive, item, VIEW_DELTA, now_ms);

    return state && !state->is_deleted;
}

/* Notes what was deleted ahead of the cursor since the last page. */
static void note_silent(const struct drive *drive, struct delta_token *token, int64_t now_ms)
{
    for (; token->scanned < drive->feed.count; token->scanned++) {
        uint32_t item = drive->feed.published[token->scanned];

        if (item >= token->cursor && token->silent_count < SILENT_MAX &&
            !is_alive(drive, item, now_ms))
            token->silent[token->silent_count++] = item;
    }
}

/* Fills a page of an enumeration; true if that was the last one. */
static bool enumerate(const struct request *request, const struct drive *drive,
                      struct delta_token *token, struct page *page, int64_t now_ms)
{
    note_silent(drive, token, now_ms);
    while (token->cursor < drive->count && page->count < page->limit) {
        uint32_t item = token->cursor++;

        if (is_alive(drive, item, now_ms) && items_is_listed(request, drive, item) &&
            (token->scope == ITEM_ROOT || drive_is_below(drive, item, token->scope)))
            page_add(page, item);
    }
    if (token->cursor < drive->count)
        return false;
    token->is_enumeration = false;
    token->cursor = 0;
    return true;
}

/* The root and the other folders above a changed item are told with it. */
static void add_ancestors(const struct drive *drive, struct page *page, uint32_t item,
                          int64_t now_ms)
{
    uint32_t chain[TREE_DEPTH_MAX];
    size_t depth = 0;
    const struct state *state = drive_see(drive, item, VIEW_DELTA, now_ms);

    while (state && state->parent != ITEM_NONE && depth < TREE_DEPTH_MAX &&
           !page_has(page, state->parent)) {
        chain[depth++] = state->parent;
        state = drive_see(drive, state->parent, VIEW_DELTA, now_ms);
    }
    while (depth)
        if (is_alive(drive, chain[--depth], now_ms))
            page_add(page, chain[depth]);
}

/* True if this change is to be told to the holder of the token. */
static bool is_told(const struct request *request, const struct drive *drive,
                    const struct delta_token *token, uint32_t number, int64_t now_ms)
{
    const struct item *item = &drive->items[number];
    const struct state *state = drive_see(drive, number, VIEW_DELTA, now_ms);

    if (!state || !items_is_listed(request, drive, number))
        return false;
    if (token->scope != ITEM_ROOT && !drive_is_below(drive, number, token->scope))
        return false;
    if (!state->is_deleted)
        return true;
    for (uint32_t i = 0; i < token->silent_count; i++)
        if (token->silent[i] == number)
            return false;
    return !item->is_quiet_tombstone || token->position < item->quiet_after;
}

/* Fills a page from the feed; true if that was the last one. */
static bool follow(const struct request *request, const struct drive *drive,
                   struct delta_token *token, struct page *page, int64_t now_ms)
{
    const struct feed *feed = &drive->feed;
    size_t told = 0;
    uint32_t next = token->position;

    while (next < feed->count && told < page->limit) {
        uint32_t item = feed->published[next++];
        bool comes_again = drive->items[item].published > next;

        if ((comes_again && !emulator_whim(request->emulator, 4)) ||
            !is_told(request, drive, token, item, now_ms))
            continue;
        add_ancestors(drive, page, item, now_ms);
        if (!page_has(page, item) || emulator_whim(request->emulator, 8))
            page_add(page, item);
        told++;
    }
    token->position = next;
    if (next < feed->count)
        return false;
    token->silent_count = 0;
    return true;
}

/* Children may be told before their parents; the root stays in front. */
static void shuffle(struct request *request, struct page *page)
{
    if (page->count < 3 || !emulator_whim(request->emulator, 4))
        return;
    for (size_t low = 1, high = page->count - 1; low < high; low++, high--) {
        uint32_t other = page->items[low];

        page->items[low] = page->items[high];
        page->items[high] = other;
    }
}

static void write_page(struct request *request, struct response *response, struct drive *drive,
                       struct delta_token *token, const struct selection *selection, size_t limit)
{
    struct json_writer json = { .out = &response->body };
    int64_t now_ms = clock_now_ms(&request->emulator->clock);
    struct page page = { .limit = limit };
    struct buffer link = { 0 };
    bool is_last = token->is_enumeration ? enumerate(request, drive, token, &page, now_ms)
                                         : follow(request, drive, token, &page, now_ms);

    shuffle(request, &page);
    add_link(request, drive, token, &link);
    json_begin_object(&json, NULL);
    json_format(&json, "@odata.context", "%s/v1.0/$metadata#Collection(microsoft.graph.driveItem)",
                request->base_url);
    json_string(&json, is_last ? "@odata.deltaLink" : "@odata.nextLink", link.data);
    json_begin_array(&json, "value");
    for (size_t i = 0; i < page.count; i++) {
        const struct oddity *oddity = drive->items[page.items[i]].oddity;

        for (int times = oddity && oddity->is_duplicate ? 2 : 1; times > 0; times--)
            item_json_write(&json, request, drive, page.items[i],
                            drive_see(drive, page.items[i], VIEW_DELTA, now_ms), VIEW_DELTA,
                            selection);
    }
    json_end_array(&json);
    json_end_object(&json);
    free(page.items);
    buffer_free(&link);
}

/* Reads the token of the request; false after an error answer. */
static bool begin(struct request *request, struct response *response, const struct place *place,
                  struct delta_token *token)
{
    const struct drive *drive = place->drive;
    const char *text = request_option(request, "token");
    int64_t since_ms;

    *token = (struct delta_token){ .is_enumeration = !text,
                                   .epoch = drive->feed.epoch,
                                   .scope = place->item,
                                   .position = (uint32_t)drive->feed.count,
                                   .scanned = (uint32_t)drive->feed.count };
    if (!text || strcmp(text, "latest") == 0)
        return true;
    if (drive->profile == PROFILE_BUSINESS && time_parse(text, &since_ms) == 0) {
        /* Too much is told rather than too little. */
        token->position = 0;
        return true;
    }
    if (!parse_token(drive, text, token) || token->scope != place->item) {
        response_error(request, response, 400, "invalidRequest", "Provided sync token is malformed",
                       NULL);
        return false;
    }
    if (token->epoch != drive->feed.epoch) {
        delta_answer_gone(request, response, request->emulator->gone_code,
                          request->emulator->gone_has_location);
        return false;
    }
    return true;
}

void delta_get(struct request *request, struct response *response)
{
    const char *top = request_option(request, "$top");
    long long limit = top ? strtoll(top, NULL, 10) : PAGE_DEFAULT;
    struct selection selection;
    struct delta_token token;
    struct place place;

    if (selection_parse(request, &selection) || limit < 1) {
        response_error(request, response, 400, "invalidRequest", "The query is not valid.",
                       "invalidQueryOption");
        return;
    }
    if (!items_find(request, response, VIEW_DELTA, &place))
        return;
    if (place.drive->role == DRIVE_SHARED) {
        response_error(request, response, 403, "accessDenied", "Access denied", NULL);
        return;
    }
    if (place.item != ITEM_ROOT && place.drive->profile == PROFILE_BUSINESS) {
        response_error(request, response, 400, "invalidRequest",
                       "The 'delta' call is supported only on the root of a drive.", NULL);
        return;
    }
    if (!begin(request, response, &place, &token))
        return;
    response_header(response, "Cache-Control", "no-store");
    response_json(response, 200);
    write_page(request, response, place.drive, &token, &selection,
               (size_t)request_page_limit(request, limit, PAGE_MAX));
}
