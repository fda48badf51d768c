/* SPDX-License-Identifier: MIT */
/*
 * A drive as its read models see it.
 *
 * Each item has its newest state in place and, while some view lags, a chain of older ones. A view
 * shows the newest state whose time has come for that view, so a late report never overtakes a
 * newer one. Everything that may differ from the truth is in `unsettled`: a lookup takes the
 * truth's own index first, checks that the view agrees, and searches the few unsettled items
 * otherwise. Drafts of others are in no view at all.
 */
#include "drive.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "names.h"
#include "oddity.h"

void drive_init(struct drive *drive, int64_t now_ms)
{
    drive->created_ms = now_ms;
    drive->quota_used = -1;
    drive->capacity = 1024;
    drive->items = mem_alloc(drive->capacity * sizeof *drive->items);
    drive->items[ITEM_ROOT] = (struct item){
        .now = { .name = "root",
                 .parent = ITEM_NONE,
                 .mtime_ms = now_ms,
                 .changed_ms = now_ms,
                 .etag = 1 },
        .created_ms = now_ms,
        .children = mem_zalloc(sizeof(struct children)),
        .hash_next = ITEM_NONE,
        .is_folder = true,
    };
    drive->count = 1;
}

void drive_clear(struct drive *drive)
{
    for (uint32_t i = 0; i < drive->count; i++) {
        struct item *item = &drive->items[i];

        for (struct state *state = item->now.older, *next; state; state = next) {
            next = state->older;
            free(state);
        }
        for (struct version *version = item->versions, *next; version; version = next) {
            next = version->older;
            free(version);
        }
        if (item->children)
            free(item->children->items);
        free(item->children);
        oddity_free(item->oddity);
    }
    free(drive->items);
    free(drive->buckets);
    free(drive->unsettled);
    free(drive->specials);
    feed_clear(&drive->feed);
    arena_clear(&drive->arena);
}

static bool is_settled(const struct state *state, int64_t now_ms)
{
    for (int view = 0; view < VIEW_COUNT; view++)
        if (state->seen_ms[view] > now_ms)
            return false;
    return true;
}

/* If the change that delta is just about to tell is a move, notes where from. */
static void note_departure(struct drive *drive, uint32_t number, int64_t now_ms)
{
    struct item *item = &drive->items[number];
    const struct state *state = drive_see(drive, number, VIEW_DELTA, now_ms);

    if (!state || state->parent == item->told_parent)
        return;
    feed_note_departure(&drive->feed, number, item->told_parent);
    item->told_parent = state->parent;
}

void drive_settle(struct drive *drive, int64_t now_ms)
{
    size_t kept = 0;
    uint32_t published;

    while (feed_take_due(&drive->feed, now_ms, &published)) {
        drive->items[published].published = (uint32_t)drive->feed.count;
        note_departure(drive, published, now_ms);
    }
    for (size_t i = 0; i < drive->unsettled_count; i++) {
        struct state *state = &drive->items[drive->unsettled[i]].now;
        bool newest = is_settled(state, now_ms);

        if (!newest)
            drive->unsettled[kept++] = drive->unsettled[i];
        else
            drive->items[drive->unsettled[i]].is_unsettled = false;
        while (state->older && !is_settled(state, now_ms))
            state = state->older;
        for (struct state *old = state->older, *next; old; old = next) {
            next = old->older;
            free(old);
        }
        state->older = NULL;
    }
    drive->unsettled_count = kept;
}

const struct state *drive_see(const struct drive *drive, uint32_t item, enum view view,
                              int64_t now_ms)
{
    const struct state *state = &drive->items[item].now;

    if (view == VIEW_TRUTH)
        return state;
    if (oddity_is_draft_of(&drive->items[item], CHECKED_OUT_BY_OTHER))
        return NULL;
    while (state && state->seen_ms[view] > now_ms)
        state = state->older;
    return state;
}

static const char *name_in_view(const struct drive *drive, uint32_t item, enum view view,
                                int64_t now_ms)
{
    const struct state *state = drive_see(drive, item, view, now_ms);

    return state ? state->name : "";
}

/* True if the view shows `item` alive in `folder`. */
static bool is_child_in_view(const struct drive *drive, uint32_t item, uint32_t folder,
                             enum view view, int64_t now_ms)
{
    const struct state *state = drive_see(drive, item, view, now_ms);

    return state && !state->is_deleted && state->parent == folder;
}

uint32_t drive_find_child(const struct drive *drive, uint32_t folder, const char *name,
                          enum view view, int64_t now_ms)
{
    uint64_t hash = names_hash(name) ^ random_mix(folder);
    uint32_t item =
        drive->bucket_count ? drive->buckets[hash & (drive->bucket_count - 1)] : ITEM_NONE;

    for (; item != ITEM_NONE; item = drive->items[item].hash_next) {
        const struct state *truth = &drive->items[item].now;

        if (truth->parent == folder && names_compare(truth->name, name) == 0) {
            if (is_child_in_view(drive, item, folder, view, now_ms) &&
                names_compare(name_in_view(drive, item, view, now_ms), name) == 0)
                return item;
            break;
        }
    }
    if (view == VIEW_TRUTH)
        return ITEM_NONE;
    for (size_t i = 0; i < drive->unsettled_count; i++) {
        item = drive->unsettled[i];
        if (is_child_in_view(drive, item, folder, view, now_ms) &&
            names_compare(name_in_view(drive, item, view, now_ms), name) == 0)
            return item;
    }
    return ITEM_NONE;
}

uint32_t drive_find_path(const struct drive *drive, uint32_t start, const char *path,
                         enum view view, int64_t now_ms)
{
    uint32_t item = start;

    while (item != ITEM_NONE && *(path += strspn(path, "/"))) {
        size_t length = strcspn(path, "/");
        char *name = mem_strndup(path, length);

        item = drive_find_child(drive, item, name, view, now_ms);
        free(name);
        path += length;
    }
    return item;
}

struct order {
    const struct drive *drive;
    enum view view;
    int64_t now_ms;
};

static int compare_items(const void *left, const void *right, void *context)
{
    const struct order *order = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int by_name = names_compare(name_in_view(order->drive, a, order->view, order->now_ms),
                                name_in_view(order->drive, b, order->view, order->now_ms));

    return by_name ? by_name : (a > b) - (a < b);
}

static void sort_items(const struct drive *drive, uint32_t *items, size_t count, enum view view,
                       int64_t now_ms)
{
    struct order order = { .drive = drive, .view = view, .now_ms = now_ms };

    if (count > 1)
        qsort_r(items, count, sizeof *items, compare_items, &order);
}

/* The first of `items`, which are in their order, whose name comes after `name`. */
static size_t find_after(const struct order *order, const uint32_t *items, size_t count,
                         const char *name)
{
    size_t low = 0;

    while (name && low < count) {
        size_t middle = (low + count) / 2;

        if (names_compare(name_in_view(order->drive, items[middle], order->view, order->now_ms),
                          name) <= 0)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

/* The children that the view may see otherwise than they are, sorted. Of those that are truly in
 * the folder *ret_hidden tells the number. */
static size_t list_unsettled(const struct order *order, uint32_t folder, uint32_t *out,
                             size_t *ret_hidden)
{
    const struct drive *drive = order->drive;
    size_t count = 0;

    *ret_hidden = 0;
    for (size_t i = 0; i < drive->unsettled_count; i++) {
        uint32_t item = drive->unsettled[i];

        if (is_child_in_view(drive, item, folder, order->view, order->now_ms))
            out[count++] = item;
        *ret_hidden += is_child_in_view(drive, item, folder, VIEW_TRUTH, order->now_ms);
    }
    sort_items(drive, out, count, order->view, order->now_ms);
    return count;
}

/* True if a listing can't take the child as it truly is. */
static bool is_passed_over(const struct drive *drive, uint32_t item)
{
    return drive->items[item].is_unsettled ||
           oddity_is_draft_of(&drive->items[item], CHECKED_OUT_BY_OTHER);
}

struct drive_page drive_list(struct drive *drive, uint32_t folder, enum view view, int64_t now_ms,
                             const char *after, size_t limit)
{
    struct order order = { .drive = drive, .view = view, .now_ms = now_ms };
    struct children *children = drive->items[folder].children;
    uint32_t *extra = mem_alloc(drive->unsettled_count * sizeof *extra);
    size_t hidden, extra_count = list_unsettled(&order, folder, extra, &hidden);
    struct drive_page page = { .total = children->count - hidden + extra_count, .next = ITEM_NONE };

    if (!children->is_sorted)
        sort_items(drive, children->items, children->count, VIEW_TRUTH, now_ms);
    children->is_sorted = true;

    /* Whoever is settled is seen as it is, so the rest is to merge two sorted lists. */
    struct order truth = { .drive = drive, .view = VIEW_TRUTH, .now_ms = now_ms };
    size_t place = find_after(&truth, children->items, children->count, after);
    size_t other = find_after(&order, extra, extra_count, after);

    page.items = mem_alloc((limit < page.total ? limit : page.total) * sizeof *page.items);
    for (;;) {
        while (place < children->count && is_passed_over(drive, children->items[place]))
            place++;
        if (place == children->count && other == extra_count)
            break;

        bool is_extra = place == children->count ||
                        (other < extra_count &&
                         compare_items(&extra[other], &children->items[place], &order) < 0);
        uint32_t item = is_extra ? extra[other] : children->items[place];

        if (page.count == limit) {
            page.next = item;
            break;
        }
        page.items[page.count++] = item;
        other += is_extra;
        place += !is_extra;
    }
    free(extra);
    return page;
}

void drive_add_path(const struct drive *drive, uint32_t item, struct buffer *path)
{
    uint32_t chain[TREE_DEPTH_MAX];
    size_t depth = 0;

    for (; item != ITEM_ROOT && item != ITEM_NONE && depth < TREE_DEPTH_MAX;
         item = drive->items[item].now.parent)
        chain[depth++] = item;
    while (depth) {
        buffer_add_char(path, '/');
        buffer_add_text(path, drive->items[chain[--depth]].now.name);
    }
}

bool drive_is_below(const struct drive *drive, uint32_t item, uint32_t folder)
{
    while (item != folder && item != ITEM_NONE)
        item = drive->items[item].now.parent;
    return item == folder;
}
