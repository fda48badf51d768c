/* SPDX-License-Identifier: MIT */
/*
 * What stands in a row's way.
 *
 * A name on the server is held by the row whose base is there; only one that is shown elsewhere
 * here, or not at all, can be in the way of another row here. Who holds the name that a row wants
 * may itself want one that is held, or go into a folder that is still to be made, and so on: if
 * that comes round to the row, nobody could ever begin. Of such a cycle the row with the smallest
 * number goes aside, if need be where it is.
 */
#include "config.h"

#include "sync/push_facts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "sync/apply.h"
#include "sync/push_identity.h"
#include "sync/push_rival.h"

/* Longer chains are no cycles, or are found to be one when they have become shorter. */
#define CHAIN_MAX 256

static bool wants_place(const struct node *node)
{
    return node_dirty(node, APPLY_MTIME_GRANULARITY_NS) & (DIRTY_CREATED | DIRTY_PLACE);
}

/* Who holds the place on the server that the row wants; STORE_INO_NONE: nobody. */
static int find_holder(struct store_txn *txn, const struct node *node, ino_nr *ret)
{
    cleanup_free ino_nr *holders = NULL;
    size_t count = 0;
    int r = txn_find_base_place(txn, node->local.parent, node->local.name, &holders, &count);

    *ret = STORE_INO_NONE;
    for (size_t i = 0; i < count && r == 0 && *ret == STORE_INO_NONE; i++)
        if (holders[i] != node->attr.ino)
            *ret = holders[i];
    if (r == 0 && *ret == STORE_INO_NONE)
        r = rival_find_gone(txn, node, ret);
    return r == -ENOENT ? 0 : r;
}

static bool is_there(const struct node *node)
{
    return node->attr.flags & NODE_BASE && node->rid;
}

/* The folder that the row is in here, if the server hasn't got that yet; else STORE_INO_NONE. */
static int find_missing_parent(struct store_txn *txn, const struct node *node, ino_nr *ret)
{
    struct node parent;
    int r = txn_get_node(txn, node->local.parent, &parent);

    *ret = STORE_INO_NONE;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (!is_there(&parent))
        *ret = parent.attr.ino;
    node_clear(&parent);
    return 0;
}

/* Whom the row waits for. One that is deleted here gives its name up without anybody's help. */
static int find_obstacle(struct store_txn *txn, const struct node *node, ino_nr *ret)
{
    int r = 0;

    *ret = STORE_INO_NONE;
    if (node->attr.flags & NODE_LOCAL && wants_place(node))
        r = find_holder(txn, node, ret);
    if (r == 0 && *ret == STORE_INO_NONE && node->attr.flags & NODE_LOCAL)
        r = find_missing_parent(txn, node, ret);
    return r;
}

/* Goes from obstacle to obstacle. *ret: they come round to the row, and it is the first of those
 * that the server has. */
static int find_cycle(struct store_txn *txn, const struct node *node, bool *ret)
{
    ino_nr ino = node->attr.ino, smallest = ino, obstacle;
    int r = find_obstacle(txn, node, &obstacle);

    *ret = false;
    for (int i = 0; i < CHAIN_MAX && r == 0 && obstacle != STORE_INO_NONE && obstacle != ino; i++) {
        struct node other;

        r = txn_get_node(txn, obstacle, &other);
        if (r < 0)
            return r;
        if (is_there(&other) && obstacle < smallest)
            smallest = obstacle;
        r = find_obstacle(txn, &other, &obstacle);
        node_clear(&other);
    }
    *ret = r == 0 && obstacle == ino && smallest == ino && is_there(node);
    return r;
}

static int find_name_facts(struct store_txn *txn, const struct node *node, struct push_facts *ret)
{
    ino_nr holder, rival;
    int r = find_holder(txn, node, &holder);

    if (r < 0)
        return r;
    ret->name_is_taken = holder != STORE_INO_NONE;
    r = rival_find(txn, node, &rival);
    if (r < 0 && r != -ENOENT)
        return r;
    ret->has_rival = r == 0;
    return 0;
}

static int find_parent_facts(struct store_txn *txn, const struct node *node, struct push_facts *ret)
{
    ino_nr missing;
    int r = find_missing_parent(txn, node, &missing);

    ret->parent_is_there = missing == STORE_INO_NONE;
    return r;
}

/* Is the row to leave this folder on the server? What is shown in it is none of those: that came
 * there later, and brings the folder back (push_delete.c). */
static bool is_leaving(const struct node *node, ino_nr folder)
{
    bool is_in_it_here = node->attr.flags & NODE_LOCAL && node->local.parent == folder;

    return node->attr.flags & NODE_BASE && node->base.parent == folder && !is_in_it_here;
}

/* Whether the server still has something of ours in a folder that is deleted here. */
static int find_below(struct store_txn *txn, const struct node *node, struct push_facts *ret)
{
    cleanup_free ino_nr *related = NULL;
    size_t count = 0;
    int r = txn_list_related(txn, node->attr.ino, &related, &count);

    for (size_t i = 0; i < count && r == 0 && !ret->has_deleted_below; i++) {
        struct node child;

        r = txn_get_node(txn, related[i], &child);
        if (r < 0)
            break;
        ret->has_deleted_below = is_leaving(&child, node->attr.ino);
        node_clear(&child);
    }
    return r;
}

int push_find_facts(struct store_txn *txn, const struct node *node, struct push_facts *ret)
{
    struct identity_pair pair;
    int r = identity_find_pair(txn, node, &pair);

    *ret = (struct push_facts){
        .partner = pair.partner,
        .partner_is_busy = pair.is_later,
        .is_backup = pair.is_backup,
    };
    if (r < 0)
        return r;
    if (!(node->attr.flags & NODE_LOCAL))
        return node->attr.kind == NODE_FOLDER ? find_below(txn, node, ret) : 0;
    if (wants_place(node))
        r = find_name_facts(txn, node, ret);
    if (r == 0)
        r = find_parent_facts(txn, node, ret);
    if (r == 0 && (ret->name_is_taken || !ret->parent_is_there))
        r = find_cycle(txn, node, &ret->takes_detour);
    return r;
}
