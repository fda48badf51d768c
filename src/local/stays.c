/* SPDX-License-Identifier: MIT */
/*
 * Rows that aren't sent, as far as others decide it: a folder above them, whose name has changed,
 * or the list of such names.
 */
#include "config.h"

#include "local/local_i.h"

#include "base/vec.h"

DEFINE_VEC(row_numbers, ino_nr);

static bool add_row(const struct node_attr *attr, const char *name, void *arg)
{
    (void)name;
    if (!(attr->flags & NODE_BASE) && attr->flags & NODE_LOCAL)
        (void)row_numbers_push(arg, attr->ino);
    return true;
}

/* *ret_attr is what the row is then; *ret: it has changed. */
static int mark(struct store_txn *txn, ino_nr ino, struct node_attr *ret_attr, bool *ret)
{
    struct node node;
    unsigned before;
    int r = txn_get_node(txn, ino, &node);

    if (r < 0)
        return r;
    before = node.attr.flags;
    r = place_mark(txn, &node);
    *ret = (before ^ node.attr.flags) & NODE_LOCAL_ONLY;
    if (r == 0 && *ret)
        r = txn_put_node(txn, &node);
    *ret_attr = node.attr;
    node_clear(&node);
    return r;
}

int stays_mark_below(struct store_txn *txn, const struct node_attr *folder)
{
    struct row_numbers rows = { 0 };
    int r = folder->kind == NODE_FOLDER ? txn_list(txn, folder->ino, 0, add_row, &rows) : 0;

    for (size_t i = 0; i < rows.len && r == 0; i++) {
        struct node_attr attr;
        bool has_changed = false;

        r = mark(txn, rows.items[i], &attr, &has_changed);
        if (r == 0 && has_changed && attr.kind == NODE_FOLDER)
            r = txn_list(txn, attr.ino, 0, add_row, &rows);
    }
    row_numbers_clear(&rows);
    return r;
}

static int mark_all(struct store_txn *txn, const struct row_numbers *rows)
{
    int r = 0;

    for (size_t i = 0; i < rows->len && r == 0; i++) {
        struct node_attr attr;
        bool has_changed = false;

        r = mark(txn, rows->items[i], &attr, &has_changed);
        if (r == 0 && has_changed)
            r = stays_mark_below(txn, &attr);
    }
    return r;
}

int local_refresh_names(struct store_txn *txn, const char *patterns)
{
    struct row_numbers rows = { 0 };
    bool is_new = false;
    int r = txn_note_local_only(txn, patterns, &is_new);

    if (r == 0 && is_new)
        r = txn_list_local_only(txn, 0, add_row, &rows);
    if (r == 0 && is_new)
        r = txn_list_dirty(txn, 0, add_row, &rows);
    if (r == 0)
        r = mark_all(txn, &rows);
    row_numbers_clear(&rows);
    return r;
}
