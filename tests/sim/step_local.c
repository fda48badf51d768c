/* SPDX-License-Identifier: MIT */
/*
 * Users here change things. They name them by paths, so that a step means the same whatever was
 * left out before it: the names on the way down are the digits of a number, see STEP_PATH_BASE.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "local/local.h"
#include "step_i.h"
#include "written.h"

/* What a program calls a file that is to take the place of another one. */
#define DRAFT_NAME "draft"

/* ---- paths ---- */

/* Of the path: false if nothing is there. */
static bool find(struct world *world, unsigned path, struct node_attr *ret)
{
    ino_nr ino = world_root(world);
    int r = store_getattr(world->store, ino, ret);

    for (; path > 0 && r == 0; path /= STEP_PATH_BASE) {
        unsigned digit = path % STEP_PATH_BASE;

        if (digit == 0 || digit > STEP_NAMES)
            return false;
        r = store_lookup(world->store, ret->ino, step_names[digit - 1], ret);
    }
    return r == 0;
}

/* The same, with the name in the folder above; not of the drive itself. */
struct local_place {
    struct node_attr attr;
    ino_nr parent;
    char *name;
};

static bool find_place(struct world *world, unsigned path, struct local_place *ret)
{
    struct node node;

    if (!world->is_writable || path == 0 || !find(world, path, &ret->attr) ||
        store_get_node(world->store, ret->attr.ino, &node) < 0)
        return false;
    ret->parent = node.local.parent;
    ret->name = x_strdup(node.local.name);
    node_clear(&node);
    return true;
}

static unsigned shown_by(struct world *world, ino_nr ino)
{
    unsigned content = 0;
    struct node node;

    if (store_get_node(world->store, ino, &node) < 0)
        return 0;
    content = ledger_shown(world, &node);
    node_clear(&node);
    return content;
}

static int64_t now_ns(const struct world *world)
{
    return clock_real_ms(world->clock) * 1000000;
}

/* Somebody has to list the folder first. */
static bool list_first(struct world *world, ino_nr folder)
{
    world->wants++;
    (void)sync_want_listing(world->sync, folder, world_note_done, world);
    return true;
}

/* ---- making ---- */

static int create(struct world *world, ino_nr parent, const char *name, enum node_kind kind,
                  struct node_attr *ret)
{
    struct store_txn *txn = NULL;
    int r = written_begin(world, &txn);

    if (r < 0)
        return r;
    r = local_create(txn, parent, name, kind, now_ns(world), ret);
    if (r == 0 && kind == NODE_FILE)
        written_add_empty(world, ret);
    r = written_commit(world, txn, r, r == 0 ? ret->ino : STORE_INO_NONE);
    if (r == 0) {
        ledger_note_touched(world, ret->ino);
        sync_wake_push(world->sync);
    }
    return r;
}

static bool make(struct world *world, const struct step *step, enum node_kind kind)
{
    struct node_attr parent, made;
    int r;

    if (!world->is_writable || !find(world, step->a, &parent))
        return false;
    r = create(world, parent.ino, step_names[step->c], kind, &made);
    if (world_take_death(world))
        return true;
    return r == -EAGAIN ? list_first(world, parent.ino) : r == 0;
}

bool local_make_file(struct world *world, const struct step *step)
{
    return make(world, step, NODE_FILE);
}

/* 0: all; 2: for as long as it takes. Whatever becomes of it, it ends. */
bool local_push(struct world *world, const struct step *step)
{
    struct local_place place;

    if (!find_place(world, step->a, &place))
        return false;
    free(place.name);
    world->wants++;
    (void)sync_push_now(world->sync, step->b == 0 ? STORE_INO_NONE : place.attr.ino, step->b == 2,
                        world_note_done, world);
    return true;
}

bool local_make_folder(struct world *world, const struct step *step)
{
    return make(world, step, NODE_FOLDER);
}

/* ---- writing ---- */

static struct writing draw_writing(struct world *world, unsigned number)
{
    static const int64_t sizes[] = { 0, 8, 100, 5000, 5242880, 5242888, 10485760, 12000000 };

    return (struct writing){
        .content = ++world->model->last_content,
        .size = sizes[number % (sizeof sizes / sizeof *sizes)],
    };
}

static bool write_and_close(struct world *world, ino_nr ino, const struct writing *writing)
{
    return written_write(world, ino, writing) && written_close(world, ino);
}

bool local_save(struct world *world, const struct step *step)
{
    const struct writing writing = draw_writing(world, step->b);
    struct node_attr attr;

    return world->is_writable && find(world, step->a, &attr) &&
           write_and_close(world, attr.ino, &writing);
}

/* It stays open. */
bool local_write_some(struct world *world, const struct step *step)
{
    struct writing writing = draw_writing(world, step->b);
    struct node_attr attr;

    writing.is_partial = true;
    return world->is_writable && find(world, step->a, &attr) &&
           written_write(world, attr.ino, &writing);
}

bool local_close(struct world *world, const struct step *step)
{
    const struct world_handles *handles = &world->handles;

    return handles->len > 0 && written_close(world, handles->items[step->a % handles->len].ino);
}

/* What the server has there, as if it had been brought here by other means. */
bool local_copy(struct world *world, const struct step *step)
{
    struct writing writing = { 0 };
    struct node node = { 0 };
    struct node_attr attr;
    size_t item = SIZE_MAX;

    if (!world->is_writable || !find(world, step->a, &attr) || attr.kind != NODE_FILE ||
        store_get_node(world->store, attr.ino, &node) < 0)
        return false;
    if (node.rid)
        item = fake_find_item(world->model, node.rid);
    node_clear(&node);
    if (item == SIZE_MAX || fake_truth(world->model, item)->content == 0)
        return false;
    writing.content = fake_truth(world->model, item)->content;
    writing.size = fake_truth(world->model, item)->size;
    if (writing.size < (int64_t)sizeof writing.content ||
        writing.content == shown_by(world, attr.ino))
        return false;
    if (!write_and_close(world, attr.ino, &writing))
        return false;
    ledger_note_copied(world, writing.content);
    return true;
}

bool local_touch(struct world *world, const struct step *step)
{
    struct node_attr attr;

    return world->is_writable && find(world, step->a, &attr) &&
           written_set_mtime(world, attr.ino, (int64_t)step->b * 1000000000);
}

bool local_fill(struct world *world, const struct step *step)
{
    (void)step;
    return written_fill(world);
}

bool local_read(struct world *world, const struct step *step)
{
    (void)step;
    return memory_bytes_pump(world->bytes);
}

/* ---- removing and renaming ---- */

static int remove_place(struct world *world, const struct local_place *place)
{
    unsigned shown = shown_by(world, place->attr.ino);
    struct store_txn *txn = NULL;
    struct node_attr removed;
    int r = written_begin(world, &txn);

    if (r < 0)
        return r;
    r = local_remove(txn, place->parent, place->name, place->attr.kind == NODE_FOLDER,
                     now_ns(world), &removed);
    r = written_commit(world, txn, r, place->attr.ino);
    if (r == 0)
        sync_wake_push(world->sync);
    if (r == 0)
        ledger_note_released(world, place->attr.ino, shown, !world_take_death(world));
    return r;
}

bool local_remove_one(struct world *world, const struct step *step)
{
    struct local_place place;
    int r;

    if (!find_place(world, step->a, &place))
        return false;
    r = remove_place(world, &place);
    free(place.name);
    return r == -EAGAIN ? list_first(world, place.attr.ino) : r == 0;
}

static int rename_to(struct world *world, const struct local_place *from, ino_nr parent,
                     const char *name, unsigned flags)
{
    struct store_txn *txn = NULL;
    struct node_attr target = { 0 };
    struct local_rename renamed;
    unsigned shown = 0;
    bool died;
    int r;

    if (store_lookup(world->store, parent, name, &target) == 0)
        shown = shown_by(world, target.ino);
    r = written_begin(world, &txn);
    if (r < 0)
        return r;
    r = local_rename(txn, from->parent, from->name, parent, name, flags, now_ns(world), &renamed);
    r = written_commit(world, txn, r, from->attr.ino);
    if (r < 0)
        return r;
    sync_wake_push(world->sync);
    died = world_take_death(world);
    ledger_note_touched(world, from->attr.ino);
    if (renamed.replaced.ino == STORE_INO_NONE)
        return 0;
    if (flags & RENAME_EXCHANGE)
        ledger_note_touched(world, renamed.replaced.ino);
    else
        ledger_note_released(world, renamed.replaced.ino, shown, !died);
    return 0;
}

bool local_rename_one(struct world *world, const struct step *step)
{
    static const unsigned flags[] = { 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE };
    struct local_place from;
    struct node_attr parent;
    int r;

    if (!find_place(world, step->a, &from))
        return false;
    if (!find(world, step->b, &parent)) {
        free(from.name);
        return false;
    }
    r = rename_to(world, &from, parent.ino, step_names[step->c],
                  flags[step->d % (sizeof flags / sizeof *flags)]);
    free(from.name);
    return r == -EAGAIN ? list_first(world, parent.ino) : r == 0;
}

/* As many programs save: into another file, which then takes the place. */
bool local_replace(struct world *world, const struct step *step)
{
    const struct writing writing = draw_writing(world, step->b);
    struct local_place place, draft = { .name = (char[]){ DRAFT_NAME } };
    bool is_done = false;

    if (!find_place(world, step->a, &place))
        return false;
    draft.parent = place.parent;
    if (place.attr.kind == NODE_FILE &&
        create(world, place.parent, DRAFT_NAME, NODE_FILE, &draft.attr) == 0 &&
        !world_take_death(world) && write_and_close(world, draft.attr.ino, &writing))
        is_done = rename_to(world, &draft, place.parent, place.name, 0) == 0;
    free(place.name);
    return is_done;
}
