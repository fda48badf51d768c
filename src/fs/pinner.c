/* SPDX-License-Identifier: MIT */
/*
 * A pass is made from scratch: what is below the pins is gathered, what is no longer among it is
 * let go, and what isn't here is fetched. A change of the tree ends the pass after the files that
 * are being fetched, and begins the next one. So nothing has to be remembered of what was pinned,
 * but for the generations that content was told of.
 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/xalloc.h"
#include "fs/pinner_i.h"

/* How soon what failed is tried again, if nothing changes before: longer each time. */
enum { RETRY_MS = 5 * 1000, RETRY_MAX_MS = 10 * 60 * 1000, RETRY_OFFLINE_MAX_MS = 60 * 1000 };

/* How soon a place is looked at again whose changes nobody reports. */
enum { REFRESH_MS = 10 * 60 * 1000 };

struct pinner *pinner_new(struct fs *fs)
{
    struct pinner *pinner = x_calloc(1, sizeof *pinner);
    pthread_condattr_t monotonic;

    pinner->fs = fs;
    pinner->is_due = true;
    atomic_init(&pinner->has_pins, true);
    pinner->retry_ms = RETRY_MS;
    (void)pthread_mutex_init(&pinner->telling, NULL);
    (void)pthread_mutex_init(&pinner->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&pinner->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return pinner;
}

void pinner_free(struct pinner *pinner)
{
    if (!pinner)
        return;
    wanted_list_clear(&pinner->told);
    (void)pthread_cond_destroy(&pinner->changed);
    (void)pthread_mutex_destroy(&pinner->lock);
    (void)pthread_mutex_destroy(&pinner->telling);
    free(pinner);
}

uint64_t pinner_wake(struct pinner *pinner)
{
    LOCKED(&pinner->lock);
    pinner->is_due = true;
    (void)pthread_cond_broadcast(&pinner->changed);
    return pinner->begun + 1;
}

void pinner_note_change(struct pinner *pinner)
{
    if (atomic_load(&pinner->has_pins))
        (void)pinner_wake(pinner);
}

void pinner_clock_moved(struct pinner *pinner)
{
    LOCKED(&pinner->lock);
    (void)pthread_cond_broadcast(&pinner->changed);
}

void pinner_status(struct pinner *pinner, struct pin_status *ret)
{
    LOCKED(&pinner->lock);
    *ret = pinner->status;
    ret->is_busy = pinner->is_due || pinner->is_busy;
}

bool pinner_is_stopping(struct pinner *pinner)
{
    LOCKED(&pinner->lock);
    return pinner->is_stopping;
}

bool pinner_is_over(struct pinner *pinner)
{
    LOCKED(&pinner->lock);
    return pinner->is_stopping || pinner->is_due;
}

void pinner_note_error(struct pinner *pinner, int code, ino_nr ino, const char *what)
{
    struct node node = { 0 };

    if (pinner->error.code != 0)
        return;
    {
        READING(pinner->fs);
        (void)store_get_node(pinner->fs->conf.store, ino, &node);
    }
    (void)err_set_errno(&pinner->error, code, "%s %s, which is pinned", what,
                        node.local.name ? node.local.name : "something");
    node_clear(&node);
}

/* ---- the thread ---- */

/* With the lock held: until something happens, or a time of the clock has come. */
static void await_change(struct pinner *pinner, int64_t due_ms)
{
    int64_t left_ms = due_ms - clock_mono_ms(pinner->fs->conf.clock);
    struct timespec until;

    if (due_ms == INT64_MAX) {
        (void)pthread_cond_wait(&pinner->changed, &pinner->lock);
    } else if (left_ms <= 0) {
        pinner->is_due = true;
    } else {
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += (time_t)(left_ms / 1000) + 1;
        (void)pthread_cond_timedwait(&pinner->changed, &pinner->lock, &until);
    }
}

/* When the next pass is made although nothing changed. */
static int64_t next_due_ms(const struct pinner *pinner)
{
    int64_t now_ms = clock_mono_ms(pinner->fs->conf.clock);

    if (pinner->error.code != 0)
        return now_ms + pinner->retry_ms;
    return pinner->has_unreported ? now_ms + REFRESH_MS : INT64_MAX;
}

/* True: a pass is to be made, and has begun. */
static bool begin_pass(struct pinner *pinner)
{
    int64_t due_ms = next_due_ms(pinner);

    LOCKED(&pinner->lock);
    while (!pinner->is_stopping && !pinner->is_due)
        await_change(pinner, due_ms);
    if (pinner->is_stopping)
        return false;
    pinner->is_due = false;
    pinner->is_busy = true;
    pinner->begun++;
    pinner->error = (struct err){ 0 };
    pinner->may_ask = true;
    return true;
}

/* A network that is back should not be left unused for long. */
static int64_t longer_retry_ms(const struct pinner *pinner)
{
    int64_t limit_ms = pinner->error.code == -ENETDOWN ? RETRY_OFFLINE_MAX_MS : RETRY_MAX_MS;

    return pinner->retry_ms < limit_ms / 2 ? 2 * pinner->retry_ms : limit_ms;
}

static void end_pass(struct pinner *pinner)
{
    pinner->retry_ms = pinner->error.code == 0 ? RETRY_MS : longer_retry_ms(pinner);
    LOCKED(&pinner->lock);
    pinner->status.error = pinner->error;
    pinner->status.passes = pinner->begun;
    pinner->is_busy = false;
}

/* Has content know what is pinned. 0, or why it knows what it knew before. */
static int look(struct pinner *pinner)
{
    struct wanted_list wanted = { 0 };
    int r = pinner_gather(pinner, &wanted);

    if (r == 0 && pinner_is_stopping(pinner))
        r = -ECANCELED;
    if (r < 0) {
        wanted_list_clear(&wanted);
        if (r != -ECANCELED)
            (void)err_set_errno(&pinner->error, r, "looking for what is pinned");
        return r;
    }
    pinner_tell(pinner, &wanted);
    if (!pinner->knows_pins)
        content_pins_known(pinner->fs->conf.content);
    pinner->knows_pins = true;
    return 0;
}

static void *run(void *arg)
{
    struct pinner *pinner = arg;

    /* First what needs no network: nothing is evicted before. */
    (void)look(pinner);
    while (begin_pass(pinner)) {
        if (look(pinner) == 0)
            pinner_fetch(pinner);
        end_pass(pinner);
    }
    return NULL;
}

int pinner_start(struct pinner *pinner)
{
    int r = pthread_create(&pinner->thread, NULL, run, pinner);

    pinner->is_started = r == 0;
    return -r;
}

void pinner_stop(struct pinner *pinner)
{
    {
        LOCKED(&pinner->lock);
        pinner->is_stopping = true;
        (void)pthread_cond_broadcast(&pinner->changed);
    }
    if (pinner->is_started)
        (void)pthread_join(pinner->thread, NULL);
    pinner->is_started = false;
}
