/* SPDX-License-Identifier: MIT */
/*
 * What is to be sent: rows whose local state differs from base. Nothing lists them but an index
 * over the rows themselves (see schema.h), which holds next to nothing in a store that is in step.
 */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>
#include <string.h>

static int64_t whole(int64_t time_ns, int64_t granularity_ns)
{
    int64_t rest = time_ns % granularity_ns;

    return time_ns - (rest < 0 ? rest + granularity_ns : rest);
}

unsigned node_dirty(const struct node *node, int64_t granularity_ns)
{
    const struct node_state *local = &node->local, *base = &node->base;
    bool has_local = node->attr.flags & NODE_LOCAL, has_base = node->attr.flags & NODE_BASE;
    unsigned dirty = 0;

    if (!has_base)
        return has_local ? DIRTY_CREATED : 0;
    if (!has_local)
        return DIRTY_DELETED;
    if (local->parent != base->parent ||
        (!(node->attr.flags & NODE_SAFE_NAME) && strcmp(local->name, base->name) != 0))
        dirty |= DIRTY_PLACE;
    if (node->attr.kind != NODE_FILE)
        return dirty;
    if (local->generation != base->generation)
        dirty |= DIRTY_CONTENT;
    if (whole(local->mtime_ns, granularity_ns) != whole(base->mtime_ns, granularity_ns))
        dirty |= DIRTY_MTIME;
    return dirty;
}

static int list_rows(struct sql_conn *conn, enum statement which, ino_nr after,
                     store_child_fn *each, void *arg)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(conn, which);

    if (!statement)
        return sql_error(conn);
    SQL_BIND(statement, sql_number((int64_t)after));
    return read_children(statement, each, arg);
}

int store_list_dirty(struct store *store, ino_nr after, store_child_fn *each, void *arg)
{
    struct sql_conn *conn = store_reader(store);

    return conn ? list_rows(conn, STMT_NODE_DIRTY, after, each, arg) : -EIO;
}

int txn_list_dirty(struct store_txn *txn, ino_nr after, store_child_fn *each, void *arg)
{
    return list_rows(txn->conn, STMT_NODE_DIRTY, after, each, arg);
}

int store_list_local_only(struct store *store, ino_nr after, store_child_fn *each, void *arg)
{
    struct sql_conn *conn = store_reader(store);

    return conn ? list_rows(conn, STMT_NODE_LOCAL_ONLY, after, each, arg) : -EIO;
}

int txn_list_local_only(struct store_txn *txn, ino_nr after, store_child_fn *each, void *arg)
{
    return list_rows(txn->conn, STMT_NODE_LOCAL_ONLY, after, each, arg);
}

static int read_number(struct store *store, enum statement id, int64_t *ret)
{
    struct sql_conn *conn = store_reader(store);

    return conn ? sql_get(conn, id, ret, NULL, 0) : -EIO;
}

int store_sum_dirty(struct store *store, int64_t *ret)
{
    return read_number(store, STMT_NODE_SUM_DIRTY, ret);
}

int store_count_conflicts(struct store *store, int64_t *ret)
{
    return read_number(store, STMT_NODE_COUNT_CONFLICTS, ret);
}

int store_list_conflicts(struct store *store, ino_nr after, store_child_fn *each, void *arg)
{
    struct sql_conn *conn = store_reader(store);

    return conn ? list_rows(conn, STMT_NODE_CONFLICTS, after, each, arg) : -EIO;
}

int store_count_dirty(struct store *store, int64_t *ret)
{
    return read_number(store, STMT_NODE_COUNT_DIRTY, ret);
}

int store_count_deleted(struct store *store, store_count_fn *each, void *arg)
{
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement =
        conn ? sql_statement(conn, STMT_NODE_COUNT_DELETED) : NULL;
    int r;

    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    while ((r = sql_step(statement)) == 1)
        if (!each(sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1), arg))
            return 0;
    return r;
}

int store_count_items(struct store *store, int64_t drive, int64_t *ret)
{
    struct sql_conn *conn = store_reader(store);

    return conn ? SQL_GET(conn, STMT_NODE_COUNT_ITEMS, ret, sql_number(drive)) : -EIO;
}
