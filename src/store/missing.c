/* SPDX-License-Identifier: MIT */
/*
 * Absence and its end: the rows which a full enumeration lacked, until they have been asked for,
 * and the tombstones of confirmed deletes, until no late report can bring the item back.
 */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>

int txn_renew_missing(struct store_txn *txn, int64_t drive)
{
    return SQL_RUN(txn->conn, STMT_MISSING_RENEW, sql_number(drive),
                   sql_number(clock_real_ms(txn->store->clock)));
}

int txn_note_missing(struct store_txn *txn, int64_t drive, int64_t *ret_count)
{
    int r = SQL_RUN(txn->conn, STMT_MISSING_NOTE, sql_number(drive),
                    sql_number(clock_real_ms(txn->store->clock)));

    if (r == 0)
        *ret_count = sqlite3_changes64(txn->conn->db);
    return r;
}

/* All but the id, which is the node's. */
static struct missing_row missing_read(sqlite3_stmt *statement)
{
    return (struct missing_row){
        .ino = (ino_nr)sqlite3_column_int64(statement, 0),
        .drive = sqlite3_column_int64(statement, 1),
        .since_ms = sqlite3_column_int64(statement, 2),
        .asked_ms = sqlite3_column_int64(statement, 3),
        .first_404_ms = sqlite3_column_int64(statement, 4),
        .held = sqlite3_column_int(statement, 5) != 0,
    };
}

int store_list_missing(struct store *store, int64_t drive, store_missing_fn *each, void *arg)
{
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement =
        conn ? sql_statement(conn, STMT_MISSING_LIST) : NULL;
    int r;

    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    SQL_BIND(statement, sql_number(drive));
    while ((r = sql_step(statement)) == 1) {
        cleanup_free char *rid = sql_column_copy(statement, 6);
        struct missing_row row = missing_read(statement);

        row.rid = rid;
        if (!each(&row, arg))
            return 0;
    }
    return r;
}

int txn_get_missing(struct store_txn *txn, ino_nr ino, struct missing_row *ret)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(txn->conn, STMT_MISSING_GET);
    int r;

    if (!statement)
        return sql_error(txn->conn);
    SQL_BIND(statement, sql_number((int64_t)ino));
    r = sql_step(statement);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    *ret = missing_read(statement);
    return 0;
}

static int missing_write(struct store_txn *txn, enum statement id, const struct missing_row *row)
{
    return SQL_RUN(txn->conn, id, sql_number((int64_t)row->ino), sql_number(row->drive),
                   sql_number(row->since_ms), sql_number(row->asked_ms),
                   sql_number(row->first_404_ms), sql_number(row->held));
}

int txn_put_missing(struct store_txn *txn, const struct missing_row *row)
{
    return missing_write(txn, STMT_MISSING_PUT, row);
}

int txn_add_missing(struct store_txn *txn, const struct missing_row *row)
{
    return missing_write(txn, STMT_MISSING_ADD, row);
}

int txn_clear_missing(struct store_txn *txn, ino_nr ino)
{
    return SQL_RUN(txn->conn, STMT_MISSING_DELETE, sql_number((int64_t)ino));
}

int txn_count_missing(struct store_txn *txn, int64_t drive, int64_t *ret)
{
    return SQL_GET(txn->conn, STMT_MISSING_COUNT, ret, sql_number(drive));
}

int store_count_held(struct store *store, int64_t drive, int64_t *ret)
{
    struct sql_conn *conn = store_reader(store);

    return conn ? SQL_GET(conn, STMT_MISSING_COUNT_HELD, ret, sql_number(drive)) : -EIO;
}

int txn_hold_missing(struct store_txn *txn, int64_t drive, bool held)
{
    return SQL_RUN(txn->conn, STMT_MISSING_HOLD, sql_number(drive), sql_number(held));
}

int txn_put_tombstone(struct store_txn *txn, int64_t drive, const char *rid, int64_t now_ms)
{
    return SQL_RUN(txn->conn, STMT_TOMBSTONE_PUT, sql_number(drive), sql_text(rid),
                   sql_number(now_ms));
}

int txn_get_tombstone(struct store_txn *txn, int64_t drive, const char *rid, int64_t *ret_ms)
{
    return SQL_GET(txn->conn, STMT_TOMBSTONE_GET, ret_ms, sql_number(drive), sql_text(rid));
}

int txn_has_tombstone(struct store_txn *txn, int64_t drive, const char *rid, bool *ret)
{
    int64_t time_ms;
    int r = txn_get_tombstone(txn, drive, rid, &time_ms);

    if (r < 0 && r != -ENOENT)
        return r;
    *ret = r == 0;
    return 0;
}

int txn_purge_tombstones(struct store_txn *txn, int64_t drive, int64_t before_ms)
{
    return SQL_RUN(txn->conn, STMT_TOMBSTONE_PURGE, sql_number(drive), sql_number(before_ms));
}

int txn_remove_tombstone(struct store_txn *txn, int64_t drive, const char *rid)
{
    return SQL_RUN(txn->conn, STMT_TOMBSTONE_DELETE, sql_number(drive), sql_text(rid));
}
