/* SPDX-License-Identifier: MIT */
/*
 * Removals. A folder goes with all below it; what was changed here and not sent stays, as
 * local-only, with the folders that it needs. The tree below is walked level by level with a list,
 * not by recursion: how deep it is, is the server's choice.
 *
 * A base place inside the removed tree is gone with it. A row that the user moved into the tree has
 * its base elsewhere and keeps it; one that the user moved out of it goes, too, if that is all that
 * was changed: the server has it no more, and only what was written here could be sent.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "sync/apply_i.h"

/* The rows of a local tree, parents first; `outside` are those that only base has in it. */
struct doomed {
    struct node_numbers inos;
    struct node_numbers parents; /* index of each one's parent in inos */
    struct node_numbers outside;
    ino_nr *sorted; /* of inos */
    bool *stays;    /* for each of inos */
};

static void doomed_clear(struct doomed *doomed)
{
    node_numbers_clear(&doomed->inos);
    node_numbers_clear(&doomed->parents);
    node_numbers_clear(&doomed->outside);
    free(doomed->sorted);
    free(doomed->stays);
}

static int add_children(struct store_txn *txn, size_t index, struct doomed *doomed)
{
    cleanup_free ino_nr *related = NULL;
    ino_nr parent = doomed->inos.items[index];
    size_t count = 0;
    int r = txn_list_related(txn, parent, &related, &count);

    for (size_t i = 0; i < count && r == 0; i++) {
        struct node node;

        r = txn_get_node(txn, related[i], &node);
        if (r < 0)
            break;
        if (node.attr.parent == parent) {
            (void)node_numbers_push(&doomed->inos, related[i]);
            (void)node_numbers_push(&doomed->parents, index);
        } else {
            (void)node_numbers_push(&doomed->outside, related[i]);
        }
        node_clear(&node);
    }
    return r;
}

static int list_tree(struct store_txn *txn, ino_nr top, struct doomed *ret)
{
    int r = 0;

    (void)node_numbers_push(&ret->inos, top);
    (void)node_numbers_push(&ret->parents, 0);
    for (size_t i = 0; i < ret->inos.len && r == 0; i++)
        r = add_children(txn, i, ret);
    return r;
}

int delete_list_tree(struct store_txn *txn, ino_nr top, struct node_numbers *ret)
{
    struct doomed doomed = { 0 };
    int r = list_tree(txn, top, &doomed);

    if (r == 0) {
        *ret = doomed.inos;
        doomed.inos = (struct node_numbers){ 0 };
    }
    doomed_clear(&doomed);
    return r;
}

static int compare_ino(const void *a, const void *b)
{
    const ino_nr *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static void sort_tree(struct doomed *doomed)
{
    size_t count = doomed->inos.len;

    doomed->stays = x_calloc(count, sizeof *doomed->stays);
    doomed->sorted = x_calloc(count, sizeof *doomed->sorted);
    memcpy(doomed->sorted, doomed->inos.items, count * sizeof *doomed->sorted);
    qsort(doomed->sorted, count, sizeof *doomed->sorted, compare_ino);
}

static bool is_doomed(const struct doomed *doomed, ino_nr ino)
{
    return bsearch(&ino, doomed->sorted, doomed->inos.len, sizeof *doomed->sorted, compare_ino);
}

/* The server has it no more, the user has: as if it had been made here. Who was put to no place
 * goes to the top of the drive: he would be lost there. */
static int make_local_only(struct applying *applying, struct node *node)
{
    int r = 0;

    if (node->local.parent == STORE_INO_NONE)
        r = place_follow(applying, node, applying->context->drive->root, node->base.name);
    if (r < 0)
        return r;
    node->attr.flags &= ~(unsigned)(NODE_BASE | NODE_REMOTE | NODE_HAS_HASH | NODE_SAFE_NAME);
    free(node->rid);
    node->rid = NULL;
    return txn_put_node(applying->txn, node);
}

static int remove_row(struct applying *applying, const struct node *node)
{
    struct store_txn *txn = applying->txn;
    struct drive_row drive;
    int r = 0;

    if (node->rid)
        r = txn_put_tombstone(txn, node->attr.drive, node->rid, applying->context->now_ms);
    if (r == 0 && node->attr.flags & NODE_SHORTCUT) {
        r = txn_find_drive_by_root(txn, node->attr.ino, &drive);
        if (r == 0) {
            r = txn_remove_drive(txn, drive.id);
            drive_row_clear(&drive);
        } else if (r == -ENOENT) {
            r = 0; /* of a file: it has no drive of its own */
        }
    }
    return r < 0 ? r : txn_remove_node(txn, node->attr.ino);
}

/* Whether it stays, now that its base place is gone or not: of what was but moved there is nothing
 * that could be made again. */
static bool has_to_stay(const struct node *node, bool base_is_gone)
{
    unsigned unsent = DIRTY_CREATED | DIRTY_CONTENT | (base_is_gone ? 0u : DIRTY_PLACE);

    return node_dirty(node, APPLY_MTIME_GRANULARITY_NS) & unsent;
}

static int keep_deletion(struct applying *applying, struct node *node)
{
    node->attr.flags |= NODE_REMOTE;
    node->remote_deleted = true;
    return txn_put_node(applying->txn, node);
}

static int settle_doomed(struct applying *applying, struct doomed *doomed, size_t index)
{
    struct node node;
    bool base_is_gone;
    int r = txn_get_node(applying->txn, doomed->inos.items[index], &node);

    if (r < 0)
        return r == -ENOENT ? 0 : r; /* a top that went with another */
    base_is_gone = index == 0 || is_doomed(doomed, node.base.parent);
    if (!doomed->stays[index] && !has_to_stay(&node, base_is_gone)) {
        if (txn_is_being_written(applying->txn, node.attr.ino)) {
            doomed->stays[doomed->parents.items[index]] = true;
            r = keep_deletion(applying, &node);
        } else {
            if (index == 0)
                place_note_freed(applying, &node);
            r = remove_row(applying, &node);
        }
    } else {
        if (index > 0)
            doomed->stays[doomed->parents.items[index]] = true;
        if (node.attr.flags & NODE_BASE && base_is_gone)
            r = make_local_only(applying, &node);
    }
    node_clear(&node);
    return r;
}

static int settle_outside(struct applying *applying, const struct doomed *doomed, ino_nr ino,
                          struct node_numbers *tops)
{
    struct node node;
    int r = txn_get_node(applying->txn, ino, &node);

    if (r == -ENOENT)
        return 0; /* it was in the local tree elsewhere, and went with that */
    if (r < 0)
        return r;
    if (node.attr.flags & NODE_BASE && is_doomed(doomed, node.base.parent)) {
        if (node.attr.flags & NODE_LOCAL)
            (void)node_numbers_push(tops, ino);
        else
            r = remove_row(applying, &node);
    }
    node_clear(&node);
    return r;
}

/* What was moved out of it here is added to the tops. */
static int delete_local_tree(struct applying *applying, ino_nr top, struct node_numbers *tops)
{
    struct doomed doomed = { 0 };
    int r = list_tree(applying->txn, top, &doomed);

    if (r == 0)
        sort_tree(&doomed);
    for (size_t i = doomed.inos.len; i-- > 0 && r == 0;)
        r = settle_doomed(applying, &doomed, i);
    for (size_t i = 0; i < doomed.outside.len && r == 0; i++)
        r = settle_outside(applying, &doomed, doomed.outside.items[i], tops);
    doomed_clear(&doomed);
    return r;
}

int delete_tree(struct applying *applying, ino_nr top)
{
    struct node_numbers tops = { 0 };
    int r = 0;

    (void)node_numbers_push(&tops, top);
    for (size_t i = 0; i < tops.len && r == 0; i++)
        r = delete_local_tree(applying, tops.items[i], &tops);
    node_numbers_clear(&tops);
    return r;
}

int apply_existence(struct applying *applying, struct node *node, enum apply_action action)
{
    switch (action) {
    case ACT_NONE:
    case ACT_CHECK:
        return 0;
    case ACT_FOLLOW:
    case ACT_AGREE:
        return delete_tree(applying, node->attr.ino);
    case ACT_KEEP_BESIDE:
        return keep_deletion(applying, node);
    }
    return 0;
}

int apply_delete(struct store_txn *txn, const struct apply_context *context, ino_nr ino,
                 struct err *err)
{
    struct applying applying = { .txn = txn, .context = context };
    const struct apply_view gone = { .deleted = true };
    struct node node;
    int r = txn_get_node(txn, ino, &node);

    if (r == 0) {
        r = order_spare_below(&applying, ino);
        if (r == 0)
            r = apply_existence(&applying, &node,
                                apply_decide(&node, &gone, APPLY_ITEM, context->now_ms).existence);
        node_clear(&node);
    } else if (r == -ENOENT) {
        r = 0; /* it went with a folder above it */
    }
    r = place_settle(&applying, r);
    return r < 0 ? err_set_errno(err, r, "removing what the server deleted") : 0;
}
