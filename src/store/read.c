/* SPDX-License-Identifier: MIT */
/*
 * Reads. Each is one statement, so what it gives is one committed state; the kernel's handlers get
 * by without allocating. Those with a connection as first argument serve transactions too.
 */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/xalloc.h"

enum { PATH_MAX_BYTES = 16 * 1024 * 1024 };

/* Steps to the only row: 0, or -ENOENT. */
static int step_to_row(sqlite3_stmt *statement)
{
    int r = sql_step(statement);

    if (r < 0)
        return r;
    return r == 1 ? 0 : -ENOENT;
}

int read_attr(struct sql_conn *conn, ino_nr ino, struct node_attr *ret)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(conn, STMT_NODE_ATTR);
    int r;

    if (!statement)
        return sql_error(conn);
    SQL_BIND(statement, sql_number((int64_t)ino));
    r = step_to_row(statement);
    if (r == 0)
        node_read_attr(statement, ret);
    return r;
}

int read_lookup(struct sql_conn *conn, ino_nr parent, const char *name, struct node_attr *ret)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(conn, STMT_NODE_LOOKUP);
    int r;

    if (!statement)
        return sql_error(conn);
    SQL_BIND(statement, sql_number((int64_t)parent), sql_text(name));
    r = step_to_row(statement);
    if (r == 0)
        node_read_attr(statement, ret);
    return r;
}

int read_node(struct sql_conn *conn, ino_nr ino, struct node *ret)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(conn, STMT_NODE_WHOLE);
    int r;

    if (!statement)
        return sql_error(conn);
    SQL_BIND(statement, sql_number((int64_t)ino));
    r = step_to_row(statement);
    if (r == 0)
        node_read(statement, ret);
    return r;
}

int read_children(sqlite3_stmt *statement, store_child_fn *each, void *arg)
{
    int r;

    while ((r = sql_step(statement)) == 1) {
        struct node_attr attr;

        node_read_attr(statement, &attr);
        if (!each(&attr, sql_column(statement, NODE_LIST_NAME), arg))
            return 0;
    }
    return r;
}

int read_list(struct sql_conn *conn, ino_nr parent, ino_nr after, store_child_fn *each, void *arg)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(conn, STMT_NODE_LIST);

    if (!statement)
        return sql_error(conn);
    SQL_BIND(statement, sql_number((int64_t)parent), sql_number((int64_t)after));
    return read_children(statement, each, arg);
}

int store_list_by_name(struct store *store, ino_nr parent, const char *after, store_child_fn *each,
                       void *arg)
{
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement =
        conn ? sql_statement(conn, STMT_NODE_LIST_NAMES) : NULL;

    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    SQL_BIND(statement, sql_number((int64_t)parent), sql_text(after));
    return read_children(statement, each, arg);
}

int store_getattr(struct store *store, ino_nr ino, struct node_attr *ret)
{
    struct sql_conn *conn = store_reader(store);

    return conn ? read_attr(conn, ino, ret) : -EIO;
}

int store_lookup(struct store *store, ino_nr parent, const char *name, struct node_attr *ret)
{
    struct sql_conn *conn = store_reader(store);

    return conn ? read_lookup(conn, parent, name, ret) : -EIO;
}

int store_get_node(struct store *store, ino_nr ino, struct node *ret)
{
    struct sql_conn *conn = store_reader(store);

    return conn ? read_node(conn, ino, ret) : -EIO;
}

int store_find_content(struct store *store, uint64_t generation, ino_nr *ret)
{
    struct sql_conn *conn = store_reader(store);
    int64_t ino;
    int r =
        conn ? SQL_GET(conn, STMT_NODE_BY_CONTENT, &ino, sql_number((int64_t)generation)) : -EIO;

    if (r == 0)
        *ret = (ino_nr)ino;
    return r;
}

int store_list(struct store *store, ino_nr parent, ino_nr after, store_child_fn *each, void *arg)
{
    struct sql_conn *conn = store_reader(store);

    return conn ? read_list(conn, parent, after, each, arg) : -EIO;
}

int store_path(struct store *store, ino_nr ino, char **ret)
{
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement = conn ? sql_statement(conn, STMT_NODE_PATH) : NULL;
    cleanup_strbuf struct strbuf path;
    bool is_root = true, is_placed = false;
    int r;

    strbuf_init(&path, PATH_MAX_BYTES);
    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    SQL_BIND(statement, sql_number((int64_t)ino));
    while ((r = sql_step(statement)) == 1) {
        if (is_root)
            is_placed = sqlite3_column_int64(statement, 0) == STORE_INO_ROOT;
        else
            (void)strbuf_addf(&path, "/%s", sql_column(statement, 1));
        is_root = false;
    }
    if (r < 0)
        return r;
    if (!is_placed)
        return -ENOENT;
    if (path.len == 0)
        (void)strbuf_addch(&path, '/');
    if (strbuf_error(&path) < 0)
        return strbuf_error(&path);
    *ret = strbuf_steal(&path);
    return 0;
}

int store_counts(struct store *store, struct store_counts *ret)
{
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement = conn ? sql_statement(conn, STMT_NODE_COUNTS) : NULL;
    int r;

    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    r = step_to_row(statement);
    if (r < 0)
        return r;
    *ret = (struct store_counts){
        .nodes = sqlite3_column_int64(statement, 0),
        .folders = sqlite3_column_int64(statement, 1),
        .bytes = sqlite3_column_int64(statement, 2),
        .held = sqlite3_column_int64(statement, 3),
    };
    return 0;
}
