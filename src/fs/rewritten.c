/* SPDX-License-Identifier: MIT */
/*
 * See rewritten.h. They are told by their size: SharePoint adds to Office files. Whoever asked for
 * the size before is told of the other one like of a change on the server.
 */
#include "config.h"

#include "fs/rewritten.h"

#include "base/log.h"
#include "fs/written.h"
#include "local/local.h"

static bool is_rewritten(const struct node *node)
{
    const unsigned both = NODE_LOCAL | NODE_BASE;

    return node->attr.kind == NODE_FILE && (node->attr.flags & both) == both &&
           node->local.generation == node->base.generation && node->local.size != node->base.size;
}

bool rewritten_is_lost(const struct fs *fs, const struct node *node)
{
    enum content_state state;

    if (!is_rewritten(node) || written_is_here(fs, node->local.generation))
        return false;
    state = content_state(fs->conf.content, node->local.generation, node->local.size);
    return state == CONTENT_CLOUD || state == CONTENT_PARTIAL;
}

static int follow(struct fs *fs, const struct node *node)
{
    struct store_txn *txn = NULL;
    struct err err = { 0 };
    int r = store_begin(fs->conf.store, &txn, &err);

    if (r < 0)
        return r;
    r = local_forget_content(txn, node->attr.ino, node->local.generation);
    if (r == 0)
        return store_commit(txn, &err);
    store_rollback(txn);
    return r == -ESTALE ? 0 : r; /* it has another by now */
}

int rewritten_check(struct fs *fs, ino_nr ino)
{
    struct node node = { 0 };
    bool is_lost;
    int r;

    {
        READING(fs);
        r = store_get_node(fs->conf.store, ino, &node);
    }
    is_lost = r == 0 && rewritten_is_lost(fs, &node);
    if (is_lost)
        r = follow(fs, &node);
    if (is_lost && r < 0)
        log_warn("fs", "%s: what the service has can't be shown", node.local.name);
    node_clear(&node);
    return r;
}
