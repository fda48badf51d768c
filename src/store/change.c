/* SPDX-License-Identifier: MIT */
/*
 * What a transaction will tell the listener.
 *
 * The kernel may hold a name or an ENOENT only for what it was shown. So a name that goes is always
 * told, and one that appears only in a directory whose children have been listed: in the first
 * round, which makes rows by the million, nothing is told and no directory's mtime moves.
 *
 * Each directory in which a name appeared or went is told once, at the end, with a new mtime. The
 * kernel keeps whole listings: what it reads of one while a name is being told it may keep until
 * the directory itself is told, so that comes after the names.
 *
 * What the kernel asked for it knows, the directory's new mtime included: such changes are marked
 * as own. A directory that somebody else changed in the same transaction is told all the same.
 */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static bool is_visible(const struct node *node)
{
    return node && node->attr.flags & NODE_LOCAL && node->local.parent != STORE_INO_NONE;
}

/* A row made because a child told of it: nobody has been shown its number. */
static bool is_placeholder(const struct node *node)
{
    return node->local.parent == STORE_INO_NONE && node->local.name[0] == '\0' &&
           node->attr.ino != STORE_INO_ROOT;
}

static bool is_same_place(const struct node *a, const struct node *b)
{
    return a->local.parent == b->local.parent && strcmp(a->local.name, b->local.name) == 0;
}

static void tell_name(struct store_txn *txn, enum change_kind kind, const struct node *node)
{
    (void)change_list_push(&txn->changes, (struct change){
                                              .kind = kind,
                                              .parent = node->local.parent,
                                              .ino = node->attr.ino,
                                              .name = x_strdup(node->local.name),
                                              .is_own = txn->is_own,
                                          });
}

static void tell_inode(struct store_txn *txn, enum change_kind kind, ino_nr parent, ino_nr ino)
{
    (void)change_list_push(
        &txn->changes,
        (struct change){ .kind = kind, .parent = parent, .ino = ino, .is_own = txn->is_own });
}

static bool is_same_touch(const struct touched *a, const struct touched *b)
{
    return a->ino == b->ino && a->time_ns == b->time_ns && a->is_own == b->is_own;
}

void txn_touch(struct store_txn *txn, ino_nr directory, int64_t time_ns)
{
    const struct touched touched = { directory, time_ns, txn->is_own };
    struct touched_list *list = &txn->touched;

    if (list->len == 0 || !is_same_touch(&list->items[list->len - 1], &touched))
        (void)touched_list_push(list, touched);
}

/* Can the kernel hold a negative entry, or a listing, of this directory? */
static int was_listed(struct store_txn *txn, ino_nr directory, bool *ret)
{
    struct node_attr attr;
    int r = read_attr(txn->conn, directory, &attr);

    if (r == -ENOENT) {
        *ret = false;
        return 0;
    }
    if (r == 0)
        *ret = attr.flags & (NODE_COMPLETE | NODE_WAS_COMPLETE) || attr.listed_ms != 0;
    return r;
}

static void note_gone(struct store_txn *txn, const struct node *before, bool is_removed)
{
    tell_name(txn, is_removed ? CHANGE_DELETED : CHANGE_ENTRY, before);
    txn_touch(txn, before->local.parent, TOUCHED_AT_COMMIT);
}

static int note_appeared(struct store_txn *txn, const struct node *after)
{
    bool listed;
    int r = was_listed(txn, after->local.parent, &listed);

    if (r == 0 && listed) {
        tell_name(txn, CHANGE_ENTRY, after);
        txn_touch(txn, after->local.parent, TOUCHED_AT_COMMIT);
    }
    return r;
}

/* A move is told as well: lookups in the former directory may be under way, and whoever tells of a
 * later change asks only after those in the directory of that time. */
static void note_attributes(struct store_txn *txn, const struct node *before,
                            const struct node *after, bool is_moved)
{
    bool is_file = after->attr.kind == NODE_FILE;

    if (is_file && (before->local.generation != after->local.generation ||
                    before->local.size != after->local.size))
        tell_inode(txn, CHANGE_CONTENT, before->local.parent, before->attr.ino);
    else if (is_moved || before->local.mtime_ns != after->local.mtime_ns ||
             (before->attr.flags ^ after->attr.flags) & NODE_MALWARE ||
             before->attr.kind != after->attr.kind)
        tell_inode(txn, CHANGE_ATTR, before->local.parent, before->attr.ino);
}

int change_note(struct store_txn *txn, const struct node *before, const struct node *after)
{
    bool was_visible = is_visible(before), now_visible = is_visible(after);
    bool is_moved = was_visible != now_visible || (was_visible && !is_same_place(before, after));
    int r = 0;

    if (was_visible && is_moved)
        note_gone(txn, before, !after || !(after->attr.flags & NODE_LOCAL));
    if (now_visible && is_moved)
        r = note_appeared(txn, after);
    if (r == 0 && before && after && (after->attr.flags & NODE_LOCAL) && !is_placeholder(before))
        note_attributes(txn, before, after, is_moved);
    return r < 0 ? r : unused_note_row(txn, before, after);
}

void change_note_attr(struct store_txn *txn, const struct node_attr *attr)
{
    if (attr->flags & NODE_LOCAL && attr->parent != STORE_INO_NONE)
        tell_inode(txn, CHANGE_ATTR, attr->parent, attr->ino);
}

/* ---- directories ---- */

static int compare_touched(const void *a, const void *b)
{
    const struct touched *left = a, *right = b;

    return (left->ino > right->ino) - (left->ino < right->ino);
}

/* All touches of one directory in one, which stands first; returns how many they were. */
static size_t merge_touches(struct touched *touched, size_t count)
{
    size_t same = 1;

    for (; same < count && touched[same].ino == touched->ino; same++) {
        touched->is_own = touched->is_own && touched[same].is_own;
        if (touched[same].time_ns > touched->time_ns)
            touched->time_ns = touched[same].time_ns;
    }
    return same;
}

static int touch_directory(struct store_txn *txn, const struct touched *touched)
{
    int64_t now_ns = clock_real_ms(txn->store->clock) * 1000000, parent;
    bool has_time = touched->time_ns != TOUCHED_AT_COMMIT;
    int r = SQL_GET(txn->conn, STMT_NODE_TOUCH, &parent, sql_number((int64_t)touched->ino),
                    sql_number(has_time ? touched->time_ns : now_ns));

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    (void)change_list_push(&txn->changes, (struct change){
                                              .kind = CHANGE_LISTING,
                                              .parent = (ino_nr)parent,
                                              .ino = touched->ino,
                                              .is_own = touched->is_own,
                                          });
    return 0;
}

int change_touch_parents(struct store_txn *txn)
{
    struct touched_list *list = &txn->touched;
    size_t same;

    if (list->len > 1)
        qsort(list->items, list->len, sizeof *list->items, compare_touched);
    for (size_t i = 0; i < list->len; i += same) {
        int r;

        same = merge_touches(&list->items[i], list->len - i);
        r = touch_directory(txn, &list->items[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- open files ---- */

/* Moves the row to number `to`; its place is then the change's. */
static int move_row(struct sql_conn *conn, struct change *change, ino_nr to)
{
    static const enum statement side_tables[] = {
        STMT_REMOTE_RENUMBER, STMT_SHORTCUT_RENUMBER, STMT_MISSING_RENUMBER, STMT_PIN_RENUMBER,
        STMT_ATTR_RENUMBER,   STMT_XATTR_RENUMBER,    STMT_INTENT_RENUMBER,  STMT_BLOCKED_RENUMBER,
    };
    const struct sql_value old_ino = sql_number((int64_t)change->ino);
    const struct sql_value new_ino = sql_number((int64_t)to);
    cleanup_statement sqlite3_stmt *statement = sql_statement(conn, STMT_NODE_RENUMBER);
    int r;

    if (!statement)
        return sql_error(conn);
    SQL_BIND(statement, old_ino, new_ino);
    r = sql_step(statement);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    change->parent = (ino_nr)sqlite3_column_int64(statement, 0);
    free(change->name);
    change->name = sql_column_copy(statement, 1);
    r = sql_step(statement);
    for (size_t i = 0; i < sizeof side_tables / sizeof *side_tables && r == 0; i++)
        r = SQL_RUN(conn, side_tables[i], old_ino, new_ino);
    return r;
}

/* Whether it tells of the content or attributes of the file that had this number. */
static bool is_about(const struct change *change, ino_nr ino)
{
    return change->ino == ino && (change->kind == CHANGE_CONTENT || change->kind == CHANGE_ATTR);
}

/* What was to be told of the old number's content and attributes isn't true of it any more. */
static void drop_changes_of(struct change_list *changes, ino_nr ino)
{
    struct change_list kept = { 0 };

    for (size_t i = 0; i < changes->len; i++) {
        if (is_about(&changes->items[i], ino))
            free(changes->items[i].name);
        else
            (void)change_list_push(&kept, changes->items[i]);
    }
    change_list_clear(changes);
    *changes = kept;
}

static int renumber(struct store_txn *txn, const struct change *content)
{
    struct change entry = { .kind = CHANGE_ENTRY, .ino = content->ino };
    ino_nr old_ino = content->ino;
    int64_t next;
    int r = sql_get(txn->conn, STMT_INO_NEXT, &next, NULL, 0);

    if (r == 0)
        r = move_row(txn->conn, &entry, (ino_nr)next);
    drop_changes_of(&txn->changes, old_ino);
    if (r == 0) {
        entry.ino = (ino_nr)next;
        (void)change_list_push(&txn->changes, entry);
        (void)change_list_push(&txn->changes,
                               (struct change){ .kind = CHANGE_LISTING, .ino = entry.parent });
        return 0;
    }
    free(entry.name);
    return r == -ENOENT ? 0 : r; /* the row went later in the same transaction */
}

int change_renumber(struct store_txn *txn)
{
    struct store *store = txn->store;
    size_t i = 0;

    if (!store->is_open)
        return 0;
    while (i < txn->changes.len) {
        const struct change *change = &txn->changes.items[i];
        int r;

        if (change->kind != CHANGE_CONTENT || change->is_own ||
            !store->is_open(change->ino, store->is_open_arg)) {
            i++;
            continue;
        }
        r = renumber(txn, change);
        if (r < 0)
            return r;
        i = 0; /* what is before it may have been dropped too */
    }
    return 0;
}

void change_clear(struct change_list *changes)
{
    for (size_t i = 0; i < changes->len; i++)
        free(changes->items[i].name);
    change_list_clear(changes);
}
