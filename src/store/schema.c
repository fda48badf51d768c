/* SPDX-License-Identifier: MIT */
/*
 * The tables. PRAGMA user_version counts the steps that were taken; a step is never edited once it
 * has been released, a new one is added to the table below.
 *
 * node is what is read most and what there are millions of, so its rows are small: base columns are
 * NULL where they equal the local ones, zero numbers that are rare are NULL, and what few rows have
 * is elsewhere (remote, shortcut, missing, pin, attr, xattr, intent, blocked). Its ino is
 * AUTOINCREMENT: a number is never given twice.
 *
 * Indices: node_children gives a directory in order of number (the row id is the end of every
 * index), node_names a name in a directory; names can be taken more than once there, by rows that
 * are deleted locally. The partial ones hold next to nothing: places that differ from base's, what
 * may be dirty, and conflict copies.
 */
#include "config.h"

#include "store/schema.h"

#include <errno.h>

static const char tables_1[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE node ("
    "  ino INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  parent INTEGER NOT NULL, name TEXT NOT NULL,"
    "  kind INTEGER NOT NULL, flags INTEGER NOT NULL, drive INTEGER NOT NULL,"
    "  rid TEXT,"
    "  size INTEGER, mtime INTEGER, generation INTEGER,"
    "  base_parent INTEGER, base_name TEXT,"
    "  base_size INTEGER, base_mtime INTEGER, base_generation INTEGER,"
    "  etag TEXT, ctag TEXT, hash_kind INTEGER, hash TEXT, server_mtime INTEGER,"
    "  confirmed INTEGER, listed INTEGER, target INTEGER);"
    "CREATE INDEX node_children ON node (parent);"
    "CREATE INDEX node_names ON node (parent, name);"
    "CREATE UNIQUE INDEX node_rids ON node (drive, rid) WHERE rid IS NOT NULL;"
    "CREATE INDEX node_base_parents ON node (base_parent) WHERE base_parent IS NOT NULL;"
    "CREATE INDEX node_base_names ON node (parent, base_name) WHERE base_name IS NOT NULL;"
    "CREATE TABLE remote ("
    "  ino INTEGER PRIMARY KEY, deleted INTEGER NOT NULL,"
    "  parent INTEGER, name TEXT, size INTEGER, mtime INTEGER, generation INTEGER,"
    "  etag TEXT, ctag TEXT, hash_kind INTEGER, hash TEXT, server_mtime INTEGER);"
    "CREATE TABLE shortcut (ino INTEGER PRIMARY KEY, drive_id TEXT, rid TEXT);"
    "CREATE TABLE drive ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  kind INTEGER NOT NULL, drive_id TEXT NOT NULL, type TEXT, name TEXT, owner TEXT,"
    "  root INTEGER NOT NULL, root_rid TEXT, is_default INTEGER NOT NULL,"
    "  quota_total INTEGER NOT NULL, quota_used INTEGER NOT NULL, quota_remaining INTEGER NOT NULL,"
    "  round INTEGER NOT NULL, round_was_full INTEGER NOT NULL, next_link TEXT, delta_link TEXT,"
    "  round_started INTEGER NOT NULL, round_ended INTEGER NOT NULL, items_seen INTEGER NOT NULL);"
    "CREATE INDEX drive_ids ON drive (drive_id);"
    "CREATE INDEX drive_roots ON drive (root);"
    "CREATE TABLE staging ("
    "  drive INTEGER NOT NULL, rid TEXT NOT NULL, deleted INTEGER NOT NULL,"
    "  drive_id TEXT, parent_id TEXT, name TEXT, kind INTEGER, flags INTEGER,"
    "  size INTEGER, mtime INTEGER, server_mtime INTEGER, etag TEXT, ctag TEXT,"
    "  hash_kind INTEGER, hash TEXT, package_type TEXT, target_drive_id TEXT, target_id TEXT,"
    "  PRIMARY KEY (drive, rid)) WITHOUT ROWID;"
    "CREATE INDEX staging_order ON staging (drive, deleted);"
    "CREATE TABLE missing ("
    "  ino INTEGER PRIMARY KEY, drive INTEGER NOT NULL, since INTEGER NOT NULL,"
    "  asked INTEGER NOT NULL, first_404 INTEGER NOT NULL, held INTEGER NOT NULL);"
    "CREATE TABLE tombstone (drive INTEGER NOT NULL, rid TEXT NOT NULL, time INTEGER NOT NULL,"
    "  PRIMARY KEY (drive, rid)) WITHOUT ROWID;"
    /* The directories of Graph's own tree (kind 0: view; flags 3: local and base exist). */
    "INSERT INTO node (ino, parent, name, kind, flags, drive)"
    "  VALUES (1, 0, '', 0, 3, 0), (2, 1, 'me', 0, 3, 0), (3, 1, 'drives', 0, 3, 0);"
    "UPDATE sqlite_sequence SET seq = 15 WHERE name = 'node';"
    "INSERT INTO meta VALUES ('generation', 1);";

static int create_tables(struct sql_conn *conn, struct err *err)
{
    return sql_exec(conn, tables_1, err);
}

static int create_pins(struct sql_conn *conn, struct err *err)
{
    return sql_exec(conn, "CREATE TABLE pin (ino INTEGER PRIMARY KEY)", err);
}

/* What writing needs: attr and xattr are for this machine alone, intent says what the service was
 * asked for, blocked what waits for the user. */
static const char tables_3[] =
    "CREATE INDEX node_dirty ON node (ino) WHERE"
    "  kind IN (1, 2) AND (parent <> 0 OR name <> '') AND"
    "  ((flags & 3) <> 3 OR base_parent IS NOT NULL"
    "   OR (base_name IS NOT NULL AND (flags & 16) = 0)"
    "   OR (kind = 2 AND (base_generation IS NOT NULL OR (base_mtime IS NOT NULL AND"
    "     (base_mtime / 1000000000 <> ifnull(mtime, 0) / 1000000000"
    "      OR base_mtime < 0 OR mtime < 0)))));"
    "DROP INDEX node_base_parents;"
    "CREATE INDEX node_base_places ON node (base_parent, ifnull(base_name, name))"
    "  WHERE base_parent IS NOT NULL;"
    "CREATE TABLE attr ("
    "  ino INTEGER PRIMARY KEY, mode INTEGER, uid INTEGER, gid INTEGER, atime INTEGER);"
    "CREATE TABLE xattr (ino INTEGER NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,"
    "  PRIMARY KEY (ino, name));"
    "CREATE TABLE intent ("
    "  ino INTEGER PRIMARY KEY, verb INTEGER NOT NULL, rid TEXT,"
    "  parent INTEGER NOT NULL, parent_rid TEXT, name TEXT,"
    "  generation INTEGER NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,"
    "  hash_kind INTEGER NOT NULL, hash TEXT,"
    "  session_url TEXT, session_until INTEGER NOT NULL, asked INTEGER NOT NULL);"
    "CREATE TABLE blocked ("
    "  ino INTEGER PRIMARY KEY, since INTEGER NOT NULL, retry INTEGER NOT NULL,"
    "  code INTEGER NOT NULL, reason TEXT NOT NULL);";

static int prepare_writing(struct sql_conn *conn, struct err *err)
{
    return sql_exec(conn, tables_3, err);
}

/* What isn't sent has an index of its own. */
static int set_local_only_apart(struct sql_conn *conn, struct err *err)
{
    return sql_exec(conn,
                    "DROP INDEX node_dirty;"
                    "CREATE INDEX node_dirty ON node (ino) WHERE " SCHEMA_IS_DIRTY ";"
                    "CREATE INDEX node_local_only ON node (ino) WHERE flags & 1024",
                    err);
}

static int prepare_telling(struct sql_conn *conn, struct err *err)
{
    return sql_exec(conn,
                    "ALTER TABLE blocked ADD COLUMN remedy TEXT NOT NULL DEFAULT '';"
                    "CREATE INDEX node_conflicts ON node (ino) WHERE (flags & 2048) <> 0;",
                    err);
}

/* Step i leads from version i to i + 1. */
static int (*const steps[])(struct sql_conn *conn, struct err *err) = {
    create_tables, create_pins, prepare_writing, set_local_only_apart, prepare_telling,
};

static int take_step(struct sql_conn *conn, size_t version, struct err *err)
{
    char text[64];
    int r = sql_exec(conn, "BEGIN IMMEDIATE", err);

    if (r < 0)
        return r;
    (void)snprintf(text, sizeof text, "PRAGMA user_version = %zu", version + 1);
    r = steps[version](conn, err);
    if (r == 0)
        r = sql_exec(conn, text, err);
    if (r == 0)
        r = sql_exec(conn, "COMMIT", err);
    if (r < 0)
        (void)sql_exec(conn, "ROLLBACK", NULL);
    return r;
}

int schema_migrate(struct sql_conn *conn, struct err *err)
{
    const size_t newest = sizeof steps / sizeof *steps;
    int64_t version = 0;
    int r = sql_get(conn, STMT_USER_VERSION, &version, NULL, 0);

    if (r < 0)
        return err_set(err, r, "the store: %s", sqlite3_errmsg(conn->db));
    if (version < 0 || (uint64_t)version > newest)
        return err_set(
            err, -EPROTO,
            "the store is of version %lld, which a newer graphfs has written (use that one)",
            (long long)version);
    for (size_t i = (size_t)version; i < newest && r == 0; i++)
        r = take_step(conn, i, err);
    return r;
}
