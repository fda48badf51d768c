/* SPDX-License-Identifier: MIT */
/*
 * Removals. A folder goes with all that the server had in it: that is the tree of base places,
 * wherever the rows are shown. What was changed here and not sent stays, as local-only, with the
 * folders that it is shown in; so do these folders for what the user moved into them, which the
 * server has elsewhere. What was but moved goes: only what was written here could be sent.
 *
 * The tree below is walked level by level with a list, not by recursion: how deep it is, is the
 * server's choice.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "sync/apply_i.h"

/* The rows of a tree, parents first. */
struct doomed {
    struct node_numbers inos;
    struct node_numbers guests; /* shown in one of them, and not the server's there */

    struct doomed_index {
        ino_nr ino;
        size_t index;
    } * sorted; /* of inos */

    bool *stays; /* for each of inos */
};

static void doomed_clear(struct doomed *doomed)
{
    node_numbers_clear(&doomed->inos);
    node_numbers_clear(&doomed->guests);
    free(doomed->sorted);
    free(doomed->stays);
}

static int add_children(struct store_txn *txn, ino_nr parent, struct doomed *doomed)
{
    cleanup_free ino_nr *related = NULL;
    size_t count = 0;
    int r = txn_list_related(txn, parent, &related, &count);

    for (size_t i = 0; i < count && r == 0; i++) {
        struct node node;

        r = txn_get_node(txn, related[i], &node);
        if (r < 0)
            break;
        if (node.attr.flags & NODE_BASE && node.base.parent == parent)
            (void)node_numbers_push(&doomed->inos, related[i]);
        else if (node.attr.flags & NODE_LOCAL && node.local.parent == parent)
            (void)node_numbers_push(&doomed->guests, related[i]);
        node_clear(&node);
    }
    return r;
}

static int list_tree(struct store_txn *txn, ino_nr top, struct doomed *ret)
{
    int r = 0;

    (void)node_numbers_push(&ret->inos, top);
    for (size_t i = 0; i < ret->inos.len && r == 0; i++)
        r = add_children(txn, ret->inos.items[i], ret);
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

/* ---- what stays ---- */

static int compare_index(const void *a, const void *b)
{
    const struct doomed_index *left = a, *right = b;

    return (left->ino > right->ino) - (left->ino < right->ino);
}

static void sort_tree(struct doomed *doomed)
{
    size_t count = doomed->inos.len;

    doomed->stays = x_calloc(count, sizeof *doomed->stays);
    doomed->sorted = x_calloc(count, sizeof *doomed->sorted);
    for (size_t i = 0; i < count; i++)
        doomed->sorted[i] = (struct doomed_index){ .ino = doomed->inos.items[i], .index = i };
    qsort(doomed->sorted, count, sizeof *doomed->sorted, compare_index);
}

static const struct doomed_index *find_doomed(const struct doomed *doomed, ino_nr ino)
{
    const struct doomed_index key = { .ino = ino };

    return bsearch(&key, doomed->sorted, doomed->inos.len, sizeof *doomed->sorted, compare_index);
}

/* The folders that it is shown in, from this one upwards; but not one that nobody has told of,
 * which has no name to be made again under. */
static int keep_folders(struct store_txn *txn, struct doomed *doomed, ino_nr folder)
{
    while (folder != STORE_INO_NONE) {
        const struct doomed_index *found = find_doomed(doomed, folder);
        struct node node;
        int r;

        if (found && doomed->stays[found->index])
            return 0;
        r = txn_get_node(txn, folder, &node);
        if (r < 0)
            return r == -ENOENT ? 0 : r;
        folder = node.local.parent;
        if (found && (folder != STORE_INO_NONE || *node.local.name))
            doomed->stays[found->index] = true;
        node_clear(&node);
    }
    return 0;
}

/* Of what was but moved there is nothing that could be made again. */
static bool is_unsent(const struct node *node)
{
    return node_dirty(node, APPLY_MTIME_GRANULARITY_NS) & (DIRTY_CREATED | DIRTY_CONTENT);
}

/* Who writes to what he has removed keeps no row. */
static bool is_written_on(struct store_txn *txn, const struct node *node)
{
    return node->attr.flags & NODE_LOCAL && txn_is_being_written(txn, node->attr.ino);
}

static int keep_unsent(struct store_txn *txn, struct doomed *doomed, size_t index)
{
    struct node node;
    int r = txn_get_node(txn, doomed->inos.items[index], &node);

    if (r < 0)
        return r;
    if (is_unsent(&node) || is_written_on(txn, &node)) {
        doomed->stays[index] = true;
        r = keep_folders(txn, doomed, node.local.parent);
    }
    node_clear(&node);
    return r;
}

static int keep_for_guest(struct store_txn *txn, struct doomed *doomed, ino_nr guest)
{
    struct node_attr attr;
    int r;

    if (find_doomed(doomed, guest))
        return 0;
    r = txn_getattr(txn, guest, &attr);
    return r < 0 ? r : keep_folders(txn, doomed, attr.parent);
}

static int mark(struct store_txn *txn, struct doomed *doomed)
{
    int r = 0;

    for (size_t i = 0; i < doomed->inos.len && r == 0; i++)
        r = keep_unsent(txn, doomed, i);
    for (size_t i = 0; i < doomed->guests.len && r == 0; i++)
        r = keep_for_guest(txn, doomed, doomed->guests.items[i]);
    return r;
}

/* ---- what becomes of each ---- */

static bool has_no_place(const struct doomed *doomed, const struct node *node)
{
    const struct doomed_index *folder = find_doomed(doomed, node->local.parent);

    return node->local.parent == STORE_INO_NONE || (folder && !doomed->stays[folder->index]);
}

/* The server has it no more, the user has: as if it had been made here. Who was put to no place
 * goes to the top of the drive: he would be lost there. */
static int make_local_only(struct applying *applying, const struct doomed *doomed,
                           struct node *node)
{
    bool is_based = node->attr.flags & NODE_BASE;
    cleanup_free char *name = x_strdup(is_based ? node->base.name : node->local.name);
    int r = 0;

    if (has_no_place(doomed, node))
        r = place_follow(applying, node, applying->context->drive->root, name);
    if (r < 0)
        return r;
    node->attr.flags &= ~(unsigned)(NODE_BASE | NODE_REMOTE | NODE_HAS_HASH | NODE_SAFE_NAME);
    node->attr.flags |= NODE_LOCAL;
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

static int keep_deletion(struct applying *applying, struct node *node)
{
    node->attr.flags |= NODE_REMOTE;
    node->remote_deleted = true;
    return txn_put_node(applying->txn, node);
}

/* It is shown in a folder that goes. */
static int settle_guest(struct applying *applying, const struct doomed *doomed, ino_nr ino)
{
    struct node node;
    int r = txn_get_node(applying->txn, ino, &node);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (has_no_place(doomed, &node)) {
        bool is_based = node.attr.flags & NODE_BASE;
        cleanup_free char *name = x_strdup(is_based ? node.base.name : node.local.name);

        r = place_follow(applying, &node,
                         is_based ? node.base.parent : applying->context->drive->root, name);
        if (r == 0)
            r = txn_put_node(applying->txn, &node);
    }
    node_clear(&node);
    return r;
}

static int settle_doomed(struct applying *applying, const struct doomed *doomed, size_t index)
{
    struct node node;
    int r = txn_get_node(applying->txn, doomed->inos.items[index], &node);

    if (r < 0)
        return r;
    if (!doomed->stays[index]) {
        /* What isn't shown in one of these leaves a name behind. */
        if (index == 0 || !find_doomed(doomed, node.local.parent))
            place_note_freed(applying, &node);
        r = remove_row(applying, &node);
    } else if (node.attr.kind == NODE_FILE && !is_unsent(&node)) {
        r = keep_deletion(applying, &node); /* it is being written */
    } else if (node.attr.flags & (NODE_BASE | NODE_REMOTE)) {
        r = make_local_only(applying, doomed, &node);
    }
    node_clear(&node);
    return r;
}

int delete_tree(struct applying *applying, ino_nr top)
{
    struct doomed doomed = { 0 };
    int r = list_tree(applying->txn, top, &doomed);

    if (r == 0) {
        sort_tree(&doomed);
        r = mark(applying->txn, &doomed);
    }
    for (size_t i = 0; i < doomed.guests.len && r == 0; i++)
        r = settle_guest(applying, &doomed, doomed.guests.items[i]);
    for (size_t i = doomed.inos.len; i-- > 0 && r == 0;)
        r = settle_doomed(applying, &doomed, i);
    doomed_clear(&doomed);
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
