/* SPDX-License-Identifier: MIT */
/*
 * Rows are read when a commit tells of them, and all at times. A row is known by its item's id; an
 * item that may be in several places, below several shortcuts, is not looked at, nor is a root.
 * Listings of the drive without delta are the only word there is, and may be behind an answer.
 *
 * An account that is moved out of calm may cost rows: what was changed meanwhile can't be told from
 * what was deleted and made anew, and has two rows for a while. Nothing is looked at then.
 */
#include "config.h"

#include "shown.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "world.h"

DEFINE_VEC(item_numbers, size_t);

void shown_clear(struct shown *shown)
{
    shown_items_clear(&shown->items);
}

static struct shown_item *get(struct world *world, size_t item)
{
    struct shown_items *items = &world->shown.items;

    while (items->len <= item)
        (void)shown_items_push(items, (struct shown_item){ .floor = -1, .candidate = -1 });
    return &items->items[item];
}

static const struct fake_versions *versions_of(const struct world *world, size_t item)
{
    return &world->model->items.items[item].versions;
}

static void add_parents(const struct world *world, size_t item, bool *is_reached,
                        struct item_numbers *reached)
{
    const struct fake_versions *versions = versions_of(world, item);

    for (size_t i = 0; i < versions->len; i++) {
        size_t parent = versions->items[i].parent;

        if (!is_reached[parent])
            (void)item_numbers_push(reached, parent);
        is_reached[parent] = true;
    }
}

static bool has_deleted_version(const struct world *world, size_t item)
{
    const struct fake_versions *versions = versions_of(world, item);

    for (size_t i = 0; i < versions->len; i++) {
        if (versions->items[i].is_deleted)
            return true;
    }
    return false;
}

/* Or a folder that it was in, or that was in: delta may tell of that before it tells that the item
 * was moved away. */
static bool was_ever_deleted(const struct world *world, size_t item)
{
    struct item_numbers reached = { 0 };
    bool *is_reached = x_calloc(world->model->items.len, sizeof *is_reached);
    bool was_deleted = false;

    is_reached[item] = true;
    (void)item_numbers_push(&reached, item);
    for (size_t i = 0; i < reached.len && !was_deleted; i++) {
        was_deleted = has_deleted_version(world, reached.items[i]);
        add_parents(world, reached.items[i], is_reached, &reached);
    }
    item_numbers_clear(&reached);
    free(is_reached);
    return was_deleted;
}

/* Whether what is shown of it can be told: one shortcut leads to the other drive, which is there
 * for good. */
static bool is_reached_once(const struct world *world)
{
    size_t shortcuts = 0;
    bool was_deleted = false;

    for (size_t i = 0; i < world->model->items.len; i++) {
        const struct fake_item *item = &world->model->items.items[i];

        if (item->target == SIZE_MAX || item->kind != ITEM_FOLDER)
            continue;
        shortcuts++;
        was_deleted |= was_ever_deleted(world, i);
    }
    return shortcuts == 1 && !was_deleted;
}

static bool is_followed(const struct world *world, size_t item)
{
    const struct fake_item *followed = &world->model->items.items[item];

    return !world->is_writable && !followed->is_root &&
           (followed->drive == 0 || is_reached_once(world));
}

/* SIZE_MAX: it can't be told. */
static size_t find_item(const struct world *world, const char *rid)
{
    size_t item = rid ? fake_find_item(world->model, rid) : SIZE_MAX;

    return item != SIZE_MAX && is_followed(world, item) ? item : SIZE_MAX;
}

/* ---- which version a row shows ---- */

static size_t item_of_row(const struct world *world, ino_nr ino)
{
    const struct shown_items *items = &world->shown.items;
    struct node node;
    size_t item;

    for (size_t i = 0; i < items->len; i++) {
        if (items->items[i].ino == ino)
            return i;
    }
    if (store_get_node(world->store, ino, &node) < 0)
        return SIZE_MAX;
    item = node.rid ? fake_find_item(world->model, node.rid) : SIZE_MAX;
    node_clear(&node);
    return item;
}

/* The newest version with this place; -1: none has it. */
static int find_place(const struct world *world, size_t item, const struct node *node)
{
    const struct fake_versions *versions = versions_of(world, item);
    size_t parent = item_of_row(world, node->base.parent);

    for (size_t i = versions->len; i-- > 0;) {
        if (versions->items[i].parent == parent &&
            strcmp(versions->items[i].name, node->base.name) == 0)
            return (int)i;
    }
    return -1;
}

/* 0: it has none. */
static unsigned find_content(const struct world *world, size_t item, const struct node *node)
{
    unsigned content = 0;

    if (world->model->items.items[item].target != SIZE_MAX || !node->base.hash ||
        sscanf(node->base.hash, "hash%u", &content) != 1)
        return 0;
    return content;
}

static bool is_behind(const struct world *world, size_t item, const struct node *node, int version)
{
    unsigned content = find_content(world, item, node);
    int place = find_place(world, item, node);

    if (place >= 0 && place < version)
        return true;
    return content != 0 && content < versions_of(world, item)->items[version].content;
}

/* ---- one row ---- */

static bool sees_deletion(const struct world *world, size_t item, enum fake_reader reader)
{
    int number;
    const struct fake_version *version = fake_seen(world->model, item, reader, &number);

    return version && version->is_deleted;
}

/* A full enumeration that has lost it, and tells of a new item of its kind at its place, is as one
 * of an account that was moved: the new one gets its row, and it gets another one later. */
static bool was_ever_lost(const struct world *world, size_t item)
{
    return world->model->items.items[item].hidden_until_ms != 0;
}

static void forget_taken_over(struct world *world, size_t taker, ino_nr ino)
{
    for (size_t i = 0; i < world->shown.items.len; i++) {
        if (i != taker && world->shown.items.items[i].ino == ino && was_ever_lost(world, i))
            world->shown.items.items[i] = (struct shown_item){ .floor = -1, .candidate = -1 };
    }
}

static void check_identity(struct world *world, const struct shown_item *shown,
                           const struct node *node, size_t item)
{
    unsigned content = find_content(world, item, node);

    if (was_ever_deleted(world, item) || was_ever_lost(world, item))
        return;
    if (shown->ino != STORE_INO_NONE && shown->ino != node->attr.ino)
        world_fail(world, "\"%s\" has another inode number, though it was never deleted",
                   node->base.name);
    else if (shown->ino != STORE_INO_NONE && content != 0 && content == shown->content &&
             shown->generation != node->attr.generation)
        world_fail(world, "the content of \"%s\" counts as another one, though it is the same",
                   node->base.name);
}

/* Delta may be about to tell of that, and of the next deletion only later. */
static bool was_ever_restored(const struct world *world, size_t item)
{
    const struct fake_versions *versions = versions_of(world, item);

    for (size_t i = 1; i < versions->len; i++) {
        if (versions->items[i - 1].is_deleted && !versions->items[i].is_deleted)
            return true;
    }
    return false;
}

static void check_return(struct world *world, const struct shown_item *shown,
                         const struct node *node, size_t item)
{
    if (shown->ino == STORE_INO_NONE && shown->was_removed && !shown->told_alive &&
        shown->removed_len == versions_of(world, item)->len && !was_ever_restored(world, item) &&
        fake_truth(world->model, item)->is_deleted && sees_deletion(world, item, FAKE_ITEM) &&
        sees_deletion(world, item, FAKE_PATH))
        world_fail(world, "\"%s\" came back, though whoever asks for it is told that it is gone",
                   node->base.name);
}

/* A row that has no place is in the tree for nobody. */
static void take_row(struct world *world, const struct node *node)
{
    size_t item = find_item(world, node->rid);
    struct shown_item *shown;

    if (item == SIZE_MAX || node->attr.parent == STORE_INO_NONE)
        return;
    shown = get(world, item);
    check_identity(world, shown, node, item);
    check_return(world, shown, node, item);
    if (shown->floor >= 0 && is_behind(world, item, node, shown->floor))
        world_fail(world, "\"%s\" went back behind what an answer had told of it", node->base.name);
    shown->ino = node->attr.ino;
    shown->content = find_content(world, item, node);
    shown->generation = node->attr.generation;
    shown->was_removed = false;
    forget_taken_over(world, item, node->attr.ino);
}

static void take_removal(struct world *world, size_t item)
{
    struct shown_item *shown = get(world, item);

    if (!was_ever_deleted(world, item))
        world_fail(world, "\"%s\" is gone, though it was never deleted",
                   fake_truth(world->model, item)->name);
    *shown = (struct shown_item){
        .floor = -1,
        .candidate = -1,
        .was_removed = true,
        .removed_len = versions_of(world, item)->len,
    };
}

static void look_at(struct world *world, ino_nr ino)
{
    struct node node;
    int r = store_get_node(world->store, ino, &node);

    if (r == 0) {
        take_row(world, &node);
        node_clear(&node);
        return;
    }
    for (size_t i = 0; r == -ENOENT && i < world->shown.items.len; i++) {
        if (world->shown.items.items[i].ino == ino && is_followed(world, i))
            take_removal(world, i);
    }
}

void shown_take_changes(struct world *world, const struct change *changes, size_t count)
{
    if (world->is_moving || world->is_writable)
        return;
    for (size_t i = 0; i < count; i++) {
        if (changes[i].ino != STORE_INO_NONE && changes[i].kind != CHANGE_LISTING)
            look_at(world, changes[i].ino);
    }
}

/* ---- answers ---- */

static int find_version(const struct world *world, size_t item, const char *etag)
{
    const struct fake_versions *versions = versions_of(world, item);
    unsigned back_end, change;

    if (!etag || sscanf(etag, "\"e%u.%u\"", &back_end, &change) != 2)
        return -1;
    for (size_t i = 0; i < versions->len; i++) {
        if (versions->items[i].change == change)
            return (int)i;
    }
    return -1;
}

void shown_take_answer(struct world *world, enum fake_request kind, const struct item_page *page)
{
    if (kind != FAKE_ASK_ITEMS && kind != FAKE_ASK_CHILD)
        return;
    for (size_t i = 0; i < page->count; i++) {
        size_t item = find_item(world, page->items[i].id);
        struct shown_item *shown;
        int version;

        if (item == SIZE_MAX || page->items[i].flags & ITEM_DELETED ||
            world->model->items.items[item].drive != 0)
            continue;
        version = find_version(world, item, page->items[i].etag);
        shown = get(world, item);
        shown->candidate = version;
        shown->told_alive = true;
        if (version < shown->floor)
            shown->floor = version;
    }
}

void shown_end_turn(struct world *world)
{
    for (size_t i = 0; i < world->shown.items.len; i++) {
        struct shown_item *shown = &world->shown.items.items[i];
        struct node node;

        if (shown->candidate < 0)
            continue;
        if (shown->ino != STORE_INO_NONE && store_get_node(world->store, shown->ino, &node) == 0) {
            if (!is_behind(world, i, &node, shown->candidate))
                shown->floor = shown->candidate;
            node_clear(&node);
        }
        shown->candidate = -1;
    }
}

/* ---- all rows ---- */

DEFINE_VEC(ino_numbers, ino_nr);

static bool add_ino(const struct node_attr *attr, const char *name, void *arg)
{
    (void)name;
    (void)ino_numbers_push(arg, attr->ino);
    return true;
}

static void look_below(struct world *world, ino_nr directory, unsigned depth)
{
    struct ino_numbers numbers = { 0 };

    if (depth == SHOWN_DEPTH)
        world_fail(world, "the folders have no end");
    else if (store_list(world->store, directory, 0, add_ino, &numbers) < 0)
        world_fail(world, "a folder can't be listed");
    for (size_t i = 0; i < numbers.len && !world_has_failed(world); i++) {
        look_at(world, numbers.items[i]);
        look_below(world, numbers.items[i], depth + 1);
    }
    ino_numbers_clear(&numbers);
}

void shown_look(struct world *world)
{
    ino_nr root = world_root(world);

    if (world->is_moving || world->is_writable)
        return;
    for (size_t i = 0; i < world->shown.items.len; i++) {
        if (world->shown.items.items[i].ino != STORE_INO_NONE)
            look_at(world, world->shown.items.items[i].ino);
    }
    if (root != STORE_INO_NONE)
        look_below(world, root, 0);
}
