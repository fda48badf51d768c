/* SPDX-License-Identifier: MIT */
/*
 * What stands in a row's way.
 *
 * A name on the server is held by the row whose base is there; only one that is shown elsewhere
 * here, or not at all, can be in the way of another row here. Who holds the name that a row wants
 * may itself want one that is held, and so on: if that comes round to the row, nobody could ever
 * begin. Of such a cycle the row with the smallest number goes aside.
 */
#include "config.h"

#include "sync/push_facts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "sync/apply.h"
#include "sync/push_identity.h"

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
    return r;
}

/* Goes from holder to holder. *ret: they come round to the row, and it is the first of them. */
static int find_cycle(struct store_txn *txn, ino_nr ino, ino_nr holder, bool *ret)
{
    ino_nr smallest = ino;

    *ret = false;
    for (int i = 0; i < CHAIN_MAX && holder != STORE_INO_NONE && holder != ino; i++) {
        struct node node;
        int r = txn_get_node(txn, holder, &node);

        if (r < 0)
            return r;
        if (holder < smallest)
            smallest = holder;
        /* One that is deleted here gives its name up without anybody's help. */
        holder = STORE_INO_NONE;
        if (node.attr.flags & NODE_LOCAL && wants_place(&node))
            r = find_holder(txn, &node, &holder);
        node_clear(&node);
        if (r < 0)
            return r;
    }
    *ret = holder == ino && smallest == ino;
    return 0;
}

static int find_name_facts(struct store_txn *txn, const struct node *node, struct push_facts *ret)
{
    ino_nr holder, waiting;
    int r = find_holder(txn, node, &holder);

    if (r < 0)
        return r;
    ret->name_is_taken = holder != STORE_INO_NONE;
    r = txn_find_waiting(txn, node->local.parent, node->local.name, &waiting);
    if (r < 0 && r != -ENOENT)
        return r;
    ret->has_rival = r == 0 && waiting != node->attr.ino;
    return ret->name_is_taken ? find_cycle(txn, node->attr.ino, holder, &ret->takes_detour) : 0;
}

static int find_parent_facts(struct store_txn *txn, const struct node *node, struct push_facts *ret)
{
    struct node parent;
    int r = txn_get_node(txn, node->local.parent, &parent);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    ret->parent_is_there = parent.attr.flags & NODE_BASE && parent.rid;
    node_clear(&parent);
    return 0;
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
        ret->has_deleted_below =
            child.attr.flags & NODE_BASE && child.base.parent == node->attr.ino;
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
    return r < 0 ? r : find_parent_facts(txn, node, ret);
}
