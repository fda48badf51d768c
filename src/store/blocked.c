/* SPDX-License-Identifier: MIT */
/* Rows that can't be sent before the user has done something: no room, no permission, a name that
 * the service refuses. */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>
#include <stdlib.h>

int txn_put_blocked(struct store_txn *txn, const struct blocked *blocked)
{
    return SQL_RUN(txn->conn, STMT_BLOCKED_PUT, sql_number((int64_t)blocked->ino),
                   sql_number(blocked->since_ms), sql_number(blocked->retry_ms),
                   sql_number(blocked->code), sql_text(blocked->reason),
                   sql_text(blocked->remedy ? blocked->remedy : ""));
}

int txn_clear_blocked(struct store_txn *txn, ino_nr ino)
{
    return SQL_RUN(txn->conn, STMT_BLOCKED_DELETE, sql_number((int64_t)ino));
}

/* The strings are the caller's. */
static struct blocked read_blocked(sqlite3_stmt *statement)
{
    return (struct blocked){
        .ino = (ino_nr)sqlite3_column_int64(statement, 0),
        .since_ms = sqlite3_column_int64(statement, 1),
        .retry_ms = sqlite3_column_int64(statement, 2),
        .code = sqlite3_column_int(statement, 3),
        .reason = sql_column_copy(statement, 4),
        .remedy = sql_column_copy(statement, 5),
    };
}

int store_get_blocked(struct store *store, ino_nr ino, struct blocked *ret)
{
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement = conn ? sql_statement(conn, STMT_BLOCKED_GET) : NULL;
    int r;

    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    SQL_BIND(statement, sql_number((int64_t)ino));
    r = sql_step(statement);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    *ret = read_blocked(statement);
    return 0;
}

int store_list_blocked(struct store *store, ino_nr after, store_blocked_fn *each, void *arg)
{
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement =
        conn ? sql_statement(conn, STMT_BLOCKED_LIST) : NULL;
    int r;

    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    SQL_BIND(statement, sql_number((int64_t)after));
    while ((r = sql_step(statement)) == 1) {
        const struct blocked blocked = read_blocked(statement);
        bool goes_on = each(&blocked, arg);

        free(blocked.reason);
        free(blocked.remedy);
        if (!goes_on)
            return 0;
    }
    return r;
}

int store_count_blocked(struct store *store, int64_t *ret)
{
    struct sql_conn *conn = store_reader(store);

    return conn ? sql_get(conn, STMT_BLOCKED_COUNT, ret, NULL, 0) : -EIO;
}
