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

static bool is_plain_file(const struct node *node)
{
    return node->attr.kind == NODE_FILE && !(node->attr.flags & (NODE_REMOTE | NODE_SHORTCUT));
}

/* Made here, and never sent. */
static bool is_new(const struct node *node)
{
    return is_plain_file(node) && node->attr.flags & NODE_LOCAL && !(node->attr.flags & NODE_BASE);
}

/* What the server has is shown nowhere here. */
static bool is_given_up(const struct node *node)
{
    return is_plain_file(node) && node->attr.flags & NODE_BASE &&
           !(node->attr.flags & NODE_LOCAL) && node->rid;
}

/* The row, if it is there and `is_one` of those; else *ret is STORE_INO_NONE. */
static int check(struct store_txn *txn, ino_nr ino, int64_t drive,
                 bool (*is_one)(const struct node *node), ino_nr *ret)
{
    struct node node;
    int r = txn_get_node(txn, ino, &node);

    *ret = STORE_INO_NONE;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (node.attr.drive == drive && is_one(&node))
        *ret = ino;
    node_clear(&node);
    return 0;
}

static int find_former(struct store_txn *txn, const struct node *node, ino_nr *ret)
{
    cleanup_free ino_nr *holders = NULL;
    size_t count = 0;
    int r = txn_find_base_place(txn, node->local.parent, node->local.name, &holders, &count);

    for (size_t i = 0; i < count && r == 0 && *ret == STORE_INO_NONE; i++)
        r = check(txn, holders[i], node->attr.drive, is_given_up, ret);
    return r;
}

static int find_new(struct store_txn *txn, const struct node *node, ino_nr *ret)
{
    struct node_attr attr;
    int r = txn_lookup(txn, node->base.parent, node->base.name, &attr);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return check(txn, attr.ino, node->attr.drive, is_new, ret);
}

int identity_find_partner(struct store_txn *txn, const struct node *node, ino_nr *ret)
{
    *ret = STORE_INO_NONE;
    if (is_new(node))
        return find_former(txn, node, ret);
    return is_given_up(node) ? find_new(txn, node, ret) : 0;
}

/* ---- handing over ---- */

/* Who keeps a file here means that of this name, whichever way it is saved. */
static int take_pin(struct store_txn *txn, ino_nr from, ino_nr to)
{
    bool is_pinned = false;
    int r = txn_has_pin(txn, from, &is_pinned);

    return r == 0 && is_pinned ? txn_pin(txn, to) : r;
}

static void take_item(struct node *from, struct node *to)
{
    const unsigned taken = NODE_BASE | NODE_HAS_HASH;
    struct node_state base = to->base;

    to->base = from->base;
    from->base = base;
    to->rid = steal_ptr(&from->rid);
    to->confirmed_ms = from->confirmed_ms;
    to->attr.flags |= from->attr.flags & taken;
    from->attr.flags &= ~taken;
}

static int hand_over(struct store_txn *txn, struct node *from, struct node *to)
{
    int r = take_pin(txn, from->attr.ino, to->attr.ino);

    free(to->rid);
    take_item(from, to);
    /* That of the row that goes is told as unused. */
    if (r == 0)
        r = txn_next_generation(txn, &to->base.generation);
    if (r == 0)
        r = txn_remove_node(txn, from->attr.ino);
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
