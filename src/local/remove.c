/* SPDX-License-Identifier: MIT */
/*
 * Files and folders that go. What the service has is still there, so the row stays, without a local
 * state; so does one that it was asked to make. The columns of such a row are base's: it is where
 * the service has it, and the folder that it was in last can go.
 */
#include "config.h"

#include "local/local_i.h"

#include <errno.h>
#include <stdlib.h>

#include "base/xalloc.h"

/* ---- one row ---- */

int row_is_sent(struct store_txn *txn, const struct node_attr *attr, bool *ret)
{
    struct intent intent;
    int r = attr->flags & NODE_BASE ? 0 : txn_get_intent(txn, attr->ino, &intent);

    if (r < 0 && r != -ENOENT)
        return r;
    if (!(attr->flags & NODE_BASE) && r == 0)
        intent_clear(&intent);
    *ret = r == 0;
    return 0;
}

static bool note_child(const struct node_attr *attr, const char *name, void *arg)
{
    (void)attr;
    (void)name;
    *(bool *)arg = true;
    return false;
}

static int check_empty(struct store_txn *txn, const struct node_attr *folder)
{
    bool has_child = false;
    int r = txn_list(txn, folder->ino, 0, note_child, &has_child);

    if (r < 0)
        return r;
    if (has_child)
        return -ENOTEMPTY;
    return folder->flags & NODE_COMPLETE ? 0 : -EAGAIN;
}

int row_check_removable(struct store_txn *txn, const struct node_attr *attr)
{
    switch (attr->kind) {
    case NODE_FILE:
        return 0;
    case NODE_FOLDER:
        return check_empty(txn, attr);
    case NODE_VIEW:
    case NODE_PACKAGE:
    case NODE_LINK:
        break;
    }
    return -EPERM;
}

static void take_base(struct node *node)
{
    char *name = x_strdup(node->base.name);

    free(node->local.name);
    node->local.name = name;
    node->local.parent = node->base.parent;
    node->local.size = node->base.size;
    node->local.mtime_ns = node->base.mtime_ns;
    node->local.generation = node->base.generation;
}

static int take_local_state(struct store_txn *txn, ino_nr ino)
{
    struct node node;
    int r = txn_get_node(txn, ino, &node);

    if (r < 0)
        return r;
    node.attr.flags &= ~(unsigned)(NODE_LOCAL | NODE_SAFE_NAME);
    if (node.attr.flags & NODE_BASE)
        take_base(&node);
    r = txn_put_node(txn, &node);
    node_clear(&node);
    return r < 0 ? r : txn_clear_blocked(txn, ino);
}

int row_remove(struct store_txn *txn, ino_nr ino)
{
    struct node_attr attr;
    bool is_sent = false;
    int r = txn_getattr(txn, ino, &attr);

    if (r == 0)
        r = row_is_sent(txn, &attr, &is_sent);
    if (r < 0)
        return r;
    return is_sent ? take_local_state(txn, ino) : txn_remove_node(txn, ino);
}

/* ---- a name ---- */

static int check_kind(const struct node_attr *attr, bool wants_directory)
{
    if (wants_directory == row_is_directory(attr))
        return 0;
    return wants_directory ? -ENOTDIR : -EISDIR;
}

/* In Graph's own tree stand drives, views, and links to drives. */
static int check_parent(const struct node_attr *parent, const struct node_attr *attr)
{
    if (parent->kind != NODE_VIEW)
        return 0;
    return attr->kind == NODE_LINK ? -EPERM : -EBUSY;
}

static int check(struct store_txn *txn, ino_nr parent, const char *name, bool wants_directory,
                 struct node_attr *ret)
{
    struct node_attr directory;
    int r = txn_getattr(txn, parent, &directory);

    if (r == 0 && !(directory.flags & NODE_LOCAL))
        r = -ENOENT;
    if (r == 0 && !row_is_directory(&directory))
        r = -ENOTDIR;
    if (r == 0)
        r = txn_lookup(txn, parent, name, ret);
    if (r == 0)
        r = check_kind(ret, wants_directory);
    if (r == 0)
        r = check_parent(&directory, ret);
    return r < 0 ? r : row_check_removable(txn, ret);
}

int local_remove(struct store_txn *txn, ino_nr parent, const char *name, bool wants_directory,
                 int64_t now_ns, struct node_attr *ret_removed)
{
    struct node_attr attr;
    int r = check(txn, parent, name, wants_directory, &attr);

    if (r == 0)
        r = row_remove(txn, attr.ino);
    if (r == 0)
        r = place_settle_name(txn, parent, name);
    if (r < 0)
        return r;
    txn_touch(txn, parent, now_ns);
    *ret_removed = attr;
    return 0;
}
