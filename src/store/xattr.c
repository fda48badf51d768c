/* SPDX-License-Identifier: MIT */
/* Extended attributes: what programs keep beside a file or folder. They stay on this machine. */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/xalloc.h"

static int check_flags(struct store_txn *txn, ino_nr ino, const char *name, int flags)
{
    int64_t one;
    int r = SQL_GET(txn->conn, STMT_XATTR_HAS, &one, sql_number((int64_t)ino), sql_text(name));

    if (r < 0 && r != -ENOENT)
        return r;
    if (flags & XATTR_CREATE && r == 0)
        return -EEXIST;
    return flags & XATTR_REPLACE && r == -ENOENT ? -ENODATA : 0;
}

int txn_set_xattr(struct store_txn *txn, ino_nr ino, const char *name, const void *value,
                  size_t size, int flags)
{
    struct node_attr node;
    int r;

    if (strlen(name) > STORE_XATTR_NAME_MAX)
        return -ERANGE;
    if (size > STORE_XATTR_VALUE_MAX)
        return -E2BIG;
    r = read_attr(txn->conn, ino, &node);
    if (r == 0)
        r = check_flags(txn, ino, name, flags);
    return r < 0 ? r
                 : SQL_RUN(txn->conn, STMT_XATTR_SET, sql_number((int64_t)ino), sql_text(name),
                           sql_blob(value, size));
}

int txn_remove_xattr(struct store_txn *txn, ino_nr ino, const char *name)
{
    int r = check_flags(txn, ino, name, XATTR_REPLACE);

    return r < 0 ? r
                 : SQL_RUN(txn->conn, STMT_XATTR_DELETE, sql_number((int64_t)ino), sql_text(name));
}

int store_get_xattr(struct store *store, ino_nr ino, const char *name, char **ret, size_t *ret_size)
{
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement = conn ? sql_statement(conn, STMT_XATTR_GET) : NULL;
    size_t size;
    int r;

    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    SQL_BIND(statement, sql_number((int64_t)ino), sql_text(name));
    r = sql_step(statement);
    if (r <= 0)
        return r < 0 ? r : -ENODATA;
    size = (size_t)sqlite3_column_bytes(statement, 0);
    *ret = x_calloc(1, size + 1);
    if (size > 0)
        memcpy(*ret, sqlite3_column_blob(statement, 0), size);
    *ret_size = size;
    return 0;
}

int store_list_xattrs(struct store *store, ino_nr ino, store_xattr_fn *each, void *arg)
{
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement = conn ? sql_statement(conn, STMT_XATTR_LIST) : NULL;
    int r;

    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    SQL_BIND(statement, sql_number((int64_t)ino));
    while ((r = sql_step(statement)) == 1)
        if (!each(sql_column(statement, 0), arg))
            return 0;
    return r;
}
