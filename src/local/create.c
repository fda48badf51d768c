/* SPDX-License-Identifier: MIT */
/* Files and folders that appear. The service knows nothing of them yet: they have no base. */
#include "config.h"

#include "local/local_i.h"

#include "base/xalloc.h"

static int check(struct store_txn *txn, ino_nr parent, const char *name, struct place *ret)
{
    int r = place_find(txn, parent, ret);

    if (r == 0)
        r = place_check_name(name);
    return r < 0 ? r : place_check_free(txn, ret, name, 0);
}

int local_create(struct store_txn *txn, ino_nr parent, const char *name, enum node_kind kind,
                 int64_t now_ns, struct node_attr *ret)
{
    struct place place;
    struct node node = { .attr = { .kind = kind, .flags = NODE_LOCAL } };
    int r = check(txn, parent, name, &place);

    if (r < 0)
        return r;
    if (kind == NODE_FILE)
        r = txn_next_generation(txn, &node.local.generation);
    else
        node.attr.flags |= NODE_COMPLETE;
    node.attr.drive = place.drive;
    node.local.parent = parent;
    node.local.name = x_strdup(name);
    node.local.mtime_ns = now_ns;
    if (r == 0)
        r = place_mark(txn, &node);
    if (r == 0)
        r = txn_put_node(txn, &node);
    if (r == 0) {
        txn_touch(txn, parent, now_ns);
        *ret = node.attr;
    }
    node_clear(&node);
    return r;
}
