/* SPDX-License-Identifier: MIT */
/*
 * Conflicts: see settle.h. Where the server's content has the size of what is here, the hash of
 * that is computed before the two are taken for different.
 */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "sync/push_i.h"
#include "sync/settle.h"

/* For the name of a conflict copy: when it was found. */
static void local_time(struct sync *sync, char out[32])
{
    time_t now = (time_t)(clock_real_ms(sync->conf.clock) / 1000);
    struct tm tm;

    (void)strftime(out, 32, "%Y-%m-%d %H%M%S", localtime_r(&now, &tm));
}

int push_settle_in(struct sync *sync, struct store_txn *txn, ino_nr ino,
                   const struct push_known_hash *known, enum settle_outcome *ret, struct err *err)
{
    struct drive_row drive = { 0 };
    char time[32];
    struct settle_facts facts = {
        .hash = known ? known->text : NULL,
        .hash_kind = known ? known->kind : HASH_NONE,
        .host = sync->conf.host,
        .local_time = time,
    };
    struct apply_context context = {
        .drive = &drive,
        .source = APPLY_ITEM,
        .now_ms = clock_real_ms(sync->conf.clock),
    };
    struct node_attr attr;
    int r = txn_getattr(txn, ino, &attr);

    local_time(sync, time);
    if (r == 0)
        r = txn_get_drive(txn, attr.drive, &drive);
    if (r == 0)
        r = settle_row(txn, &context, ino, &facts, ret, err);
    drive_row_clear(&drive);
    return r;
}

/* Where the server was found to have what is here: that becomes the version. It is frozen still. */
static void keep_bytes(struct sync *sync, ino_nr ino)
{
    const unsigned both = NODE_LOCAL | NODE_BASE;
    struct drive_row drive = { 0 };
    struct node node;

    if (store_get_node(sync->conf.store, ino, &node) < 0)
        return;
    if ((node.attr.flags & both) == both && node.local.generation == node.base.generation &&
        store_get_drive(sync->conf.store, node.attr.drive, &drive) == 0)
        bytes_keep(sync->conf.bytes, &node, drive.drive_id);
    drive_row_clear(&drive);
    node_clear(&node);
}

/* Whether the row still shows what was hashed: who writes to it goes on with another content. */
static bool is_current(struct store_txn *txn, const struct push_job *job)
{
    struct node_attr attr;

    return txn_getattr(txn, job->ino, &attr) == 0 && attr.generation == job->intent.generation;
}

/* The hash is none of the server's kinds, or can't be had: then the two differ. */
static void on_hash(struct sync *sync, struct push_job *job, int status, const char *text)
{
    const struct push_known_hash known = { .text = status < 0 || !text ? "" : text,
                                           .kind = job->intent.hash_kind };
    enum settle_outcome outcome = SETTLE_NOTHING;
    cleanup_txn struct store_txn *txn = NULL;
    struct err err = { 0 };
    int r = store_begin(sync->conf.store, &txn, &err);

    if (r == 0 && is_current(txn, job))
        r = push_settle_in(sync, txn, job->ino, &known, &outcome, &err);
    if (r == 0)
        r = sync_commit(&txn, &err);
    if (sync_explain(&err, r, "settling a conflict") < 0) {
        push_end_failed(sync, job, &err);
        return;
    }
    keep_bytes(sync, job->ino);
    push_end(sync, job);
}

void push_settle_with_hash(struct sync *sync, struct push_job *job)
{
    push_hash(sync, job, job->intent.hash_kind, on_hash);
}
