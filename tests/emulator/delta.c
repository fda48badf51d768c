/* SPDX-License-Identifier: MIT */
/*
 * Delta. A token is either a place in a full enumeration or a position in the drive's feed.
 *
 * An enumeration goes through the items in the order of their creation and ends with a deltaLink at
 * the position that the feed had when it began, so whatever changed meanwhile is told again. Items
 * that were deleted before the enumeration came to them leave no tombstone, though: the token
 * carries the few of them along. So it does with folders that chance puts off to a page after their
 * children's, and with items that it tells once more. What a page says of an item is what the delta
 * view shows at that moment.
 */
#include "delta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delta_token.h"
#include "ids.h"
#include "item_json.h"
#include "items.h"
#include "json_writer.h"
#include "link.h"
#include "memory.h"
#include "oddity.h"
#include "request.h"

enum { PAGE_DEFAULT = 200, PAGE_MAX = 5000, AGAIN_MAX = 4 };

/* What is told of an item: as it is, or that it left the folder whose changes are followed. */
struct entry {
    uint32_t item;
    uint32_t left; /* the folder that it went from, ITEM_NONE if it did not */
};

/* One page, in the order in which it is told. */
struct page {
    struct entry *entries;
    size_t count;
    size_t capacity;
    size_t limit;
};

/* What all of an answer depends on. */
struct round {
    const struct request *request;
    struct drive *drive;
    struct delta_token *token;
    struct page *page;
    int64_t now_ms;
};

static void add_link(const struct request *request, const struct drive *drive,
                     const struct delta_token *token, struct buffer *link)
{
    const char *select = request_option(request, "$select");
    const char *top = request_option(request, "$top");
    struct buffer text = { 0 };
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
    delta_token_add(drive, token, &text);
    link_add_value(link, text.data);
    buffer_free(&text);
}

/* A token at the beginning of an enumeration, or if it is none, of all that changes from now on. */
static struct delta_token fresh_token(const struct emulator *emulator, const struct place *place,
                                      bool is_enumeration)
{
    uint32_t now = (uint32_t)place->drive->feed.count;

    return (struct delta_token){ .is_enumeration = is_enumeration,
                                 .start = emulator->start_number,
                                 .epoch = place->drive->feed.epoch,
                                 .scope = place->item,
                                 .position = now,
                                 .base = now,
                                 .scanned = now,
                                 .since_ms = INT64_MIN };
}

/* The names by which tests ask for a spelling, and what is told then. */
static const struct gone_code {
    const char *name;
    const char *code;
    const char *inner;
} gone_codes[] = {
    { "resyncRequired", "resyncRequired", "resyncApplyDifferences" },
    { "resyncApplyDifferences", "resyncRequired", "resyncApplyDifferences" },
    { "resyncUploadDifferences", "resyncRequired", "resyncUploadDifferences" },
    { "resyncChangesApplyDifferences", "resyncChangesApplyDifferences", NULL },
    { "resyncChangesUploadDifferences", "resyncChangesUploadDifferences", NULL },
    { "apply", "resyncChangesApplyDifferences", NULL },
    { "upload", "resyncChangesUploadDifferences", NULL },
};

static const struct gone_code *find_gone_code(const char *name)
{
    for (size_t i = 0; i < sizeof gone_codes / sizeof gone_codes[0]; i++)
        if (strcmp(gone_codes[i].name, name) == 0)
            return &gone_codes[i];
    return NULL;
}

bool delta_is_gone_code(const char *name)
{
    return find_gone_code(name);
}

void delta_answer_gone(struct request *request, struct response *response, const char *name,
                       bool has_location)
{
    static const char message[] =
        "Resync required. Replace any local items with the server's version (including deletes) "
        "if you're sure that the service was up to date with your local changes when you last "
        "sync'd. Upload any local changes that the server doesn't know about.";
    const struct gone_code *gone = find_gone_code(name);
    struct response ignored;
    struct place place;

    if (!gone)
        gone = gone_codes;
    response_error(request, response, 410, gone->code, message, gone->inner);
    if (!has_location)
        return;
    response_init(&ignored);
    if (items_find(request, &ignored, VIEW_DELTA, &place)) {
        struct delta_token fresh = fresh_token(request->emulator, &place, true);
        struct buffer link = { 0 };

        add_link(request, place.drive, &fresh, &link);
        response_header(response, "Location", "%s", link.data);
        buffer_free(&link);
    }
    response_clear(&ignored);
}

static void page_add(struct page *page, uint32_t item, uint32_t left)
{
    MEM_GROW(page->entries, page->count, page->capacity);
    page->entries[page->count++] = (struct entry){ .item = item, .left = left };
}

static bool page_has(const struct page *page, uint32_t item)
{
    for (size_t i = 0; i < page->count; i++)
        if (page->entries[i].item == item)
            return true;
    return false;
}

static bool is_alive(const struct round *round, uint32_t item)
{
    const struct state *state = drive_see(round->drive, item, VIEW_DELTA, round->now_ms);

    return state && !state->is_deleted;
}

/* The item's parent as delta had told it up to a place in the feed. */
static uint32_t parent_at(const struct round *round, uint32_t item, uint32_t position)
{
    const struct feed *feed = &round->drive->feed;
    const struct state *state;

    for (size_t i = 0; i < feed->departure_count; i++)
        if (feed->departures[i].item == item && feed->departures[i].position >= position)
            return feed->departures[i].parent;
    state = drive_see(round->drive, item, VIEW_DELTA, round->now_ms);
    return state ? state->parent : ITEM_NONE;
}

/* True if the item was, at that place in the feed, in the folder that the token follows. */
static bool is_in_scope(const struct round *round, uint32_t item, uint32_t position)
{
    uint32_t scope = round->token->scope;

    if (scope == ITEM_ROOT)
        return true;
    for (int depth = 0; item != scope && item != ITEM_NONE && depth < TREE_DEPTH_MAX; depth++)
        item = parent_at(round, item, position);
    return item == scope;
}

/* Notes what was deleted ahead of the cursor since the last page, before it was told. */
static void note_silent(const struct round *round)
{
    struct delta_token *token = round->token;
    const struct feed *feed = &round->drive->feed;

    for (; token->scanned < feed->count; token->scanned++) {
        uint32_t item = feed->published[token->scanned];

        if ((item >= token->cursor || notes_have(&token->notes[NOTE_HELD], item)) &&
            !is_alive(round, item))
            notes_add(&token->notes[NOTE_SILENT], NOTES_MAX, item);
    }
}

/* The root and the other folders above a changed item are told with it. */
static void add_ancestors(const struct round *round, uint32_t item)
{
    uint32_t chain[TREE_DEPTH_MAX];
    size_t depth = 0;
    const struct state *state = drive_see(round->drive, item, VIEW_DELTA, round->now_ms);

    while (state && state->parent != ITEM_NONE && depth < TREE_DEPTH_MAX &&
           !page_has(round->page, state->parent)) {
        chain[depth++] = state->parent;
        state = drive_see(round->drive, state->parent, VIEW_DELTA, round->now_ms);
    }
    while (depth)
        if (is_alive(round, chain[--depth]))
            page_add(round->page, chain[depth], ITEM_NONE);
}

/* True if an enumeration tells of the item: it is there, or with a time to begin at, changed since,
 * if only by going. */
static bool is_enumerated(const struct round *round, uint32_t number)
{
    const struct item *item = &round->drive->items[number];
    const struct state *state = drive_see(round->drive, number, VIEW_DELTA, round->now_ms);
    int64_t since_ms = round->token->since_ms;

    if (!state || state->changed_ms < since_ms ||
        !items_is_listed(round->request, round->drive, number))
        return false;
    if (state->is_deleted &&
        (since_ms == INT64_MIN || item->created_ms >= since_ms || item->is_quiet_tombstone))
        return false;
    return is_in_scope(round, number, (uint32_t)round->drive->feed.count);
}

/* Tells what earlier pages put off, now or on a page to come; at the end at the latest. */
static void tell_later(const struct round *round, enum note_kind kind)
{
    struct notes *notes = &round->token->notes[kind];
    bool is_end = round->token->cursor >= round->drive->count;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < notes->count; i++) {
        if (round->page->count >= round->page->limit ||
            (!is_end && !emulator_whim(round->request->emulator, 2)))
            notes->items[kept++] = notes->items[i];
        else if (is_enumerated(round, notes->items[i]))
            page_add(round->page, notes->items[i], ITEM_NONE);
    }
    notes->count = kept;
}

/* Adds an item to the page, or puts it off, or both, as chance will have it. */
static void tell(const struct round *round, uint32_t item)
{
    struct delta_token *token = round->token;
    struct emulator *emulator = round->request->emulator;

    if (token->since_ms != INT64_MIN)
        add_ancestors(round, item);
    if (item != token->scope && round->drive->items[item].is_folder && is_alive(round, item) &&
        emulator_whim(emulator, 8) && notes_add(&token->notes[NOTE_HELD], HELD_MAX, item))
        return;
    if (token->since_ms == INT64_MIN || !page_has(round->page, item))
        page_add(round->page, item, ITEM_NONE);
    if (emulator_whim(emulator, 32))
        notes_add(&token->notes[NOTE_AGAIN], AGAIN_MAX, item);
}

/* Fills a page of an enumeration; true if that was the last one. */
static bool enumerate(const struct round *round)
{
    struct delta_token *token = round->token;

    note_silent(round);
    tell_later(round, NOTE_HELD);
    tell_later(round, NOTE_AGAIN);
    while (token->cursor < round->drive->count && round->page->count < round->page->limit) {
        uint32_t item = token->cursor++;

        if (is_enumerated(round, item))
            tell(round, item);
    }
    if (token->cursor < round->drive->count || token->notes[NOTE_HELD].count ||
        token->notes[NOTE_AGAIN].count)
        return false;
    token->is_enumeration = false;
    token->cursor = 0;
    token->since_ms = INT64_MIN;
    return true;
}

/* True if this change is to be told to the holder of the token. */
static bool is_told(const struct round *round, uint32_t number)
{
    const struct delta_token *token = round->token;
    const struct item *item = &round->drive->items[number];
    const struct state *state = drive_see(round->drive, number, VIEW_DELTA, round->now_ms);

    if (!state || !items_is_listed(round->request, round->drive, number))
        return false;
    if (!state->is_deleted)
        return true;
    if (notes_have(&token->notes[NOTE_SILENT], number))
        return false;
    return !item->is_quiet_tombstone || token->base < item->quiet_after;
}

/* Tells of a change if it concerns the token's folder; false if it doesn't. */
static bool tell_change(const struct round *round, uint32_t item)
{
    struct page *page = round->page;

    if (!is_told(round, item))
        return false;
    if (is_in_scope(round, item, (uint32_t)round->drive->feed.count)) {
        add_ancestors(round, item);
        if (!page_has(page, item) || emulator_whim(round->request->emulator, 8))
            page_add(page, item, ITEM_NONE);
        return true;
    }
    if (!is_in_scope(round, item, round->token->base))
        return false;
    page_add(page, item, parent_at(round, item, round->token->base));
    return true;
}

/* Fills a page from the feed; true if that was the last one. */
static bool follow(const struct round *round)
{
    struct delta_token *token = round->token;
    const struct feed *feed = &round->drive->feed;
    size_t told = 0;
    uint32_t next = token->position;

    while (next < feed->count && told < round->page->limit) {
        uint32_t item = feed->published[next++];
        bool comes_again = round->drive->items[item].published > next;

        if (!comes_again || emulator_whim(round->request->emulator, 4))
            told += tell_change(round, item);
    }
    token->position = next;
    if (next < feed->count)
        return false;
    token->base = next;
    token->notes[NOTE_SILENT].count = 0;
    return true;
}

/* Children may be told before their parents; the root stays in front. */
static void shuffle(struct request *request, struct page *page)
{
    if (page->count < 3 || !emulator_whim(request->emulator, 4))
        return;
    for (size_t low = 1, high = page->count - 1; low < high; low++, high--) {
        struct entry other = page->entries[low];

        page->entries[low] = page->entries[high];
        page->entries[high] = other;
    }
}

static void write_entry(struct json_writer *json, const struct round *round,
                        const struct entry *entry, const struct selection *selection)
{
    const struct oddity *oddity = round->drive->items[entry->item].oddity;
    const struct state *state = drive_see(round->drive, entry->item, VIEW_DELTA, round->now_ms);
    struct state gone = *state;

    if (entry->left != ITEM_NONE) {
        gone.is_deleted = true;
        gone.parent = entry->left;
        state = &gone;
    }
    for (int times = oddity && oddity->is_duplicate ? 2 : 1; times > 0; times--)
        item_json_write(json, round->request, round->drive, entry->item, state, VIEW_DELTA,
                        selection);
}

static void write_page(struct request *request, struct response *response, struct drive *drive,
                       struct delta_token *token, const struct selection *selection, size_t limit)
{
    struct json_writer json = { .out = &response->body };
    struct page page = { .limit = limit };
    struct round round = { .request = request,
                           .drive = drive,
                           .token = token,
                           .page = &page,
                           .now_ms = clock_now_ms(&request->emulator->clock) };
    struct buffer link = { 0 };
    bool is_last = token->is_enumeration ? enumerate(&round) : follow(&round);

    shuffle(request, &page);
    add_link(request, drive, token, &link);
    json_begin_object(&json, NULL);
    json_format(&json, "@odata.context", "%s/v1.0/$metadata#Collection(microsoft.graph.driveItem)",
                request->base_url);
    json_string(&json, is_last ? "@odata.deltaLink" : "@odata.nextLink", link.data);
    json_begin_array(&json, "value");
    for (size_t i = 0; i < page.count; i++)
        write_entry(&json, &round, &page.entries[i], selection);
    json_end_array(&json);
    json_end_object(&json);
    free(page.entries);
    buffer_free(&link);
}

/* Reads the token of the request; false after an error answer. */
static bool begin(struct request *request, struct response *response, const struct place *place,
                  struct delta_token *token)
{
    const struct drive *drive = place->drive;
    const char *given = request_option(request, "token");
    int64_t since_ms;

    *token = fresh_token(request->emulator, place, !given);
    if (!given || strcmp(given, "latest") == 0)
        return true;
    if (drive->profile == PROFILE_BUSINESS && time_parse(given, &since_ms) == 0) {
        token->is_enumeration = true;
        token->since_ms = since_ms;
        return true;
    }

    char *text = link_read_option(request, "token");
    bool is_known = text && delta_token_parse(drive, text, token) && token->scope == place->item;

    free(text);
    if (!is_known) {
        response_error(request, response, 400, "invalidRequest", "Provided sync token is malformed",
                       NULL);
        return false;
    }
    if (token->start != request->emulator->start_number || token->epoch != drive->feed.epoch) {
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
