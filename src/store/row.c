/* SPDX-License-Identifier: MIT */
/*
 * A row of node, with those of remote and shortcut that belong to it, and struct node.
 *
 * In the table a base column is NULL where base equals local; in the struct base is always whole.
 * With NODE_BASE unset all base columns are NULL and mean nothing.
 */
#include "config.h"

#include "store/store_i.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* Columns of WHOLE_NODE in statements.c, after those of the attributes. */
enum {
    COLUMN_NAME = NODE_LIST_NAME,
    COLUMN_RID,
    COLUMN_BASE_PARENT,
    COLUMN_BASE_NAME,
    COLUMN_BASE_SIZE,
    COLUMN_BASE_MTIME,
    COLUMN_BASE_GENERATION,
    COLUMN_BASE_TAGS, /* five: see read_tags */
    COLUMN_CONFIRMED = COLUMN_BASE_TAGS + 5,
    COLUMN_REMOTE_DELETED,
    COLUMN_REMOTE_PARENT,
    COLUMN_REMOTE_NAME,
    COLUMN_REMOTE_SIZE,
    COLUMN_REMOTE_MTIME,
    COLUMN_REMOTE_GENERATION,
    COLUMN_REMOTE_TAGS,
    COLUMN_TARGET_DRIVE_ID = COLUMN_REMOTE_TAGS + 5,
    COLUMN_TARGET_RID,
};

static void state_clear(struct node_state *state)
{
    free(state->name);
    free(state->etag);
    free(state->ctag);
    free(state->hash);
}

void node_clear(struct node *node)
{
    state_clear(&node->local);
    state_clear(&node->base);
    state_clear(&node->remote);
    free(node->rid);
    free(node->target_drive_id);
    free(node->target_rid);
    memset(node, 0, sizeof *node);
}

void node_read_attr(sqlite3_stmt *statement, struct node_attr *ret)
{
    *ret = (struct node_attr){
        .ino = (ino_nr)sqlite3_column_int64(statement, 0),
        .parent = (ino_nr)sqlite3_column_int64(statement, 1),
        .kind = (enum node_kind)sqlite3_column_int(statement, 2),
        .flags = (unsigned)sqlite3_column_int(statement, 3),
        .drive = sqlite3_column_int64(statement, 4),
        .size = sqlite3_column_int64(statement, 5),
        .mtime_ns = sqlite3_column_int64(statement, 6),
        .generation = (uint64_t)sqlite3_column_int64(statement, 7),
        .target = (ino_nr)sqlite3_column_int64(statement, 8),
        .listed_ms = sqlite3_column_int64(statement, 9),
    };
}

static int64_t column_or(sqlite3_stmt *statement, int column, int64_t otherwise)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL
               ? otherwise
               : sqlite3_column_int64(statement, column);
}

static void read_tags(sqlite3_stmt *statement, int column, struct node_state *state)
{
    state->etag = sql_column_copy(statement, column);
    state->ctag = sql_column_copy(statement, column + 1);
    state->hash_kind = (enum hash_kind)sqlite3_column_int(statement, column + 2);
    state->hash = sql_column_copy(statement, column + 3);
    state->server_mtime_ns = sqlite3_column_int64(statement, column + 4);
}

static void read_base(sqlite3_stmt *statement, const struct node_state *local,
                      struct node_state *base)
{
    const char *name = sql_column(statement, COLUMN_BASE_NAME);

    base->parent = (ino_nr)column_or(statement, COLUMN_BASE_PARENT, (int64_t)local->parent);
    base->name = x_strdup(name ? name : local->name);
    base->size = column_or(statement, COLUMN_BASE_SIZE, local->size);
    base->mtime_ns = column_or(statement, COLUMN_BASE_MTIME, local->mtime_ns);
    base->generation =
        (uint64_t)column_or(statement, COLUMN_BASE_GENERATION, (int64_t)local->generation);
    read_tags(statement, COLUMN_BASE_TAGS, base);
}

static void read_remote(sqlite3_stmt *statement, struct node *node)
{
    struct node_state *remote = &node->remote;

    node->remote_deleted = sqlite3_column_int(statement, COLUMN_REMOTE_DELETED) != 0;
    remote->parent = (ino_nr)sqlite3_column_int64(statement, COLUMN_REMOTE_PARENT);
    remote->name = sql_column_copy(statement, COLUMN_REMOTE_NAME);
    remote->size = sqlite3_column_int64(statement, COLUMN_REMOTE_SIZE);
    remote->mtime_ns = sqlite3_column_int64(statement, COLUMN_REMOTE_MTIME);
    remote->generation = (uint64_t)sqlite3_column_int64(statement, COLUMN_REMOTE_GENERATION);
    read_tags(statement, COLUMN_REMOTE_TAGS, remote);
}

void node_read(sqlite3_stmt *statement, struct node *ret)
{
    struct node node = { 0 };

    node_read_attr(statement, &node.attr);
    node.rid = sql_column_copy(statement, COLUMN_RID);
    node.local.parent = node.attr.parent;
    node.local.name = sql_column_copy(statement, COLUMN_NAME);
    node.local.size = node.attr.size;
    node.local.mtime_ns = node.attr.mtime_ns;
    node.local.generation = node.attr.generation;
    if (node.attr.flags & NODE_BASE)
        read_base(statement, &node.local, &node.base);
    if (node.attr.flags & NODE_REMOTE)
        read_remote(statement, &node);
    node.confirmed_ms = sqlite3_column_int64(statement, COLUMN_CONFIRMED);
    node.target_drive_id = sql_column_copy(statement, COLUMN_TARGET_DRIVE_ID);
    node.target_rid = sql_column_copy(statement, COLUMN_TARGET_RID);
    *ret = node;
}

/* A base column: NULL for "as local", or if there is no base. */
static struct sql_value base_number(const struct node *node, int64_t base, int64_t local)
{
    if (!(node->attr.flags & NODE_BASE) || base == local)
        return (struct sql_value){ .type = SQL_NULL };
    return sql_number(base);
}

static struct sql_value base_text(const struct node *node, const char *base, const char *local)
{
    if (!(node->attr.flags & NODE_BASE) || strcmp(base, local) == 0)
        return (struct sql_value){ .type = SQL_NULL };
    return sql_text(base);
}

static int write_remote(struct sql_conn *conn, const struct node *node)
{
    const struct node_state *remote = &node->remote;
    int64_t ino = (int64_t)node->attr.ino;

    if (!(node->attr.flags & NODE_REMOTE))
        return SQL_RUN(conn, STMT_REMOTE_DELETE, sql_number(ino));
    return SQL_RUN(conn, STMT_REMOTE_PUT, sql_number(ino), sql_number(node->remote_deleted),
                   sql_number((int64_t)remote->parent), sql_text(remote->name),
                   sql_number(remote->size), sql_number(remote->mtime_ns),
                   sql_number((int64_t)remote->generation), sql_text(remote->etag),
                   sql_text(remote->ctag), sql_nonzero(remote->hash_kind), sql_text(remote->hash),
                   sql_nonzero(remote->server_mtime_ns));
}

static int write_shortcut(struct sql_conn *conn, const struct node *node)
{
    int64_t ino = (int64_t)node->attr.ino;

    if (!(node->attr.flags & NODE_SHORTCUT))
        return SQL_RUN(conn, STMT_SHORTCUT_DELETE, sql_number(ino));
    return SQL_RUN(conn, STMT_SHORTCUT_PUT, sql_number(ino), sql_text(node->target_drive_id),
                   sql_text(node->target_rid));
}

/* Writes all of it; for a new row the number is set in *node. */
int node_write(struct sql_conn *conn, struct node *node, bool is_new)
{
    const struct node_attr *attr = &node->attr;
    const struct node_state *local = &node->local, *base = &node->base;
    const struct sql_value values[] = {
        sql_number((int64_t)local->parent),
        sql_text(local->name),
        sql_number(attr->kind),
        sql_number(attr->flags),
        sql_number(attr->drive),
        sql_text(node->rid),
        sql_nonzero(local->size),
        sql_nonzero(local->mtime_ns),
        sql_nonzero((int64_t)local->generation),
        base_number(node, (int64_t)base->parent, (int64_t)local->parent),
        base_text(node, base->name, local->name),
        base_number(node, base->size, local->size),
        base_number(node, base->mtime_ns, local->mtime_ns),
        base_number(node, (int64_t)base->generation, (int64_t)local->generation),
        sql_text(base->etag),
        sql_text(base->ctag),
        sql_nonzero(base->hash_kind),
        sql_text(base->hash),
        sql_nonzero(base->server_mtime_ns),
        sql_nonzero(node->confirmed_ms),
        sql_nonzero(attr->listed_ms),
        sql_nonzero((int64_t)attr->target),
        sql_number((int64_t)attr->ino),
    };
    const size_t count = sizeof values / sizeof *values;
    bool has_side_rows = !is_new || attr->flags & (NODE_REMOTE | NODE_SHORTCUT);
    int r = is_new ? sql_run(conn, STMT_NODE_INSERT, values, count - 1)
                   : sql_run(conn, STMT_NODE_UPDATE, values, count);

    if (r < 0)
        return r;
    if (is_new)
        node->attr.ino = (ino_nr)sqlite3_last_insert_rowid(conn->db);
    if (!has_side_rows)
        return 0;
    r = write_remote(conn, node);
    return r < 0 ? r : write_shortcut(conn, node);
}
