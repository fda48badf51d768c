/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_PUSH_LOOK_H
#define GRAPHFS_SYNC_PUSH_LOOK_H

/*
 * One look of the reconciler at rows, in one transaction: push_look.c goes through them, push_row.c
 * decides what is next for each, push_begin.c makes a job of that, which is sent when the
 * transaction is in the store. All of it belongs to the sync thread.
 */

#include "sync/push_i.h"

struct push_look {
    struct sync *sync;
    struct store_txn *txn;
    struct push_rows inos;
    int64_t next_ms;    /* when the first of those that are left alone is due */
    bool has_changed;   /* the store: rows were settled, or forgotten */
    bool is_whole;      /* the last row was come to */
    uint64_t hold_mark; /* of the row that is planned, see push_hold.h */
    struct err err;
};

/* ---- push_row.c ---- */

/* Does what is next for the row, or begins it. 0 or -errno of the store. */
int row_consider(struct push_look *look, ino_nr ino);

/* ---- push_begin.c: 0 or -errno of the store ---- */

/* The name that the row has here, as the service is to have it; the caller's. */
char *begin_server_name(const struct node *node);

/* Something is to be sent: file is the content, and the job's from now on, or NULL. */
int begin_step(struct push_look *look, const struct node *node, const struct push_step *step,
               struct bytes_file *file, int64_t size);

/* An intent that nobody waits for an answer to: the process that had it has ended. Takes what is in
 * the intent over. */
int begin_resumed(struct push_look *look, const struct node *node, struct intent *intent);

/* The content's hash is wanted, to settle the row; nothing, if it can't be had now. */
int begin_conflict(struct push_look *look, const struct node *node);

/* A backup gets a content of its own. */
void begin_owning(struct push_look *look, const struct node *node);

#endif
