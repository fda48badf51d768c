/* SPDX-License-Identifier: MIT */
/*
 * Who takes over whose item, see push_identity.h.
 *
 * It is read from the rows alone, when one of the two is to be sent: so it works in whatever order
 * a program does its calls, and over a restart. The server needn't be asked for anything: to it,
 * the file has a new content.
 */
#include "config.h"

#include "sync/push_identity.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "sync/apply.h"
#include "tree/names.h"

static bool is_plain_file(const struct node *node)
{
    return node->attr.kind == NODE_FILE && !(node->attr.flags & (NODE_REMOTE | NODE_SHORTCUT));
}

/* Made here, and never sent. */
static bool is_new(const struct node *node)
{
    return is_plain_file(node) && node->attr.flags & NODE_LOCAL &&
           !(node->attr.flags & (NODE_BASE | NODE_LOCAL_ONLY));
}

static bool is_written_or_gone_there(const struct node *node)
{
    return node->attr.flags & NODE_REMOTE &&
           (node->remote_deleted || node->remote.generation != node->base.generation);
}

/* What the server has is shown nowhere here. It may have been moved or touched there: that is
 * settled with the new file. */
static bool is_given_up(const struct node *node)
{
    return node->attr.kind == NODE_FILE && !(node->attr.flags & (NODE_LOCAL | NODE_SHORTCUT)) &&
           node->attr.flags & NODE_BASE && node->rid && !is_written_or_gone_there(node);
}

/* It was moved out of the way of another one. */
static bool is_backup(const struct node *node)
{
    return is_plain_file(node) && node->rid &&
           node_dirty(node, APPLY_MTIME_GRANULARITY_NS) & DIRTY_PLACE &&
           name_is_backup_of(node->local.name, node->base.name);
}

/* ---- from the new file ---- */

/* Whether its item is the new file's; a backup decides that itself. */
static int check_former(struct store_txn *txn, ino_nr ino, int64_t drive, struct identity_pair *ret)
{
    struct node node;
    int r = txn_get_node(txn, ino, &node);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (node.attr.drive == drive && (is_given_up(&node) || is_backup(&node)))
        *ret = (struct identity_pair){ .partner = ino, .is_later = is_backup(&node) };
    node_clear(&node);
    return 0;
}

static int find_former(struct store_txn *txn, const struct node *node, struct identity_pair *ret)
{
    cleanup_free ino_nr *holders = NULL;
    size_t count = 0;
    int r = txn_find_base_place(txn, node->local.parent, node->local.name, &holders, &count);

    for (size_t i = 0; i < count && r == 0 && ret->partner == STORE_INO_NONE; i++)
        r = check_former(txn, holders[i], node->attr.drive, ret);
    return r;
}

/* ---- from the former one ---- */

/* What is shown where the server has the row; -ENOENT: nothing. */
static int get_shown(struct store_txn *txn, const struct node *node, struct node *ret)
{
    struct node_attr attr;
    int r = txn_lookup(txn, node->base.parent, node->base.name, &attr);

    if (r == 0)
        r = txn_get_node(txn, attr.ino, ret);
    if (r == 0 && ret->attr.drive != node->attr.drive) {
        node_clear(ret);
        r = -ENOENT;
    }
    return r;
}

static int has_new(struct store_txn *txn, const struct node *node, bool *ret)
{
    struct node found;
    int r = get_shown(txn, node, &found);

    *ret = r == 0 && is_new(&found);
    if (r == 0)
        node_clear(&found);
    return r == -ENOENT ? 0 : r;
}

/* A backup in this place will be a new file itself, and then this is an older backup. */
static int find_new(struct store_txn *txn, const struct node *node, struct identity_pair *ret)
{
    bool is_later = false;
    struct node found;
    int r = get_shown(txn, node, &found);

    if (r != 0)
        return r == -ENOENT ? 0 : r;
    if (is_given_up(node) && is_backup(&found))
        r = has_new(txn, &found, &is_later);
    if (is_later || is_new(&found))
        *ret = (struct identity_pair){
            .partner = found.attr.ino,
            .is_backup = is_backup(node),
            .is_later = is_later,
        };
    node_clear(&found);
    return r;
}

int identity_find_pair(struct store_txn *txn, const struct node *node, struct identity_pair *ret)
{
    *ret = (struct identity_pair){ 0 };
    if (is_new(node))
        return find_former(txn, node, ret);
    return is_given_up(node) || is_backup(node) ? find_new(txn, node, ret) : 0;
}

/* ---- handing over ---- */

/* Who keeps a file here means that of this name, whichever way it is saved. */
static int take_pin(struct store_txn *txn, ino_nr from, ino_nr to)
{
    bool is_pinned = false;
    int r = txn_has_pin(txn, from, &is_pinned);

    if (r < 0 || !is_pinned)
        return r;
    r = txn_unpin(txn, from);
    return r < 0 ? r : txn_pin(txn, to);
}

static void take_item(struct node *from, struct node *to)
{
    const unsigned taken = NODE_BASE | NODE_HAS_HASH;
    struct node_state base = to->base;

    to->base = from->base;
    from->base = base;
    to->rid = steal_ptr(&from->rid);
    to->confirmed_ms = from->confirmed_ms;
    from->confirmed_ms = 0;
    to->attr.flags |= from->attr.flags & taken;
    from->attr.flags &= ~taken;
}

/* The server's newest word goes along. Its content is base's. */
static void take_remote(struct node *from, struct node *to)
{
    struct node_state remote = to->remote;

    to->remote = from->remote;
    from->remote = remote;
    to->attr.flags |= from->attr.flags & NODE_REMOTE;
    from->attr.flags &= ~(unsigned)NODE_REMOTE;
    to->remote.generation = to->base.generation;
}

static int hand_over(struct store_txn *txn, struct node *from, struct node *to)
{
    bool is_gone = !(from->attr.flags & NODE_LOCAL);
    int r = take_pin(txn, from->attr.ino, to->attr.ino);

    free(to->rid);
    take_item(from, to);
    /* That of the row that had it is told as unused. */
    if (r == 0)
        r = txn_next_generation(txn, &to->base.generation);
    if (r == 0 && from->attr.flags & NODE_REMOTE)
        take_remote(from, to);
    if (r == 0)
        r = is_gone ? txn_remove_node(txn, from->attr.ino) : txn_put_node(txn, from);
    if (r == 0)
        r = txn_put_node(txn, to);
    return r < 0 ? r : txn_clear_blocked(txn, to->attr.ino);
}

int identity_hand_over(struct store_txn *txn, ino_nr ino, ino_nr partner)
{
    struct node node, other = { 0 };
    int r = txn_get_node(txn, ino, &node);

    if (r < 0)
        return r;
    r = txn_get_node(txn, partner, &other);
    if (r == 0)
        r = is_new(&node) ? hand_over(txn, &other, &node) : hand_over(txn, &node, &other);
    node_clear(&other);
    node_clear(&node);
    return r;
}
