/* SPDX-License-Identifier: MIT */
/* Intents: what the service was asked for, written down before it is asked. */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>
#include <stdlib.h>

void intent_clear(struct intent *intent)
{
    free(intent->rid);
    free(intent->parent_rid);
    free(intent->name);
    free(intent->hash);
    free(intent->session_url);
    *intent = (struct intent){ 0 };
}

static void intent_read(sqlite3_stmt *statement, struct intent *ret)
{
    *ret = (struct intent){
        .ino = (ino_nr)sqlite3_column_int64(statement, 0),
        .verb = (enum intent_verb)sqlite3_column_int(statement, 1),
        .rid = sql_column_copy(statement, 2),
        .parent = (ino_nr)sqlite3_column_int64(statement, 3),
        .parent_rid = sql_column_copy(statement, 4),
        .name = sql_column_copy(statement, 5),
        .generation = (uint64_t)sqlite3_column_int64(statement, 6),
        .size = sqlite3_column_int64(statement, 7),
        .mtime_ns = sqlite3_column_int64(statement, 8),
        .hash_kind = (enum hash_kind)sqlite3_column_int(statement, 9),
        .hash = sql_column_copy(statement, 10),
        .session_url = sql_column_copy(statement, 11),
        .session_until_ms = sqlite3_column_int64(statement, 12),
        .asked_ms = sqlite3_column_int64(statement, 13),
    };
}

static int intent_write(struct store_txn *txn, const struct intent *intent)
{
    return SQL_RUN(
        txn->conn, STMT_INTENT_PUT, sql_number((int64_t)intent->ino), sql_number(intent->verb),
        sql_text(intent->rid), sql_number((int64_t)intent->parent), sql_text(intent->parent_rid),
        sql_text(intent->name), sql_number((int64_t)intent->generation), sql_number(intent->size),
        sql_number(intent->mtime_ns), sql_number(intent->hash_kind), sql_text(intent->hash),
        sql_text(intent->session_url), sql_number(intent->session_until_ms),
        sql_number(intent->asked_ms));
}

int txn_put_intent(struct store_txn *txn, const struct intent *intent)
{
    uint64_t former;
    int r = unused_get_intended(txn, intent->ino, &former);

    if (r == 0)
        r = intent_write(txn, intent);
    if (r == 0 && former != intent->generation)
        r = unused_note_intent(txn, intent->ino, former);
    return r;
}

int txn_get_intent(struct store_txn *txn, ino_nr ino, struct intent *ret)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(txn->conn, STMT_INTENT_GET);
    int r;

    if (!statement)
        return sql_error(txn->conn);
    SQL_BIND(statement, sql_number((int64_t)ino));
    r = sql_step(statement);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    intent_read(statement, ret);
    return 0;
}

int txn_find_intent(struct store_txn *txn, const char *parent_rid, const char *name, ino_nr *ret)
{
    int64_t ino;
    int r = SQL_GET(txn->conn, STMT_INTENT_BY_PLACE, &ino, sql_text(parent_rid), sql_text(name));

    if (r == 0)
        *ret = (ino_nr)ino;
    return r;
}

int txn_clear_intent(struct store_txn *txn, ino_nr ino)
{
    uint64_t former;
    int r = unused_get_intended(txn, ino, &former);

    if (r == 0)
        r = SQL_RUN(txn->conn, STMT_INTENT_DELETE, sql_number((int64_t)ino));
    return r < 0 ? r : unused_note_intent(txn, ino, former);
}

int store_list_intents(struct store *store, ino_nr after, store_intent_fn *each, void *arg)
{
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement = conn ? sql_statement(conn, STMT_INTENT_LIST) : NULL;
    bool goes_on = true;
    int r = 0;

    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    SQL_BIND(statement, sql_number((int64_t)after));
    while (goes_on && (r = sql_step(statement)) == 1) {
        struct intent intent;

        intent_read(statement, &intent);
        goes_on = each(&intent, arg);
        intent_clear(&intent);
    }
    return r < 0 ? r : 0;
}

int txn_list_made(struct store_txn *txn, ino_nr parent, store_name_fn *each, void *arg)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(txn->conn, STMT_INTENT_MADE);
    int r;

    if (!statement)
        return sql_error(txn->conn);
    SQL_BIND(statement, sql_number((int64_t)parent));
    while ((r = sql_step(statement)) == 1)
        if (!each(sql_column(statement, 0), arg))
            return 0;
    return r;
}
