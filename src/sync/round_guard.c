/* SPDX-License-Identifier: MIT */
/*
 * The guard against deletions by the thousand, see round_guard.h. A service may report a folder
 * alone, or all that was in it, too: what is counted is rows, each once.
 */
#include "config.h"

#include "sync/round_guard.h"

#include <errno.h>

#include "base/log.h"
#include "base/vec.h"
#include "sync/apply_i.h"
#include "sync/timing.h"

struct guard {
    struct store *store;
    const struct apply_context *context;
    int64_t removed;            /* rows */
    struct node_numbers pinned; /* that are reported as deleted */
};

static bool note_any(ino_nr ino, void *arg)
{
    (void)ino;
    *(bool *)arg = true;
    return false;
}

static int note_deleted(struct store_txn *txn, const struct item *item, void *arg)
{
    (void)txn;
    *(bool *)arg = item->flags & ITEM_DELETED;
    return 0;
}

/* Whether the folder that the server had it in is reported as deleted, and so counts this one. */
static int is_counted_above(struct store_txn *txn, int64_t drive, const struct node *node,
                            bool *ret)
{
    struct node parent;
    int r = txn_get_node(txn, node->base.parent, &parent);

    *ret = false;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (parent.rid)
        r = txn_get_staged(txn, drive, parent.rid, note_deleted, ret);
    node_clear(&parent);
    return r == -ENOENT ? 0 : r;
}

static int has_pin(struct guard *guard, struct store_txn *txn, const struct node_numbers *tree,
                   bool *ret)
{
    ino_nr above;
    int r = store_find_pin(guard->store, tree->items[0], &above);

    *ret = r == 0 && above != STORE_INO_NONE;
    for (size_t i = 0; i < tree->len && r == 0 && !*ret; i++)
        r = txn_has_pin(txn, tree->items[i], ret);
    return r;
}

static int weigh(struct guard *guard, struct store_txn *txn, const struct node *node)
{
    struct node_numbers tree = { 0 };
    bool is_counted, is_pinned = false;
    int r = is_counted_above(txn, guard->context->drive->id, node, &is_counted);

    if (r == 0)
        r = delete_list_tree(txn, node->attr.ino, &tree);
    if (r == 0 && !is_counted)
        guard->removed += (int64_t)tree.len;
    if (r == 0)
        r = has_pin(guard, txn, &tree, &is_pinned);
    if (r == 0 && is_pinned)
        (void)node_numbers_push(&guard->pinned, node->attr.ino);
    node_numbers_clear(&tree);
    return r;
}

static int weigh_item(struct store_txn *txn, const struct item *item, void *arg)
{
    struct guard *guard = arg;
    struct node node;
    int r = txn_find_node(txn, guard->context->drive->id, item->id, &node);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = weigh(guard, txn, &node);
    node_clear(&node);
    return r;
}

/* As what a full enumeration lacks, and as if it had been asked for already. */
static int hold(struct store_txn *txn, const struct apply_context *context, ino_nr ino)
{
    struct node node;
    int r = txn_get_node(txn, ino, &node);

    if (r < 0)
        return r;
    r = txn_put_missing(txn, &(struct missing_row){
                                 .ino = ino,
                                 .drive = context->drive->id,
                                 .since_ms = context->now_ms,
                                 .asked_ms = context->now_ms,
                                 .first_404_ms = context->now_ms,
                                 .held = true,
                             });
    if (r == 0)
        r = txn_unstage(txn, context->drive->id, node.rid);
    node_clear(&node);
    return r;
}

static int hold_if_too_many(struct guard *guard, struct store_txn *txn)
{
    int64_t total = 0;
    int r = txn_count_rows(txn, guard->context->drive->id, &total);

    if (r < 0 || !removal_is_too_big(guard->removed, total))
        return r;
    for (size_t i = 0; i < guard->pinned.len && r == 0; i++)
        r = hold(txn, guard->context, guard->pinned.items[i]);
    log_warn("sync",
             "%lld items of %lld were deleted on the server all at once: what is pinned of them "
             "is kept until their removal is confirmed",
             (long long)guard->removed, (long long)total);
    return r;
}

int guard_hold_pinned(struct store *store, struct store_txn *txn,
                      const struct apply_context *context)
{
    struct guard guard = { .store = store, .context = context };
    bool has_pins = false;
    int r = store_list_pins(store, 0, note_any, &has_pins);

    if (r < 0 || !has_pins)
        return r;
    r = txn_each_removed(txn, context->drive->id, weigh_item, &guard);
    if (r == 0 && guard.pinned.len > 0)
        r = hold_if_too_many(&guard, txn);
    node_numbers_clear(&guard.pinned);
    return r;
}
