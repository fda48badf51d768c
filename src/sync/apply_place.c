/* SPDX-License-Identifier: MIT */
/*
 * Where a row goes: its parent, its name there, and what to do when that can't be.
 *
 * What always holds: the local parents form a tree; a name stands for one row in its directory.
 * Both are kept here, because the server's word alone doesn't: reports come in any order, and may
 * lie.
 *
 * - A parent that nobody has told of becomes a placeholder: a folder without name and place
 *   (STORE_INO_NONE), which its own report fills in. What hangs on it is in the tree for nobody.
 * - A place that would close a cycle, or that is in no folder, is kept in `remote`, and the row is
 * put to STORE_INO_NONE; after the next move of a folder it is tried again.
 * - What appears where something is being made from here is kept back in the same way until that
 * has its answer: it may be just this, and would be shown twice.
 * - A name that is taken or can't be shown is replaced by a safe one (NODE_SAFE_NAME); base keeps
 * the real one, and the row gets it as soon as it is free.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sync/apply_i.h"
#include "tree/names.h"

/* The longest that is kept of a name that can't be shown, in bytes. */
enum { RAW_NAME_MAX = 4096 };

/* ---- parents ---- */

static int add_placeholder(struct applying *applying, const char *rid, ino_nr *ret)
{
    struct node node = {
        .attr = { .kind = NODE_FOLDER,
                  .flags = NODE_LOCAL | NODE_BASE,
                  .drive = applying->context->drive->id },
        .rid = x_strdup(rid),
        .local = { .name = x_strdup("") },
        .base = { .name = x_strdup("") },
    };
    int r = txn_put_node(applying->txn, &node);

    *ret = node.attr.ino;
    node_clear(&node);
    return r;
}

int place_look_up_parent(struct applying *applying, const char *parent_id, ino_nr *ret)
{
    const struct drive_row *drive = applying->context->drive;
    struct node parent;
    int r;

    if (drive->root_rid && strcmp(drive->root_rid, parent_id) == 0) {
        *ret = drive->root;
        return 0;
    }
    r = txn_find_node(applying->txn, drive->id, parent_id, &parent);
    if (r == 0) {
        *ret = parent.attr.ino;
        node_clear(&parent);
    }
    return r;
}

int place_find_parent(struct applying *applying, const char *parent_id, ino_nr *ret)
{
    int r = place_look_up_parent(applying, parent_id, ret);

    return r == -ENOENT ? add_placeholder(applying, parent_id, ret) : r;
}

int place_is_above(struct store_txn *txn, ino_nr ino, ino_nr from, bool *ret)
{
    struct node_attr attr = { .parent = from };

    while (attr.parent != STORE_INO_NONE && attr.parent != ino) {
        int r = txn_getattr(txn, attr.parent, &attr);

        if (r < 0)
            return r;
    }
    *ret = attr.parent == ino;
    return 0;
}

/* Can the node be put into this directory? */
static int is_possible(struct applying *applying, const struct node *node, ino_nr parent, bool *ret)
{
    struct node_attr attr;
    bool is_above = false;
    int r = txn_getattr(applying->txn, parent, &attr);

    *ret = false;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (attr.kind != NODE_FOLDER ||
        (attr.flags & NODE_SHORTCUT && parent != applying->context->drive->root))
        return 0;
    if (node->attr.ino != 0 && node->attr.kind != NODE_FILE)
        r = place_is_above(applying->txn, node->attr.ino, parent, &is_above);
    *ret = !is_above;
    return r;
}

/* ---- names ---- */

char *place_decode_name(const char *server_name)
{
    char name[NAME_SIZE];

    if (name_decode(server_name, name, sizeof name) < 0)
        return x_strndup(server_name, RAW_NAME_MAX);
    return x_strdup(name);
}

/* The check is made on server names, so the name is taken back to one. */
static bool is_showable(const char *name)
{
    char server_name[4 * NAME_SIZE];

    return name_encode(name, server_name, sizeof server_name) == 0 && name_check(server_name) == 0;
}

static int is_free(struct applying *applying, const struct node *node, const char *name, bool *ret)
{
    struct node_attr holder;
    int r = txn_lookup(applying->txn, node->local.parent, name, &holder);

    *ret = r == -ENOENT || (r == 0 && holder.ino == node->attr.ino);
    return r == -ENOENT ? 0 : r;
}

static void set_name(struct node_state *state, const char *name)
{
    char *copy = x_strdup(name);

    free(state->name);
    state->name = copy;
}

/* Sets the local name to base's, or to a safe one. The directory holds finitely many names, so the
 * search for a free one ends. */
static int choose_name(struct applying *applying, struct node *node)
{
    bool found = false;
    int r = 0;

    node->attr.flags &= ~(unsigned)NODE_SAFE_NAME;
    set_name(&node->local, node->base.name);
    if (is_showable(node->base.name))
        r = is_free(applying, node, node->base.name, &found);
    for (unsigned attempt = 0; r == 0 && !found; attempt++) {
        cleanup_free char *seed = x_asprintf("%s#%u", node->rid, attempt);
        char safe[NAME_SAFE_SIZE];

        name_make_safe(node->base.name, attempt == 0 ? node->rid : seed, safe);
        node->attr.flags |= NODE_SAFE_NAME;
        set_name(&node->local, safe);
        r = is_free(applying, node, safe, &found);
    }
    return r;
}

void place_note_freed(struct applying *applying, const struct node *node)
{
    if (!(node->attr.flags & NODE_LOCAL) || node->local.parent == STORE_INO_NONE)
        return;
    (void)freed_names_push(
        &applying->freed,
        (struct freed_name){ .parent = node->local.parent, .name = x_strdup(node->local.name) });
}

/* ---- moves ---- */

/* No place: what the server said is kept in `remote`, beside content that may be kept there. */
static void hold_back(struct node *node, ino_nr parent, const char *name)
{
    struct node_state *remote = &node->remote;

    if (!(node->attr.flags & NODE_REMOTE)) {
        remote->size = node->base.size;
        remote->mtime_ns = node->base.mtime_ns;
        remote->generation = node->base.generation;
    }
    node->attr.flags |= NODE_REMOTE;
    node->attr.flags &= ~(unsigned)NODE_SAFE_NAME;
    node->remote_deleted = false;
    remote->parent = parent;
    set_name(remote, name);
    set_name(&node->base, name);
    set_name(&node->local, name);
    node->local.parent = node->base.parent = STORE_INO_NONE;
}

static void move_to(struct applying *applying, struct node *node, ino_nr parent)
{
    if (node->attr.ino != 0 && node->attr.kind == NODE_FOLDER)
        applying->folder_moved = true;
    node->local.parent = node->base.parent = parent;
}

/* Of the folders from `from` upwards and below `top`, the first that was moved here; -ENOENT if
 * there is none. */
static int find_moved_here(struct store_txn *txn, ino_nr from, ino_nr top, struct node *ret)
{
    for (ino_nr ino = from; ino != STORE_INO_NONE && ino != top;) {
        int r;

        r = txn_get_node(txn, ino, ret);
        if (r < 0)
            return r;
        if (node_dirty(ret, APPLY_MTIME_GRANULARITY_NS) & DIRTY_PLACE &&
            ret->base.parent != STORE_INO_NONE && ret->base.parent != ret->local.parent)
            return 0;
        ino = ret->attr.parent;
        node_clear(ret);
    }
    return -ENOENT;
}

/* A move of the server that would close a cycle with those that were made here undoes them. */
static int undo_moves(struct applying *applying, const struct node *node, ino_nr parent,
                      bool *ret_possible)
{
    bool is_above;
    int r = 0;

    while (r == 0 && !*ret_possible) {
        struct node moved;

        r = place_is_above(applying->txn, node->attr.ino, parent, &is_above);
        if (r < 0 || !is_above)
            return r;
        r = find_moved_here(applying->txn, parent, node->attr.ino, &moved);
        if (r < 0)
            return r == -ENOENT ? 0 : r;
        log_warn("sync",
                 "%s is back where the server has it: it was moved into what is in it there",
                 moved.local.name);
        place_note_freed(applying, &moved);
        move_to(applying, &moved, moved.base.parent);
        r = choose_name(applying, &moved);
        if (r == 0)
            r = txn_put_node(applying->txn, &moved);
        if (r == 0)
            r = txn_clear_blocked(applying->txn, moved.attr.ino);
        node_clear(&moved);
        if (r == 0)
            r = is_possible(applying, node, parent, ret_possible);
    }
    return r;
}

struct made {
    const char *name; /* as shown */
    bool is_one;
};

static bool compare_made(const char *server_name, void *arg)
{
    struct made *made = arg;
    cleanup_free char *name = place_decode_name(server_name);

    made->is_one = name_equal_fold(name, made->name);
    return !made->is_one;
}

/* Is the item, which has no place yet, where something is being made from here? */
static int is_being_made(struct applying *applying, const struct node *node, ino_nr parent,
                         const char *name, bool *ret)
{
    struct made made = { .name = name };
    int r = 0;

    if (node->base.parent == STORE_INO_NONE)
        r = txn_list_made(applying->txn, parent, compare_made, &made);
    *ret = made.is_one;
    return r;
}

int place_follow(struct applying *applying, struct node *node, ino_nr parent, const char *name)
{
    bool possible, is_made = false;
    int r = is_possible(applying, node, parent, &possible);

    if (r == 0 && possible)
        r = is_being_made(applying, node, parent, name, &is_made);
    if (r == 0 && !possible && node->attr.ino != 0 && node->attr.kind == NODE_FOLDER)
        r = undo_moves(applying, node, parent, &possible);
    if (r < 0)
        return r;
    place_note_freed(applying, node);
    if (!possible)
        log_warn("sync", "item %s: the place that the server says is in no folder, or in itself",
                 node->rid);
    if (!possible || is_made) {
        hold_back(node, parent, name);
        return 0;
    }
    move_to(applying, node, parent);
    if (!text_is_same(node->base.name, name))
        node->attr.flags &= ~(unsigned)NODE_CONFLICT; /* somebody has seen to it */
    set_name(&node->base, name);
    return choose_name(applying, node);
}

int place_vacate(struct applying *applying, struct node *node)
{
    place_note_freed(applying, node);
    node->attr.flags &= ~(unsigned)NODE_SAFE_NAME;
    node->local.parent = node->base.parent = STORE_INO_NONE;
    set_name(&node->local, node->base.name);
    return txn_put_node(applying->txn, node);
}

static int take_child(struct applying *applying, ino_nr child, ino_nr from, ino_nr to)
{
    struct node node;
    int r = txn_get_node(applying->txn, child, &node);

    if (r < 0)
        return r;
    if (node.base.parent == from)
        node.base.parent = to;
    if (node.attr.flags & NODE_REMOTE && node.remote.parent == from)
        node.remote.parent = to;
    if (node.local.parent == from && node.attr.flags & NODE_BASE) {
        cleanup_free char *name = x_strdup(node.base.name);

        r = place_follow(applying, &node, to, name);
    } else if (node.local.parent == from) {
        node.local.parent = to;
    }
    if (r == 0)
        r = txn_put_node(applying->txn, &node);
    node_clear(&node);
    return r;
}

int place_take_children(struct applying *applying, ino_nr from, ino_nr to)
{
    cleanup_free ino_nr *related = NULL;
    size_t count = 0;
    int r = txn_list_related(applying->txn, from, &related, &count);

    for (size_t i = 0; i < count && r == 0; i++)
        r = take_child(applying, related[i], from, to);
    return r;
}

static int revive_one(struct applying *applying, struct node *node)
{
    cleanup_free char *name = x_strdup(node->base.name);
    int r;

    node->attr.flags |= NODE_LOCAL;
    node->attr.flags &= ~(unsigned)NODE_COMPLETE;
    r = place_follow(applying, node, node->base.parent, name);
    log_warn("sync", "%s isn't deleted: something else is in it on the server", name);
    return r < 0 ? r : txn_put_node(applying->txn, node);
}

/* The folder and those above it that are not shown, from the lowest up. */
static int find_hidden(struct store_txn *txn, ino_nr ino, struct node_numbers *ret)
{
    int r = 0;

    while (r == 0 && ino != STORE_INO_NONE) {
        struct node node;
        bool is_hidden;

        r = txn_get_node(txn, ino, &node);
        if (r < 0)
            break;
        is_hidden = !(node.attr.flags & NODE_LOCAL) && node.attr.flags & NODE_BASE;
        if (is_hidden)
            (void)node_numbers_push(ret, ino);
        ino = is_hidden ? node.base.parent : STORE_INO_NONE;
        node_clear(&node);
    }
    return r == -ENOENT ? 0 : r;
}

int place_revive(struct applying *applying, ino_nr folder)
{
    struct node_numbers hidden = { 0 };
    int r = find_hidden(applying->txn, folder, &hidden);

    for (size_t i = hidden.len; i-- > 0 && r == 0;) {
        struct node node;

        r = txn_get_node(applying->txn, hidden.items[i], &node);
        if (r < 0)
            break;
        r = revive_one(applying, &node);
        node_clear(&node);
    }
    node_numbers_clear(&hidden);
    return r;
}

/* ---- afterwards ---- */

static int give_name(struct applying *applying, ino_nr ino)
{
    struct node node;
    int r = txn_get_node(applying->txn, ino, &node);

    if (r < 0)
        return r;
    place_note_freed(applying, &node);
    node.attr.flags &= ~(unsigned)NODE_SAFE_NAME;
    set_name(&node.local, node.base.name);
    r = txn_put_node(applying->txn, &node);
    node_clear(&node);
    return r;
}

static int settle_name(struct applying *applying, const struct freed_name *freed)
{
    struct node_attr holder;
    ino_nr waiting;
    int r = txn_lookup(applying->txn, freed->parent, freed->name, &holder);

    if (r != -ENOENT)
        return r;
    r = txn_find_waiting(applying->txn, freed->parent, freed->name, &waiting);
    if (r == -ENOENT)
        return 0;
    return r < 0 ? r : give_name(applying, waiting);
}

static int settle_names(struct applying *applying)
{
    int r = 0;

    while (r == 0 && applying->freed.len > 0) {
        struct freed_name freed = applying->freed.items[--applying->freed.len];

        r = settle_name(applying, &freed);
        free(freed.name);
    }
    return r;
}

static int retry_place(struct applying *applying, ino_nr ino)
{
    cleanup_free char *name = NULL;
    struct node node;
    bool possible;
    int r = txn_get_node(applying->txn, ino, &node);

    if (r < 0)
        return r;
    r = is_possible(applying, &node, node.remote.parent, &possible);
    if (r == 0 && possible) {
        /* The server's content, if it is kept beside too, is a conflict still. */
        if (node.remote.generation == node.base.generation)
            node.attr.flags &= ~(unsigned)NODE_REMOTE;
        name = x_strdup(node.remote.name);
        r = place_follow(applying, &node, node.remote.parent, name);
        if (r == 0)
            r = txn_put_node(applying->txn, &node);
    }
    node_clear(&node);
    return r;
}

static int retry_places(struct applying *applying)
{
    ino_nr after = 0;
    size_t count;
    int r;

    do {
        cleanup_free ino_nr *inos = NULL;

        count = 0;
        r = txn_list_held_back(applying->txn, after, &inos, &count);
        for (size_t i = 0; i < count && r == 0; i++)
            r = retry_place(applying, after = inos[i]);
    } while (r == 0 && count > 0);
    return r;
}

/* Each success may make another possible. They end: a row that found its place isn't listed again.
 */
static int settle_places(struct applying *applying)
{
    int r = 0;

    while (r == 0 && applying->folder_moved) {
        applying->folder_moved = false;
        r = retry_places(applying);
    }
    return r;
}

int place_settle(struct applying *applying, int r)
{
    if (r == 0)
        r = settle_places(applying);
    if (r == 0)
        r = settle_names(applying);
    for (size_t i = 0; i < applying->freed.len; i++)
        free(applying->freed.items[i].name);
    freed_names_clear(&applying->freed);
    return r;
}
