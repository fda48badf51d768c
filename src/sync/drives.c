/* SPDX-License-Identifier: MIT */
/*
 * Discovery: which drives the user has, and where they are in the tree.
 *
 * The home of the default drive is /me/drive, and /drives/ID is a symlink to it; any other drive
 * is a directory /drives/ID. One answer of the service is one transaction, after which the views
 * /me and /drives are complete. It is asked for at the start and then every few rounds, for the
 * quota. A drive that is no longer told of stays where it is: an answer that lacks something is not
 * a deletion. Neither does the default drive stop being it because none was told this time, as when
 * /me/drive was refused: only another one that is told of as the default takes its place.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sync/round_plan.h"
#include "sync/sync_i.h"
#include "tree/names.h"

/* Twenty rounds of a mount in use. */
#define DISCOVERY_INTERVAL_MS (10 * 60 * INT64_C(1000))

/* The place of the default drive. */
#define DEFAULT_PARENT STORE_INO_ME
#define DEFAULT_NAME   "drive"

/* ---- nodes ---- */

/* A directory or symlink of ours, on which all agree. */
static int put_node(struct store_txn *txn, struct node *node, ino_nr parent, const char *name)
{
    free(node->local.name);
    free(node->base.name);
    node->attr.parent = node->local.parent = node->base.parent = parent;
    node->local.name = x_strdup(name);
    node->base.name = x_strdup(name);
    return txn_put_node(txn, node);
}

static int create_root(struct store_txn *txn, struct drive_row *drive, ino_nr parent,
                       const char *name)
{
    struct node node = {
        .attr = {
            .kind = NODE_FOLDER,
            .flags = NODE_LOCAL | NODE_BASE,
            .drive = drive->id,
        },
    };
    int r = put_node(txn, &node, parent, name);

    drive->root = node.attr.ino;
    node_clear(&node);
    return r < 0 ? r : txn_put_drive(txn, drive);
}

static int move_root(struct store_txn *txn, const struct drive_row *drive, ino_nr parent,
                     const char *name)
{
    struct node node;
    int r = txn_get_node(txn, drive->root, &node);

    if (r < 0)
        return r;
    if (node.local.parent != parent || strcmp(node.local.name, name) != 0)
        r = put_node(txn, &node, parent, name);
    node_clear(&node);
    return r;
}

static int place_root(struct store_txn *txn, struct drive_row *drive, ino_nr parent,
                      const char *name)
{
    return drive->root == STORE_INO_NONE ? create_root(txn, drive, parent, name)
                                         : move_root(txn, drive, parent, name);
}

/* Clears /drives/ID of the symlink that stood there while the drive was the default one. */
static int remove_link(struct store_txn *txn, const char *drive_id)
{
    struct node_attr attr;
    int r = txn_lookup(txn, STORE_INO_DRIVES, drive_id, &attr);

    if (r == 0 && attr.kind == NODE_LINK)
        return txn_remove_node(txn, attr.ino);
    return r == -ENOENT ? 0 : r;
}

static int put_link(struct store_txn *txn, const struct drive_row *drive)
{
    struct node_attr attr;
    struct node node = {
        .attr = {
            .kind = NODE_LINK,
            .flags = NODE_LOCAL | NODE_BASE,
            .target = drive->root,
        },
    };
    int r = txn_lookup(txn, STORE_INO_DRIVES, drive->drive_id, &attr);

    if (r != -ENOENT)
        return r;
    r = put_node(txn, &node, STORE_INO_DRIVES, drive->drive_id);
    node_clear(&node);
    return r;
}

/* ---- drives ---- */

/* Another drive was the default one until now: it moves to /drives. */
static int vacate_default(struct store_txn *txn, const char *new_id)
{
    struct node_attr attr;
    struct drive_row drive = { 0 };
    int r = txn_lookup(txn, DEFAULT_PARENT, DEFAULT_NAME, &attr);

    if (r == 0)
        r = txn_get_drive(txn, attr.drive, &drive);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (drive.drive_id && strcmp(drive.drive_id, new_id) != 0) {
        log_warn("sync", "drive %s is no longer the default one", drive.drive_id);
        drive.is_default = false;
        r = txn_put_drive(txn, &drive);
        if (r == 0)
            r = remove_link(txn, drive.drive_id);
        if (r == 0)
            r = move_root(txn, &drive, STORE_INO_DRIVES, drive.drive_id);
    }
    drive_row_clear(&drive);
    return r;
}

static void set_string(char **string, const char *value)
{
    char *copy = x_strdup(value);

    free(*string);
    *string = copy;
}

static void fill_row(struct drive_row *drive, const struct drive_info *info)
{
    set_string(&drive->drive_id, info->id);
    set_string(&drive->type, info->type);
    set_string(&drive->name, info->name);
    set_string(&drive->owner, info->owner);
    drive->is_default |= info->is_default;
    drive->quota_total = info->quota_total;
    drive->quota_used = info->quota_used;
    drive->quota_remaining = info->quota_remaining;
}

/* drive is the row as it was, or zero. */
static int put_drive(struct store_txn *txn, struct drive_row *drive, const struct drive_info *info)
{
    int r;

    fill_row(drive, info);
    r = txn_put_drive(txn, drive);
    if (r == 0 && drive->is_default)
        r = vacate_default(txn, info->id);
    if (r == 0 && !drive->is_default)
        r = remove_link(txn, info->id);
    if (r < 0)
        return r;
    if (!drive->is_default)
        return place_root(txn, drive, STORE_INO_DRIVES, info->id);
    r = place_root(txn, drive, DEFAULT_PARENT, DEFAULT_NAME);
    return r < 0 ? r : put_link(txn, drive);
}

static bool is_told(const struct drive_list *list, const char *drive_id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->drives[i].id, drive_id) == 0)
            return true;
    }
    return false;
}

/* All of it is enumerated again: its items may have other ids, too (apply_identity.c). */
static int begin_under_new_id(struct store_txn *txn, struct drive_row *drive)
{
    int r = remove_link(txn, drive->drive_id);

    drive->round = round_plan_restarted(drive);
    set_string(&drive->next_link, NULL);
    set_string(&drive->delta_link, NULL);
    return r < 0 ? r : txn_clear_staging(txn, drive->id);
}

/* The account was moved: its default drive has another id now, if the one that is known is told of
 * no more. -ENOENT if it isn't so. */
static int find_former_default(struct store_txn *txn, const struct drive_list *list,
                               const struct drive_info *info, struct drive_row *ret)
{
    struct node_attr attr;
    int r = txn_lookup(txn, DEFAULT_PARENT, DEFAULT_NAME, &attr);

    if (r == 0)
        r = txn_get_drive(txn, attr.drive, ret);
    if (r < 0)
        return r;
    if (is_told(list, ret->drive_id)) {
        drive_row_clear(ret);
        return -ENOENT;
    }
    log_warn("sync", "drive %s is %s now", ret->drive_id, info->id);
    return begin_under_new_id(txn, ret);
}

/* Read inside the transaction: a drive before it in the list may have taken its place. */
static int take_drive(struct store_txn *txn, const struct drive_list *list,
                      const struct drive_info *info)
{
    struct drive_row drive = { 0 };
    int r;

    if (name_check(info->id) < 0) {
        log_warn("sync", "a drive was left out: its id can't be a name");
        return 0;
    }
    r = txn_find_drive(txn, info->id, DRIVE_OWN, &drive);
    if (r == -ENOENT && info->is_default)
        r = find_former_default(txn, list, info, &drive);
    if (r < 0 && r != -ENOENT)
        return r;
    r = put_drive(txn, &drive, info);
    drive_row_clear(&drive);
    return r;
}

static int take_list(struct sync *sync, const struct drive_list *list, struct err *err)
{
    cleanup_txn struct store_txn *txn = NULL;
    int r = store_begin(sync->conf.store, &txn, err);

    for (size_t i = 0; i < list->count && r == 0; i++)
        r = take_drive(txn, list, &list->drives[i]);
    if (r == 0)
        r = txn_set_complete(txn, STORE_INO_ME, true);
    if (r == 0)
        r = txn_set_complete(txn, STORE_INO_DRIVES, true);
    return r < 0 ? sync_explain(err, r, "storing the drives") : sync_commit(&txn, err);
}

static bool log_if_untold(const struct drive_row *drive, void *arg)
{
    const struct drive_list *list = arg;

    if (drive->kind == DRIVE_OWN && !is_told(list, drive->drive_id))
        log_info("sync", "drive %s is not among the drives of the account any more",
                 drive->drive_id);
    return true;
}

/* ---- asking ---- */

/* Without any drive to follow the answer isn't what is hoped for: /me/drive may have been refused
 * for the moment, or not have been made yet. */
static void set_next(struct sync *sync, int64_t now_ms)
{
    struct discovery *discovery = &sync->discovery;

    discovery->failures = LIST_EMPTY(&sync->follows) ? discovery->failures + 1 : 0;
    discovery->due_ms =
        now_ms + (discovery->failures > 0 ? sync_backoff_ms(discovery->failures, &discovery->error)
                                          : DISCOVERY_INTERVAL_MS);
}

static void on_drives(struct sync *sync, struct answer *answer, void *owner)
{
    struct discovery *discovery = owner;
    struct err *err = &answer->err;
    int64_t now_ms = clock_mono_ms(sync->conf.clock);

    discovery->request = NULL;
    if (err->code == 0)
        (void)take_list(sync, answer->drives, err);
    discovery->error = *err;
    discovery->waits_for_wake = sync_waits_for_wake(err);
    if (err->code == 0) {
        (void)store_list_drives(sync->conf.store, log_if_untold, answer->drives);
        (void)drives_note_delta(sync);
        rounds_follow_known(sync);
        set_next(sync, now_ms);
        pull_finish_if_none(sync);
        waiters_finish_each(&sync->waiters, &discovery->waiters, NULL);
        return;
    }
    log_info("sync", "asking for the drives: %s", err->msg);
    discovery->due_ms = now_ms + sync_backoff_ms(++discovery->failures, err);
    waiters_finish_each(&sync->waiters, &discovery->waiters, err);
    if (LIST_EMPTY(&sync->follows))
        pull_fail(sync, err);
}

void drives_ask(struct sync *sync, uint64_t waiter)
{
    struct discovery *discovery = &sync->discovery;

    if (waiter != 0)
        (void)waiter_ids_push(&discovery->waiters, waiter);
    if (!discovery->request)
        discovery->request = request_drives(sync, on_drives, discovery);
}

int64_t drives_turn(struct sync *sync, int64_t now_ms)
{
    if (!sync->discovery.request && now_ms >= sync->discovery.due_ms)
        drives_ask(sync, 0);
    return sync->discovery.request ? TIME_NEVER : sync->discovery.due_ms;
}

/* ---- which drives have delta ---- */

bool drives_has_delta(struct sync *sync, int64_t drive)
{
    LOCKED(&sync->lock);
    for (size_t i = 0; i < sync->with_delta.len; i++) {
        if (sync->with_delta.items[i] == drive)
            return true;
    }
    return false;
}

static bool note_delta(const struct drive_row *drive, void *arg)
{
    struct sync *sync = arg;

    if (drive->kind != DRIVE_OWN || drives_has_delta(sync, drive->id))
        return true;
    LOCKED(&sync->lock);
    (void)drive_numbers_push(&sync->with_delta, drive->id);
    return true;
}

int drives_note_delta(struct sync *sync)
{
    return store_list_drives(sync->conf.store, note_delta, sync);
}
