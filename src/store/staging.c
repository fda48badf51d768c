/* SPDX-License-Identifier: MIT */
/*
 * Staging: the reports of a round until it is whole. One row for each id, so the last word wins. A
 * round that is cut off goes on with what is here, because each page is committed together with the
 * link that leads on.
 *
 * Preauthenticated URLs are not kept: they are secrets and would be stale.
 */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>
#include <stdlib.h>

#include "base/xalloc.h"

/* An item with strings of its own. */
struct staged {
    struct item item;
    char *text[10];
};

static char *keep(struct staged *staged, size_t *used, sqlite3_stmt *statement, int column)
{
    return staged->text[(*used)++] = sql_column_copy(statement, column);
}

static void staged_read(sqlite3_stmt *statement, struct staged *ret)
{
    struct item *item = &ret->item;
    size_t used = 0;

    *ret = (struct staged){ 0 };
    item->id = keep(ret, &used, statement, 0);
    item->drive_id = keep(ret, &used, statement, 1);
    item->parent_id = keep(ret, &used, statement, 2);
    item->name = keep(ret, &used, statement, 3);
    item->kind = (enum item_kind)sqlite3_column_int(statement, 4);
    item->flags = (unsigned)sqlite3_column_int(statement, 5);
    item->size = sqlite3_column_int64(statement, 6);
    item->mtime_ns = sqlite3_column_int64(statement, 7);
    item->server_mtime_ns = sqlite3_column_int64(statement, 8);
    item->etag = keep(ret, &used, statement, 9);
    item->ctag = keep(ret, &used, statement, 10);
    item->hash_kind = (enum hash_kind)sqlite3_column_int(statement, 11);
    item->hash = keep(ret, &used, statement, 12);
    item->package_type = keep(ret, &used, statement, 13);
    item->target_drive_id = keep(ret, &used, statement, 14);
    item->target_id = keep(ret, &used, statement, 15);
}

static void staged_clear(struct staged *staged)
{
    for (size_t i = 0; i < sizeof staged->text / sizeof *staged->text; i++)
        free(staged->text[i]);
}

int txn_stage(struct store_txn *txn, int64_t drive, const struct item *item)
{
    return SQL_RUN(txn->conn, STMT_STAGING_PUT, sql_number(drive),
                   sql_number((item->flags & ITEM_DELETED) != 0), sql_text(item->id),
                   sql_text(item->drive_id), sql_text(item->parent_id), sql_text(item->name),
                   sql_number(item->kind), sql_number(item->flags), sql_nonzero(item->size),
                   sql_nonzero(item->mtime_ns), sql_nonzero(item->server_mtime_ns),
                   sql_text(item->etag), sql_text(item->ctag), sql_nonzero(item->hash_kind),
                   sql_text(item->hash), sql_text(item->package_type),
                   sql_text(item->target_drive_id), sql_text(item->target_id));
}

int txn_get_staged(struct store_txn *txn, int64_t drive, const char *rid, txn_staged_fn *fn,
                   void *arg)
{
    struct staged staged;
    int r;

    {
        cleanup_statement sqlite3_stmt *statement = sql_statement(txn->conn, STMT_STAGING_GET);

        if (!statement)
            return sql_error(txn->conn);
        SQL_BIND(statement, sql_number(drive), sql_text(rid));
        r = sql_step(statement);
        if (r <= 0)
            return r < 0 ? r : -ENOENT;
        staged_read(statement, &staged);
    }
    r = fn(txn, &staged.item, arg);
    staged_clear(&staged);
    return r;
}

DEFINE_VEC(staged_list, struct staged);

/* They are read first and given to fn afterwards, so that fn may stage and unstage. */
static int read_staged(struct store_txn *txn, enum statement id, const struct sql_value *values,
                       size_t count, struct staged_list *ret)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(txn->conn, id);
    int r;

    if (!statement)
        return sql_error(txn->conn);
    sql_bind(statement, values, count);
    while ((r = sql_step(statement)) == 1) {
        struct staged staged;

        staged_read(statement, &staged);
        (void)staged_list_push(ret, staged);
    }
    return r;
}

static int each(struct store_txn *txn, enum statement id, const struct sql_value *values,
                size_t count, txn_staged_fn *fn, void *arg)
{
    struct staged_list list = { 0 };
    int r = read_staged(txn, id, values, count, &list);

    for (size_t i = 0; i < list.len && r == 0; i++)
        r = fn(txn, &list.items[i].item, arg);
    for (size_t i = 0; i < list.len; i++)
        staged_clear(&list.items[i]);
    staged_list_clear(&list);
    return r;
}

int txn_each_staged(struct store_txn *txn, int64_t drive, size_t max, txn_staged_fn *fn, void *arg)
{
    const struct sql_value values[] = { sql_number(drive), sql_number((int64_t)max) };

    return each(txn, STMT_STAGING_LIST, values, 2, fn, arg);
}

int txn_each_unknown(struct store_txn *txn, int64_t drive, const char *after, size_t max,
                     txn_staged_fn *fn, void *arg)
{
    const struct sql_value values[] = { sql_number(drive), sql_number((int64_t)max),
                                        sql_text(after) };

    return each(txn, STMT_STAGING_UNKNOWN, values, 3, fn, arg);
}

int txn_each_removed(struct store_txn *txn, int64_t drive, txn_staged_fn *fn, void *arg)
{
    return each(txn, STMT_STAGING_REMOVED, (const struct sql_value[]){ sql_number(drive) }, 1, fn,
                arg);
}

int txn_unstage(struct store_txn *txn, int64_t drive, const char *rid)
{
    return SQL_RUN(txn->conn, STMT_STAGING_DELETE, sql_number(drive), sql_text(rid));
}

int txn_clear_staging(struct store_txn *txn, int64_t drive)
{
    return SQL_RUN(txn->conn, STMT_STAGING_CLEAR, sql_number(drive));
}

int txn_has_staged_live(struct store_txn *txn, int64_t drive, bool *ret)
{
    int64_t exists;
    int r = SQL_GET(txn->conn, STMT_STAGING_LIVE, &exists, sql_number(drive));

    if (r == 0)
        *ret = exists != 0;
    return r;
}

int txn_count_staged(struct store_txn *txn, int64_t drive, int64_t *ret)
{
    return SQL_GET(txn->conn, STMT_STAGING_COUNT, ret, sql_number(drive));
}
