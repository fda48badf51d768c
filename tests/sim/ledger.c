/* SPDX-License-Identifier: MIT */
/*
 * That one content was made of another by a user is not noted: as he overwrites what he sees, that
 * is released, and what he had overwritten before was then.
 */
#include "config.h"

#include "ledger.h"

#include <stdio.h>

#include "base/log.h"
#include "world.h"

void ledger_clear(struct ledger *ledger)
{
    noted_contents_clear(&ledger->contents);
    noted_rows_clear(&ledger->rows);
    touched_rows_clear(&ledger->touched);
}

static struct noted_content *get(struct world *world, unsigned content)
{
    struct noted_contents *contents = &world->ledger.contents;

    while (contents->len <= content)
        (void)noted_contents_push(contents, (struct noted_content){ .item = SIZE_MAX });
    return &contents->items[content];
}

/* What it was before the service rewrote it. */
static unsigned origin_of(const struct world *world, unsigned content)
{
    const struct noted_contents *contents = &world->ledger.contents;

    while (content < contents->len && contents->items[content].origin != 0)
        content = contents->items[content].origin;
    return content;
}

bool ledger_is_same(const struct world *world, unsigned one, unsigned other)
{
    return origin_of(world, one) == origin_of(world, other);
}

static bool is_released(struct world *world, unsigned content)
{
    return content == 0 || get(world, origin_of(world, content))->is_released;
}

/* ---- users here ---- */

unsigned ledger_shown(struct world *world, const struct node *node)
{
    const struct written *written = memory_bytes_find(world->bytes, node->local.generation);
    unsigned content = 0;

    if (node->attr.kind != NODE_FILE)
        return 0;
    if (written)
        return written->content;
    if (node->local.generation == node->base.generation && node->base.hash)
        (void)sscanf(node->base.hash, "hash%u", &content);
    return content;
}

/* The folders that it is in as well: they may have to be made again for it. */
void ledger_note_touched(struct world *world, ino_nr ino)
{
    struct node_attr attr = { .parent = ino };

    do
        (void)touched_rows_push(&world->ledger.touched, attr.parent);
    while (store_getattr(world->store, attr.parent, &attr) == 0 && attr.parent != STORE_INO_NONE);
}

void ledger_note_released(struct world *world, ino_nr ino, unsigned content, bool is_sure)
{
    struct noted_content *noted;

    log_info("sim", "row %llu: content %u is released", (unsigned long long)ino, content);
    ledger_note_touched(world, ino);
    if (content == 0)
        return;
    noted = get(world, origin_of(world, content));
    noted->is_released = true;
    noted->is_copy |= !is_sure;
}

void ledger_note_copied(struct world *world, unsigned content)
{
    get(world, origin_of(world, content))->is_copy = true;
}

void ledger_note_closed(struct world *world, const struct node *node)
{
    unsigned content = ledger_shown(world, node), back_end;
    struct noted_content *noted;

    if (content == 0)
        return;
    noted = get(world, content);
    noted->is_closed = true;
    noted->item = SIZE_MAX;
    if (node->attr.flags & NODE_BASE && node->rid && node->base.etag &&
        sscanf(node->base.etag, "\"e%u.%u\"", &back_end, &noted->change) == 2)
        noted->item = fake_find_item(world->model, node->rid);
    if (noted->item != SIZE_MAX && fake_truth(world->model, noted->item)->is_deleted)
        noted->item = SIZE_MAX;
}

/* ---- what the service does ---- */

/* Who has not been told looks at somebody else's work. */
void ledger_on_rewrite(unsigned from, unsigned to, void *arg)
{
    get(arg, origin_of(arg, from))->is_copy = true;
    get(arg, to)->origin = from;
}

/* From which on it has been in its folder without a break. */
static const struct fake_version *first_there(const struct world *world, size_t item)
{
    const struct fake_versions *versions = &world->model->items.items[item].versions;
    size_t first = versions->len - 1;

    while (first > 0 && !versions->items[first - 1].is_deleted &&
           versions->items[first - 1].parent == versions->items[first].parent)
        first--;
    return &versions->items[first];
}

static void check_child(struct world *world, size_t folder, size_t child)
{
    const struct fake_version *truth = fake_truth(world->model, child);
    const struct fake_version *first = first_there(world, child);
    const struct fake_item *listed = &world->model->items.items[folder];

    if (first->change > listed->listed_change ||
        first->visible_ms[FAKE_CHILDREN] > listed->listed_ms)
        return; /* nobody could have seen it */
    world_fail(world, "\"%s\" is deleted on the server with its folder, in which it could be seen",
               truth->name);
}

void ledger_on_loss(size_t item, void *arg)
{
    struct world *world = arg;
    const struct fake_model *model = world->model;
    const struct fake_version *truth = fake_truth(model, item);

    if (model->items.items[item].kind != ITEM_FOLDER) {
        if (!is_released(world, truth->content))
            world_fail(world, "\"%s\" is overwritten or deleted, though nobody here has seen it",
                       truth->name);
        return;
    }
    for (size_t i = 0; i < model->items.len; i++) {
        const struct fake_version *child = fake_truth(model, i);

        if (i != item && !child->is_deleted && child->parent == item)
            check_child(world, item, i);
    }
}

/* ---- when all is calm ---- */

/* What became of a content, over all items. */
struct fate {
    unsigned live;            /* items that have it */
    bool was_ended_by_others; /* somebody on the server has overwritten or deleted it */
    bool was_touched;         /* or has done anything else to an item that has it */
};

static void add_fate(const struct world *world, size_t item, unsigned content, struct fate *fate)
{
    const struct fake_versions *versions = &world->model->items.items[item].versions;
    bool had_it = false;

    for (size_t i = 0; i < versions->len; i++) {
        const struct fake_version *version = &versions->items[i];
        bool has_it = !version->is_deleted && ledger_is_same(world, version->content, content);

        fate->was_ended_by_others |= had_it && !has_it && !version->is_clients;
        fate->was_touched |= (had_it || has_it) && !version->is_clients;
        had_it = has_it;
    }
    fate->live += had_it;
}

static struct fate find_fate(const struct world *world, unsigned content)
{
    struct fate fate = { 0 };

    for (size_t i = 0; i < world->model->items.len; i++) {
        if (world->model->items.items[i].kind == ITEM_FILE)
            add_fate(world, i, content, &fate);
    }
    return fate;
}

/* Whether somebody else has changed the item since. */
static bool is_changed_by_others(const struct world *world, size_t item, unsigned change)
{
    const struct fake_versions *versions = &world->model->items.items[item].versions;

    for (size_t i = 0; i < versions->len; i++) {
        if (versions->items[i].change > change && !versions->items[i].is_clients)
            return true;
    }
    return false;
}

static void check_content(struct world *world, unsigned content)
{
    const struct noted_content *noted = &world->ledger.contents.items[content];
    struct fate fate = find_fate(world, content);

    if (fate.live == 0 && !fate.was_ended_by_others)
        world_fail(world, "content %u was closed here, and is nowhere", content);
    else if (fate.live > 1 && !fate.was_ended_by_others && !noted->is_copy)
        world_fail(world, "content %u was closed here once, and is in %u items", content,
                   fate.live);
    else if (noted->item != SIZE_MAX && !noted->is_copy &&
             !is_changed_by_others(world, noted->item, noted->change) &&
             !ledger_is_same(world, fake_truth(world->model, noted->item)->content, content))
        world_fail(world, "content %u was saved to \"%s\", and is in another item", content,
                   fake_truth(world->model, noted->item)->name);
}

/* What a user here has overwritten or deleted. */
static void check_released(struct world *world, unsigned content)
{
    struct fate fate = find_fate(world, content);

    if (fate.live > 0 && !fate.was_touched && !world->ledger.contents.items[content].is_copy)
        world_fail(world, "content %u was overwritten or deleted here, and is still there",
                   content);
}

/* ---- inode numbers ---- */

static bool was_touched(const struct world *world, ino_nr ino)
{
    const struct touched_rows *touched = &world->ledger.touched;

    for (size_t i = 0; i < touched->len; i++) {
        if (touched->items[i] == ino)
            return true;
    }
    return false;
}

static bool was_deleted_since(const struct world *world, size_t item, unsigned change)
{
    const struct fake_versions *versions = &world->model->items.items[item].versions;

    for (size_t i = 0; i < versions->len; i++) {
        if (versions->items[i].change > change && versions->items[i].is_deleted)
            return true;
    }
    return false;
}

static void check_row(struct world *world, size_t item)
{
    const struct fake_version *truth = fake_truth(world->model, item);
    struct noted_row now = { .ino = truth->is_deleted ? 0 : world_ino(world, item),
                             .change = truth->change };
    struct noted_row *before;

    while (world->ledger.rows.len <= item)
        (void)noted_rows_push(&world->ledger.rows, (struct noted_row){ 0 });
    before = &world->ledger.rows.items[item];
    if (before->ino != 0 && now.ino != before->ino && !was_touched(world, before->ino) &&
        !was_touched(world, now.ino) && !was_deleted_since(world, item, before->change))
        world_fail(world, "\"%s\" has another inode number, though nobody has touched it",
                   truth->name);
    *before = now;
}

void ledger_check(struct world *world)
{
    for (unsigned i = 1; i < world->ledger.contents.len && !world_has_failed(world); i++) {
        const struct noted_content *noted = &world->ledger.contents.items[i];

        if (noted->is_closed && is_released(world, i))
            check_released(world, i);
        else if (noted->is_closed)
            check_content(world, i);
    }
    for (size_t i = 0; i < world->model->items.len && !world_has_failed(world); i++) {
        if (world->model->items.items[i].drive == 0)
            check_row(world, i);
    }
    touched_rows_clear(&world->ledger.touched);
}

/* ---- power cuts ---- */

struct survivors {
    struct world *world;
    bool *is_left; /* by content */
};

static bool note_survivor(const struct node_attr *attr, const char *name, void *arg)
{
    struct survivors *survivors = arg;
    const struct written *written = memory_bytes_find(survivors->world->bytes, attr->generation);

    (void)name;
    if (written && written->content < survivors->world->ledger.contents.len)
        survivors->is_left[written->content] = true;
    return true;
}

/* Only what is still to be sent: what was may be known only to the service. */
void ledger_note_power_cut(struct world *world)
{
    struct noted_contents *contents = &world->ledger.contents;
    struct survivors survivors = {
        .world = world,
        .is_left = x_calloc(contents->len + 1, sizeof *survivors.is_left),
    };

    (void)store_list_dirty(world->store, 0, note_survivor, &survivors);
    for (size_t i = 0; i < contents->len; i++) {
        struct noted_content *noted = &contents->items[i];
        struct fate fate = find_fate(world, (unsigned)i);

        noted->is_closed = noted->is_closed && (survivors.is_left[i] || fate.live > 0);
        noted->is_copy = true;
    }
    free(survivors.is_left);
    noted_rows_clear(&world->ledger.rows);
}
