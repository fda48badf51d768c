/* SPDX-License-Identifier: MIT */
/*
 * As in src/fs/written.c and recover.c, without FUSE and files. A file that the engine has begun to
 * send is frozen: who writes on does so under another generation.
 */
#include "config.h"

#include "written.h"

#include <errno.h>

#include "local/local.h"

static int64_t now_ns(const struct world *world)
{
    return clock_real_ms(world->clock) * 1000000;
}

int written_begin(struct world *world, struct store_txn **ret)
{
    struct err err;
    int r = store_begin(world->store, ret, &err);

    if (r == 0)
        (void)txn_set_own(*ret, true);
    return r;
}

int written_commit(struct world *world, struct store_txn *txn, int r, ino_nr ino)
{
    struct err err;

    if (r < 0) {
        store_rollback(txn);
        return r;
    }
    sync_note_change(world->sync, ino);
    return store_commit(txn, &err);
}

/* ---- handles ---- */

static struct world_handle *find_handle(struct world *world, ino_nr ino)
{
    for (size_t i = 0; i < world->handles.len; i++) {
        if (world->handles.items[i].ino == ino)
            return &world->handles.items[i];
    }
    return NULL;
}

static void drop_handle(struct world *world, struct world_handle *handle)
{
    *handle = world->handles.items[--world->handles.len];
}

void written_add_empty(struct world *world, const struct node_attr *file)
{
    (void)memory_bytes_add(world->bytes, &(struct written){ .generation = file->generation,
                                                            .mtime_ns = file->mtime_ns });
}

/* ---- writing ---- */

static int next_generation(struct world *world, uint64_t *ret)
{
    struct store_txn *txn;
    int r = written_begin(world, &txn);

    if (r < 0)
        return r;
    r = txn_next_generation(txn, ret);
    store_rollback(txn);
    return r;
}

static int put_generation(struct world *world, ino_nr ino, uint64_t before, uint64_t generation)
{
    struct store_txn *txn = NULL;
    struct node node = { 0 };
    int r = written_begin(world, &txn);

    if (r < 0)
        return r;
    r = txn_get_node(txn, ino, &node);
    if (r == 0 && (!(node.attr.flags & NODE_LOCAL) || node.local.generation != before))
        r = -ENOENT;
    if (r == 0)
        r = local_write(txn, ino, generation);
    node_clear(&node);
    return written_commit(world, txn, r, ino);
}

/* Other bytes, which can be written; NULL: no row stands for the file any more. */
static struct written *renew(struct world *world, struct world_handle *handle, bool is_partial)
{
    const struct written *before = memory_bytes_find(world->bytes, handle->generation);
    struct written fresh = { .needs_base = is_partial && (!before || before->needs_base) };

    if (next_generation(world, &fresh.generation) < 0 ||
        put_generation(world, handle->ino, handle->generation, fresh.generation) < 0)
        return NULL;
    handle->generation = fresh.generation;
    return memory_bytes_add(world->bytes, &fresh);
}

static void fill_in(struct world *world, struct written *written, const struct writing *writing)
{
    written->content = writing->size == 0 ? 0 : writing->content;
    written->size = writing->size;
    written->mtime_ns = now_ns(world);
    if (!writing->is_partial)
        written->needs_base = false;
}

static bool write_open(struct world *world, struct world_handle *handle,
                       const struct writing *writing)
{
    struct written *written = memory_bytes_find(world->bytes, handle->generation);

    if (!written || written->is_frozen || written->is_dropped)
        written = renew(world, handle, writing->is_partial);
    if (written)
        fill_in(world, written, writing);
    return written;
}

bool written_write(struct world *world, ino_nr ino, const struct writing *writing)
{
    struct world_handle *handle = find_handle(world, ino);
    struct node node;
    unsigned shown;
    bool is_done;

    if (store_get_node(world->store, ino, &node) < 0)
        return false;
    if (node.attr.kind != NODE_FILE || !(node.attr.flags & NODE_LOCAL) ||
        (handle && handle->generation != node.local.generation)) {
        node_clear(&node);
        return false;
    }
    if (!handle)
        handle = world_handles_push(
            &world->handles,
            (struct world_handle){ .ino = ino, .generation = node.local.generation });
    shown = ledger_shown(world, &node);
    node_clear(&node);
    is_done = write_open(world, handle, writing);
    ledger_note_released(world, ino, shown, !world_take_death(world) && is_done);
    return is_done;
}

/* ---- the row ---- */

static void note_closed(struct world *world, ino_nr ino, uint64_t generation)
{
    struct node node;

    if (store_get_node(world->store, ino, &node) < 0)
        return;
    if (node.attr.flags & NODE_LOCAL && node.local.generation == generation)
        ledger_note_closed(world, &node);
    node_clear(&node);
}

static int put_row(struct world *world, ino_nr ino, const struct written *written)
{
    struct store_txn *txn = NULL;
    int r = written_begin(world, &txn);

    if (r < 0)
        return r;
    r = local_set_content(txn, ino, written->generation, written->size, written->mtime_ns);
    return written_commit(world, txn, r == -ENOENT || r == -ESTALE ? 0 : r, ino);
}

bool written_close(struct world *world, ino_nr ino)
{
    struct world_handle *handle = find_handle(world, ino), closed;
    const struct written *written;

    if (!handle)
        return false;
    closed = *handle;
    drop_handle(world, handle);
    written = memory_bytes_find(world->bytes, closed.generation);
    if (!written || put_row(world, ino, written) < 0)
        return false;
    sync_wake_push(world->sync);
    if (!world_take_death(world))
        note_closed(world, ino, closed.generation);
    return true;
}

bool written_set_mtime(struct world *world, ino_nr ino, int64_t mtime_ns)
{
    struct store_txn *txn = NULL;
    struct written *written;
    struct node_attr attr;

    if (written_begin(world, &txn) < 0)
        return false;
    if (txn_getattr(txn, ino, &attr) < 0 || attr.kind != NODE_FILE) {
        store_rollback(txn);
        return false;
    }
    written = memory_bytes_find(world->bytes, attr.generation);
    if (written && !written->is_dropped)
        written->mtime_ns = mtime_ns;
    if (written_commit(world, txn, local_set_mtime(txn, ino, mtime_ns), ino) < 0)
        return false;
    ledger_note_touched(world, ino);
    sync_wake_push(world->sync);
    (void)world_take_death(world);
    return true;
}

bool written_fill(struct world *world)
{
    bool has_filled = false;

    for (size_t i = 0; i < memory_bytes_count(world->bytes); i++) {
        struct written *written = memory_bytes_at(world->bytes, i);

        has_filled |= written->needs_base;
        written->needs_base = false;
    }
    if (has_filled)
        sync_wake_push(world->sync);
    return has_filled;
}

void written_finish(struct world *world)
{
    while (world->handles.len > 0)
        (void)written_close(world, world->handles.items[0].ino);
    (void)written_fill(world);
}

/* ---- after a start ---- */

DEFINE_VEC(attr_list, struct node_attr);

static bool add_row(const struct node_attr *attr, const char *name, void *arg)
{
    (void)name;
    if (attr->kind == NODE_FILE && attr->flags & NODE_LOCAL)
        (void)attr_list_push(arg, *attr);
    return true;
}

/* What was sent is only gone from the disk when the commit that says so is on it. */
static bool is_gone(struct written *written, const struct attr_list *rows, bool is_power_cut)
{
    bool has_row = false;

    for (size_t i = 0; i < rows->len; i++)
        has_row |= rows->items[i].generation == written->generation;
    return !has_row || (written->is_dropped && !is_power_cut);
}

static bool freeze(const struct intent *intent, void *arg)
{
    struct world *world = arg;
    struct written *written = memory_bytes_find(world->bytes, intent->generation);

    if (written && intent->generation != 0)
        written->is_frozen = true;
    return true;
}

void written_recover(struct world *world, bool is_power_cut)
{
    struct attr_list rows = { 0 };

    (void)store_list_dirty(world->store, 0, add_row, &rows);
    for (size_t i = 0; i < memory_bytes_count(world->bytes); i++) {
        struct written *written = memory_bytes_at(world->bytes, i);

        written->is_dropped = is_gone(written, &rows, is_power_cut);
    }
    (void)store_list_intents(world->store, 0, freeze, world);
    for (size_t i = 0; i < rows.len; i++) {
        const struct written *written = memory_bytes_find(world->bytes, rows.items[i].generation);

        if (written &&
            (written->size != rows.items[i].size || written->mtime_ns != rows.items[i].mtime_ns))
            (void)put_row(world, rows.items[i].ino, written);
    }
    attr_list_clear(&rows);
}
