/* SPDX-License-Identifier: MIT */
/*
 * A list under a mutex with a condition variable. Its life has three stages: open; stopped (the
 * sync thread leaves its loop, but what its requests point to still exists, so that answers must
 * wait); closed (nothing is kept, each message is dropped by whoever posts it).
 */
#include "config.h"

#include "sync/inbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/lock.h"
#include "base/xalloc.h"

STAILQ_HEAD(message_queue, message);

struct inbox {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* by CLOCK_MONOTONIC */
    /* lock */
    struct message_queue queue;
    unsigned references;
    bool is_woken;
    bool is_stopped;
    bool is_closed;
};

struct inbox *inbox_new(void)
{
    struct inbox *inbox = x_calloc(1, sizeof *inbox);
    pthread_condattr_t monotonic;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&inbox->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_mutex_init(&inbox->lock, NULL);
    STAILQ_INIT(&inbox->queue);
    inbox->references = 1;
    return inbox;
}

struct inbox *inbox_ref(struct inbox *inbox)
{
    LOCKED(&inbox->lock);
    inbox->references++;
    return inbox;
}

void inbox_unref(struct inbox *inbox)
{
    bool is_last;

    if (!inbox)
        return;
    {
        LOCKED(&inbox->lock);
        is_last = --inbox->references == 0;
    }
    if (!is_last)
        return;
    (void)pthread_cond_destroy(&inbox->changed);
    (void)pthread_mutex_destroy(&inbox->lock);
    free(inbox);
}

void inbox_post(struct inbox *inbox, struct message *message)
{
    {
        LOCKED(&inbox->lock);
        if (!inbox->is_closed) {
            STAILQ_INSERT_TAIL(&inbox->queue, message, next);
            (void)pthread_cond_signal(&inbox->changed);
            return;
        }
    }
    message->handle(NULL, message);
}

void inbox_wake(struct inbox *inbox)
{
    LOCKED(&inbox->lock);
    inbox->is_woken = true;
    (void)pthread_cond_signal(&inbox->changed);
}

struct message *inbox_take(struct inbox *inbox)
{
    struct message *message;

    LOCKED(&inbox->lock);
    message = STAILQ_FIRST(&inbox->queue);
    if (message)
        STAILQ_REMOVE_HEAD(&inbox->queue, next);
    return message;
}

static struct timespec time_from_now(int64_t ms)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

bool inbox_wait(struct inbox *inbox, int64_t timeout_ms)
{
    const struct timespec until = time_from_now(timeout_ms < 0 ? 0 : timeout_ms);
    int r = 0;

    LOCKED(&inbox->lock);
    while (STAILQ_EMPTY(&inbox->queue) && !inbox->is_woken && !inbox->is_stopped && r != ETIMEDOUT)
        r = timeout_ms < 0 ? pthread_cond_wait(&inbox->changed, &inbox->lock)
                           : pthread_cond_timedwait(&inbox->changed, &inbox->lock, &until);
    inbox->is_woken = false;
    return !inbox->is_stopped;
}

void inbox_stop(struct inbox *inbox)
{
    LOCKED(&inbox->lock);
    inbox->is_stopped = true;
    (void)pthread_cond_signal(&inbox->changed);
}

void inbox_close(struct inbox *inbox)
{
    struct message *message;

    {
        LOCKED(&inbox->lock);
        inbox->is_stopped = inbox->is_closed = true;
    }

    while ((message = inbox_take(inbox)))
        message->handle(NULL, message);
}
