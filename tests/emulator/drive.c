/* SPDX-License-Identifier: MIT */
/*
 * A drive as its read models see it.
 *
 * Each item has its newest state in place and, while some view lags, a chain of older ones. A view
 * shows the newest state whose time has come for that view, so a late report never overtakes a
 * newer one. Everything that may differ from the truth is in `unsettled`: a lookup takes the
 * truth's own index first, checks that the view agrees, and searches the few unsettled items
 * otherwise.
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

    if (view != VIEW_TRUTH)
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

size_t drive_list(struct drive *drive, uint32_t folder, enum view view, int64_t now_ms,
                  uint32_t **ret_items)
{
    struct children *children = drive->items[folder].children;
    size_t count = 0;

    if (!children->is_sorted) {
        sort_items(drive, children->items, children->count, VIEW_TRUTH, now_ms);
        children->is_sorted = true;
    }
    *ret_items = mem_alloc((children->count + drive->unsettled_count) * sizeof **ret_items);
    for (size_t i = 0; i < children->count; i++)
        if (is_child_in_view(drive, children->items[i], folder, view, now_ms))
            (*ret_items)[count++] = children->items[i];
    if (view == VIEW_TRUTH || !drive->unsettled_count)
        return count;
    for (size_t i = 0; i < drive->unsettled_count; i++) {
        uint32_t item = drive->unsettled[i];

        if ((drive->items[item].now.parent != folder || drive->items[item].now.is_deleted) &&
            is_child_in_view(drive, item, folder, view, now_ms))
            (*ret_items)[count++] = item;
    }
    sort_items(drive, *ret_items, count, view, now_ms);
    return count;
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
