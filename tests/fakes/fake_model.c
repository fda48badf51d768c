/* SPDX-License-Identifier: MIT */
/*
 * The truth is the last version of each item. A change appends a version and draws, for each
 * reader, the moment from which it sees that. Deleting a folder deletes what is below it, each item
 * by a version of its own, so that readers may learn of them one by one.
 */
#include "config.h"

#include "fake_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void fake_model_init(struct fake_model *model, struct clock *clock, uint64_t seed)
{
    *model = (struct fake_model){ .clock = clock, .random = seed * 2 + 1 };
}

void fake_model_clear(struct fake_model *model)
{
    for (size_t i = 0; i < model->items.len; i++)
        fake_versions_clear(&model->items.items[i].versions);
    fake_items_clear(&model->items);
    fake_drives_clear(&model->drives);
}

unsigned fake_random(struct fake_model *model, unsigned bound)
{
    /* Knuth's MMIX generator; its high bits are the good ones. */
    model->random = model->random * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(model->random >> 33) % bound;
}

size_t fake_find_drive(const struct fake_model *model, const char *id)
{
    for (size_t i = 0; i < model->drives.len; i++) {
        if (strcmp(model->drives.items[i].id, id) == 0)
            return i;
    }
    return SIZE_MAX;
}

/* Ids are made of indices, so that none has to be searched for but those that were set later. */
size_t fake_find_item(const struct fake_model *model, const char *id)
{
    char *end;
    unsigned long index;

    if (id[0] == 'I') {
        index = strtoul(id + 1, &end, 10);
        return *end == '\0' && index < model->items.len ? index : SIZE_MAX;
    }
    for (size_t i = 0; i < model->items.len; i++) {
        if (strcmp(model->items.items[i].id, id) == 0)
            return i;
    }
    return SIZE_MAX;
}

const struct fake_version *fake_truth(const struct fake_model *model, size_t item)
{
    const struct fake_versions *versions = &model->items.items[item].versions;

    return &versions->items[versions->len - 1];
}

const struct fake_version *fake_seen(const struct fake_model *model, size_t item,
                                     enum fake_reader reader, int *ret_number)
{
    const struct fake_versions *versions = &model->items.items[item].versions;
    int64_t now_ms = clock_real_ms(model->clock);

    for (size_t i = versions->len; i-- > 0;) {
        if (versions->items[i].visible_ms[reader] <= now_ms) {
            *ret_number = (int)i;
            return &versions->items[i];
        }
    }
    *ret_number = -1;
    return NULL;
}

size_t fake_child(const struct fake_model *model, size_t parent, const char *name)
{
    for (size_t i = 0; i < model->items.len; i++) {
        const struct fake_version *version = fake_truth(model, i);

        if (!version->is_deleted && version->parent == parent && i != parent &&
            strcmp(version->name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

bool fake_is_taken(const struct fake_model *model, size_t folder, const char *name, size_t but)
{
    for (size_t i = 0; i < model->items.len; i++) {
        const struct fake_version *truth = fake_truth(model, i);

        if (i != but && i != folder && !truth->is_deleted && truth->parent == folder &&
            strcasecmp(truth->name, name) == 0)
            return true;
    }
    return false;
}

bool fake_is_below(const struct fake_model *model, size_t item, size_t parent)
{
    while (item != parent && fake_truth(model, item)->parent != item)
        item = fake_truth(model, item)->parent;
    return item == parent;
}

/* ---- changes ---- */

struct fake_version *fake_change(struct fake_model *model, size_t item)
{
    struct fake_versions *versions = &model->items.items[item].versions;
    int64_t now_ms = clock_real_ms(model->clock);
    struct fake_version version = { 0 };

    if (versions->len > 0)
        version = versions->items[versions->len - 1];
    for (size_t i = 0; i < FAKE_READERS; i++)
        version.visible_ms[i] =
            now_ms + (model->lag_ms > 0 ? fake_random(model, (unsigned)model->lag_ms) : 0);
    version.change = ++model->last_change;
    version.is_clients = model->is_clients_turn;
    return fake_versions_push(versions, version);
}

static void set_name(struct fake_version *version, const char *name)
{
    (void)snprintf(version->name, sizeof version->name, "%s", name);
}

static void set_content(struct fake_model *model, struct fake_version *version, int64_t size)
{
    version->content = ++model->last_content;
    version->size = size;
    version->mtime_ns = clock_real_ms(model->clock) / 1000 * 1000000000;
}

static size_t add_item(struct fake_model *model, size_t drive, size_t parent, const char *name,
                       enum item_kind kind)
{
    size_t index = model->items.len;
    struct fake_item item = { .drive = drive, .kind = kind, .target = SIZE_MAX };
    struct fake_version *version;

    (void)snprintf(item.id, sizeof item.id, "I%zu", index);
    (void)fake_items_push(&model->items, item);
    version = fake_change(model, index);
    version->parent = parent;
    set_name(version, name);
    set_content(model, version, kind == ITEM_FILE ? fake_random(model, 100000) : 0);
    return index;
}

size_t fake_add_drive(struct fake_model *model, const char *id, bool is_shared)
{
    struct fake_drive drive = {
        .root = model->items.len,
        .is_default = model->drives.len == 0,
        .is_shared = is_shared,
    };
    struct fake_item *root;

    (void)snprintf(drive.id, sizeof drive.id, "%s", id);
    (void)fake_drives_push(&model->drives, drive);
    (void)add_item(model, model->drives.len - 1, drive.root, "root", ITEM_FOLDER);
    root = &model->items.items[drive.root];
    root->is_root = true;
    for (size_t i = 0; i < FAKE_READERS; i++)
        root->versions.items[0].visible_ms[i] = 0;
    return drive.root;
}

size_t fake_create(struct fake_model *model, size_t parent, const char *name, enum item_kind kind)
{
    return add_item(model, model->items.items[parent].drive, parent, name, kind);
}

size_t fake_create_shortcut(struct fake_model *model, size_t parent, const char *name,
                            size_t target)
{
    size_t item = fake_create(model, parent, name, model->items.items[target].kind);

    model->items.items[item].target = target;
    return item;
}

void fake_move(struct fake_model *model, size_t item, size_t parent, const char *name)
{
    struct fake_version *version = fake_change(model, item);

    version->parent = parent;
    set_name(version, name);
}

void fake_set_id(struct fake_model *model, size_t item, const char *id)
{
    struct fake_item *changed = &model->items.items[item];

    (void)snprintf(changed->id, sizeof changed->id, "%s", id);
}

void fake_write(struct fake_model *model, size_t item, int64_t size)
{
    set_content(model, fake_change(model, item), size);
}

void fake_set_content(struct fake_model *model, size_t item, unsigned content, int64_t size,
                      int64_t mtime_ns)
{
    struct fake_versions *versions = &model->items.items[item].versions;
    struct fake_version *version = &versions->items[versions->len - 1];

    version->content = content;
    version->size = size;
    version->mtime_ns = mtime_ns;
}

void fake_touch(struct fake_model *model, size_t item, int64_t mtime_ns)
{
    fake_change(model, item)->mtime_ns = mtime_ns;
}

static void delete_tree(struct fake_model *model, size_t item)
{
    struct fake_version *version;

    for (size_t i = 0; i < model->items.len; i++) {
        const struct fake_version *truth = fake_truth(model, i);

        if (i != item && !truth->is_deleted && truth->parent == item && i != truth->parent)
            delete_tree(model, i);
    }
    version = fake_change(model, item);
    version->is_deleted = true;
    version->deletion = model->last_deletion;
}

void fake_delete(struct fake_model *model, size_t item)
{
    model->last_deletion++;
    delete_tree(model, item);
}

void fake_restore(struct fake_model *model, size_t item)
{
    unsigned deletion = fake_truth(model, item)->deletion;

    for (size_t i = 0; i < model->items.len; i++) {
        if (fake_truth(model, i)->is_deleted && fake_truth(model, i)->deletion == deletion &&
            fake_is_below(model, i, item))
            fake_change(model, i)->is_deleted = false;
    }
}
