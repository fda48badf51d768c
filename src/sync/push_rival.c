/* SPDX-License-Identifier: MIT */
/* See push_rival.h. Spellings of a name are looked up one by one, see tree/names.h. */
#include "config.h"

#include "sync/push_rival.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tree/names.h"

struct search {
    struct store_txn *txn;
    const struct node *node; /* whose name it is */
    bool wants_gone;
    ino_nr found;
};

static int next_name(void *arg, const char *from, char **ret)
{
    const struct search *search = arg;

    return txn_next_name(search->txn, search->node->local.parent, from, ret);
}

static bool has_name_there(const struct node *node, ino_nr parent, const char *name)
{
    return node->attr.flags & NODE_BASE && node->rid && node->base.parent == parent &&
           strcmp(node->base.name, name) == 0;
}

static int check_row(struct search *search, ino_nr ino, const char *name)
{
    struct node node;
    bool is_gone, is_one;
    int r = txn_get_node(search->txn, ino, &node);

    if (r < 0)
        return r;
    is_gone = !(node.attr.flags & NODE_LOCAL);
    is_one = ino != search->node->attr.ino && is_gone == search->wants_gone &&
             has_name_there(&node, search->node->local.parent, name);
    node_clear(&node);
    if (!is_one)
        return -ENOENT;
    search->found = ino;
    return 0;
}

static int check_gone(struct search *search, const char *name)
{
    cleanup_free ino_nr *holders = NULL;
    size_t count = 0;
    int r = txn_find_base_place(search->txn, search->node->local.parent, name, &holders, &count);

    for (size_t i = 0; i < count && r == 0; i++) {
        r = check_row(search, holders[i], name);
        if (r != -ENOENT)
            return r;
        r = 0;
    }
    return r < 0 ? r : -ENOENT;
}

static int check_name(void *arg, const char *name)
{
    struct search *search = arg;
    struct node_attr attr;
    int r;

    if (search->wants_gone)
        return check_gone(search, name);
    r = txn_lookup(search->txn, search->node->local.parent, name, &attr);
    return r < 0 ? r : check_row(search, attr.ino, name);
}

static int find_twin(struct search *search, ino_nr *ret)
{
    const struct name_source source = { next_name, check_name, search };
    int r = name_find_twin(&source, search->node->local.name);

    if (r == 0)
        *ret = search->found;
    return r;
}

int rival_find(struct store_txn *txn, const struct node *node, ino_nr *ret)
{
    struct search search = { .txn = txn, .node = node };
    ino_nr waiting;
    int r = txn_find_waiting(txn, node->local.parent, node->local.name, &waiting);

    if (r == 0 && waiting != node->attr.ino) {
        *ret = waiting;
        return 0;
    }
    return r < 0 && r != -ENOENT ? r : find_twin(&search, ret);
}

int rival_find_gone(struct store_txn *txn, const struct node *node, ino_nr *ret)
{
    struct search search = { .txn = txn, .node = node, .wants_gone = true };

    return find_twin(&search, ret);
}
