/* SPDX-License-Identifier: MIT */
/*
 * A wait is held by up to three parties, and freed by the last: whoever starts the work, the work
 * until its end, and the request until its answer.
 *
 *     is_answered   somebody has claimed the request; nobody else touches req
 *     is_over       the work has called back, or was abandoned: nothing to abandon any more
 *
 * Only a wait in the queue is answered early, and it gets there as the starter's last step: until
 * then the kernel won't release the file that the starter uses, unless the work itself has
 * answered. Who answers early abandons the work. While abandon runs the wait's lock is held, so
 * that the work's end, which takes that lock first, can't free what is being abandoned.
 *
 * The interrupt function runs under a lock of libfuse, so it only marks the wait and wakes the
 * thread. It is taken off before the answer, which waits for one that is running; a wait in the
 * queue is therefore valid in there. Nothing of ours is locked meanwhile.
 *
 * Locks: a wait's own, then those of what is abandoned, or the queue's.
 */
#include "config.h"

#include "fs/wait.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "base/lock.h"
#include "base/xalloc.h"

#define DEADLINE_MS INT64_C(60000)

enum { PARTIES = 3 };

struct wait_state {
    struct wait wait;
    wait_resume_fn *resume;
    wait_abandon_fn *abandon;
    void (*free_handle)(void *handle);
    int64_t due_ms; /* monotonic */
    atomic_int parties;

    pthread_mutex_t lock; /* for the three that follow */
    bool is_answered;
    bool is_over;
    bool is_claimed_by_work; /* its share and the request's are given up together */

    /* The lock of the queue. */
    TAILQ_ENTRY(wait_state) link;
    bool is_queued;
    bool is_interrupted;
};

struct waits {
    struct clock *clock;
    pthread_t thread;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    TAILQ_HEAD(wait_queue, wait_state) queue; /* interrupted ones, then by due_ms */
    size_t queued;
    size_t alive; /* waits not freed yet */
    bool is_stopping;
    bool is_stopped; /* the thread has ended */
};

/* ---- one wait ---- */

/* Gives up this many shares. */
static void put(struct wait_state *state, int shares)
{
    struct waits *waits = state->wait.fs->waits;

    if (atomic_fetch_sub(&state->parties, shares) > shares)
        return;
    (void)pthread_mutex_destroy(&state->lock);
    if (state->free_handle)
        state->free_handle(state->wait.handle);
    free(state->wait.name);
    free(state);
    LOCKED(&waits->lock);
    waits->alive--;
    (void)pthread_cond_broadcast(&waits->changed);
}

static void unqueue(struct waits *waits, struct wait_state *state)
{
    LOCKED(&waits->lock);
    if (!state->is_queued)
        return;
    TAILQ_REMOVE(&waits->queue, state, link);
    state->is_queued = false;
    waits->queued--;
}

static void on_interrupt(fuse_req_t req, void *arg)
{
    struct wait_state *state = arg;
    struct waits *waits = state->wait.fs->waits;

    (void)req;
    LOCKED(&waits->lock);
    state->is_interrupted = true;
    if (!state->is_queued)
        return;
    TAILQ_REMOVE(&waits->queue, state, link);
    TAILQ_INSERT_HEAD(&waits->queue, state, link);
    (void)pthread_cond_broadcast(&waits->changed);
}

/* After this the request is the caller's alone. */
static void take_request(struct wait_state *state)
{
    unqueue(state->wait.fs->waits, state);
    fuse_req_interrupt_func(state->wait.req, NULL, NULL);
}

bool wait_claim(struct wait *wait)
{
    struct wait_state *state = wait->state;

    {
        LOCKED(&state->lock);
        state->is_over = true;
        if (state->is_answered)
            return false;
        state->is_answered = true;
        state->is_claimed_by_work = true;
    }

    take_request(state);
    return true;
}

void wait_end(struct wait *wait)
{
    put(wait->state, wait->state->is_claimed_by_work ? 2 : 1);
}

/* With the wait's lock. True if the work won't come back: its share is the caller's to put. */
static bool abandon(struct wait_state *state)
{
    if (state->is_over || !state->abandon(&state->wait))
        return false;
    state->is_over = true;
    return true;
}

/* Answers before the work is done, unless that has happened meanwhile. Returns how many shares are
 * the caller's to give up then. */
static int answer_early(struct wait_state *state, int code)
{
    bool was_answered, is_abandoned = false;

    {
        LOCKED(&state->lock);
        was_answered = state->is_answered;
        state->is_answered = true;
        if (!was_answered)
            is_abandoned = abandon(state);
    }

    if (was_answered)
        return 0;
    take_request(state);
    fs_reply_error(state->wait.req, code);
    return is_abandoned ? 2 : 1;
}

/* ---- the queue ---- */

/* By due time, behind those of the same time: almost always that is the end. False, and nothing
 * done, if the mount is ending. */
static bool enqueue(struct waits *waits, struct wait_state *state)
{
    struct wait_state *before;

    LOCKED(&waits->lock);
    if (waits->is_stopping)
        return false;
    before = TAILQ_LAST(&waits->queue, wait_queue);
    while (before &&
           (state->is_interrupted || (!before->is_interrupted && before->due_ms > state->due_ms)))
        before = TAILQ_PREV(before, wait_queue, link);
    if (before)
        TAILQ_INSERT_AFTER(&waits->queue, before, state, link);
    else
        TAILQ_INSERT_HEAD(&waits->queue, state, link);
    state->is_queued = true;
    waits->queued++;
    (void)pthread_cond_broadcast(&waits->changed);
    return true;
}

/* Puts the wait in the queue, unless it is answered already. False: the mount is ending. */
static bool enqueue_unanswered(struct wait_state *state)
{
    LOCKED(&state->lock);
    return state->is_answered || enqueue(state->wait.fs->waits, state);
}

/* The starter's last step. */
static void start(struct wait_state *state)
{
    int shares = 1;

    if (!enqueue_unanswered(state))
        shares += answer_early(state, -ENOTCONN);
    put(state, shares);
}

void wait_for_work(struct wait *wait, uint64_t id)
{
    wait->work.id = id;
    start(wait->state);
}

void wait_for_content(struct wait *wait, struct content_wait *content)
{
    wait->work.content = content;
    start(wait->state);
}

void wait_for_overlay(struct wait *wait, struct overlay_wait *overlay)
{
    wait->work.overlay = overlay;
    start(wait->state);
}

void wait_for_handle(struct wait *wait)
{
    start(wait->state);
}

/* Counts a wait. False: the mount is ending. */
static bool admit(struct waits *waits)
{
    LOCKED(&waits->lock);
    waits->alive++;
    return !waits->is_stopping;
}

static int64_t due_at(const struct waits *waits, int64_t deadline_ms)
{
    if (deadline_ms == WAIT_FOR_EVER)
        return WAIT_FOR_EVER;
    return clock_mono_ms(waits->clock) + (deadline_ms > 0 ? deadline_ms : DEADLINE_MS);
}

struct wait *wait_new(struct fs *fs, const struct wait_conf *conf)
{
    struct waits *waits = fs->waits;
    struct wait_state *state = x_calloc(1, sizeof *state);

    state->wait = (struct wait){
        .fs = fs,
        .req = conf->req,
        .ino = conf->ino,
        .name = x_strdup(conf->name),
        .size = conf->size,
        .handle = conf->handle,
        .state = state,
    };
    if (conf->file)
        state->wait.file = *conf->file;
    state->resume = conf->resume;
    state->abandon = conf->abandon;
    state->free_handle = conf->free_handle;
    state->due_ms = due_at(waits, conf->deadline_ms);
    atomic_init(&state->parties, PARTIES);
    (void)pthread_mutex_init(&state->lock, NULL);

    if (admit(waits)) {
        fuse_req_interrupt_func(conf->req, on_interrupt, state);
        return &state->wait;
    }
    fs_reply_error(conf->req, -ENOTCONN);
    put(state, PARTIES);
    return NULL;
}

/* Why the first of the queue is to be answered now; 0: it isn't. With the lock. */
static int reason_to_answer(const struct waits *waits, const struct wait_state *state)
{
    if (state->is_interrupted)
        return -EINTR;
    if (waits->is_stopping)
        return -ENOTCONN;
    return state->due_ms <= clock_mono_ms(waits->clock) ? -ETIMEDOUT : 0;
}

/* With the lock, which is released meanwhile. */
static void sleep_until_due(struct waits *waits, const struct wait_state *first)
{
    struct timespec until;
    int64_t left_ms;

    if (!first || first->due_ms == WAIT_FOR_EVER) {
        (void)pthread_cond_wait(&waits->changed, &waits->lock);
        return;
    }
    left_ms = first->due_ms - clock_mono_ms(waits->clock);
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += left_ms / 1000;
    until.tv_nsec += left_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&waits->changed, &waits->lock, &until);
}

/* The next one to be answered early, with a share in it for the caller. NULL at the end. */
static struct wait_state *take_due(struct waits *waits, int *ret_code)
{
    struct wait_state *first;
    int code = 0;

    LOCKED(&waits->lock);
    for (;;) {
        first = TAILQ_FIRST(&waits->queue);
        if (!first && waits->is_stopping)
            return NULL;
        code = first ? reason_to_answer(waits, first) : 0;
        if (code != 0)
            break;
        sleep_until_due(waits, first);
    }
    TAILQ_REMOVE(&waits->queue, first, link);
    first->is_queued = false;
    waits->queued--;
    atomic_fetch_add(&first->parties, 1);
    *ret_code = code;
    return first;
}

static void *run(void *arg)
{
    struct waits *waits = arg;
    struct wait_state *state;
    int code;

    while ((state = take_due(waits, &code)))
        put(state, 1 + answer_early(state, code));
    return NULL;
}

int waits_new(struct clock *clock, struct waits **ret)
{
    struct waits *waits = x_calloc(1, sizeof *waits);
    pthread_condattr_t attr;
    int r;

    waits->clock = clock;
    TAILQ_INIT(&waits->queue);
    (void)pthread_mutex_init(&waits->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&waits->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    r = pthread_create(&waits->thread, NULL, run, waits);
    if (r != 0) {
        (void)pthread_cond_destroy(&waits->changed);
        (void)pthread_mutex_destroy(&waits->lock);
        free(waits);
        return -r;
    }
    *ret = waits;
    return 0;
}

void waits_stop(struct waits *waits)
{
    bool was_stopped;

    {
        LOCKED(&waits->lock);
        waits->is_stopping = true;
        was_stopped = waits->is_stopped;
        waits->is_stopped = true;
        (void)pthread_cond_broadcast(&waits->changed);
    }

    if (!was_stopped)
        (void)pthread_join(waits->thread, NULL);
    LOCKED(&waits->lock);
    while (waits->alive > 0)
        (void)pthread_cond_wait(&waits->changed, &waits->lock);
}

void waits_free(struct waits *waits)
{
    if (!waits)
        return;
    waits_stop(waits);
    (void)pthread_cond_destroy(&waits->changed);
    (void)pthread_mutex_destroy(&waits->lock);
    free(waits);
}

void waits_wake(struct waits *waits)
{
    LOCKED(&waits->lock);
    (void)pthread_cond_broadcast(&waits->changed);
}

size_t waits_count(struct waits *waits)
{
    LOCKED(&waits->lock);
    return waits->queued;
}

/* ---- waiting for sync ---- */

void wait_sync_done(const struct err *err, void *arg)
{
    struct wait *wait = arg;

    if (wait_claim(wait))
        wait->state->resume(wait, err);
    wait_end(wait);
}

bool wait_forget_sync(struct wait *wait)
{
    return sync_forget(wait->fs->conf.sync, wait->work.id);
}
