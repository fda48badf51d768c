/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_STORE_STORE_I_H
#define GRAPHFS_STORE_STORE_I_H

/* What the files of src/store share and nobody else sees. */

#include <pthread.h>
#include <stdatomic.h>

#include "base/vec.h"
#include "store/sql.h"
#include "store/store.h"

/* A reading connection: one thread's, but in the store's list so that store_close() finds it. */
struct reader {
    struct sql_conn *conn;
    struct store *store;
    struct reader *next; /* store->readers_lock */
};

/* A directory in which a name appeared or went. */
struct touched {
    ino_nr ino;
    int64_t time_ns;
    bool is_own;
};

/* The directory's mtime is to be that of the commit. */
#define TOUCHED_AT_COMMIT INT64_MIN

DEFINE_VEC(change_list, struct change);
DEFINE_VEC(ino_list, ino_nr);
DEFINE_VEC(touched_list, struct touched);

/* The transaction under way: there is one at most, its fields belong to the holder of the writer
 * mutex. */
struct store_txn {
    struct store *store;
    struct sql_conn *conn;      /* the writing one */
    struct change_list changes; /* to be told after the commit, in this order */
    struct touched_list touched;
    bool is_own; /* what is changed now was asked for by the kernel */
};

/* See durable.c. */
struct durable {
    const char *path;         /* the store's */
    _Atomic uint64_t commits; /* how many there were */
    pthread_mutex_t lock;
    uint64_t synced;       /* lock: how many of them are on the disk for certain */
    struct sql_conn *conn; /* lock; NULL until it is needed */
};

struct store {
    char *path;                /* const after open */
    struct clock *clock;       /* const after open */
    char uuid[37];             /* const after open */
    bool was_unclean;          /* const after open */
    pthread_rwlock_t metadata; /* see store.h */

    pthread_mutex_t writer;    /* held from store_begin to the end of the transaction */
    struct store_txn txn;      /* writer */
    uint64_t generation;       /* writer: the last one given out */
    uint64_t saved_generation; /* writer: what the file has of it */
    int wal_pages;             /* writer: length of the log after the last commit */

    struct durable durable; /* a lock of its own, taken when no other is held */

    pthread_key_t reader_key; /* the thread's struct reader */
    pthread_mutex_t readers_lock;
    struct reader *readers; /* readers_lock */

    store_listener_fn *listener; /* const after start-up, as all below */
    void *listener_arg;
    store_is_open_fn *is_open;
    void *is_open_arg;
    store_is_open_fn *is_being_written;
    void *is_being_written_arg;
};

/* reader.c: the calling thread's connection, opened at first use; NULL if that fails. */
struct sql_conn *store_reader(struct store *store);
int reader_init(struct store *store);
void reader_close_all(struct store *store);

/* row.c: a row of the tables <-> the structs */
void node_read_attr(sqlite3_stmt *statement, struct node_attr *ret);

enum { NODE_LIST_NAME = 10 }; /* the column after those of node_read_attr */

void node_read(sqlite3_stmt *statement, struct node *ret);
int node_write(struct sql_conn *conn, struct node *node, bool is_new);

/* read.c: the reads that handlers and transactions have in common */
int read_attr(struct sql_conn *conn, ino_nr ino, struct node_attr *ret);
int read_node(struct sql_conn *conn, ino_nr ino, struct node *ret);
int read_lookup(struct sql_conn *conn, ino_nr parent, const char *name, struct node_attr *ret);
/* The rows of a statement with its parameters bound, whose columns are those of a listing. */
int read_children(sqlite3_stmt *statement, store_child_fn *each, void *arg);
int read_list(struct sql_conn *conn, ino_nr parent, ino_nr after, store_child_fn *each, void *arg);
int read_drive(struct sql_conn *conn, enum statement id, const struct sql_value *values,
               size_t count, struct drive_row *ret);

/* change.c: what a transaction will tell. */

/* Notes the difference, unused content included, between a row as it was (NULL: new) and as it is
 * now (NULL: removed). */
int change_note(struct store_txn *txn, const struct node *before, const struct node *after);

/* Notes that attributes of the row have changed. */
void change_note_attr(struct store_txn *txn, const struct node_attr *attr);

/* Moves the mtime of the directories touched. Before the metadata lock is taken. */
int change_touch_parents(struct store_txn *txn);

/* Gives open files whose content changed a new number. Under the exclusive metadata lock. */
int change_renumber(struct store_txn *txn);

/* Frees what the changes own. */
void change_clear(struct change_list *changes);

/* durable.c: commits that survive a power cut */

void durable_init(struct durable *durable, const char *path);
void durable_clear(struct durable *durable);

/* The number of the commit that was just made, by the holder of the writer mutex. */
uint64_t durable_count_commit(struct durable *durable);

/* Returns when it is on the disk. No lock of the store is held. */
int durable_await(struct durable *durable, uint64_t number, struct err *err);

/* unused.c: content that no row has any more */

/* Notes what a row had before and has no more after (NULL: removed). */
int unused_note_row(struct store_txn *txn, const struct node *before, const struct node *after);

/* The generation that the row's intent speaks of; 0: none. */
int unused_get_intended(struct store_txn *txn, ino_nr ino, uint64_t *ret);

/* Notes that an intent spoke of this generation (0: of none), and does no more. */
int unused_note_intent(struct store_txn *txn, ino_nr ino, uint64_t generation);

#endif
