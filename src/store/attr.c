/* SPDX-License-Identifier: MIT */
/*
 * Attributes that only this machine keeps: the service knows no modes or owners. Few rows have any,
 * and their flag says so, so that a stat of the others reads one table only.
 */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>

static struct sql_value number_if(const struct local_attr *attr, unsigned which, int64_t number)
{
    return attr->set & which ? sql_number(number) : (struct sql_value){ .type = SQL_NULL };
}

int txn_set_attr(struct store_txn *txn, ino_nr ino, const struct local_attr *attr)
{
    struct node_attr node;
    int r = read_attr(txn->conn, ino, &node);

    if (r == 0)
        r = SQL_RUN(txn->conn, STMT_ATTR_SET, sql_number((int64_t)ino),
                    number_if(attr, ATTR_MODE, attr->mode), number_if(attr, ATTR_UID, attr->uid),
                    number_if(attr, ATTR_GID, attr->gid),
                    number_if(attr, ATTR_ATIME, attr->atime_ns));
    if (r == 0)
        r = SQL_RUN(txn->conn, STMT_NODE_HAS_ATTR, sql_number((int64_t)ino));
    if (r == 0)
        change_note_attr(txn, &node);
    return r;
}

int store_get_attr(struct store *store, ino_nr ino, struct local_attr *ret)
{
    static const unsigned order[] = { ATTR_MODE, ATTR_UID, ATTR_GID, ATTR_ATIME };
    struct sql_conn *conn = store_reader(store);
    cleanup_statement sqlite3_stmt *statement = conn ? sql_statement(conn, STMT_ATTR_GET) : NULL;
    int r;

    if (!statement)
        return conn ? sql_error(conn) : -EIO;
    SQL_BIND(statement, sql_number((int64_t)ino));
    r = sql_step(statement);
    if (r < 0)
        return r;
    *ret = (struct local_attr){ 0 };
    if (r == 0)
        return 0;
    for (int i = 0; i < (int)(sizeof order / sizeof *order); i++)
        ret->set |= sqlite3_column_type(statement, i) == SQLITE_NULL ? 0 : order[i];
    ret->mode = (mode_t)sqlite3_column_int64(statement, 0);
    ret->uid = (uid_t)sqlite3_column_int64(statement, 1);
    ret->gid = (gid_t)sqlite3_column_int64(statement, 2);
    ret->atime_ns = sqlite3_column_int64(statement, 3);
    return 0;
}
