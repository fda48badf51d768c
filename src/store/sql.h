/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_STORE_SQL_H
#define GRAPHFS_STORE_SQL_H

/*
 * SQLite, as the rest of src/store uses it: a connection with its prepared statements, and values
 * to bind. A connection is used by one thread at a time.
 */

#include "base/cleanup.h"
#include "base/err.h"
#include "store/statements.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

struct sql_conn {
    sqlite3 *db;
    sqlite3_stmt *statements[STMT_COUNT]; /* prepared when first used */
};

/* Opens the file, which must exist, and sets what every connection has: WAL, cache size, timeouts.
 * Returns 0, -EUCLEAN for a file that is no database or a damaged one, or another -errno. */
int sql_open(const char *path, struct sql_conn **ret, struct err *err);

/* Finalizes the statements and closes. NULL is allowed. */
void sql_close(struct sql_conn *conn);

/* The negative errno for an SQLite result code; 0 for those that mean success. */
int sql_errno(int code);

/* The negative errno of the connection's last failure, -EIO if it doesn't know one. */
int sql_error(const struct sql_conn *conn);

/* The file that says that the database at this path is damaged; the caller frees the string. It is
 * made by whatever finds that out. */
char *sql_damage_path(const char *path);
void sql_note_damage(const char *path);

/* Runs SQL text without results. For statements that run once in a connection's life. */
int sql_exec(struct sql_conn *conn, const char *text, struct err *err);

/* The statement, ready for binding, or NULL (then sql_error() says why). It stays the connection's:
 * declare the variable cleanup_statement, which rewinds it. Not to be used again before that. */
sqlite3_stmt *sql_statement(struct sql_conn *conn, enum statement id);

/* cleanup_statement: rewinds the statement and forgets its bindings at the end of the scope. */
#define cleanup_statement __attribute__((cleanup(sql_rewind)))
void sql_rewind(sqlite3_stmt **statement);

/* A value to bind. Text and bytes are borrowed until the statement is rewound. */
struct sql_value {
    enum { SQL_NULL, SQL_NUMBER, SQL_TEXT, SQL_BLOB } type;

    int64_t number; /* SQL_BLOB: how many bytes */
    const char *text;
};

static inline struct sql_value sql_number(int64_t number)
{
    return (struct sql_value){ .type = SQL_NUMBER, .number = number };
}

/* NULL stays NULL. */
static inline struct sql_value sql_text(const char *text)
{
    return (struct sql_value){ .type = text ? SQL_TEXT : SQL_NULL, .text = text };
}

static inline struct sql_value sql_blob(const void *data, size_t size)
{
    return (struct sql_value){ .type = SQL_BLOB, .number = (int64_t)size, .text = data };
}

/* Zero is kept as NULL, which takes no room. */
static inline struct sql_value sql_nonzero(int64_t number)
{
    return (struct sql_value){ .type = number ? SQL_NUMBER : SQL_NULL, .number = number };
}

/* SQL_BIND(statement, value, ...): binds to the parameters ?1, ?2, ...; a failure shows in the
 * step. */
#define SQL_BIND(statement, ...)                                                                   \
    sql_bind((statement), (const struct sql_value[]){ __VA_ARGS__ },                               \
             sizeof((const struct sql_value[]){ __VA_ARGS__ }) / sizeof(struct sql_value))
void sql_bind(sqlite3_stmt *statement, const struct sql_value *values, size_t count);

/* One step: 1 there is a row, 0 there is none (any more), or -errno. */
int sql_step(sqlite3_stmt *statement);

/* SQL_RUN(conn, id, value, ...): binds and runs a statement without results. 0 or -errno. */
#define SQL_RUN(conn, id, ...)                                                                     \
    sql_run((conn), (id), (const struct sql_value[]){ __VA_ARGS__ },                               \
            sizeof((const struct sql_value[]){ __VA_ARGS__ }) / sizeof(struct sql_value))
int sql_run(struct sql_conn *conn, enum statement id, const struct sql_value *values, size_t count);

/* SQL_GET(conn, id, ret, value, ...): the number in the first column of the only row; -ENOENT if
 * there is no row. A NULL is 0. */
#define SQL_GET(conn, id, ret, ...)                                                                \
    sql_get((conn), (id), (ret), (const struct sql_value[]){ __VA_ARGS__ },                        \
            sizeof((const struct sql_value[]){ __VA_ARGS__ }) / sizeof(struct sql_value))
int sql_get(struct sql_conn *conn, enum statement id, int64_t *ret, const struct sql_value *values,
            size_t count);

/* A column's text: borrowed until the next step; NULL for NULL. */
const char *sql_column(sqlite3_stmt *statement, int column);

/* A copy of it, for the caller to free. */
char *sql_column_copy(sqlite3_stmt *statement, int column);

#endif
