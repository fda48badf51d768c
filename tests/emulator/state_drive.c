/* SPDX-License-Identifier: MIT */
/*
 * A drive in the file of --state: its items with their versions, the feed, the contents. A content
 * that several share is there once for each. What follows from the rest, indexes and listings, is
 * made anew.
 */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "blob.h"
#include "emulator.h"
#include "encode.h"
#include "field.h"
#include "json_writer.h"
#include "memory.h"
#include "oddity.h"
#include "state.h"

#define PLACE(type, field) offsetof(struct type, field)
#define COUNT(table)       (sizeof(table) / sizeof((table)[0]))

static const struct state_number drive_numbers[] = {
    { "created", PLACE(drive, created_ms), STATE_INT64 },
    { "quota", PLACE(drive, quota_total), STATE_INT64 },
    { "used", PLACE(drive, quota_used), STATE_INT64 },
    { "epoch", PLACE(drive, feed.epoch), STATE_UINT32 },
};

static const struct state_number item_numbers[] = {
    { "mtime", PLACE(item, now.mtime_ms), STATE_INT64 },
    { "changed", PLACE(item, now.changed_ms), STATE_INT64 },
    { "parent", PLACE(item, now.parent), STATE_UINT32 },
    { "etag", PLACE(item, now.etag), STATE_UINT32 },
    { "ctag", PLACE(item, now.ctag), STATE_UINT32 },
    { "deleted", PLACE(item, now.is_deleted), STATE_BOOL },
    { "created", PLACE(item, created_ms), STATE_INT64 },
    { "size", PLACE(item, tree_size), STATE_INT64 },
    { "version", PLACE(item, version), STATE_UINT32 },
    { "published", PLACE(item, published), STATE_UINT32 },
    { "told", PLACE(item, told_parent), STATE_UINT32 },
    { "binned", PLACE(item, binned_with), STATE_UINT32 },
    { "folder", PLACE(item, is_folder), STATE_BOOL },
    { "quiet", PLACE(item, is_quiet_tombstone), STATE_BOOL },
    { "quiet_after", PLACE(item, quiet_after), STATE_UINT32 },
};

static const struct state_number version_numbers[] = {
    { "changed", PLACE(version, changed_ms), STATE_INT64 },
    { "number", PLACE(version, number), STATE_UINT32 },
};

static const struct state_number oddity_numbers[] = {
    { "onenote", PLACE(oddity, is_onenote), STATE_BOOL },
    { "shortcut", PLACE(oddity, is_shortcut), STATE_BOOL },
    { "malware", PLACE(oddity, is_malware), STATE_BOOL },
    { "pending", PLACE(oddity, is_pending), STATE_BOOL },
    { "no_hashes", PLACE(oddity, has_no_hashes), STATE_BOOL },
    { "foreign", PLACE(oddity, is_foreign), STATE_BOOL },
    { "duplicate", PLACE(oddity, is_duplicate), STATE_BOOL },
    { "read_only", PLACE(oddity, is_read_only), STATE_BOOL },
    { "draft", PLACE(oddity, is_draft), STATE_BOOL },
    { "checked_out_version", PLACE(oddity, checked_out_version), STATE_UINT32 },
    { "target", PLACE(oddity, target), STATE_UINT32 },
    { "has_lie_parent", PLACE(oddity, has_lie_parent), STATE_BOOL },
    { "lie_parent", PLACE(oddity, lie_parent), STATE_UINT32 },
};

static void write_blob(struct json_writer *json, const char *key, const struct blob *blob)
{
    char *text;

    json_begin_object(json, key);
    json_number(json, "kind", blob->kind);
    json_number(json, "size", blob->size);
    switch (blob->kind) {
    case BLOB_BYTES:
        text = mem_alloc(BASE64_SIZE((size_t)blob->size));
        base64_encode(blob->bytes, (size_t)blob->size, text);
        json_string(json, "bytes", text);
        free(text);
        break;
    case BLOB_PATTERN:
        json_number(json, "seed", (int64_t)blob->seed);
        break;
    case BLOB_FILE:
        json_string(json, "path", blob->path);
        break;
    case BLOB_SPOOLED:
        json_number(json, "offset", blob->spooled.offset);
        break;
    case BLOB_TAILED:
        write_blob(json, "head", blob->tailed.head);
        json_string(json, "tail", blob->tailed.tail);
        break;
    }
    json_end_object(json);
}

static struct blob *read_bytes(struct arena *arena, const char *text)
{
    char *bytes = mem_alloc(strlen(text) + 1);
    long length = base64_decode(text, bytes);
    struct blob *blob = blob_from_bytes(arena, bytes, length > 0 ? (size_t)length : 0);

    free(bytes);
    return blob;
}

/* NULL if there is none. */
static struct blob *read_blob(struct emulator *emulator, struct arena *arena,
                              struct json_object *owner, const char *key)
{
    struct json_object *source;
    int64_t size;

    if (!json_object_object_get_ex(owner, key, &source))
        return NULL;
    size = field_number(source, "size", 0);
    switch ((enum blob_kind)field_number(source, "kind", BLOB_BYTES)) {
    case BLOB_BYTES:
        return read_bytes(arena, field_text(source, "bytes", ""));
    case BLOB_PATTERN:
        return blob_from_pattern(arena, (uint64_t)field_number(source, "seed", 0), size);
    case BLOB_FILE:
        return blob_from_file(arena, field_text(source, "path", ""), size);
    case BLOB_SPOOLED:
        return blob_from_spool(arena, &emulator->spool, field_number(source, "offset", 0), size);
    case BLOB_TAILED:
        return blob_with_tail(arena, read_blob(emulator, arena, source, "head"),
                              arena_strdup(arena, field_text(source, "tail", "")));
    }
    return NULL;
}

static void write_oddity(struct json_writer *json, const struct oddity *oddity)
{
    if (!oddity)
        return;
    json_begin_object(json, "oddity");
    state_write_numbers(json, oddity, oddity_numbers, COUNT(oddity_numbers));
    json_number(json, "lock", oddity->lock);
    json_number(json, "checked_out", oddity->checked_out);
    if (oddity->special_name)
        json_string(json, "special", oddity->special_name);
    if (oddity->lies)
        json_raw(json, "lies", json_object_to_json_string(oddity->lies));
    json_end_object(json);
}

static void read_oddity(struct drive *drive, uint32_t number, struct json_object *owner)
{
    struct json_object *source, *lies;
    struct oddity *oddity;

    if (!json_object_object_get_ex(owner, "oddity", &source))
        return;
    oddity = oddity_of(&drive->items[number]);
    state_read_numbers(source, oddity, oddity_numbers, COUNT(oddity_numbers));
    oddity->lock = (enum lock)field_number(source, "lock", 0);
    oddity->checked_out = (enum checked_out)field_number(source, "checked_out", 0);
    if (json_object_object_get_ex(source, "lies", &lies))
        (void)json_object_deep_copy(lies, &oddity->lies, NULL);
    if (field_text(source, "special", NULL)) {
        oddity->special_name = arena_strdup(&drive->arena, field_text(source, "special", NULL));
        MEM_GROW(drive->specials, drive->special_count, drive->special_capacity);
        drive->specials[drive->special_count++] = number;
    }
}

static void write_item(struct json_writer *json, const struct item *item)
{
    json_begin_object(json, NULL);
    json_string(json, "name", item->now.name);
    state_write_numbers(json, item, item_numbers, COUNT(item_numbers));
    if (item->now.blob)
        write_blob(json, "blob", item->now.blob);
    json_begin_array(json, "versions");
    for (const struct version *version = item->versions; version; version = version->older) {
        json_begin_object(json, NULL);
        state_write_numbers(json, version, version_numbers, COUNT(version_numbers));
        write_blob(json, "blob", version->blob);
        json_end_object(json);
    }
    json_end_array(json);
    write_oddity(json, item->oddity);
    json_end_object(json);
}

static void read_versions(struct emulator *emulator, struct drive *drive, uint32_t number,
                          struct json_object *source)
{
    struct version **end = &drive->items[number].versions;
    struct json_object *list = NULL;

    json_object_object_get_ex(source, "versions", &list);
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *one = json_object_array_get_idx(list, i);

        *end = mem_zalloc(sizeof **end);
        state_read_numbers(one, *end, version_numbers, COUNT(version_numbers));
        (*end)->blob = read_blob(emulator, &drive->arena, one, "blob");
        end = &(*end)->older;
    }
}

/* Fills the item of this number, which is there already. False if it can't be. */
static bool read_item(struct emulator *emulator, struct drive *drive, uint32_t number,
                      struct json_object *source)
{
    struct item *item = &drive->items[number];

    state_read_numbers(source, item, item_numbers, COUNT(item_numbers));
    item->now.name = arena_strdup(&drive->arena, field_text(source, "name", ""));
    item->now.blob = read_blob(emulator, &drive->arena, source, "blob");
    for (int view = 0; view < VIEW_COUNT; view++)
        item->now.seen_ms[view] = INT64_MIN;
    item->hash_next = ITEM_NONE;
    if (item->is_folder && !item->children)
        item->children = mem_zalloc(sizeof *item->children);
    read_versions(emulator, drive, number, source);
    read_oddity(drive, number, source);
    return item->is_folder == !item->now.blob;
}

static void write_feed(struct json_writer *json, const struct feed *feed)
{
    json_begin_array(json, "published");
    for (size_t i = 0; i < feed->count; i++)
        json_number(json, NULL, feed->published[i]);
    json_end_array(json);
    json_begin_array(json, "departures");
    for (size_t i = 0; i < feed->departure_count; i++) {
        json_number(json, NULL, feed->departures[i].item);
        json_number(json, NULL, feed->departures[i].parent);
        json_number(json, NULL, feed->departures[i].position);
    }
    json_end_array(json);
}

static uint32_t number_at(struct json_object *list, size_t i)
{
    return (uint32_t)json_object_get_int64(json_object_array_get_idx(list, i));
}

static void read_feed(struct json_object *source, struct feed *feed)
{
    struct json_object *list;

    if (json_object_object_get_ex(source, "published", &list))
        for (size_t i = 0; i < json_object_array_length(list); i++) {
            MEM_GROW(feed->published, feed->count, feed->capacity);
            feed->published[feed->count++] = number_at(list, i);
        }
    if (json_object_object_get_ex(source, "departures", &list))
        for (size_t i = 0; i + 2 < json_object_array_length(list); i += 3) {
            MEM_GROW(feed->departures, feed->departure_count, feed->departure_capacity);
            feed->departures[feed->departure_count++] =
                (struct departure){ .item = number_at(list, i),
                                    .parent = number_at(list, i + 1),
                                    .position = number_at(list, i + 2) };
        }
}

void state_write_drive(struct json_writer *json, const struct drive *drive)
{
    state_write_numbers(json, drive, drive_numbers, COUNT(drive_numbers));
    write_feed(json, &drive->feed);
    json_begin_array(json, "items");
    for (uint32_t i = 0; i < drive->count; i++)
        write_item(json, &drive->items[i]);
    json_end_array(json);
}

int state_read_drive(struct emulator *emulator, struct drive *drive, struct json_object *source)
{
    struct json_object *list;
    size_t count;

    if (!json_object_object_get_ex(source, "items", &list) ||
        !json_object_is_type(list, json_type_array))
        return -1;
    count = json_object_array_length(list);
    state_read_numbers(source, drive, drive_numbers, COUNT(drive_numbers));
    read_feed(source, &drive->feed);
    while (drive->capacity < count)
        drive->capacity *= 2;
    drive->items = mem_resize(drive->items, drive->capacity, sizeof *drive->items);
    memset(drive->items + 1, 0, (drive->capacity - 1) * sizeof *drive->items);
    drive->count = (uint32_t)count;
    for (uint32_t i = 0; i < drive->count; i++)
        if (!read_item(emulator, drive, i, json_object_array_get_idx(list, i)))
            return -1;
    drive_rebuild(drive);
    return 0;
}
