/* SPDX-License-Identifier: MIT */
/* The drives: where each hangs in the tree, and how far its round of delta has come. */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void drive_row_clear(struct drive_row *drive)
{
    free(drive->drive_id);
    free(drive->type);
    free(drive->name);
    free(drive->owner);
    free(drive->root_rid);
    free(drive->next_link);
    free(drive->delta_link);
    memset(drive, 0, sizeof *drive);
}

static void drive_read(sqlite3_stmt *statement, struct drive_row *ret)
{
    *ret = (struct drive_row){
        .id = sqlite3_column_int64(statement, 0),
        .kind = (enum drive_kind)sqlite3_column_int(statement, 1),
        .drive_id = sql_column_copy(statement, 2),
        .type = sql_column_copy(statement, 3),
        .name = sql_column_copy(statement, 4),
        .owner = sql_column_copy(statement, 5),
        .root = (ino_nr)sqlite3_column_int64(statement, 6),
        .root_rid = sql_column_copy(statement, 7),
        .is_default = sqlite3_column_int(statement, 8) != 0,
        .quota_total = sqlite3_column_int64(statement, 9),
        .quota_used = sqlite3_column_int64(statement, 10),
        .quota_remaining = sqlite3_column_int64(statement, 11),
        .round = (enum round_kind)sqlite3_column_int(statement, 12),
        .round_was_full = sqlite3_column_int(statement, 13) != 0,
        .next_link = sql_column_copy(statement, 14),
        .delta_link = sql_column_copy(statement, 15),
        .round_started_ms = sqlite3_column_int64(statement, 16),
        .round_ended_ms = sqlite3_column_int64(statement, 17),
        .items_seen = sqlite3_column_int64(statement, 18),
    };
}

int read_drive(struct sql_conn *conn, enum statement id, const struct sql_value *values,
               size_t count, struct drive_row *ret)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(conn, id);
    int r;

    if (!statement)
        return sql_error(conn);
    sql_bind(statement, values, count);
    r = sql_step(statement);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    drive_read(statement, ret);
    return 0;
}

static int drive_by_number(struct sql_conn *conn, enum statement id, int64_t number,
                           struct drive_row *ret)
{
    const struct sql_value value = sql_number(number);

    return conn ? read_drive(conn, id, &value, 1, ret) : -EIO;
}

int store_get_drive(struct store *store, int64_t id, struct drive_row *ret)
{
    return drive_by_number(store_reader(store), STMT_DRIVE_GET, id, ret);
}

int store_find_drive_by_root(struct store *store, ino_nr root, struct drive_row *ret)
{
    return drive_by_number(store_reader(store), STMT_DRIVE_BY_ROOT, (int64_t)root, ret);
}

int store_list_drives(struct store *store, store_drive_fn *each, void *arg)
{
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement = conn ? sql_statement(conn, STMT_DRIVE_LIST) : NULL;
    int r;

    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    while ((r = sql_step(statement)) == 1) {
        struct drive_row drive;
        bool goes_on;

        drive_read(statement, &drive);
        goes_on = each(&drive, arg);
        drive_row_clear(&drive);
        if (!goes_on)
            return 0;
    }
    return r;
}

int txn_get_drive(struct store_txn *txn, int64_t id, struct drive_row *ret)
{
    return drive_by_number(txn->conn, STMT_DRIVE_GET, id, ret);
}

int txn_find_drive(struct store_txn *txn, const char *drive_id, enum drive_kind kind,
                   struct drive_row *ret)
{
    const struct sql_value values[] = { sql_text(drive_id), sql_number(kind) };

    return read_drive(txn->conn, STMT_DRIVE_FIND, values, 2, ret);
}

int txn_find_drive_by_root(struct store_txn *txn, ino_nr root, struct drive_row *ret)
{
    return drive_by_number(txn->conn, STMT_DRIVE_BY_ROOT, (int64_t)root, ret);
}

int txn_put_drive(struct store_txn *txn, struct drive_row *drive)
{
    const struct sql_value values[] = {
        sql_number(drive->kind),
        sql_text(drive->drive_id),
        sql_text(drive->type),
        sql_text(drive->name),
        sql_text(drive->owner),
        sql_number((int64_t)drive->root),
        sql_text(drive->root_rid),
        sql_number(drive->is_default),
        sql_number(drive->quota_total),
        sql_number(drive->quota_used),
        sql_number(drive->quota_remaining),
        sql_number(drive->round),
        sql_number(drive->round_was_full),
        sql_text(drive->next_link),
        sql_text(drive->delta_link),
        sql_number(drive->round_started_ms),
        sql_number(drive->round_ended_ms),
        sql_number(drive->items_seen),
        sql_number(drive->id),
    };
    const size_t count = sizeof values / sizeof *values;
    int r;

    if (drive->id != 0)
        return sql_run(txn->conn, STMT_DRIVE_UPDATE, values, count);
    r = sql_run(txn->conn, STMT_DRIVE_INSERT, values, count - 1);
    if (r == 0)
        drive->id = sqlite3_last_insert_rowid(txn->conn->db);
    return r;
}

int txn_remove_drive(struct store_txn *txn, int64_t id)
{
    static const enum statement tables[] = {
        STMT_STAGING_CLEAR,
        STMT_MISSING_CLEAR,
        STMT_TOMBSTONE_CLEAR,
        STMT_DRIVE_DELETE,
    };

    int r = 0;

    for (size_t i = 0; i < sizeof tables / sizeof *tables && r == 0; i++)
        r = SQL_RUN(txn->conn, tables[i], sql_number(id));
    return r;
}
