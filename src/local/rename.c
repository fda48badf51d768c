/* SPDX-License-Identifier: MIT */
/*
 * Renames. All is looked at before anything is changed. The kernel has locked both directories, but
 * others may have changed rows since it looked at them, so that nothing is taken from it.
 *
 * What the service knows can't be moved to a place that isn't sent: there it would have to be
 * deleted, and here be a new thing. So mv is told that it is another filesystem, and copies.
 */
#include "config.h"

#include "local/local_i.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"

DEFINE_VEC(row_numbers, ino_nr);

struct renaming {
    struct store_txn *txn;
    struct place from, to;
    const char *name, *new_name;
    struct node_attr source, target; /* target.ino is 0: the new name is free */
    unsigned flags;
};

/* ---- what the service knows ---- */

static bool add_child(const struct node_attr *attr, const char *name, void *arg)
{
    (void)name;
    (void)row_numbers_push(arg, attr->ino);
    return true;
}

/* Of the row or of what is in it. */
static int is_any_sent(struct store_txn *txn, ino_nr top, bool *ret)
{
    struct row_numbers rows = { 0 };
    int r = 0;

    *ret = false;
    (void)row_numbers_push(&rows, top);
    for (size_t i = 0; i < rows.len && r == 0 && !*ret; i++) {
        struct node_attr attr;

        r = txn_getattr(txn, rows.items[i], &attr);
        if (r == 0)
            r = row_is_sent(txn, &attr, ret);
        if (r == 0 && !*ret && attr.kind == NODE_FOLDER)
            r = txn_list(txn, attr.ino, 0, add_child, &rows);
    }
    row_numbers_clear(&rows);
    return r;
}

static int check_sent(struct store_txn *txn, ino_nr ino, const struct place *to, const char *name)
{
    bool is_local_only, is_sent;
    int r = place_is_local_only(txn, &to->directory, name, &is_local_only);

    if (r < 0 || !is_local_only)
        return r;
    r = is_any_sent(txn, ino, &is_sent);
    if (r < 0)
        return r;
    return is_sent ? -EXDEV : 0;
}

/* ---- checks ---- */

static int check_flags(unsigned flags)
{
    bool is_known = !(flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE));

    return is_known && flags != (RENAME_NOREPLACE | RENAME_EXCHANGE) ? 0 : -EINVAL;
}

/* Only what node_dirty() speaks of can be moved on the service. */
static int check_movable(const struct node_attr *attr)
{
    return attr->kind == NODE_FILE || attr->kind == NODE_FOLDER ? 0 : -EPERM;
}

/* Would the row be in itself there? */
static int check_loop(struct store_txn *txn, const struct node_attr *attr, ino_nr directory)
{
    struct node_attr above = { .parent = directory };

    while (attr->kind == NODE_FOLDER && above.parent != STORE_INO_NONE) {
        int r;

        if (above.parent == attr->ino)
            return -EINVAL;
        r = txn_getattr(txn, above.parent, &above);
        if (r < 0)
            return r;
    }
    return 0;
}

static int find_rows(struct renaming *renaming)
{
    struct store_txn *txn = renaming->txn;
    int r = txn_lookup(txn, renaming->from.directory.ino, renaming->name, &renaming->source);

    if (r < 0)
        return r;
    r = txn_lookup(txn, renaming->to.directory.ino, renaming->new_name, &renaming->target);
    if (r == -ENOENT) {
        renaming->target.ino = STORE_INO_NONE;
        r = 0;
    }
    return r;
}

static int check_new_name(const struct renaming *renaming)
{
    int r =
        place_check_free(renaming->txn, &renaming->to, renaming->new_name, renaming->source.ino);

    if (renaming->flags & RENAME_EXCHANGE && (r == 0 || r == -EEXIST))
        return -ENOENT;
    return r;
}

static int check_exchange(const struct renaming *renaming)
{
    const struct node_attr *target = &renaming->target;
    int r = check_movable(target);

    if (r == 0)
        r = place_check_name(renaming->name);
    if (r == 0)
        r = check_loop(renaming->txn, target, renaming->from.directory.ino);
    return r < 0 ? r : check_sent(renaming->txn, target->ino, &renaming->from, renaming->name);
}

static int check_replaced(const struct renaming *renaming)
{
    bool is_directory = row_is_directory(&renaming->source);

    if (renaming->flags & RENAME_NOREPLACE)
        return -EEXIST;
    if (is_directory != row_is_directory(&renaming->target))
        return is_directory ? -ENOTDIR : -EISDIR;
    return row_check_removable(renaming->txn, &renaming->target);
}

static int check_target(const struct renaming *renaming)
{
    if (renaming->target.ino == STORE_INO_NONE)
        return check_new_name(renaming);
    return renaming->flags & RENAME_EXCHANGE ? check_exchange(renaming) : check_replaced(renaming);
}

static int check(const struct renaming *renaming)
{
    const struct node_attr *source = &renaming->source;
    int r = place_check_name(renaming->new_name);

    if (r == 0)
        r = check_movable(source);
    if (r == 0 && renaming->from.drive != renaming->to.drive)
        r = -EXDEV;
    if (r == 0)
        r = check_loop(renaming->txn, source, renaming->to.directory.ino);
    if (r == 0)
        r = check_target(renaming);
    return r < 0 ? r : check_sent(renaming->txn, source->ino, &renaming->to, renaming->new_name);
}

/* ---- carrying out ---- */

static int exchange(const struct renaming *renaming, struct local_rename *ret)
{
    int r = place_move(renaming->txn, renaming->source.ino, renaming->to.directory.ino,
                       renaming->new_name, &ret->moved);

    return r < 0 ? r
                 : place_move(renaming->txn, renaming->target.ino, renaming->from.directory.ino,
                              renaming->name, &ret->replaced);
}

static int replace(const struct renaming *renaming, struct local_rename *ret)
{
    int r = 0;

    ret->replaced = renaming->target;
    if (renaming->target.ino != STORE_INO_NONE)
        r = row_remove(renaming->txn, renaming->target.ino);
    if (r == 0)
        r = place_move(renaming->txn, renaming->source.ino, renaming->to.directory.ino,
                       renaming->new_name, &ret->moved);
    return r < 0 ? r
                 : place_settle_name(renaming->txn, renaming->from.directory.ino, renaming->name);
}

static int carry_out(const struct renaming *renaming, int64_t now_ns, struct local_rename *ret)
{
    int r = renaming->flags & RENAME_EXCHANGE ? exchange(renaming, ret) : replace(renaming, ret);

    txn_touch(renaming->txn, renaming->from.directory.ino, now_ns);
    txn_touch(renaming->txn, renaming->to.directory.ino, now_ns);
    return r;
}

int local_rename(struct store_txn *txn, ino_nr parent, const char *name, ino_nr new_parent,
                 const char *new_name, unsigned flags, int64_t now_ns, struct local_rename *ret)
{
    struct renaming renaming = { .txn = txn, .name = name, .new_name = new_name, .flags = flags };
    struct local_rename done = { 0 };
    int r = check_flags(flags);

    if (r == 0)
        r = place_find(txn, parent, &renaming.from);
    if (r == 0)
        r = place_find(txn, new_parent, &renaming.to);
    if (r == 0)
        r = find_rows(&renaming);
    if (r < 0)
        return r;
    if (renaming.source.ino == renaming.target.ino && !(flags & RENAME_NOREPLACE)) {
        *ret = (struct local_rename){ .moved = renaming.source };
        return 0;
    }
    r = check(&renaming);
    if (r == 0)
        r = carry_out(&renaming, now_ns, &done);
    if (r == 0)
        *ret = done;
    return r;
}
