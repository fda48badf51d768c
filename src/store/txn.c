/* SPDX-License-Identifier: MIT */
/*
 * Transactions: the writer mutex is held from begin to the end, the metadata lock only around
 * COMMIT and the reply that goes with it, and neither while the listener runs.
 *
 * Checkpoints copy the log into the file and sync both; SQLite's own would do that inside COMMIT,
 * under the metadata lock, and stop every handler for as long as the disk takes. Ours come after it
 * is released.
 */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/kill_point.h"
#include "base/lock.h"

enum { CHECKPOINT_PAGES = 4000 };

static void lock_writer(struct store *store)
{
    (void)lock_acquire_mutex(&store->writer);
}

static void unlock_writer(struct store *store)
{
    pthread_mutex_t *held = &store->writer;

    lock_release_mutex(&held);
}

int store_begin(struct store *store, struct store_txn **ret, struct err *err)
{
    int r;

    lock_writer(store);
    r = sql_run(store->txn.conn, STMT_BEGIN, NULL, 0);
    if (r < 0) {
        (void)err_set(err, r, "the store: %s", sqlite3_errmsg(store->txn.conn->db));
        unlock_writer(store);
        return r;
    }
    store->txn.is_own = false;
    *ret = &store->txn;
    return 0;
}

/* Numbers given out by a transaction that is rolled back are simply never used. */
static int save_generation(struct store *store)
{
    char text[24];

    if (store->generation == store->saved_generation)
        return 0;
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)store->generation);
    return SQL_RUN(store->txn.conn, STMT_META_SET, sql_text("generation"), sql_text(text));
}

static int commit_exclusively(struct store_txn *txn, store_reply_fn *reply, void *arg)
{
    int r;

    WRLOCKED(&txn->store->metadata);
    r = change_renumber(txn);
    KILL_POINT("commit");
    if (r == 0)
        r = sql_run(txn->conn, STMT_COMMIT, NULL, 0);
    KILL_POINT("committed");
    if (r == 0 && reply)
        reply(arg);
    return r;
}

/* Ends the transaction, and gives what is to be told. The number is that of the commit. */
static int commit(struct store_txn *txn, store_reply_fn *reply, void *arg,
                  struct change_list *ret_changes, uint64_t *ret_number, struct err *err)
{
    struct store *store = txn->store;
    int r = change_touch_parents(txn);

    if (r == 0)
        r = save_generation(store);
    if (r == 0)
        r = commit_exclusively(txn, reply, arg);
    if (r < 0) {
        (void)err_set(err, r, "the store: %s", sqlite3_errmsg(txn->conn->db));
        store_rollback(txn);
        return r;
    }
    store->saved_generation = store->generation;
    if (store->wal_pages >= CHECKPOINT_PAGES)
        (void)sqlite3_wal_checkpoint_v2(txn->conn->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    *ret_number = durable_count_commit(&store->durable);
    *ret_changes = txn->changes;
    txn->changes = (struct change_list){ 0 };
    touched_list_clear(&txn->touched);
    unlock_writer(store);
    return 0;
}

static void tell(struct store *store, struct change_list *changes)
{
    if (changes->len > 0 && store->listener)
        store->listener(changes->items, changes->len, store->listener_arg);
    change_clear(changes);
}

int store_commit_reply(struct store_txn *txn, store_reply_fn *reply, void *arg, struct err *err)
{
    struct store *store = txn->store;
    struct change_list changes;
    uint64_t number;
    int r = commit(txn, reply, arg, &changes, &number, err);

    if (r == 0)
        tell(store, &changes);
    return r;
}

int store_commit(struct store_txn *txn, struct err *err)
{
    return store_commit_reply(txn, NULL, NULL, err);
}

/* If power is cut now, a row may have it again. */
static void drop_unused(struct change_list *changes)
{
    size_t kept = 0;

    for (size_t i = 0; i < changes->len; i++) {
        if (changes->items[i].kind != CHANGE_UNUSED)
            changes->items[kept++] = changes->items[i];
    }
    changes->len = kept;
}

int store_commit_durably(struct store_txn *txn, struct err *err)
{
    struct store *store = txn->store;
    struct change_list changes;
    uint64_t number;
    int r = commit(txn, NULL, NULL, &changes, &number, err);

    if (r < 0)
        return r;
    r = durable_await(&store->durable, number, err);
    if (r < 0)
        drop_unused(&changes);
    tell(store, &changes);
    return r;
}

int store_sync(struct store *store, struct err *err)
{
    return durable_await(&store->durable, atomic_load(&store->durable.commits), err);
}

bool txn_set_own(struct store_txn *txn, bool is_own)
{
    bool was_own = txn->is_own;

    txn->is_own = is_own;
    return was_own;
}

void store_rollback(struct store_txn *txn)
{
    if (!txn)
        return;
    (void)sql_run(txn->conn, STMT_ROLLBACK, NULL, 0);
    change_clear(&txn->changes);
    touched_list_clear(&txn->touched);
    unlock_writer(txn->store);
}
