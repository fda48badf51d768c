/* SPDX-License-Identifier: MIT */
/* Content, times and attributes. A row that was removed while the file is open has none any more,
 * whatever is written. */
#include "config.h"

#include "local/local_i.h"

#include <errno.h>

/* The row of something that is there; clear it. */
static int get_row(struct store_txn *txn, ino_nr ino, struct node *ret)
{
    int r = txn_get_node(txn, ino, ret);

    if (r == 0 && !(ret->attr.flags & NODE_LOCAL)) {
        node_clear(ret);
        return -ENOENT;
    }
    return r;
}

static int get_file(struct store_txn *txn, ino_nr ino, struct node *ret)
{
    int r = get_row(txn, ino, ret);

    if (r == 0 && ret->attr.kind != NODE_FILE) {
        node_clear(ret);
        return -EISDIR;
    }
    return r;
}

/* Puts it if r is 0, and clears it. */
static int put_row(struct store_txn *txn, struct node *node, int r)
{
    if (r == 0)
        r = txn_put_node(txn, node);
    node_clear(node);
    return r;
}

int local_write(struct store_txn *txn, ino_nr ino, uint64_t generation)
{
    struct node node;
    int r = get_file(txn, ino, &node);

    if (r < 0)
        return r;
    node.local.generation = generation;
    r = put_row(txn, &node, 0);
    return r < 0 ? r : txn_clear_blocked(txn, ino);
}

int local_set_content(struct store_txn *txn, ino_nr ino, uint64_t generation, int64_t size,
                      int64_t mtime_ns)
{
    struct node node;
    int r = get_file(txn, ino, &node);

    if (r < 0)
        return r;
    if (node.local.generation != generation)
        r = -ESTALE;
    node.local.size = size;
    node.local.mtime_ns = mtime_ns;
    r = put_row(txn, &node, r);
    return r < 0 ? r : txn_clear_blocked(txn, ino);
}

int local_forget_content(struct store_txn *txn, ino_nr ino, uint64_t generation)
{
    struct node node;
    int r = get_file(txn, ino, &node);

    if (r < 0)
        return r;
    if (node.local.generation != generation || node.base.generation != generation)
        r = -ESTALE;
    if (r == 0)
        r = txn_next_generation(txn, &node.base.generation);
    node.local.generation = node.base.generation;
    node.local.size = node.base.size;
    return put_row(txn, &node, r);
}

static int check_kind(enum node_kind kind)
{
    switch (kind) {
    case NODE_FILE:
    case NODE_FOLDER:
        return 0;
    case NODE_VIEW:
        return -EROFS;
    case NODE_PACKAGE:
    case NODE_LINK:
        break;
    }
    return -EPERM;
}

int local_set_mtime(struct store_txn *txn, ino_nr ino, int64_t mtime_ns)
{
    struct node node;
    int r = get_row(txn, ino, &node);

    if (r < 0)
        return r;
    r = check_kind(node.attr.kind);
    node.local.mtime_ns = mtime_ns;
    return put_row(txn, &node, r);
}

int local_set_attr(struct store_txn *txn, ino_nr ino, const struct local_attr *attr)
{
    struct node_attr node;
    int r = txn_getattr(txn, ino, &node);

    if (r == 0 && !(node.flags & NODE_LOCAL))
        r = -ENOENT;
    if (r == 0)
        r = check_kind(node.kind);
    return r < 0 ? r : txn_set_attr(txn, ino, attr);
}
