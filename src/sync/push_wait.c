/* SPDX-License-Identifier: MIT */
/*
 * Who waits until changes from here are on the server: `graphfs sync`, for one.
 *
 * What is waited for are the rows that are dirty when it is asked for, all of them or those at and
 * below one, with the new folders that they are in. They don't rest any longer, what has failed is
 * tried again, and those of a single place have their turn first. What somebody has open for
 * writing is sent as it is. The wait ends when none of them is left, or when nothing more comes of
 * those that are: the service has refused them, or can't be reached. What only lags on the service
 * is waited for.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "sync/push_i.h"

/* So many rows are looked at again in each pass, more only in one that had no news. */
#define FEW_ROWS 200

struct push_wait {
    LIST_ENTRY(push_wait) link;
    uint64_t waiter;
    bool keeps_trying;
    bool is_first;         /* before all others */
    struct push_rows rows; /* that are left */
    struct err err;        /* of the last one that failed */
    ino_nr failed;         /* that one */
};

/* ---- which rows ---- */

static bool is_below(struct store *store, ino_nr ino, ino_nr top)
{
    struct node_attr attr = { .parent = ino };

    while (attr.parent != STORE_INO_NONE && attr.parent != top) {
        if (store_getattr(store, attr.parent, &attr) < 0)
            return false;
    }
    return attr.parent == top;
}

static bool add_dirty(const struct node_attr *attr, const char *name, void *arg)
{
    struct push_rows *rows = arg;

    (void)name;
    (void)push_rows_push(rows, attr->ino);
    return true;
}

/* The folders above that the server may not have yet. */
static void add_above(struct store *store, ino_nr ino, struct push_rows *rows)
{
    struct node_attr attr;

    while (ino != STORE_INO_NONE && store_getattr(store, ino, &attr) == 0) {
        if (!(attr.flags & NODE_BASE))
            (void)push_rows_push(rows, ino);
        ino = attr.parent;
    }
}

static int gather(struct store *store, ino_nr top, struct push_rows *rows)
{
    struct push_rows all = { 0 };
    int r = store_list_dirty(store, 0, add_dirty, top == STORE_INO_NONE ? rows : &all);

    for (size_t i = 0; i < all.len && r == 0; i++) {
        if (is_below(store, all.items[i], top))
            (void)push_rows_push(rows, all.items[i]);
    }
    if (r == 0 && rows->len > 0 && top != STORE_INO_NONE)
        add_above(store, top, rows);
    push_rows_clear(&all);
    return r;
}

/* ---- ends ---- */

static void end_wait(struct sync *sync, struct push_wait *wait, const struct err *err)
{
    LIST_REMOVE(wait, link);
    waiters_finish(&sync->waiters, wait->waiter, err);
    push_rows_clear(&wait->rows);
    free(wait);
}

/* Why nobody has even tried. */
static const char *explain_standing(struct sync *sync, ino_nr ino)
{
    struct node_attr attr;

    if (store_getattr(sync->conf.store, ino, &attr) == 0 && !(attr.flags & NODE_LOCAL) &&
        push_is_held(sync, attr.drive))
        return "too much is deleted at once (graphfs sync --confirm-deletes)";
    return "it waits for something else here";
}

static void explain_left(struct sync *sync, const struct push_wait *wait, struct err *ret)
{
    ino_nr ino = wait->failed != STORE_INO_NONE ? wait->failed : wait->rows.items[0];
    cleanup_free char *path = NULL;
    size_t count = wait->rows.len;

    if (store_path(sync->conf.store, ino, &path) < 0)
        path = x_strdup("what was deleted");
    (void)err_set(ret, wait->err.code < 0 ? wait->err.code : -EBUSY,
                  "%zu change%s left to be sent: %.200s: %s", count, count == 1 ? " is" : "s are",
                  path, wait->err.code < 0 ? wait->err.msg : explain_standing(sync, ino));
}

/* ---- is it over? ---- */

enum row_state { ROW_DONE, ROW_MOVES, ROW_STANDS, ROW_FAILED };

static enum row_state state_of(struct sync *sync, const struct push_wait *wait, ino_nr ino)
{
    enum pause_kind kind = pauses_kind(&sync->push.pauses, ino);
    struct node node;
    bool is_dirty;
    unsigned dirty;

    if (store_get_node(sync->conf.store, ino, &node) < 0)
        return ROW_DONE;
    dirty = node_dirty(&node, APPLY_MTIME_GRANULARITY_NS);
    /* Who writes on doesn't matter to who has asked before. */
    if (holds_have_sent(&sync->push.holds, ino))
        dirty &= ~(unsigned)(DIRTY_CONTENT | DIRTY_MTIME);
    is_dirty = node.attr.flags & NODE_REMOTE || dirty != 0;
    node_clear(&node);
    if (!is_dirty)
        return ROW_DONE;
    if (kind == PAUSE_REST) {
        /* Changed again meanwhile: that goes, too. */
        pauses_hurry(&sync->push.pauses, ino);
        push_poke(sync);
        return ROW_MOVES;
    }
    if (push_has_job(sync, ino) || kind == PAUSE_LAG ||
        (kind == PAUSE_FAILED && wait->keeps_trying))
        return ROW_MOVES;
    return kind == PAUSE_FAILED || kind == PAUSE_BLOCKED ? ROW_FAILED : ROW_STANDS;
}

/* It went all the same. */
static void forget_failure(struct push_wait *wait)
{
    wait->failed = STORE_INO_NONE;
    err_clear(&wait->err);
}

/* Rows that wait for others stand as long as nothing else moves. */
static bool is_moving(struct sync *sync)
{
    return push_is_busy(sync) || sync->push.has_news || pauses_has_lag(&sync->push.pauses) ||
           pauses_next_rest(&sync->push.pauses) != TIME_NEVER;
}

static void check(struct sync *sync, struct push_wait *wait)
{
    size_t left = 0, counts[] = { 0, 0, 0, 0 };
    struct err err;

    for (size_t i = 0; i < wait->rows.len; i++) {
        enum row_state state = state_of(sync, wait, wait->rows.items[i]);

        counts[state]++;
        if (state != ROW_DONE)
            wait->rows.items[left++] = wait->rows.items[i];
        else if (wait->failed == wait->rows.items[i])
            forget_failure(wait);
    }
    wait->rows.len = left;
    if (left == 0) {
        end_wait(sync, wait, NULL);
    } else if (counts[ROW_MOVES] == 0 && (counts[ROW_STANDS] == 0 || !is_moving(sync))) {
        explain_left(sync, wait, &err);
        end_wait(sync, wait, &err);
    }
}

void push_waits_check(struct sync *sync)
{
    struct push_wait *wait, *next;

    for (wait = LIST_FIRST(&sync->push.waits); wait; wait = next) {
        next = LIST_NEXT(wait, link);
        if (!sync->push.has_news || wait->rows.len <= FEW_ROWS)
            check(sync, wait);
    }
}

static bool has_row(const struct push_wait *wait, ino_nr ino)
{
    for (size_t i = 0; i < wait->rows.len; i++) {
        if (wait->rows.items[i] == ino)
            return true;
    }
    return false;
}

bool push_waits_has(struct sync *sync, ino_nr ino)
{
    const struct push_wait *wait;

    LIST_FOREACH (wait, &sync->push.waits, link) {
        if (has_row(wait, ino))
            return true;
    }
    return false;
}

void push_waits_note_failure(struct sync *sync, ino_nr ino, const struct err *err)
{
    struct push_wait *wait;

    LIST_FOREACH (wait, &sync->push.waits, link) {
        if (wait->failed == STORE_INO_NONE && has_row(wait, ino)) {
            wait->err = *err;
            wait->failed = ino;
        }
    }
}

/* ---- asking ---- */

void push_waits_ask(struct sync *sync, ino_nr top, bool keeps_trying, uint64_t waiter)
{
    struct push *push = &sync->push;
    struct push_wait *wait = x_calloc(1, sizeof *wait);
    int r = gather(sync->conf.store, top, &wait->rows);
    struct err err;

    wait->waiter = waiter;
    wait->keeps_trying = keeps_trying;
    wait->is_first = top != STORE_INO_NONE;
    LIST_INSERT_HEAD(&push->waits, wait, link);
    if (r < 0) {
        (void)err_set_errno(&err, r, "looking for what is to be sent");
        end_wait(sync, wait, &err);
        return;
    }
    if (wait->rows.len == 0) {
        end_wait(sync, wait, NULL);
        return;
    }
    if (!sync->conf.bytes) {
        (void)err_set(&wait->err, -EROFS, "this mount sends nothing");
        explain_left(sync, wait, &err);
        end_wait(sync, wait, &err);
        return;
    }
    for (size_t i = 0; i < wait->rows.len; i++) {
        pauses_hurry(&push->pauses, wait->rows.items[i]);
        (void)holds_hurry(&push->holds, wait->rows.items[i]);
    }
    push_begin_again(sync);
}

void push_waits_begin_pass(struct sync *sync)
{
    struct push *push = &sync->push;
    struct push_wait *wait;

    push->first.len = push->first_done = 0;
    LIST_FOREACH (wait, &push->waits, link) {
        for (size_t i = 0; i < wait->rows.len && wait->is_first; i++)
            (void)push_rows_push(&push->first, wait->rows.items[i]);
    }
}

void push_waits_free(struct sync *sync)
{
    struct err err;

    (void)err_set(&err, -ECANCELED, "the mount is ending");
    while (!LIST_EMPTY(&sync->push.waits))
        end_wait(sync, LIST_FIRST(&sync->push.waits), &err);
}
