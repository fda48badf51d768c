/* SPDX-License-Identifier: MIT */
/*
 * One name in a folder that was never listed: asked for by path, and applied. The same name asked
 * for twice is one request. "Not there" is the store's answer after that, not the service's, which
 * matches names without regard to case. If the item was deleted lately this answer may be late:
 * then the item itself is asked for.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "sync/address.h"
#include "sync/sync_i.h"
#include "tree/names.h"

struct child_ask {
    LIST_ENTRY(child_ask) link;
    ino_nr parent;
    char *name; /* as shown */
    int64_t drive;
    char *drive_id;
    struct waiter_ids waiters;
    struct request *request;
    struct check *check;
    struct strset doubted; /* items that were deleted lately */
};

static void drop(struct sync *sync, struct child_ask *ask)
{
    LIST_REMOVE(ask, link);
    request_abandon(sync, ask->request);
    check_abandon(sync, ask->check);
    strset_clear(&ask->doubted);
    waiter_ids_clear(&ask->waiters);
    free(ask->name);
    free(ask->drive_id);
    free(ask);
}

static void finish(struct sync *sync, struct child_ask *ask, const struct err *err)
{
    struct waiter_ids waiters = ask->waiters;

    ask->waiters = (struct waiter_ids){ 0 };
    drop(sync, ask);
    waiters_finish_each(&sync->waiters, &waiters, err);
}

static int apply_child(struct sync *sync, struct child_ask *ask, const struct item_page *page,
                       struct err *err)
{
    struct drive_row drive = { 0 };
    cleanup_txn struct store_txn *txn = NULL;
    struct apply_context context = {
        .drive = &drive,
        .source = APPLY_ITEM,
        .now_ms = clock_real_ms(sync->conf.clock),
        .listed = ask->parent,
    };
    bool has_tombstone = false;
    int r = store_begin(sync->conf.store, &txn, err);

    if (r == 0)
        r = txn_get_drive(txn, ask->drive, &drive);
    for (size_t i = 0; i < page->count && r == 0; i++) {
        r = txn_has_tombstone(txn, drive.id, page->items[i].id, &has_tombstone);
        if (has_tombstone)
            (void)strset_add(&ask->doubted, page->items[i].id);
        else if (r == 0)
            r = absence_apply_unreported(txn, &context, &page->items[i], NULL, err);
    }
    drive_row_clear(&drive);
    return r < 0 ? sync_explain(err, r, "storing an item") : sync_commit(&txn, err);
}

static void finish_looking(struct sync *sync, struct child_ask *ask)
{
    struct node_attr attr;
    struct err err;
    bool is_there = store_lookup(sync->conf.store, ask->parent, ask->name, &attr) == 0;

    if (!is_there)
        (void)err_set(&err, -ENOENT, "no such item");
    finish(sync, ask, is_there ? NULL : &err);
}

/* has_left: the name is there, but not to be had. */
static void on_checked(struct sync *sync, const struct err *err, bool has_left, void *owner)
{
    struct child_ask *ask = owner;
    struct err refused;

    ask->check = NULL;
    if (!err && !has_left) {
        finish_looking(sync, ask);
        return;
    }
    if (!err)
        (void)err_set(&refused, -EACCES, "the service refuses the item");
    finish(sync, ask, err ? err : &refused);
}

static void on_child(struct sync *sync, struct answer *answer, void *owner)
{
    struct child_ask *ask = owner;
    struct err *err = &answer->err;

    ask->request = NULL;
    if (err->code == 0)
        (void)apply_child(sync, ask, answer->page, err);
    if (err->code != 0)
        finish(sync, ask, err);
    else if (ask->doubted.len > 0)
        ask->check = check_new(sync,
                               &(struct check_query){
                                   .drive = ask->drive,
                                   .drive_id = ask->drive_id,
                                   .ids = &ask->doubted,
                                   .priority = REMOTE_READ,
                               },
                               on_checked, ask);
    else
        finish_looking(sync, ask);
}

static struct child_ask *find_ask(struct sync *sync, ino_nr parent, const char *name)
{
    struct child_ask *ask;

    LIST_FOREACH (ask, &sync->child_asks, link) {
        if (ask->parent == parent && strcmp(ask->name, name) == 0)
            return ask;
    }
    return NULL;
}

static void send(struct sync *sync, const struct address *address, ino_nr parent, const char *name,
                 const char *server_name, uint64_t waiter)
{
    struct child_ask *ask = x_calloc(1, sizeof *ask);

    ask->parent = parent;
    ask->name = x_strdup(name);
    ask->drive = address->drive;
    ask->drive_id = x_strdup(address->drive_id);
    (void)waiter_ids_push(&ask->waiters, waiter);
    LIST_INSERT_HEAD(&sync->child_asks, ask, link);
    ask->request = request_child(sync,
                                 &(struct path_query){
                                     .drive_id = address->drive_id,
                                     .parent_id = address->rid,
                                     .name = server_name,
                                     .priority = REMOTE_READ,
                                 },
                                 on_child, ask);
}

/* A view's names, and those of a root whose id isn't known yet, come with all others there. */
static int start(struct sync *sync, const struct node *parent, const char *name, uint64_t waiter)
{
    struct address address;
    char server_name[NAME_SIZE];
    int r;

    if (parent->attr.kind == NODE_VIEW) {
        drives_ask(sync, waiter);
        return 0;
    }
    r = name_encode(name, server_name, sizeof server_name);
    if (r < 0)
        return -ENOENT;
    r = address_find(sync->conf.store, parent, &address);
    if (r < 0)
        return r;
    if (address.rid)
        send(sync, &address, parent->attr.ino, name, server_name, waiter);
    else
        listing_want(sync, parent->attr.ino, waiter);
    address_clear(&address);
    return 0;
}

void child_want(struct sync *sync, ino_nr parent, const char *name, uint64_t waiter)
{
    struct child_ask *ask = find_ask(sync, parent, name);
    struct node node;
    struct err err = { 0 };
    int r;

    if (ask) {
        (void)waiter_ids_push(&ask->waiters, waiter);
        return;
    }
    r = store_get_node(sync->conf.store, parent, &node);
    if (r == 0) {
        r = start(sync, &node, name, waiter);
        node_clear(&node);
    }
    if (r < 0) {
        (void)err_set_errno(&err, r, "looking for a name");
        waiters_finish(&sync->waiters, waiter, &err);
    }
}

void child_free(struct sync *sync)
{
    while (!LIST_EMPTY(&sync->child_asks))
        drop(sync, LIST_FIRST(&sync->child_asks));
}
