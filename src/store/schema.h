/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_STORE_SCHEMA_H
#define GRAPHFS_STORE_SCHEMA_H

#include "base/err.h"
#include "store/sql.h"

/*
 * Brings the tables of ${conn} to the newest version, each step in a transaction of its own; an
 * empty file is version 0. -EPROTO, with a message, for a store that a newer program has written.
 */
int schema_migrate(struct sql_conn *conn, struct err *err);

/*
 * Whether a row of node may be dirty, in SQL: what the partial index node_dirty is made with, so
 * that another expression needs another step. It follows node_dirty() (dirty.c), which decides, but
 * for what isn't sent (NODE_LOCAL_ONLY), and for times: those that differ within a second only are
 * left out, or every file that was written here, and whose mtime the service has cut to what it
 * keeps, would be in the index for good.
 *
 * The numbers are those of store.h: see the assertion in statements.c.
 */
#define SCHEMA_IS_DIRTY                                                                            \
    "kind IN (1, 2) AND (parent <> 0 OR name <> '') AND"                                           \
    " (((flags & 3) <> 3 AND (flags & 1024) = 0) OR base_parent IS NOT NULL"                       \
    "  OR (base_name IS NOT NULL AND (flags & 16) = 0)"                                            \
    "  OR (kind = 2 AND (base_generation IS NOT NULL OR (base_mtime IS NOT NULL AND"               \
    "    (base_mtime / 1000000000 <> ifnull(mtime, 0) / 1000000000"                                \
    "     OR base_mtime < 0 OR mtime < 0)))))"

#endif
