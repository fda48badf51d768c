/* SPDX-License-Identifier: MIT */
/*
 * The store's life. The table meta says whose it is (cloud, tenant, user), its uuid, and whether
 * the last process closed it: "clean" is 0 from open to close. An unclean store is used at once and
 * checked in the background; if that check fails, or anything else finds damage, a file beside it
 * (store.db.failed-check) makes the next open set it aside as it does with one that can't be read
 * at all.
 *
 * A power cut may take the last commits along, with the content generations that they gave out,
 * while the content of these is on disk already. So each open begins far above the last number that
 * is known, and that commit, which also says that the store is in use, is on disk before it goes
 * on.
 *
 * A store is never deleted: it is renamed, with its log, and a new one is made.
 */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/lock.h"
#include "base/uuid.h"
#include "base/xalloc.h"
#include "store/schema.h"

/* More than can be given out between two checkpoints. */
#define GENERATIONS_PER_OPEN (UINT64_C(1) << 20)

static int remember_wal_pages(void *arg, sqlite3 *db, const char *database, int pages)
{
    struct store *store = arg;

    (void)db;
    (void)database;
    store->wal_pages = pages;
    return SQLITE_OK;
}

/* ---- meta ---- */

static char *meta_get(struct sql_conn *conn, const char *key)
{
    cleanup_statement sqlite3_stmt *statement = sql_statement(conn, STMT_META_GET);

    if (!statement)
        return NULL;
    SQL_BIND(statement, sql_text(key));
    return sql_step(statement) == 1 ? sql_column_copy(statement, 0) : NULL;
}

static int meta_set(struct sql_conn *conn, const char *key, const char *value)
{
    return SQL_RUN(conn, STMT_META_SET, sql_text(key), sql_text(value));
}

int txn_note_local_only(struct store_txn *txn, const char *patterns, bool *ret_is_new)
{
    static const char key[] = "local_only";
    cleanup_free char *before = meta_get(txn->conn, key);

    *ret_is_new = !before || strcmp(before, patterns) != 0;
    return *ret_is_new ? meta_set(txn->conn, key, patterns) : 0;
}

static int meta_set_number(struct sql_conn *conn, const char *key, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return meta_set(conn, key, text);
}

/* One part of the identity: what is not known yet, on either side, fits. */
static int bind_part(struct sql_conn *conn, const char *key, const char *value, struct err *err)
{
    cleanup_free char *stored = meta_get(conn, key);

    if (!value || !*value)
        return 0;
    if (stored && *stored && strcmp(stored, value) != 0)
        return err_set(err, -EPERM,
                       "the store belongs to another sign-in: its %s is %s, not %s"
                       " (use another account name, or log in as before)",
                       key, stored, value);
    return meta_set(conn, key, value);
}

static int bind_identity(struct sql_conn *conn, const struct store_identity *identity,
                         struct err *err)
{
    int r = bind_part(conn, "cloud", identity->cloud, err);

    if (r == 0)
        r = bind_part(conn, "tenant", identity->tenant, err);
    if (r == 0)
        r = bind_part(conn, "user", identity->user, err);
    return r;
}

/* Reads what the store keeps of itself, binds it, and marks it as in use: all or nothing. */
static int adopt(struct store *store, const struct store_identity *identity, struct err *err)
{
    struct sql_conn *conn = store->txn.conn;
    cleanup_free char *uuid = NULL, *clean = NULL, *generation = NULL;
    int r = sql_exec(conn, "PRAGMA synchronous = FULL; BEGIN IMMEDIATE", err);

    if (r < 0)
        return r;
    uuid = meta_get(conn, "uuid");
    clean = meta_get(conn, "clean");
    generation = meta_get(conn, "generation");
    if (uuid)
        (void)snprintf(store->uuid, sizeof store->uuid, "%s", uuid);
    else
        uuid_v4(store->uuid);
    store->was_unclean = clean && strcmp(clean, "0") == 0;
    store->generation = (generation ? strtoull(generation, NULL, 10) : 1) + GENERATIONS_PER_OPEN;
    store->saved_generation = store->generation;

    r = identity ? bind_identity(conn, identity, err) : 0;
    if (r == 0) {
        r = meta_set(conn, "uuid", store->uuid);
        if (r == 0)
            r = meta_set(conn, "clean", "0");
        if (r == 0)
            r = meta_set_number(conn, "generation", store->generation);
        if (r < 0)
            (void)err_set(err, r, "the store: %s", sqlite3_errmsg(conn->db));
    }
    if (r == 0)
        r = sql_exec(conn, "COMMIT; PRAGMA synchronous = NORMAL", err);
    if (r < 0)
        (void)sql_exec(conn, "ROLLBACK", NULL);
    return r;
}

/* ---- damage ---- */

static bool is_known_damaged(const char *path)
{
    cleanup_free char *marker = sql_damage_path(path);

    return access(marker, F_OK) == 0;
}

/* Renames the store and its log. The log goes first: a log without its file does no harm, while a
 * file that meets the log of another would. */
static int set_aside(const char *path, struct clock *clock, struct err *err)
{
    static const char *const suffixes[] = { "-wal", "-shm", "" };
    cleanup_free char *marker = sql_damage_path(path);
    time_t now = (time_t)(clock_real_ms(clock) / 1000);
    char stamp[32];
    struct tm tm;

    (void)strftime(stamp, sizeof stamp, "%Y%m%d%H%M%S", gmtime_r(&now, &tm));
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        cleanup_free char *from = x_asprintf("%s%s", path, suffixes[i]);
        cleanup_free char *to = x_asprintf("%s.damaged-%s%s", path, stamp, suffixes[i]);

        if (rename(from, to) != 0 && errno != ENOENT)
            return err_set_errno(err, errno, "%s is damaged and can't be renamed", from);
    }
    if (unlink(marker) != 0 && errno != ENOENT)
        return err_set_errno(err, errno, "%s", marker);
    return 0;
}

static int create_file(const char *path, struct err *err)
{
    cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    return fd < 0 ? err_set_errno(err, errno, "%s", path) : 0;
}

static int open_writer(struct store *store, const struct store_identity *identity, struct err *err)
{
    int r = create_file(store->path, err);

    if (r == 0)
        r = sql_open(store->path, &store->txn.conn, err);
    if (r == 0)
        r = schema_migrate(store->txn.conn, err);
    if (r == 0)
        r = adopt(store, identity, err);
    if (r == 0)
        (void)sqlite3_wal_hook(store->txn.conn->db, remember_wal_pages, store);
    return r;
}

static int open_or_replace(struct store *store, const struct store_identity *identity,
                           bool *ret_was_damaged, struct err *err)
{
    bool is_damaged = is_known_damaged(store->path);
    struct err first = { 0 };
    int r = is_damaged ? -EUCLEAN : open_writer(store, identity, &first);

    if (r == -EUCLEAN) {
        is_damaged = true;
        sql_close(store->txn.conn);
        store->txn.conn = NULL;
        r = set_aside(store->path, store->clock, err);
        if (r == 0)
            r = open_writer(store, identity, err);
    } else if (r < 0 && err) {
        *err = first;
    }
    if (r == 0 && ret_was_damaged)
        *ret_was_damaged = is_damaged;
    return r;
}

/* ---- life ---- */

int store_open(const char *dir, const struct store_identity *identity, struct clock *clock,
               struct store **ret, bool *ret_was_damaged, struct err *err)
{
    struct store *store = x_calloc(1, sizeof *store);
    int r = reader_init(store);

    if (r < 0) {
        free(store);
        return err_set_errno(err, r, "the store");
    }
    store->path = x_asprintf("%s/store.db", dir);
    store->clock = clock;
    store->txn.store = store;
    rwlock_init_prefer_writer(&store->metadata);
    (void)pthread_mutex_init(&store->writer, NULL);
    (void)pthread_mutex_init(&store->readers_lock, NULL);
    durable_init(&store->durable, store->path);

    r = open_or_replace(store, identity, ret_was_damaged, err);
    if (r < 0) {
        /* Not ours, or not usable: it must not be marked as closed. */
        sql_close(store->txn.conn);
        store->txn.conn = NULL;
        store_close(store);
        return r;
    }
    *ret = store;
    return 0;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    reader_close_all(store);
    durable_clear(&store->durable);
    if (store->txn.conn) {
        if (!is_known_damaged(store->path))
            (void)meta_set(store->txn.conn, "clean", "1");
        (void)sqlite3_wal_checkpoint_v2(store->txn.conn->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                        NULL);
    }
    sql_close(store->txn.conn);
    (void)pthread_mutex_destroy(&store->readers_lock);
    (void)pthread_mutex_destroy(&store->writer);
    (void)pthread_rwlock_destroy(&store->metadata);
    free(store->path);
    free(store);
}

const char *store_uuid(const struct store *store)
{
    return store->uuid;
}

bool store_was_unclean(const struct store *store)
{
    return store->was_unclean;
}

/* On a connection of its own, so that a check of a large store holds up no other reader. */
int store_quick_check(struct store *store, struct err *err)
{
    struct sql_conn *conn = NULL;
    sqlite3_stmt *statement = NULL;
    const char *answer = NULL;
    int r = sql_open(store->path, &conn, err);

    if (r < 0)
        return r;
    if (sqlite3_prepare_v2(conn->db, "PRAGMA quick_check(1)", -1, &statement, NULL) == SQLITE_OK &&
        sql_step(statement) == 1)
        answer = sql_column(statement, 0);
    if (!answer) {
        r = err_set(err, sql_error(conn), "checking the store: %s", sqlite3_errmsg(conn->db));
    } else if (strcmp(answer, "ok") != 0) {
        r = err_set(err, -EUCLEAN, "the store is damaged: %s", answer);
    }
    (void)sqlite3_finalize(statement);
    sql_close(conn);
    if (r == -EUCLEAN)
        sql_note_damage(store->path);
    return r;
}

int store_count_left(const char *dir, int64_t *ret)
{
    cleanup_free char *path = x_asprintf("%s/store.db", dir);
    struct sql_conn *conn = NULL;
    int r;

    *ret = 0;
    if (access(path, F_OK) < 0)
        return errno == ENOENT ? 0 : -errno;
    r = sql_open(path, &conn, NULL);
    if (r == 0)
        r = sql_get(conn, STMT_NODE_COUNT_DIRTY, ret, NULL, 0);
    sql_close(conn);
    return r;
}

void store_lock_shared(struct store *store)
{
    (void)lock_acquire_shared(&store->metadata);
}

void store_unlock_shared(struct store *store)
{
    pthread_rwlock_t *held = &store->metadata;

    lock_release_rwlock(&held);
}

void store_set_listener(struct store *store, store_listener_fn *listener, void *arg)
{
    store->listener = listener;
    store->listener_arg = arg;
}

void store_set_is_open(struct store *store, store_is_open_fn *is_open, void *arg)
{
    store->is_open = is_open;
    store->is_open_arg = arg;
}

void store_set_is_being_written(struct store *store, store_is_open_fn *fn, void *arg)
{
    store->is_being_written = fn;
    store->is_being_written_arg = arg;
}

bool txn_is_being_written(const struct store_txn *txn, ino_nr ino)
{
    const struct store *store = txn->store;

    return store->is_being_written && store->is_being_written(ino, store->is_being_written_arg);
}
