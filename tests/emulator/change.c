/* SPDX-License-Identifier: MIT */
/*
 * Changes of a drive's truth, and how the views come to learn of them.
 *
 * Each change of an item gives it a new state. With a lag, the former state is kept behind it and
 * each view gets a random moment of its own at which it sees the new one; the delta feed gets an
 * entry due at the moment of its view. Invariants: the name index and `children` describe the
 * truth; tree_size of a folder is the sum of the files below it.
 */
#include <stdlib.h>
#include <string.h>

#include "drive.h"
#include "names.h"

static uint32_t *bucket_of(struct drive *drive, uint32_t parent, const char *name)
{
    return &drive->buckets[(names_hash(name) ^ random_mix(parent)) & (drive->bucket_count - 1)];
}

static void index_add(struct drive *drive, uint32_t item)
{
    struct state *state = &drive->items[item].now;
    uint32_t *bucket = bucket_of(drive, state->parent, state->name);

    drive->items[item].hash_next = *bucket;
    *bucket = item;
}

static void index_remove(struct drive *drive, uint32_t item)
{
    struct state *state = &drive->items[item].now;
    uint32_t *place = bucket_of(drive, state->parent, state->name);

    while (*place != item)
        place = &drive->items[*place].hash_next;
    *place = drive->items[item].hash_next;
}

static void index_grow(struct drive *drive)
{
    if (drive->count < drive->bucket_count)
        return;
    while (drive->bucket_count <= drive->count)
        drive->bucket_count = drive->bucket_count ? drive->bucket_count * 2 : 2048;
    drive->buckets = mem_resize(drive->buckets, drive->bucket_count, sizeof *drive->buckets);
    memset(drive->buckets, 0xff, drive->bucket_count * sizeof *drive->buckets);
    for (uint32_t i = 1; i < drive->count; i++)
        if (!drive->items[i].now.is_deleted)
            index_add(drive, i);
}

static void children_add(struct drive *drive, uint32_t item)
{
    struct children *children = drive->items[drive->items[item].now.parent].children;

    MEM_GROW(children->items, children->count, children->capacity);
    children->items[children->count++] = item;
    children->is_sorted = false;
}

static void children_remove(struct drive *drive, uint32_t item)
{
    struct children *children = drive->items[drive->items[item].now.parent].children;
    size_t i = 0;

    while (children->items[i] != item)
        i++;
    memmove(children->items + i, children->items + i + 1,
            (--children->count - i) * sizeof *children->items);
}

static int64_t size_of(const struct item *item)
{
    return item->is_folder ? item->tree_size : item->now.blob->size;
}

/* Carries a change of size to all folders above. */
static void grow_ancestors(struct drive *drive, uint32_t item, int64_t by)
{
    for (uint32_t up = drive->items[item].now.parent; up != ITEM_NONE;
         up = drive->items[up].now.parent)
        drive->items[up].tree_size += by;
}

static void attach(struct drive *drive, uint32_t item)
{
    index_add(drive, item);
    children_add(drive, item);
    grow_ancestors(drive, item, size_of(&drive->items[item]));
}

static void detach(struct drive *drive, uint32_t item)
{
    index_remove(drive, item);
    children_remove(drive, item);
    grow_ancestors(drive, item, -size_of(&drive->items[item]));
}

/* Opens a new state of the item, which the caller then fills in. */
static struct state *begin_state(const struct change *change, uint32_t item, bool is_new)
{
    struct drive *drive = change->drive;
    struct state *state = &drive->items[item].now;
    bool lags = change->lag_max_ms > 0 && !change->is_initial;

    if (lags && !is_new) {
        struct state *older = mem_alloc(sizeof *older);

        *older = *state;
        state->older = older;
    }
    for (int view = 0; view < VIEW_COUNT; view++)
        state->seen_ms[view] =
            lags ? change->now_ms +
                       (int64_t)random_below(change->random, (uint64_t)change->lag_max_ms + 1)
                 : INT64_MIN;
    state->changed_ms = change->now_ms;
    state->etag++;
    if (lags && !drive->items[item].is_unsettled) {
        drive->items[item].is_unsettled = true;
        MEM_GROW(drive->unsettled, drive->unsettled_count, drive->unsettled_capacity);
        drive->unsettled[drive->unsettled_count++] = item;
    }
    return state;
}

static void tell_delta(const struct change *change, uint32_t item)
{
    struct drive *drive = change->drive;
    int64_t due_ms = drive->items[item].now.seen_ms[VIEW_DELTA];

    if (!change->is_initial)
        feed_add(&drive->feed, item, due_ms > change->now_ms ? due_ms : change->now_ms);
}

static struct item *new_item(struct drive *drive)
{
    if (drive->count == drive->capacity) {
        drive->capacity *= 2;
        drive->items = mem_resize(drive->items, drive->capacity, sizeof *drive->items);
    }
    drive->items[drive->count] = (struct item){ .hash_next = ITEM_NONE };
    return &drive->items[drive->count++];
}

uint32_t change_create(const struct change *change, uint32_t parent, const char *name,
                       struct blob *blob, int64_t mtime_ms)
{
    struct drive *drive = change->drive;
    uint32_t number = drive->count;
    struct item *item = new_item(drive);

    item->is_folder = !blob;
    item->created_ms = change->now_ms;
    item->version = 1;
    item->told_parent = parent;
    if (!blob)
        item->children = mem_zalloc(sizeof *item->children);

    struct state *state = begin_state(change, number, true);

    state->name = arena_strdup(&drive->arena, name);
    state->parent = parent;
    state->blob = blob;
    state->mtime_ms = mtime_ms;
    state->ctag = blob ? 1 : 0;
    /* Before the index grows, which indexes every item there is, this one must not be in it. */
    state->is_deleted = true;
    index_grow(drive);
    state->is_deleted = false;
    attach(drive, number);
    tell_delta(change, number);
    return number;
}

static void keep_version(struct item *item)
{
    struct version *version = mem_alloc(sizeof *version);

    *version = (struct version){ .older = item->versions,
                                 .blob = item->now.blob,
                                 .changed_ms = item->now.changed_ms,
                                 .number = item->version };
    item->versions = version;
    item->version++;
}

void change_write(const struct change *change, uint32_t number, struct blob *blob, int64_t mtime_ms)
{
    struct item *item = &change->drive->items[number];
    int64_t grown = blob->size - item->now.blob->size;

    keep_version(item);

    struct state *state = begin_state(change, number, false);

    state->blob = blob;
    state->mtime_ms = mtime_ms;
    state->ctag++;
    grow_ancestors(change->drive, number, grown);
    tell_delta(change, number);
}

void change_move(const struct change *change, uint32_t number, uint32_t parent, const char *name)
{
    struct drive *drive = change->drive;

    detach(drive, number);

    struct state *state = begin_state(change, number, false);

    state->name = arena_strdup(&drive->arena, name);
    state->parent = parent;
    attach(drive, number);
    tell_delta(change, number);
}

void change_swap(const struct change *change, uint32_t one, uint32_t other)
{
    struct drive *drive = change->drive;
    struct state a = drive->items[one].now, b = drive->items[other].now;

    detach(drive, one);
    detach(drive, other);

    struct state *state = begin_state(change, one, false);

    state->name = b.name;
    state->parent = b.parent;
    state = begin_state(change, other, false);
    state->name = a.name;
    state->parent = a.parent;
    attach(drive, one);
    attach(drive, other);
    tell_delta(change, one);
    tell_delta(change, other);
}

void change_touch(const struct change *change, uint32_t number, int64_t mtime_ms)
{
    struct item *item = &change->drive->items[number];

    /* SharePoint keeps a version even when only the time was set. */
    if (change->drive->profile == PROFILE_BUSINESS && !item->is_folder)
        keep_version(item);
    begin_state(change, number, false)->mtime_ms = mtime_ms;
    tell_delta(change, number);
}

void change_tag(const struct change *change, uint32_t number)
{
    begin_state(change, number, false);
    tell_delta(change, number);
}

static void delete_below(const struct change *change, uint32_t number, uint32_t top, bool is_quiet)
{
    struct drive *drive = change->drive;
    struct children *children = drive->items[number].children;

    if (children) {
        for (size_t i = 0; i < children->count; i++) {
            uint32_t child = children->items[i];

            index_remove(drive, child);
            delete_below(change, child, top, is_quiet);
            drive->items[child].binned_with = top;
            drive->items[child].is_quiet_tombstone = is_quiet && !drive->items[child].is_unsettled;
            drive->items[child].quiet_after = drive->items[child].published;
            begin_state(change, child, false)->is_deleted = true;
            tell_delta(change, child);
        }
        children->count = 0;
    }
}

void change_delete(const struct change *change, uint32_t number)
{
    struct drive *drive = change->drive;

    /* What was told of the items until now decides who may do without their tombstones. */
    drive_settle(drive, change->now_ms);
    detach(drive, number);
    /* Business names all that went, or only the topmost folder. */
    delete_below(change, number, number,
                 drive->profile == PROFILE_BUSINESS && random_one_in(change->random, 2));
    drive->items[number].binned_with = number;
    begin_state(change, number, false)->is_deleted = true;
    tell_delta(change, number);
}

static void revive(const struct change *change, uint32_t number)
{
    struct item *item = &change->drive->items[number];

    item->is_quiet_tombstone = false;
    begin_state(change, number, false)->is_deleted = false;
}

void change_restore(const struct change *change, uint32_t number, uint32_t parent, const char *name)
{
    struct drive *drive = change->drive;

    revive(change, number);
    drive->items[number].now.parent = parent;
    drive->items[number].now.name = arena_strdup(&drive->arena, name);
    attach(drive, number);
    tell_delta(change, number);
    /* A folder kept the size of what went with it. */
    for (uint32_t i = 1; drive->items[number].is_folder && i < drive->count; i++)
        if (i != number && drive->items[i].now.is_deleted &&
            drive->items[i].binned_with == number) {
            revive(change, i);
            index_add(drive, i);
            children_add(drive, i);
            tell_delta(change, i);
        }
}

int64_t change_round_time(const struct drive *drive, int64_t time_ms)
{
    return drive->profile == PROFILE_CONSUMER_LEGACY ? time_ms : time_ms / 1000 * 1000;
}

void drive_rebuild(struct drive *drive)
{
    index_grow(drive);
    for (uint32_t i = 1; i < drive->count; i++)
        if (!drive->items[i].now.is_deleted)
            children_add(drive, i);
}
