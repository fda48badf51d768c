/* SPDX-License-Identifier: MIT */
/*
 * Changes made "by someone else". A table of operations; each finds its items by their true path
 * and makes its change with the lag of the emulator's options, so clients learn of it as they would
 * of a colleague's work.
 */
#include "edit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "emulator.h"
#include "encode.h"
#include "field.h"
#include "ids.h"
#include "json_writer.h"
#include "memory.h"
#include "names.h"
#include "oddity.h"

enum { CONTENT_MAX = 256 << 20, BULK_MAX = 10000000 };

#define SIZE_MAX_BYTES ((int64_t)1 << 50)

struct edit {
    struct change change;
    struct emulator *emulator;
    struct json_object *source;
    uint32_t item; /* out: what was changed */
};

struct operation {
    const char *name;
    const char *(*apply)(struct edit *edit); /* NULL or what is wrong */
};

/* A lie is about these, so for it their values may be anything. */
static const struct field content_fields[] = {
    { "size", FIELD_NUMBER, 0, SIZE_MAX_BYTES },
    { "seed", FIELD_NUMBER, 0, INT64_MAX },
};

static const struct field edit_fields[] = {
    { "op", FIELD_TEXT, 0, 0 },
    { "drive", FIELD_TEXT, 0, 0 },
    { "path", FIELD_TEXT, 0, 0 },
    { "to", FIELD_TEXT, 0, 0 },
    { "a", FIELD_TEXT, 0, 0 },
    { "b", FIELD_TEXT, 0, 0 },
    { "kind", FIELD_TEXT, 0, 0 },
    { "content", FIELD_TEXT, 0, 0 },
    { "content_base64", FIELD_TEXT, 0, 0 },
    { "hash", FIELD_TEXT, 0, 0 },
    { "parent", FIELD_TEXT, 0, 0 },
    { "duplicate", FIELD_FLAG, 0, 0 },
    { "shared", FIELD_FLAG, 0, 0 },
    { "draft", FIELD_FLAG, 0, 0 },
};

static const char *get_text(const struct edit *edit, const char *name)
{
    return field_text(edit->source, name, NULL);
}

/* A time text, or seconds since 1970; false if it is neither. */
static bool read_time(struct json_object *value, int64_t *ret_ms)
{
    double seconds = json_object_get_double(value);

    if (json_object_is_type(value, json_type_string))
        return time_parse(json_object_get_string(value), ret_ms) == 0;
    if (!json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_double))
        return false;
    if (seconds * 1000.0 < (double)TIME_MIN_MS || seconds * 1000.0 > (double)TIME_MAX_MS)
        return false;
    *ret_ms = (int64_t)(seconds * 1000.0);
    return true;
}

/* What is wrong with the fields of an operation, before anything is done. */
static const char *check_fields(struct json_object *source)
{
    const char *wrong =
        fields_check(source, edit_fields, sizeof edit_fields / sizeof edit_fields[0]);
    struct json_object *value;
    int64_t ignored;

    if (!wrong && strcmp(field_text(source, "op", ""), "lie") != 0)
        wrong =
            fields_check(source, content_fields, sizeof content_fields / sizeof content_fields[0]);
    if (!wrong && json_object_object_get_ex(source, "mtime", &value) && !read_time(value, &ignored))
        wrong = "mtime is no time";
    return wrong;
}

/* The mtime of the operation; now if there is none. */
static int64_t get_mtime(const struct edit *edit)
{
    struct json_object *value;
    int64_t time_ms = edit->change.now_ms;

    if (json_object_object_get_ex(edit->source, "mtime", &value))
        read_time(value, &time_ms);
    return change_round_time(edit->change.drive, time_ms);
}

/* Drafts of the user are not there for others. */
static uint32_t find(const struct edit *edit, const char *path)
{
    const struct drive *drive = edit->change.drive;
    uint32_t item =
        path ? drive_find_path(drive, ITEM_ROOT, path, VIEW_TRUTH, edit->change.now_ms) : ITEM_NONE;

    return item != ITEM_NONE && oddity_is_draft_of(&drive->items[item], CHECKED_OUT) ? ITEM_NONE
                                                                                     : item;
}

/* The content that the operation carries; no bytes if it carries none. */
static struct blob *get_content(const struct edit *edit)
{
    struct arena *arena = &edit->change.drive->arena;
    const char *text = get_text(edit, "content"), *encoded = get_text(edit, "content_base64");
    struct blob *blob;

    if (encoded) {
        char *bytes = mem_alloc(strlen(encoded) + 1);
        long length = base64_decode(encoded, bytes);

        blob = blob_from_bytes(arena, bytes, length > 0 ? (size_t)length : 0);
        free(bytes);
    } else if (text) {
        blob = blob_from_bytes(arena, text, strlen(text));
    } else {
        blob = blob_from_pattern(arena, random_mix((uint64_t)field_number(edit->source, "seed", 1)),
                                 field_number(edit->source, "size", 0));
    }
    return blob;
}

/* Finds or makes the folder that a path lies in; *ret_name is the last part. */
static const char *find_parent(struct edit *edit, const char *path, uint32_t *ret_parent,
                               const char **ret_name)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    uint32_t parent = ITEM_ROOT;

    if (!path)
        return "a path is missing";
    *ret_name = slash ? slash + 1 : path;
    for (const char *next = path; slash && next < slash;) {
        size_t length;
        uint32_t child;
        char *name;

        next += strspn(next, "/");
        length = strcspn(next, "/");
        if (next >= slash)
            break;
        name = mem_strndup(next, length);
        child = drive_find_child(edit->change.drive, parent, name, VIEW_TRUTH, edit->change.now_ms);
        if (child == ITEM_NONE)
            child = change_create(&edit->change, parent, name, NULL, edit->change.now_ms);
        free(name);
        parent = child;
        next += length;
    }
    if (!edit->change.drive->items[parent].is_folder)
        return "a part of the path is a file";
    *ret_parent = parent;
    return names_refusal(*ret_name) ? "the service refuses this name" : NULL;
}

/* A place for something new: the same, and nothing may be there. */
static const char *find_free_place(struct edit *edit, const char *path, uint32_t *ret_parent,
                                   const char **ret_name)
{
    const char *wrong = find_parent(edit, path, ret_parent, ret_name);

    if (!wrong && drive_find_child(edit->change.drive, *ret_parent, *ret_name, VIEW_TRUTH,
                                   edit->change.now_ms) != ITEM_NONE)
        return "there is something of that name already";
    return wrong;
}

static const char *create_item(struct edit *edit, struct blob *blob)
{
    uint32_t parent;
    const char *name;
    const char *wrong = find_free_place(edit, get_text(edit, "path"), &parent, &name);

    if (!wrong)
        edit->item = change_create(&edit->change, parent, name, blob, get_mtime(edit));
    return wrong;
}

static const char *apply_create(struct edit *edit)
{
    const char *wrong = create_item(edit, get_content(edit));

    if (!wrong && field_flag(edit->source, "draft"))
        oddity_make_draft(&edit->change.drive->items[edit->item], CHECKED_OUT_BY_OTHER);
    return wrong;
}

static const char *apply_mkdir(struct edit *edit)
{
    return create_item(edit, NULL);
}

static const char *find_item(struct edit *edit)
{
    edit->item = find(edit, get_text(edit, "path"));
    return edit->item == ITEM_NONE || edit->item == ITEM_ROOT ? "there is no such item" : NULL;
}

static const char *find_file(struct edit *edit)
{
    const char *wrong = find_item(edit);

    return wrong                                            ? wrong
           : edit->change.drive->items[edit->item].now.blob ? NULL
                                                            : "that is not a file";
}

static const char *apply_write(struct edit *edit)
{
    const char *wrong = find_file(edit);

    if (!wrong)
        change_write(&edit->change, edit->item, get_content(edit), get_mtime(edit));
    return wrong;
}

/* Writes the first `kept` bytes of the old content, zeros if it was shorter, and then `added`. */
static const char *rewrite(struct edit *edit, int64_t kept, const struct blob *added)
{
    const struct blob *old = edit->change.drive->items[edit->item].now.blob;
    int64_t size = kept + (added ? added->size : 0);
    char *bytes;

    if (size > CONTENT_MAX || kept < 0)
        return "the file is too big for that";
    bytes = mem_zalloc((size_t)size + 1);
    blob_read(old, 0, bytes, (size_t)(kept < old->size ? kept : old->size));
    if (added)
        blob_read(added, 0, bytes + kept, (size_t)added->size);
    change_write(&edit->change, edit->item,
                 blob_from_bytes(&edit->change.drive->arena, bytes, (size_t)size), get_mtime(edit));
    free(bytes);
    return NULL;
}

static const char *apply_append(struct edit *edit)
{
    const char *wrong = find_file(edit);

    return wrong ? wrong
                 : rewrite(edit, edit->change.drive->items[edit->item].now.blob->size,
                           get_content(edit));
}

static const char *apply_truncate(struct edit *edit)
{
    const char *wrong = find_file(edit);

    return wrong ? wrong : rewrite(edit, field_number(edit->source, "size", 0), NULL);
}

static const char *apply_move(struct edit *edit)
{
    const char *wrong = find_item(edit), *name;
    struct drive *drive = edit->change.drive;
    uint32_t parent, taken;

    if (!wrong)
        wrong = find_parent(edit, get_text(edit, "to"), &parent, &name);
    if (wrong)
        return wrong;
    taken = drive_find_child(drive, parent, name, VIEW_TRUTH, edit->change.now_ms);
    if (taken != ITEM_NONE && taken != edit->item)
        return "there is something of that name already";
    if (drive_is_below(drive, parent, edit->item))
        return "a folder can't go into itself";
    change_move(&edit->change, edit->item, parent, name);
    return NULL;
}

static const char *apply_swap(struct edit *edit)
{
    struct drive *drive = edit->change.drive;
    uint32_t other = find(edit, get_text(edit, "b"));

    edit->item = find(edit, get_text(edit, "a"));
    if (edit->item == ITEM_NONE || other == ITEM_NONE || edit->item == other)
        return "there are no such two items";
    if (drive_is_below(drive, edit->item, other) || drive_is_below(drive, other, edit->item))
        return "a folder can't go into itself";
    change_swap(&edit->change, edit->item, other);
    return NULL;
}

static const char *apply_delete(struct edit *edit)
{
    const char *wrong = find_item(edit);

    if (!wrong)
        change_delete(&edit->change, edit->item);
    return wrong;
}

static const char *apply_touch(struct edit *edit)
{
    const char *wrong = find_item(edit);

    if (!wrong)
        change_touch(&edit->change, edit->item, get_mtime(edit));
    return wrong;
}

static const char *apply_malware(struct edit *edit)
{
    const char *wrong = find_file(edit);

    if (!wrong) {
        oddity_of(&edit->change.drive->items[edit->item])->is_malware = true;
        change_touch(&edit->change, edit->item, edit->change.drive->items[edit->item].now.mtime_ms);
    }
    return wrong;
}

/* What a shortcut leads to: the thing of the same name in the shared drive, which is made if it is
 * not there. */
static uint32_t find_target(const struct edit *edit, const char *name, bool is_folder)
{
    struct change change = edit->change;
    uint32_t target;

    change.drive = emulator_drive(edit->emulator, DRIVE_SHARED);
    target = drive_find_child(change.drive, ITEM_ROOT, name, VIEW_TRUTH, change.now_ms);
    if (target == ITEM_NONE)
        target = change_create(
            &change, ITEM_ROOT, name,
            is_folder ? NULL : blob_from_bytes(&change.drive->arena, "shared\n", 7), change.now_ms);
    return target;
}

enum special_kind {
    SPECIAL_ONENOTE,
    SPECIAL_SHORTCUT_FOLDER,
    SPECIAL_SHORTCUT_FILE,
    SPECIAL_PENDING,
    SPECIAL_NO_HASHES,
    SPECIAL_FOREIGN,
    SPECIAL_FOLDER,
};

static const struct {
    const char *name;
    enum special_kind kind;
    bool is_folder;
} special_kinds[] = {
    { "package", SPECIAL_ONENOTE, true },
    { "onenote", SPECIAL_ONENOTE, true },
    { "shortcut-folder", SPECIAL_SHORTCUT_FOLDER, true },
    { "shortcut-file", SPECIAL_SHORTCUT_FILE, false },
    { "pending", SPECIAL_PENDING, false },
    { "no-hashes", SPECIAL_NO_HASHES, false },
    { "foreign", SPECIAL_FOREIGN, true },
    { "documents", SPECIAL_FOLDER, true },
    { "photos", SPECIAL_FOLDER, true },
};

static const char *apply_special(struct edit *edit)
{
    const char *kind = get_text(edit, "kind"), *wrong;
    size_t i = 0, count = sizeof special_kinds / sizeof special_kinds[0];

    while (i < count && (!kind || strcmp(special_kinds[i].name, kind) != 0))
        i++;
    if (i == count)
        return "there is no such kind";
    wrong = create_item(edit, special_kinds[i].is_folder ? NULL : get_content(edit));
    if (wrong)
        return wrong;

    struct drive *drive = edit->change.drive;
    struct oddity *oddity = oddity_of(&drive->items[edit->item]);
    const char *name = edit->change.drive->items[edit->item].now.name;

    switch (special_kinds[i].kind) {
    case SPECIAL_ONENOTE:
        oddity->is_onenote = true;
        break;
    case SPECIAL_SHORTCUT_FOLDER:
    case SPECIAL_SHORTCUT_FILE:
        oddity->is_shortcut = true;
        oddity->target = find_target(edit, name, special_kinds[i].is_folder);
        break;
    case SPECIAL_PENDING:
        oddity->is_pending = true;
        break;
    case SPECIAL_NO_HASHES:
        oddity->has_no_hashes = true;
        break;
    case SPECIAL_FOREIGN:
        oddity->is_foreign = true;
        break;
    case SPECIAL_FOLDER:
        oddity->special_name = special_kinds[i].name;
        MEM_GROW(drive->specials, drive->special_count, drive->special_capacity);
        drive->specials[drive->special_count++] = edit->item;
        break;
    }
    return NULL;
}

/* {property: the name of a type} */
static const char *check_wrong_types(struct json_object *source)
{
    struct json_object *types;

    if (!json_object_object_get_ex(source, "type", &types))
        return NULL;
    if (!json_object_is_type(types, json_type_object))
        return "type must be an object";
    json_object_object_foreach(types, name, type)
    {
        (void)name;
        if (!json_object_is_type(type, json_type_string))
            return "a type must be named by a text";
    }
    return NULL;
}

static const char *apply_lie(struct edit *edit)
{
    const char *wrong = check_wrong_types(edit->source);
    struct drive *drive = edit->change.drive;
    const char *parent = get_text(edit, "parent");

    if (!wrong)
        wrong = find_item(edit);
    if (wrong)
        return wrong;

    struct oddity *oddity = oddity_of(&drive->items[edit->item]);

    json_object_put(oddity->lies);
    oddity->lies = NULL;
    /* A copy: the request's own thread will release the source, without any lock. */
    if (json_object_deep_copy(edit->source, &oddity->lies, NULL) != 0)
        return "out of memory";
    if (json_object_object_get_ex(edit->source, "duplicate", NULL))
        oddity->is_duplicate = field_flag(edit->source, "duplicate");
    if (parent) {
        const struct children *children = drive->items[edit->item].children;

        oddity->has_lie_parent = true;
        oddity->lie_parent = edit->item;
        if (strcmp(parent, "child") == 0 && children && children->count)
            oddity->lie_parent = children->items[0];
    }
    /* Clients hear of it as of any other change. */
    change_touch(&edit->change, edit->item, drive->items[edit->item].now.mtime_ms);
    return NULL;
}

/* Nobody is told of these, who may write shows when one tries; but what was a draft appears. */
static const char *apply_access(struct edit *edit)
{
    edit->item = find(edit, get_text(edit, "path"));
    if (edit->item == ITEM_NONE)
        return "there is no such item";
    if (oddity_set_access(&edit->change.drive->items[edit->item], get_text(edit, "op"),
                          field_flag(edit->source, "shared")))
        change_tag(&edit->change, edit->item);
    return NULL;
}

static const char *apply_bulk(struct edit *edit)
{
    static const struct field fields[] = {
        { "count", FIELD_NUMBER, 0, BULK_MAX },
        { "dir", FIELD_TEXT, 0, 0 },
    };
    struct json_object *bulk;
    char path[512];

    if (!json_object_object_get_ex(edit->source, "bulk", &bulk) ||
        !json_object_object_get_ex(bulk, "count", NULL))
        return "bulk needs a count";

    int64_t count = field_number(bulk, "count", 0);
    const char *malformed = fields_check(bulk, fields, sizeof fields / sizeof fields[0]);

    if (malformed)
        return malformed;
    for (int64_t i = 0; i < count; i++) {
        uint32_t parent;
        const char *name, *wrong;
        struct blob *blob =
            blob_from_pattern(&edit->change.drive->arena, random_mix((uint64_t)i), 1 + i % 100);

        (void)snprintf(path, sizeof path, "%s/bulk %06" PRId64 ".txt", field_text(bulk, "dir", ""),
                       i);
        wrong = find_free_place(edit, path, &parent, &name);
        if (wrong)
            return wrong;
        edit->item = change_create(&edit->change, parent, name, blob, get_mtime(edit));
    }
    return NULL;
}

static const struct operation operations[] = {
    { "create", apply_create },    { "mkdir", apply_mkdir },       { "write", apply_write },
    { "append", apply_append },    { "truncate", apply_truncate }, { "move", apply_move },
    { "swap", apply_swap },        { "delete", apply_delete },     { "touch", apply_touch },
    { "malware", apply_malware },  { "special", apply_special },   { "lie", apply_lie },
    { "bulk", apply_bulk },        { "lock", apply_access },       { "unlock", apply_access },
    { "check-out", apply_access }, { "check-in", apply_access },   { "read-only", apply_access },
    { "writable", apply_access },
};

struct drive *edit_find_drive(struct emulator *emulator, const char *name)
{
    static const struct {
        const char *name;
        enum drive_role role;
    } names[] = {
        { "default", DRIVE_DEFAULT },
        { "library", DRIVE_LIBRARY },
        { "shared", DRIVE_SHARED },
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].name, name ? name : "default") == 0)
            return emulator_drive(emulator, names[i].role);
    return NULL;
}

static const char *apply_one(struct emulator *emulator, struct json_object *source,
                             struct json_writer *json)
{
    struct edit edit = { .emulator = emulator, .source = source, .item = ITEM_NONE };
    const char *name = get_text(&edit, "op"), *wrong;
    struct drive *drive = edit_find_drive(emulator, get_text(&edit, "drive"));
    size_t i = 0, count = sizeof operations / sizeof operations[0];
    char id[ID_SIZE];

    wrong = check_fields(source);
    if (wrong)
        return wrong;
    while (i < count && (!name || strcmp(operations[i].name, name) != 0))
        i++;
    if (i == count)
        return "there is no such operation";
    if (!drive)
        return "there is no such drive";
    edit.change = (struct change){ .drive = drive,
                                   .random = &emulator->random,
                                   .now_ms = clock_now_ms(&emulator->clock),
                                   .lag_max_ms = emulator->options->lag_ms };
    wrong = operations[i].apply(&edit);
    if (wrong)
        /* A text that lives for ever, not a part of `edit`. */
        /* cppcheck-suppress returnDanglingLifetime */
        return wrong;
    if (edit.item == ITEM_NONE) {
        json_null(json, NULL);
    } else {
        ids_format(drive, edit.item, id);
        json_string(json, NULL, id);
    }
    return NULL;
}

const char *edit_apply(struct emulator *emulator, struct json_object *list,
                       struct json_writer *json, int *ret_failed)
{
    if (!json_object_is_type(list, json_type_array)) {
        *ret_failed = 0;
        return "ops must be an array";
    }
    json_begin_array(json, "ids");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *wrong = apply_one(emulator, json_object_array_get_idx(list, i), json);

        if (wrong) {
            *ret_failed = (int)i;
            return wrong;
        }
    }
    json_end_array(json);
    return NULL;
}
