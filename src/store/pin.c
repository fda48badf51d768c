/* SPDX-License-Identifier: MIT */
/* Pins: the rows that somebody wants to have here, with all that is below them. */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>

int txn_pin(struct store_txn *txn, ino_nr ino)
{
    return SQL_RUN(txn->conn, STMT_PIN_PUT, sql_number((int64_t)ino));
}

int txn_has_pin(struct store_txn *txn, ino_nr ino, bool *ret)
{
    int64_t count;
    int r = SQL_GET(txn->conn, STMT_PIN_COUNT, &count, sql_number((int64_t)ino));

    if (r == 0)
        *ret = count > 0;
    return r;
}

int txn_unpin(struct store_txn *txn, ino_nr ino)
{
    return SQL_RUN(txn->conn, STMT_PIN_DELETE_TREE, sql_number((int64_t)ino));
}

int store_list_pins(struct store *store, ino_nr after, store_pin_fn *each, void *arg)
{
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement = conn ? sql_statement(conn, STMT_PIN_LIST) : NULL;
    int r;

    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    SQL_BIND(statement, sql_number((int64_t)after));
    while ((r = sql_step(statement)) == 1)
        if (!each((ino_nr)sqlite3_column_int64(statement, 0), arg))
            return 0;
    return r;
}

int store_find_pin(struct store *store, ino_nr ino, ino_nr *ret)
{
    struct sql_conn *conn = store_reader(store);
    int64_t found = 0;
    int r = conn ? SQL_GET(conn, STMT_PIN_ABOVE, &found, sql_number((int64_t)ino)) : -EIO;

    if (r < 0 && r != -ENOENT)
        return r;
    *ret = r == 0 ? (ino_nr)found : STORE_INO_NONE;
    return 0;
}
