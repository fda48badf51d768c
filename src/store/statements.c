/* SPDX-License-Identifier: MIT */
/*
 * The SQL of the store. The order of columns in what reads a node, a drive, a staged item or an
 * intent is known to the one function that decodes it (node_read_attr and node_read in row.c,
 * drive_read, staged_read, intent_read).
 *
 * The text has numbers of store.h in it (node flags and kinds), which the assertion below holds it
 * to.
 */
#include "config.h"

#include "store/statements.h"

#include "store/schema.h"
#include "store/store.h"

_Static_assert(NODE_LOCAL == 1 && NODE_BASE == 2 && NODE_COMPLETE == 8 && NODE_SAFE_NAME == 16 &&
                   NODE_SHORTCUT == 64 && NODE_WAS_COMPLETE == 256 && NODE_HAS_ATTR == 512 &&
                   NODE_LOCAL_ONLY == 1024 && NODE_CONFLICT == 2048 && NODE_FOLDER == 1 &&
                   NODE_FILE == 2,
               "the SQL below has these numbers in it");

#define ATTR_COLUMNS                                                                               \
    "node.ino, node.parent, node.kind, node.flags, node.drive, node.size, node.mtime,"             \
    " node.generation, node.target, node.listed"

#define WHOLE_NODE                                                                                 \
    "SELECT " ATTR_COLUMNS ", node.name, node.rid, node.base_parent, node.base_name,"              \
    " node.base_size, node.base_mtime, node.base_generation, node.etag, node.ctag,"                \
    " node.hash_kind, node.hash, node.server_mtime, node.confirmed,"                               \
    " r.deleted, r.parent, r.name, r.size, r.mtime, r.generation, r.etag, r.ctag, r.hash_kind,"    \
    " r.hash, r.server_mtime, s.drive_id, s.rid"                                                   \
    " FROM node LEFT JOIN remote r ON r.ino = node.ino LEFT JOIN shortcut s ON s.ino = node.ino "

#define DRIVE_COLUMNS                                                                              \
    "id, kind, drive_id, type, name, owner, root, root_rid, is_default, quota_total, quota_used,"  \
    " quota_remaining, round, round_was_full, next_link, delta_link, round_started, round_ended,"  \
    " items_seen"

#define STAGING_COLUMNS                                                                            \
    "rid, drive_id, parent_id, name, kind, flags, size, mtime, server_mtime, etag, ctag,"          \
    " hash_kind, hash, package_type, target_drive_id, target_id"

#define INTENT_COLUMNS                                                                             \
    "ino, verb, rid, parent, parent_rid, name, generation, size, mtime, hash_kind, hash,"          \
    " session_url, session_until, asked"

const char *const statement_text[STMT_COUNT] = {
    [STMT_USER_VERSION] = "PRAGMA user_version",
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_META_GET] = "SELECT value FROM meta WHERE key = ?1",
    [STMT_META_SET] = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",

    [STMT_NODE_ATTR] = "SELECT " ATTR_COLUMNS " FROM node WHERE ino = ?1",
    [STMT_NODE_LOOKUP] = "SELECT " ATTR_COLUMNS " FROM node INDEXED BY node_names"
                         " WHERE parent = ?1 AND name = ?2 AND flags & 1",
    [STMT_NODE_WHOLE] = WHOLE_NODE "WHERE node.ino = ?1",
    [STMT_NODE_FIND] = WHOLE_NODE "WHERE node.drive = ?1 AND node.rid = ?2",
    [STMT_NODE_LIST] = "SELECT " ATTR_COLUMNS ", node.name FROM node INDEXED BY node_children"
                       " WHERE parent = ?1 AND ino > ?2 AND flags & 1 ORDER BY ino",
    [STMT_NODE_LIST_NAMES] = "SELECT " ATTR_COLUMNS ", node.name FROM node INDEXED BY node_names"
                             " WHERE parent = ?1 AND name > ?2 AND flags & 1 ORDER BY name",
    [STMT_NODE_NEXT_NAME] = "SELECT name FROM node INDEXED BY node_names"
                            " WHERE parent = ?1 AND name >= ?2 ORDER BY name LIMIT 1",
    [STMT_NODE_COUNT] = "SELECT count(*) FROM node WHERE drive = ?1 AND flags & 2",
    [STMT_NODE_RELATED] = "SELECT ino FROM node WHERE parent = ?1"
                          " UNION SELECT ino FROM node WHERE base_parent = ?1",
    /* Not under a name of its own although that one is free now: the eldest goes first. */
    [STMT_NODE_WAITING] = "SELECT ino FROM node INDEXED BY node_base_names"
                          " WHERE parent = ?1 AND base_name = ?2 AND flags & 16"
                          " ORDER BY ino LIMIT 1",
    /* Deleted locally in that place, moved away within its directory, and moved out of it. */
    [STMT_NODE_BASE_PLACE] = "SELECT ino FROM node INDEXED BY node_names"
                             " WHERE parent = ?1 AND name = ?2 AND (flags & 3) = 2"
                             " AND base_parent IS NULL AND base_name IS NULL"
                             " UNION SELECT ino FROM node INDEXED BY node_base_names"
                             " WHERE parent = ?1 AND base_name = ?2 AND base_parent IS NULL"
                             " UNION SELECT ino FROM node INDEXED BY node_base_places"
                             " WHERE base_parent = ?1 AND ifnull(base_name, name) = ?2"
                             " ORDER BY ino",
    [STMT_NODE_DIRTY] = "SELECT " ATTR_COLUMNS ", node.name FROM node INDEXED BY node_dirty"
                        " WHERE ino > ?1 AND " SCHEMA_IS_DIRTY " ORDER BY ino",
    [STMT_NODE_COUNT_DIRTY] =
        "SELECT count(*) FROM node INDEXED BY node_dirty WHERE " SCHEMA_IS_DIRTY,
    [STMT_NODE_LOCAL_ONLY] =
        "SELECT " ATTR_COLUMNS ", node.name FROM node INDEXED BY node_local_only"
        " WHERE ino > ?1 AND flags & 1024 ORDER BY ino",
    [STMT_NODE_COUNT_DELETED] = "SELECT drive, count(*) FROM node INDEXED BY node_dirty"
                                " WHERE " SCHEMA_IS_DIRTY " AND (flags & 3) = 2 GROUP BY drive",
    [STMT_NODE_COUNT_ITEMS] = "SELECT count(*) FROM node WHERE drive = ?1 AND flags & 2",
    [STMT_NODE_SUM_DIRTY] =
        "SELECT sum(size) FROM node INDEXED BY node_dirty WHERE " SCHEMA_IS_DIRTY
        " AND kind = 2 AND flags & 1 AND ((flags & 2) = 0 OR base_generation IS NOT NULL)",
    [STMT_NODE_CONFLICTS] = "SELECT " ATTR_COLUMNS ", node.name FROM node INDEXED BY node_conflicts"
                            " WHERE ino > ?1 AND (flags & 2048) <> 0 AND flags & 1 ORDER BY ino",
    [STMT_NODE_COUNT_CONFLICTS] = "SELECT count(*) FROM node INDEXED BY node_conflicts"
                                  " WHERE (flags & 2048) <> 0 AND flags & 1",
    /* The names from the node up to the root, the topmost first. Only what hangs on row 1 has a
     * path; the limit ends a walk in a file that was tampered with. */
    [STMT_NODE_PATH] = "WITH RECURSIVE up (depth, ino, parent, name) AS ("
                       "  SELECT 0, ino, parent, name FROM node WHERE ino = ?1"
                       "  UNION ALL SELECT depth + 1, node.ino, node.parent, node.name FROM up"
                       "    JOIN node ON node.ino = up.parent WHERE up.depth < 1000000)"
                       " SELECT ino, name FROM up ORDER BY depth DESC",
    [STMT_NODE_BY_CONTENT] = "SELECT ino FROM node WHERE generation = ?1 AND kind = 2 LIMIT 1",
    [STMT_NODE_COUNTS] = "SELECT count(*), count(CASE WHEN kind = 1 THEN 1 END),"
                         " ifnull(sum(CASE WHEN kind = 2 THEN size END), 0),"
                         " (SELECT count(*) FROM missing WHERE held)"
                         " FROM node WHERE flags & 1 AND parent <> 0",
    [STMT_NODE_INSERT] =
        "INSERT INTO node (parent, name, kind, flags, drive, rid, size, mtime, generation,"
        " base_parent, base_name, base_size, base_mtime, base_generation,"
        " etag, ctag, hash_kind, hash, server_mtime, confirmed, listed, target)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
        " ?19, ?20, ?21, ?22)",
    [STMT_NODE_UPDATE] =
        "UPDATE node SET parent = ?1, name = ?2, kind = ?3, flags = ?4 | (flags & 512),"
        " drive = ?5, rid = ?6,"
        " size = ?7, mtime = ?8, generation = ?9, base_parent = ?10, base_name = ?11,"
        " base_size = ?12, base_mtime = ?13, base_generation = ?14, etag = ?15, ctag = ?16,"
        " hash_kind = ?17, hash = ?18, server_mtime = ?19, confirmed = ?20, listed = ?21,"
        " target = ?22 WHERE ino = ?23",
    [STMT_NODE_DELETE] = "DELETE FROM node WHERE ino = ?1",
    [STMT_NODE_CONFIRM] = "UPDATE node SET confirmed = ?2 WHERE ino = ?1",
    [STMT_NODE_LISTED] = "UPDATE node SET listed = ?2 WHERE ino = ?1",
    [STMT_NODE_TOUCH] =
        "UPDATE node SET base_mtime = CASE WHEN flags & 2 THEN ifnull(base_mtime, mtime) END,"
        " mtime = ?2 WHERE ino = ?1 AND kind < 2 RETURNING parent",
    [STMT_NODE_COMPLETE] = "UPDATE node SET flags = flags | 8, listed = ?2 WHERE ino = ?1",
    [STMT_NODE_INCOMPLETE] = "UPDATE node SET flags = (flags & ~8) | 256"
                             " WHERE ino = ?1 AND flags & 8",
    /* A shortcut leads to another drive, and a parent of 0 means that only a child told of it. */
    [STMT_NODE_ALL_COMPLETE] =
        "UPDATE node SET flags = flags | 8 WHERE drive = ?1 AND kind = 1 AND parent <> 0"
        " AND (flags & 64) = 0 AND (flags & 8) = 0"
        " AND NOT EXISTS (SELECT 1 FROM missing WHERE missing.ino = node.ino)",
    [STMT_NODE_MISSING_INCOMPLETE] = "UPDATE node SET flags = (flags & ~8) | 256"
                                     " WHERE ino IN (SELECT ino FROM missing WHERE drive = ?1)"
                                     " AND flags & 8 AND ifnull(listed, 0) < ?2",

    [STMT_INO_NEXT] = "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'node' RETURNING seq",
    [STMT_NODE_RENUMBER] = "UPDATE node SET ino = ?2 WHERE ino = ?1 RETURNING parent, name",
    [STMT_REMOTE_RENUMBER] = "UPDATE remote SET ino = ?2 WHERE ino = ?1",
    [STMT_SHORTCUT_RENUMBER] = "UPDATE shortcut SET ino = ?2 WHERE ino = ?1",
    [STMT_MISSING_RENUMBER] = "UPDATE missing SET ino = ?2 WHERE ino = ?1",
    [STMT_PIN_RENUMBER] = "UPDATE pin SET ino = ?2 WHERE ino = ?1",
    [STMT_ATTR_RENUMBER] = "UPDATE attr SET ino = ?2 WHERE ino = ?1",
    [STMT_XATTR_RENUMBER] = "UPDATE xattr SET ino = ?2 WHERE ino = ?1",
    [STMT_INTENT_RENUMBER] = "UPDATE intent SET ino = ?2 WHERE ino = ?1",
    [STMT_BLOCKED_RENUMBER] = "UPDATE blocked SET ino = ?2 WHERE ino = ?1",

    [STMT_REMOTE_PUT] =
        "INSERT OR REPLACE INTO remote (ino, deleted, parent, name, size, mtime, generation, etag,"
        " ctag, hash_kind, hash, server_mtime)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [STMT_REMOTE_DELETE] = "DELETE FROM remote WHERE ino = ?1",
    [STMT_REMOTE_HELD_BACK] =
        "SELECT remote.ino FROM remote CROSS JOIN node ON node.ino = remote.ino"
        " WHERE remote.ino > ?1 AND node.parent = 0 AND NOT remote.deleted"
        " ORDER BY remote.ino LIMIT 100",
    [STMT_REMOTE_PLACED] = "SELECT remote.ino FROM remote CROSS JOIN node ON node.ino = remote.ino"
                           " WHERE node.parent <> 0 ORDER BY remote.ino",
    [STMT_SHORTCUT_PUT] =
        "INSERT OR REPLACE INTO shortcut (ino, drive_id, rid) VALUES (?1, ?2, ?3)",
    [STMT_SHORTCUT_DELETE] = "DELETE FROM shortcut WHERE ino = ?1",

    [STMT_DRIVE_GET] = "SELECT " DRIVE_COLUMNS " FROM drive WHERE id = ?1",
    [STMT_DRIVE_FIND] =
        "SELECT " DRIVE_COLUMNS " FROM drive WHERE drive_id = ?1 AND kind = ?2 ORDER BY id LIMIT 1",
    [STMT_DRIVE_BY_ROOT] = "SELECT " DRIVE_COLUMNS " FROM drive WHERE root = ?1",
    [STMT_DRIVE_LIST] = "SELECT " DRIVE_COLUMNS " FROM drive ORDER BY id",
    [STMT_DRIVE_INSERT] =
        "INSERT INTO drive (kind, drive_id, type, name, owner, root, root_rid, is_default,"
        " quota_total, quota_used, quota_remaining, round, round_was_full, next_link, delta_link,"
        " round_started, round_ended, items_seen)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    [STMT_DRIVE_UPDATE] =
        "UPDATE drive SET kind = ?1, drive_id = ?2, type = ?3, name = ?4, owner = ?5, root = ?6,"
        " root_rid = ?7, is_default = ?8, quota_total = ?9, quota_used = ?10,"
        " quota_remaining = ?11, round = ?12, round_was_full = ?13, next_link = ?14,"
        " delta_link = ?15, round_started = ?16, round_ended = ?17, items_seen = ?18"
        " WHERE id = ?19",
    [STMT_DRIVE_DELETE] = "DELETE FROM drive WHERE id = ?1",

    [STMT_STAGING_PUT] =
        "INSERT OR REPLACE INTO staging (drive, deleted, " STAGING_COLUMNS ")"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    [STMT_STAGING_GET] = "SELECT " STAGING_COLUMNS " FROM staging WHERE drive = ?1 AND rid = ?2",
    [STMT_STAGING_LIST] = "SELECT " STAGING_COLUMNS " FROM staging INDEXED BY staging_order"
                          " WHERE drive = ?1 ORDER BY deleted, rid LIMIT ?2",
    [STMT_STAGING_UNKNOWN] = "SELECT " STAGING_COLUMNS " FROM staging"
                             " WHERE drive = ?1 AND rid > ?3 AND NOT deleted AND NOT EXISTS"
                             "   (SELECT 1 FROM node WHERE drive = ?1 AND rid = staging.rid"
                             "     AND (parent <> 0 OR name <> ''))"
                             " ORDER BY rid LIMIT ?2",
    [STMT_STAGING_REMOVED] = "SELECT " STAGING_COLUMNS " FROM staging INDEXED BY staging_order"
                             " WHERE drive = ?1 AND deleted = 1 ORDER BY rid",
    [STMT_STAGING_DELETE] = "DELETE FROM staging WHERE drive = ?1 AND rid = ?2",
    [STMT_STAGING_CLEAR] = "DELETE FROM staging WHERE drive = ?1",
    [STMT_STAGING_LIVE] = "SELECT EXISTS (SELECT 1 FROM staging WHERE drive = ?1 AND deleted = 0)",
    [STMT_STAGING_COUNT] = "SELECT count(*) FROM staging WHERE drive = ?1",

    [STMT_MISSING_RENEW] = "UPDATE missing SET since = ?2 WHERE drive = ?1",
    [STMT_MISSING_NOTE] =
        "INSERT OR IGNORE INTO missing (ino, drive, since, asked, first_404, held)"
        " SELECT node.ino, node.drive, ?2, 0, 0, 0 FROM node"
        " LEFT JOIN drive ON drive.id = node.drive"
        " WHERE node.drive = ?1 AND node.rid IS NOT NULL AND node.flags & 2"
        " AND node.ino <> ifnull(drive.root, 0)"
        " AND NOT EXISTS (SELECT 1 FROM staging s"
        "   WHERE s.drive = node.drive AND s.rid = node.rid AND NOT s.deleted)",
    /* Topmost only: what is below goes, or comes back, with it. */
    [STMT_MISSING_LIST] =
        "SELECT missing.ino, missing.drive, since, asked, first_404, held, node.rid"
        " FROM missing CROSS JOIN node ON node.ino = missing.ino"
        " WHERE missing.drive = ?1 AND node.rid IS NOT NULL AND NOT EXISTS ("
        "   SELECT 1 FROM missing above WHERE above.ino = ifnull(node.base_parent, node.parent))"
        " ORDER BY missing.ino",
    [STMT_MISSING_GET] = "SELECT ino, drive, since, asked, first_404, held FROM missing"
                         " WHERE ino = ?1",
    [STMT_MISSING_PUT] =
        "INSERT OR REPLACE INTO missing (ino, drive, since, asked, first_404, held)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [STMT_MISSING_ADD] = "INSERT OR IGNORE INTO missing (ino, drive, since, asked, first_404, held)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [STMT_MISSING_DELETE] = "DELETE FROM missing WHERE ino = ?1",
    [STMT_MISSING_COUNT] = "SELECT count(*) FROM missing WHERE drive = ?1",
    [STMT_MISSING_COUNT_HELD] = "SELECT count(*) FROM missing WHERE drive = ?1 AND held <> 0",
    [STMT_MISSING_HOLD] = "UPDATE missing SET held = ?2 WHERE drive = ?1",
    [STMT_MISSING_CLEAR] = "DELETE FROM missing WHERE drive = ?1",

    [STMT_PIN_PUT] = "INSERT OR IGNORE INTO pin (ino) VALUES (?1)",
    [STMT_PIN_DELETE] = "DELETE FROM pin WHERE ino = ?1",
    /* From each pin upwards: there are few of them, and much may be below a folder. */
    [STMT_PIN_DELETE_TREE] = "WITH RECURSIVE up (pin, ino) AS (SELECT ino, ino FROM pin UNION"
                             "   SELECT up.pin, node.parent FROM up JOIN node ON node.ino = up.ino)"
                             " DELETE FROM pin WHERE ino IN (SELECT pin FROM up WHERE up.ino = ?1)",
    [STMT_PIN_LIST] = "SELECT ino FROM pin WHERE ino > ?1 ORDER BY ino",
    [STMT_PIN_COUNT] = "SELECT count(*) FROM pin WHERE ino = ?1",
    [STMT_PIN_ABOVE] = "WITH RECURSIVE up (ino) AS (VALUES (?1) UNION"
                       "   SELECT node.parent FROM up JOIN node ON node.ino = up.ino)"
                       " SELECT pin.ino FROM up JOIN pin ON pin.ino = up.ino LIMIT 1",

    [STMT_NODE_HAS_ATTR] = "UPDATE node SET flags = flags | 512 WHERE ino = ?1",
    [STMT_ATTR_GET] = "SELECT mode, uid, gid, atime FROM attr WHERE ino = ?1",
    [STMT_ATTR_SET] = "INSERT INTO attr (ino, mode, uid, gid, atime) VALUES (?1, ?2, ?3, ?4, ?5)"
                      " ON CONFLICT (ino) DO UPDATE SET mode = ifnull(excluded.mode, mode),"
                      " uid = ifnull(excluded.uid, uid), gid = ifnull(excluded.gid, gid),"
                      " atime = ifnull(excluded.atime, atime)",
    [STMT_ATTR_DELETE] = "DELETE FROM attr WHERE ino = ?1",

    [STMT_XATTR_GET] = "SELECT value FROM xattr WHERE ino = ?1 AND name = ?2",
    [STMT_XATTR_HAS] = "SELECT 1 FROM xattr WHERE ino = ?1 AND name = ?2",
    [STMT_XATTR_LIST] = "SELECT name FROM xattr WHERE ino = ?1 ORDER BY name",
    [STMT_XATTR_SET] = "INSERT OR REPLACE INTO xattr (ino, name, value) VALUES (?1, ?2, ?3)",
    [STMT_XATTR_DELETE] = "DELETE FROM xattr WHERE ino = ?1 AND name = ?2",
    [STMT_XATTR_DELETE_ALL] = "DELETE FROM xattr WHERE ino = ?1",

    [STMT_INTENT_GET] = "SELECT " INTENT_COLUMNS " FROM intent WHERE ino = ?1",
    [STMT_INTENT_GENERATION] = "SELECT generation FROM intent WHERE ino = ?1",
    [STMT_INTENT_BY_PLACE] =
        "SELECT ino FROM intent WHERE rid IS NULL AND parent_rid = ?1 AND name = ?2",
    [STMT_INTENT_LIST] = "SELECT " INTENT_COLUMNS " FROM intent WHERE ino > ?1 ORDER BY ino",
    [STMT_INTENT_MADE] = "SELECT name FROM intent WHERE parent = ?1 AND rid IS NULL"
                         " AND name IS NOT NULL",
    [STMT_INTENT_PUT] = "INSERT OR REPLACE INTO intent (" INTENT_COLUMNS ")"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    [STMT_INTENT_DELETE] = "DELETE FROM intent WHERE ino = ?1",

    [STMT_BLOCKED_LIST] = "SELECT ino, since, retry, code, reason, remedy FROM blocked"
                          " WHERE ino > ?1 ORDER BY ino",
    [STMT_BLOCKED_GET] = "SELECT ino, since, retry, code, reason, remedy FROM blocked"
                         " WHERE ino = ?1",
    [STMT_BLOCKED_COUNT] = "SELECT count(*) FROM blocked",
    [STMT_BLOCKED_PUT] = "INSERT INTO blocked (ino, since, retry, code, reason, remedy)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (ino) DO UPDATE SET"
                         " retry = excluded.retry, code = excluded.code,"
                         " reason = excluded.reason, remedy = excluded.remedy",
    [STMT_BLOCKED_DELETE] = "DELETE FROM blocked WHERE ino = ?1",

    [STMT_TOMBSTONE_PUT] =
        "INSERT OR REPLACE INTO tombstone (drive, rid, time) VALUES (?1, ?2, ?3)",
    [STMT_TOMBSTONE_GET] = "SELECT time FROM tombstone WHERE drive = ?1 AND rid = ?2",
    [STMT_TOMBSTONE_DELETE] = "DELETE FROM tombstone WHERE drive = ?1 AND rid = ?2",
    [STMT_TOMBSTONE_PURGE] = "DELETE FROM tombstone WHERE drive = ?1 AND time < ?2",
    [STMT_TOMBSTONE_CLEAR] = "DELETE FROM tombstone WHERE drive = ?1",
};
