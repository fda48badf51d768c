/* SPDX-License-Identifier: MIT */
/*
 * Shortcuts to files. Delta tells of the shortcut, which is an item of its own, and nothing of the
 * file that it leads to, which lives in a drive without delta. So that one is asked for when
 * somebody opens the shortcut and its state is older than object_ttl; the same one asked for twice
 * is one request.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "sync/sync_i.h"

struct target_ask {
    LIST_ENTRY(target_ask) link;
    ino_nr ino;    /* of the shortcut */
    int64_t drive; /* that it is in */
    struct waiter_ids waiters;
    struct request *request;
};

static void drop(struct sync *sync, struct target_ask *ask)
{
    LIST_REMOVE(ask, link);
    request_abandon(sync, ask->request);
    waiter_ids_clear(&ask->waiters);
    free(ask);
}

static void finish(struct sync *sync, struct target_ask *ask, const struct err *err)
{
    struct waiter_ids waiters = ask->waiters;

    ask->waiters = (struct waiter_ids){ 0 };
    drop(sync, ask);
    waiters_finish_each(&sync->waiters, &waiters, err);
}

static int take(struct sync *sync, const struct target_ask *ask, const struct item *item,
                struct err *err)
{
    struct drive_row drive = { 0 };
    cleanup_txn struct store_txn *txn = NULL;
    struct apply_context context = {
        .drive = &drive,
        .source = APPLY_ITEM,
        .now_ms = clock_real_ms(sync->conf.clock),
    };
    int r = store_begin(sync->conf.store, &txn, err);

    if (r == 0)
        r = txn_get_drive(txn, ask->drive, &drive);
    if (r == 0)
        r = apply_target(txn, &context, ask->ino, item, err);
    drive_row_clear(&drive);
    return r < 0 ? sync_explain(err, r, "storing an item") : sync_commit(&txn, err);
}

static void on_target(struct sync *sync, struct answer *answer, void *owner)
{
    struct target_ask *ask = owner;
    struct err *err = &answer->err;

    ask->request = NULL;
    if (err->code == 0 && (answer->page->count != 1 || !answer->errors))
        (void)err_set(err, -EPROTO, "asked for one item, got %zu", answer->page->count);
    else if (err->code == 0)
        *err = answer->errors[0];
    if (err->code == 0)
        (void)take(sync, ask, &answer->page->items[0], err);
    finish(sync, ask, err->code == 0 ? NULL : err);
}

static struct target_ask *find_ask(struct sync *sync, ino_nr ino)
{
    struct target_ask *ask;

    LIST_FOREACH (ask, &sync->target_asks, link) {
        if (ask->ino == ino)
            return ask;
    }
    return NULL;
}

static void send(struct sync *sync, const struct node *node, uint64_t waiter)
{
    struct target_ask *ask = x_calloc(1, sizeof *ask);
    const char *rid = node->target_rid;

    ask->ino = node->attr.ino;
    ask->drive = node->attr.drive;
    (void)waiter_ids_push(&ask->waiters, waiter);
    LIST_INSERT_HEAD(&sync->target_asks, ask, link);
    ask->request = request_items(sync,
                                 &(struct item_query){
                                     .drive_id = node->target_drive_id,
                                     .ids = &rid,
                                     .count = 1,
                                     .priority = REMOTE_READ,
                                 },
                                 on_target, ask);
}

void target_want(struct sync *sync, ino_nr ino, uint64_t waiter)
{
    struct target_ask *ask = find_ask(sync, ino);
    struct node node = { 0 };
    struct err err = { 0 };
    int r;

    if (ask) {
        (void)waiter_ids_push(&ask->waiters, waiter);
        return;
    }
    r = store_get_node(sync->conf.store, ino, &node);
    if (r == 0 && (!(node.attr.flags & NODE_SHORTCUT) || !node.target_drive_id || !node.target_rid))
        r = -ENOENT;
    if (r == 0) {
        send(sync, &node, waiter);
    } else {
        (void)err_set_errno(&err, r, "following a shortcut");
        waiters_finish(&sync->waiters, waiter, &err);
    }
    node_clear(&node);
}

void target_free(struct sync *sync)
{
    while (!LIST_EMPTY(&sync->target_asks))
        drop(sync, LIST_FIRST(&sync->target_asks));
}
