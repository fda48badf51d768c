/* SPDX-License-Identifier: MIT */
/*
 * Connections are opened without SQLite's own mutexes: the store gives each thread its own, and the
 * writing one belongs to whoever holds the writer mutex.
 *
 * A statement is prepared when it is first used and kept until the connection is closed. At any
 * time it is either rewound or in the hands of one scope (cleanup_statement).
 *
 * Whoever comes upon damage only gets an error. So that it isn't come upon again and again, a file
 * beside the database says so at once (sql_damage_path), whatever becomes of the process.
 */
#include "config.h"

#include "store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"

/* WAL lets readers go on while another commits. Each thread has a connection, so caches are small:
 * the kernel's page cache holds the file once for all of them. NORMAL: a commit survives the death
 * of the process; fsync() of a file is what asks for more. Checkpoints are the store's (see
 * store_commit). */
static const char connection_setup[] = "PRAGMA journal_mode = WAL;"
                                       "PRAGMA synchronous = NORMAL;"
                                       "PRAGMA cache_size = -768;"
                                       "PRAGMA mmap_size = 0;"
                                       "PRAGMA temp_store = MEMORY;"
                                       "PRAGMA wal_autocheckpoint = 0;";

enum { BUSY_TIMEOUT_MS = 5000 };

static const struct {
    int code;
    int errnum;
} error_map[] = {
    { SQLITE_OK, 0 },
    { SQLITE_ROW, 0 },
    { SQLITE_DONE, 0 },
    { SQLITE_FULL, ENOSPC },
    { SQLITE_BUSY, EBUSY },
    { SQLITE_LOCKED, EBUSY },
    { SQLITE_NOMEM, ENOMEM },
    { SQLITE_READONLY, EROFS },
    { SQLITE_PERM, EACCES },
    { SQLITE_CANTOPEN, EACCES },
    { SQLITE_AUTH, EACCES },
    { SQLITE_INTERRUPT, EINTR },
    { SQLITE_TOOBIG, EFBIG },
    { SQLITE_CONSTRAINT, EEXIST },
    { SQLITE_CORRUPT, EUCLEAN },
    { SQLITE_NOTADB, EUCLEAN },
};

int sql_errno(int code)
{
    for (size_t i = 0; i < sizeof error_map / sizeof *error_map; i++)
        if (error_map[i].code == (code & 0xff))
            return -error_map[i].errnum;
    return -EIO;
}

char *sql_damage_path(const char *path)
{
    return x_asprintf("%s.failed-check", path);
}

void sql_note_damage(const char *path)
{
    cleanup_free char *marker = sql_damage_path(path);
    cleanup_close int fd = open(marker, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0)
        log_error("store", "%s is damaged: at the next start it is set aside and made anew", path);
}

/* Gives r back. */
static int note_if_damage(sqlite3 *db, int r)
{
    const char *path = r == -EUCLEAN ? sqlite3_db_filename(db, "main") : NULL;

    if (path && *path)
        sql_note_damage(path);
    return r;
}

int sql_error(const struct sql_conn *conn)
{
    int code = note_if_damage(conn->db, sql_errno(sqlite3_errcode(conn->db)));

    return code ? code : -EIO;
}

int sql_exec(struct sql_conn *conn, const char *text, struct err *err)
{
    int code = sqlite3_exec(conn->db, text, NULL, NULL, NULL);

    if (code == SQLITE_OK)
        return 0;
    return err_set(err, note_if_damage(conn->db, sql_errno(code)), "the store: %s",
                   sqlite3_errmsg(conn->db));
}

int sql_open(const char *path, struct sql_conn **ret, struct err *err)
{
    struct sql_conn *conn = x_calloc(1, sizeof *conn);
    int code = sqlite3_open_v2(path, &conn->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    int r;

    if (code != SQLITE_OK) {
        r = err_set(err, sql_errno(code), "%s: %s", path,
                    conn->db ? sqlite3_errmsg(conn->db) : "out of memory");
        goto fail;
    }
    (void)sqlite3_busy_timeout(conn->db, BUSY_TIMEOUT_MS);
    r = sql_exec(conn, connection_setup, err);
    if (r < 0)
        goto fail;
    *ret = conn;
    return 0;
fail:
    sql_close(conn);
    return r;
}

void sql_close(struct sql_conn *conn)
{
    if (!conn)
        return;
    for (size_t i = 0; i < STMT_COUNT; i++)
        (void)sqlite3_finalize(conn->statements[i]);
    (void)sqlite3_close(conn->db);
    free(conn);
}

sqlite3_stmt *sql_statement(struct sql_conn *conn, enum statement id)
{
    if (!conn->statements[id])
        (void)sqlite3_prepare_v3(conn->db, statement_text[id], -1, SQLITE_PREPARE_PERSISTENT,
                                 &conn->statements[id], NULL);
    return conn->statements[id];
}

void sql_rewind(sqlite3_stmt **statement)
{
    if (!*statement)
        return;
    (void)sqlite3_reset(*statement);
    (void)sqlite3_clear_bindings(*statement);
}

void sql_bind(sqlite3_stmt *statement, const struct sql_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int parameter = (int)i + 1;

        switch (values[i].type) {
        case SQL_NULL:
            (void)sqlite3_bind_null(statement, parameter);
            break;
        case SQL_NUMBER:
            (void)sqlite3_bind_int64(statement, parameter, values[i].number);
            break;
        case SQL_TEXT:
            (void)sqlite3_bind_text(statement, parameter, values[i].text, -1, SQLITE_STATIC);
            break;
        case SQL_BLOB:
            (void)sqlite3_bind_blob64(statement, parameter, values[i].text ? values[i].text : "",
                                      (sqlite3_uint64)values[i].number, SQLITE_STATIC);
            break;
        }
    }
}

int sql_step(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW)
        return 1;
    return code == SQLITE_DONE ? 0 : note_if_damage(sqlite3_db_handle(statement), sql_errno(code));
}

int sql_run(struct sql_conn *conn, enum statement id, const struct sql_value *values, size_t count)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(conn, id);
    int r;

    if (!statement)
        return sql_error(conn);
    sql_bind(statement, values, count);
    r = sql_step(statement);
    return r < 0 ? r : 0;
}

int sql_get(struct sql_conn *conn, enum statement id, int64_t *ret, const struct sql_value *values,
            size_t count)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(conn, id);
    int r;

    if (!statement)
        return sql_error(conn);
    sql_bind(statement, values, count);
    r = sql_step(statement);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    *ret = sqlite3_column_int64(statement, 0);
    return 0;
}

const char *sql_column(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

char *sql_column_copy(sqlite3_stmt *statement, int column)
{
    return x_strdup(sql_column(statement, column));
}
