/* SPDX-License-Identifier: MIT */
/*
 * The thread: it repeats turns. A turn handles the messages that have come, then lets each subject
 * (drives.c, rounds.c, absence.c) do what is due, and says when the next thing is. All times are
 * those of conf.clock; the wait is in real time, and whoever moves the clock wakes the thread,
 * which then looks at everything again. Tests call the turns themselves.
 *
 * What other threads ask for becomes a message. Its waiter is registered before it is posted, so
 * that it can be forgotten at any time.
 */
#include "config.h"

#include "sync/sync.h"

#include <errno.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/uuid.h"
#include "base/xalloc.h"
#include "sync/sync_i.h"

/* ---- for all files ---- */

void sync_rollback(struct store_txn **txn)
{
    store_rollback(*txn);
}

int sync_commit(struct store_txn **txn, struct err *err)
{
    struct store_txn *ending = *txn;

    *txn = NULL;
    return store_commit(ending, err);
}

int sync_explain(struct err *err, int r, const char *what)
{
    if (r < 0 && err->code == 0)
        (void)err_set_errno(err, r, "%s", what);
    return r;
}

int64_t sync_backoff_ms(unsigned failures, const struct err *err)
{
    uint32_t random;

    random_bytes(&random, sizeof random);
    return backoff_ms(failures, err->retry_after_ms, random);
}

bool sync_waits_for_wake(const struct err *err)
{
    return err->code == -ENETDOWN || err->retry == ERR_RETRY_AFTER_LOGIN;
}

/* ---- what others ask for ---- */

struct want {
    struct message message;
    struct sync *sync;
    uint64_t waiter;
    ino_nr ino;
    char *name;
    int64_t drive;
    bool keeps_trying;
};

/* Frees the message. Whoever waits for one that comes too late is told so. */
static struct want *open_want(struct sync *sync, struct message *message)
{
    struct want *want = (struct want *)message;
    struct err err;

    if (!sync) {
        (void)err_set(&err, -ECANCELED, "the mount is ending");
        waiters_finish(&want->sync->waiters, want->waiter, &err);
    }
    return want;
}

static void want_free(struct want *want)
{
    free(want->name);
    free(want);
}

static void handle_listing(struct sync *sync, struct message *message)
{
    struct want *want = open_want(sync, message);

    if (sync) {
        ahead_note_opened(sync, want->ino);
        listing_want(sync, want->ino, want->waiter);
    }
    want_free(want);
}

static void handle_child(struct sync *sync, struct message *message)
{
    struct want *want = open_want(sync, message);

    if (sync)
        child_want(sync, want->ino, want->name, want->waiter);
    want_free(want);
}

static void handle_target(struct sync *sync, struct message *message)
{
    struct want *want = open_want(sync, message);

    if (sync)
        target_want(sync, want->ino, want->waiter);
    want_free(want);
}

static void handle_pull(struct sync *sync, struct message *message)
{
    struct want *want = open_want(sync, message);

    if (sync)
        pull_ask(sync, want->waiter);
    want_free(want);
}

static void handle_push_now(struct sync *sync, struct message *message)
{
    struct want *want = open_want(sync, message);

    if (sync)
        push_waits_ask(sync, want->ino, want->keeps_trying, want->waiter);
    want_free(want);
}

static void handle_when_idle(struct sync *sync, struct message *message)
{
    struct want *want = open_want(sync, message);

    if (sync)
        (void)waiter_ids_push(&sync->idle_waiters, want->waiter);
    want_free(want);
}

static void handle_use(struct sync *sync, struct message *message)
{
    struct want *want = (struct want *)message;

    if (sync)
        rounds_follow(sync, want->drive);
    want_free(want);
}

static void handle_opened(struct sync *sync, struct message *message)
{
    struct want *want = (struct want *)message;

    if (sync)
        ahead_note_opened(sync, want->ino);
    want_free(want);
}

static void handle_no_bytes(struct sync *sync, struct message *message)
{
    if (sync)
        push_note_no_bytes(sync);
    want_free((struct want *)message);
}

static void handle_push(struct sync *sync, struct message *message)
{
    if (sync)
        push_poke(sync);
    want_free((struct want *)message);
}

static void handle_wake(struct sync *sync, struct message *message)
{
    if (sync) {
        if (sync->discovery.waits_for_wake)
            sync->discovery.due_ms = 0;
        rounds_wake(sync);
        listing_wake(sync);
        absence_wake(sync);
        push_wake(sync);
    }
    want_free((struct want *)message);
}

static void handle_confirm(struct sync *sync, struct message *message)
{
    if (sync)
        absence_confirm(sync);
    want_free((struct want *)message);
}

static void handle_confirm_deletes(struct sync *sync, struct message *message)
{
    if (sync)
        push_held_confirm(sync);
    want_free((struct want *)message);
}

static struct want *want_new(struct sync *sync,
                             void (*handle)(struct sync *sync, struct message *message))
{
    struct want *want = x_calloc(1, sizeof *want);

    want->message.handle = handle;
    want->sync = sync;
    return want;
}

/* Posts a message that somebody waits for. */
static uint64_t post_waiting(struct sync *sync, struct want *want, sync_done_fn *done, void *arg)
{
    uint64_t waiter = waiters_add(&sync->waiters, done, arg);

    want->waiter = waiter;
    inbox_post(sync->inbox, &want->message);
    return waiter;
}

uint64_t sync_want_listing(struct sync *sync, ino_nr ino, sync_done_fn *done, void *arg)
{
    struct want *want = want_new(sync, handle_listing);

    want->ino = ino;
    return post_waiting(sync, want, done, arg);
}

uint64_t sync_want_child(struct sync *sync, ino_nr parent, const char *name, sync_done_fn *done,
                         void *arg)
{
    struct want *want = want_new(sync, handle_child);

    want->ino = parent;
    want->name = x_strdup(name);
    return post_waiting(sync, want, done, arg);
}

uint64_t sync_want_target(struct sync *sync, ino_nr ino, sync_done_fn *done, void *arg)
{
    struct want *want = want_new(sync, handle_target);

    want->ino = ino;
    return post_waiting(sync, want, done, arg);
}

uint64_t sync_pull_now(struct sync *sync, sync_done_fn *done, void *arg)
{
    return post_waiting(sync, want_new(sync, handle_pull), done, arg);
}

uint64_t sync_push_now(struct sync *sync, ino_nr top, bool keeps_trying, sync_done_fn *done,
                       void *arg)
{
    struct want *want = want_new(sync, handle_push_now);

    want->ino = top;
    want->keeps_trying = keeps_trying;
    return post_waiting(sync, want, done, arg);
}

uint64_t sync_when_idle(struct sync *sync, sync_done_fn *done, void *arg)
{
    return post_waiting(sync, want_new(sync, handle_when_idle), done, arg);
}

bool sync_forget(struct sync *sync, uint64_t id)
{
    return waiters_forget(&sync->waiters, id);
}

void sync_note_change(struct sync *sync, ino_nr ino)
{
    push_note_change(sync, ino);
}

void sync_note_written(struct sync *sync, ino_nr ino, bool is_synced)
{
    push_note_written(sync, ino, is_synced);
}

void sync_hold(struct sync *sync, ino_nr ino)
{
    push_hold(sync, ino);
}

void sync_let_go(struct sync *sync, ino_nr ino, bool is_written)
{
    push_let_go(sync, ino, is_written);
}

void sync_wake_push(struct sync *sync)
{
    inbox_post(sync->inbox, &want_new(sync, handle_push)->message);
}

void sync_note_no_bytes(struct sync *sync)
{
    inbox_post(sync->inbox, &want_new(sync, handle_no_bytes)->message);
}

void sync_wake(struct sync *sync)
{
    inbox_post(sync->inbox, &want_new(sync, handle_wake)->message);
}

void sync_confirm_removals(struct sync *sync)
{
    inbox_post(sync->inbox, &want_new(sync, handle_confirm)->message);
}

void sync_confirm_deletes(struct sync *sync)
{
    inbox_post(sync->inbox, &want_new(sync, handle_confirm_deletes)->message);
}

static bool is_followed(struct sync *sync, int64_t drive)
{
    LOCKED(&sync->lock);
    for (size_t i = 0; i < sync->states.len; i++) {
        if (sync->states.items[i].drive == drive)
            return true;
    }
    return false;
}

void sync_note_use(struct sync *sync, int64_t drive)
{
    int64_t now_ms = clock_mono_ms(sync->conf.clock);
    int64_t before_ms = atomic_exchange(&sync->used_ms, now_ms);

    if (drive != 0 && drives_has_delta(sync, drive) && !is_followed(sync, drive)) {
        struct want *want = want_new(sync, handle_use);

        want->drive = drive;
        inbox_post(sync->inbox, &want->message);
    }
    if (now_ms - before_ms >= IN_USE_MS)
        inbox_wake(sync->inbox); /* the pause between rounds has become shorter */
}

void sync_note_opened(struct sync *sync, ino_nr ino)
{
    struct want *want;

    if (!atomic_load(&sync->ahead.is_wanted))
        return;
    want = want_new(sync, handle_opened);
    want->ino = ino;
    inbox_post(sync->inbox, &want->message);
}

bool sync_has_delta(struct sync *sync, int64_t drive)
{
    return drives_has_delta(sync, drive);
}

/* Of a place without delta: an age below zero is of a clock that was set back. */
static bool is_stale(struct sync *sync, int64_t told_ms)
{
    int64_t age_ms = clock_real_ms(sync->conf.clock) - told_ms;

    return age_ms < 0 || age_ms >= sync->conf.object_ttl_s * INT64_C(1000);
}

bool sync_needs_target(struct sync *sync, const struct node_attr *attr)
{
    return attr->kind == NODE_FILE && attr->flags & NODE_SHORTCUT &&
           is_stale(sync, attr->listed_ms);
}

bool sync_needs_listing(struct sync *sync, const struct node_attr *attr)
{
    bool has_delta;

    if (attr->kind != NODE_VIEW && attr->kind != NODE_FOLDER)
        return false;
    if (!(attr->flags & NODE_COMPLETE))
        return true;
    has_delta = !(attr->flags & NODE_SHORTCUT) && drives_has_delta(sync, attr->drive);
    if (attr->kind == NODE_VIEW || has_delta)
        return false;
    return is_stale(sync, attr->listed_ms);
}

/* ---- turns ---- */

/* The root of the tree has the children that it was made with. */
static void complete_root(struct sync *sync)
{
    cleanup_txn struct store_txn *txn = NULL;
    struct node_attr root;
    struct err err = { 0 };
    int r = store_getattr(sync->conf.store, STORE_INO_ROOT, &root);

    if (r == 0 && (root.flags & NODE_COMPLETE))
        return;
    r = store_begin(sync->conf.store, &txn, &err);
    if (r == 0)
        r = txn_set_complete(txn, STORE_INO_ROOT, true);
    if (r == 0)
        r = sync_commit(&txn, &err);
    if (sync_explain(&err, r, "preparing the tree") < 0)
        log_error("sync", "%s", err.msg);
}

void sync_begin(struct sync *sync)
{
    complete_root(sync);
    rounds_follow_known(sync);
    status_publish(sync);
}

int64_t sync_turn(struct sync *sync)
{
    int64_t due_ms[5], next_ms = TIME_NEVER, now_ms;
    struct message *message;

    /* What is to be changed at once on the service goes out at once. */
    remote_gather(sync->conf.remote);
    while ((message = inbox_take(sync->inbox)))
        message->handle(sync, message);
    now_ms = clock_mono_ms(sync->conf.clock);
    due_ms[0] = drives_turn(sync, now_ms);
    due_ms[1] = rounds_turn(sync, now_ms);
    due_ms[2] = absence_turn(sync, now_ms);
    due_ms[3] = ahead_turn(sync, now_ms);
    due_ms[4] = push_turn(sync, now_ms);
    remote_send_gathered(sync->conf.remote);
    for (size_t i = 0; i < sizeof due_ms / sizeof *due_ms; i++) {
        if (due_ms[i] < next_ms)
            next_ms = due_ms[i];
    }
    status_publish(sync);
    if (next_ms > now_ms && LIST_EMPTY(&sync->requests) && !push_is_busy(sync))
        waiters_finish_each(&sync->waiters, &sync->idle_waiters, NULL);
    return next_ms;
}

static void *run(void *arg)
{
    struct sync *sync = arg;
    int64_t next_ms, wait_ms;

    sync_begin(sync);
    do {
        next_ms = sync_turn(sync);
        wait_ms = next_ms - clock_mono_ms(sync->conf.clock);
        if (next_ms == TIME_NEVER)
            wait_ms = -1;
        else if (wait_ms < 0)
            wait_ms = 0;
    } while (inbox_wait(sync->inbox, wait_ms));
    return NULL;
}

/* ---- life ---- */

int sync_new(const struct sync_conf *conf, struct sync **ret)
{
    struct sync *sync = x_calloc(1, sizeof *sync);
    int r;

    sync->conf = *conf;
    sync->inbox = inbox_new();
    waiters_init(&sync->waiters);
    (void)pthread_mutex_init(&sync->lock, NULL);
    LIST_INIT(&sync->follows);
    LIST_INIT(&sync->listings);
    LIST_INIT(&sync->child_asks);
    LIST_INIT(&sync->target_asks);
    LIST_INIT(&sync->refusals);
    LIST_INIT(&sync->requests);
    LIST_INIT(&sync->ahead.batches);
    TAILQ_INIT(&sync->ahead.folders);
    ahead_clear(sync);
    push_begin(sync);
    atomic_store(&sync->used_ms, clock_mono_ms(conf->clock));
    r = drives_note_delta(sync);
    if (r < 0) {
        sync_free(sync);
        return r;
    }
    *ret = sync;
    return 0;
}

int sync_start(struct sync *sync)
{
    int r = pthread_create(&sync->thread, NULL, run, sync);

    sync->is_running = r == 0;
    return -r;
}

void sync_stop(struct sync *sync)
{
    struct err err;

    inbox_stop(sync->inbox);
    if (sync->is_running)
        (void)pthread_join(sync->thread, NULL);
    sync->is_running = false;
    rounds_free(sync);
    listing_free(sync);
    ahead_clear(sync);
    child_free(sync);
    target_free(sync);
    absence_free(sync);
    push_free(sync);
    request_abandon_all(sync);
    inbox_close(sync->inbox);
    (void)err_set(&err, -ECANCELED, "the mount is ending");
    waiters_finish_all(&sync->waiters, &err);
}

void sync_free(struct sync *sync)
{
    if (!sync)
        return;
    sync_stop(sync);
    waiter_ids_clear(&sync->discovery.waiters);
    waiter_ids_clear(&sync->idle_waiters);
    pull_list_clear(&sync->pulls);
    drive_states_clear(&sync->states);
    uploads_clear(&sync->uploads);
    drive_numbers_clear(&sync->with_delta);
    waiters_clear(&sync->waiters);
    (void)pthread_mutex_destroy(&sync->lock);
    inbox_unref(sync->inbox);
    free(sync);
}
