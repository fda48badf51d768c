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

#endif
