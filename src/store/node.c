/* SPDX-License-Identifier: MIT */
/*
 * Nodes inside a transaction. Every change of a row goes through txn_put_node and txn_remove_node,
 * which compare it with the row as it was, so no caller has to know what the kernel must be told.
 */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>

#define SECOND_NS INT64_C(1000000000)

int txn_get_node(struct store_txn *txn, ino_nr ino, struct node *ret)
{
    return read_node(txn->conn, ino, ret);
}

int txn_getattr(struct store_txn *txn, ino_nr ino, struct node_attr *ret)
{
    return read_attr(txn->conn, ino, ret);
}

int txn_find_node(struct store_txn *txn, int64_t drive, const char *rid, struct node *ret)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(txn->conn, STMT_NODE_FIND);
    int r;

    if (!statement)
        return sql_error(txn->conn);
    SQL_BIND(statement, sql_number(drive), sql_text(rid));
    r = sql_step(statement);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    node_read(statement, ret);
    return 0;
}

int txn_lookup(struct store_txn *txn, ino_nr parent, const char *name, struct node_attr *ret)
{
    return read_lookup(txn->conn, parent, name, ret);
}

int txn_list(struct store_txn *txn, ino_nr parent, ino_nr after, store_child_fn *each, void *arg)
{
    return read_list(txn->conn, parent, after, each, arg);
}

int txn_next_name(struct store_txn *txn, ino_nr parent, const char *from, char **ret)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(txn->conn, STMT_NODE_NEXT_NAME);
    int r;

    if (!statement)
        return sql_error(txn->conn);
    SQL_BIND(statement, sql_number((int64_t)parent), sql_text(from));
    r = sql_step(statement);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    *ret = sql_column_copy(statement, 0);
    return 0;
}

int txn_find_waiting(struct store_txn *txn, ino_nr parent, const char *name, ino_nr *ret)
{
    int64_t ino;
    int r =
        SQL_GET(txn->conn, STMT_NODE_WAITING, &ino, sql_number((int64_t)parent), sql_text(name));

    if (r == 0)
        *ret = (ino_nr)ino;
    return r;
}

/* The numbers that a statement gives; the caller frees the list. */
static int list_numbers(struct store_txn *txn, enum statement id, const struct sql_value *values,
                        size_t value_count, ino_nr **ret, size_t *ret_count)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(txn->conn, id);
    struct ino_list list = { 0 };
    int r;

    if (!statement)
        return sql_error(txn->conn);
    sql_bind(statement, values, value_count);
    while ((r = sql_step(statement)) == 1)
        (void)ino_list_push(&list, (ino_nr)sqlite3_column_int64(statement, 0));
    if (r < 0) {
        ino_list_clear(&list);
        return r;
    }
    *ret = list.items;
    *ret_count = list.len;
    return 0;
}

int txn_list_related(struct store_txn *txn, ino_nr directory, ino_nr **ret, size_t *ret_count)
{
    const struct sql_value value = sql_number((int64_t)directory);

    return list_numbers(txn, STMT_NODE_RELATED, &value, 1, ret, ret_count);
}

int txn_find_base_place(struct store_txn *txn, ino_nr parent, const char *name, ino_nr **ret,
                        size_t *ret_count)
{
    const struct sql_value values[] = { sql_number((int64_t)parent), sql_text(name) };

    return list_numbers(txn, STMT_NODE_BASE_PLACE, values, 2, ret, ret_count);
}

int txn_list_held_back(struct store_txn *txn, ino_nr after, ino_nr **ret, size_t *ret_count)
{
    const struct sql_value value = sql_number((int64_t)after);

    return list_numbers(txn, STMT_REMOTE_HELD_BACK, &value, 1, ret, ret_count);
}

int txn_list_with_remote(struct store_txn *txn, ino_nr **ret, size_t *ret_count)
{
    return list_numbers(txn, STMT_REMOTE_PLACED, NULL, 0, ret, ret_count);
}

int txn_put_node(struct store_txn *txn, struct node *node)
{
    struct node before = { 0 };
    bool is_new = node->attr.ino == 0;
    int r = is_new ? 0 : read_node(txn->conn, node->attr.ino, &before);

    if (r < 0)
        return r;
    node->attr.parent = node->local.parent;
    node->attr.size = node->local.size;
    node->attr.mtime_ns = node->local.mtime_ns;
    node->attr.generation = node->local.generation;
    r = node_write(txn->conn, node, is_new);
    if (r == 0)
        r = change_note(txn, is_new ? NULL : &before, node);
    if (r == 0 && !is_new && node_dirty(&before, SECOND_NS) && !node_dirty(node, SECOND_NS))
        r = txn_clear_blocked(txn, node->attr.ino);
    node_clear(&before);
    return r;
}

int txn_count_rows(struct store_txn *txn, int64_t drive, int64_t *ret)
{
    return SQL_GET(txn->conn, STMT_NODE_COUNT, ret, sql_number(drive));
}

int txn_confirm_node(struct store_txn *txn, ino_nr ino, int64_t now_ms)
{
    return SQL_RUN(txn->conn, STMT_NODE_CONFIRM, sql_number((int64_t)ino), sql_number(now_ms));
}

int txn_set_listed(struct store_txn *txn, ino_nr ino, int64_t now_ms)
{
    return SQL_RUN(txn->conn, STMT_NODE_LISTED, sql_number((int64_t)ino), sql_number(now_ms));
}

int txn_remove_node(struct store_txn *txn, ino_nr ino)
{
    static const enum statement tables[] = {
        STMT_REMOTE_DELETE, STMT_SHORTCUT_DELETE,  STMT_MISSING_DELETE, STMT_PIN_DELETE,
        STMT_ATTR_DELETE,   STMT_XATTR_DELETE_ALL, STMT_BLOCKED_DELETE, STMT_NODE_DELETE,
    };
    struct node before;
    int r = read_node(txn->conn, ino, &before);

    if (r < 0)
        return r;
    r = txn_clear_intent(txn, ino);
    if (r == 0)
        r = change_note(txn, &before, NULL);
    for (size_t i = 0; i < sizeof tables / sizeof *tables && r == 0; i++)
        r = SQL_RUN(txn->conn, tables[i], sql_number((int64_t)ino));
    node_clear(&before);
    return r;
}

int txn_next_generation(struct store_txn *txn, uint64_t *ret)
{
    *ret = ++txn->store->generation;
    return 0;
}

int txn_set_complete(struct store_txn *txn, ino_nr ino, bool complete)
{
    if (!complete)
        return SQL_RUN(txn->conn, STMT_NODE_INCOMPLETE, sql_number((int64_t)ino));
    return SQL_RUN(txn->conn, STMT_NODE_COMPLETE, sql_number((int64_t)ino),
                   sql_number(clock_real_ms(txn->store->clock)));
}

int txn_set_all_complete(struct store_txn *txn, int64_t drive, int64_t began_ms)
{
    int r = SQL_RUN(txn->conn, STMT_NODE_ALL_COMPLETE, sql_number(drive));

    return r < 0 ? r
                 : SQL_RUN(txn->conn, STMT_NODE_MISSING_INCOMPLETE, sql_number(drive),
                           sql_number(began_ms));
}
