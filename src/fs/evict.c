/* SPDX-License-Identifier: MIT */
/* Requests are held by the queue until the thread takes them, or until the end. */
#include "config.h"

#include "fs/evict.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "base/xalloc.h"
#include "fs/below.h"
#include "fs/pinner.h"
#include "fs/rewritten.h"

/* Const but for its place in the queue. */
struct request {
    STAILQ_ENTRY(request) next;
    ino_nr ino;
    evictor_done_fn *done;
    void *arg;
};

struct evictor {
    struct fs *fs;    /* const after init */
    pthread_t thread; /* evictor_start() and evictor_stop() only */
    bool is_started;  /* the same */

    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    STAILQ_HEAD(, request) queue;
    bool is_stopping;
};

struct evictor *evictor_new(struct fs *fs)
{
    struct evictor *evictor = x_calloc(1, sizeof *evictor);

    evictor->fs = fs;
    STAILQ_INIT(&evictor->queue);
    (void)pthread_mutex_init(&evictor->lock, NULL);
    (void)pthread_cond_init(&evictor->changed, NULL);
    return evictor;
}

void evictor_free(struct evictor *evictor)
{
    if (!evictor)
        return;
    (void)pthread_cond_destroy(&evictor->changed);
    (void)pthread_mutex_destroy(&evictor->lock);
    free(evictor);
}

static bool is_stopping(struct evictor *evictor)
{
    LOCKED(&evictor->lock);
    return evictor->is_stopping;
}

/* ---- one request ---- */

struct walk {
    struct evictor *evictor;
    struct evicted evicted;
};

static int enter_folder(const struct node_attr *attr, void *arg)
{
    const struct walk *walk = arg;

    (void)attr;
    return is_stopping(walk->evictor) ? -ECANCELED : 0;
}

static int evict_file(const struct node_attr *attr, void *arg)
{
    struct walk *walk = arg;
    struct evicted *evicted = &walk->evicted;
    int64_t freed = 0;
    int r;

    if (is_stopping(walk->evictor))
        return -ECANCELED;
    if (!below_has_bytes(attr))
        return 0;
    r = pinner_evict(walk->evictor->fs->pinner, attr, &freed);
    if (r == 0)
        (void)rewritten_check(walk->evictor->fs, attr->ino);
    evicted->pinned += r == -EPERM;
    evicted->open += r == -EBUSY;
    evicted->files += r == 0 && freed > 0;
    evicted->bytes += freed;
    return r == -EPERM || r == -EBUSY ? 0 : r;
}

static void finish(struct request *request, const struct evicted *evicted, int code)
{
    struct err err = { 0 };

    if (code < 0)
        (void)err_set_errno(&err, code, "evicting");
    request->done(evicted, code < 0 ? &err : NULL, request->arg);
    free(request);
}

static void serve(struct evictor *evictor, struct request *request)
{
    struct walk walk = { .evictor = evictor };
    const struct below_visitor visitor = { enter_folder, evict_file, &walk };
    int r = below_walk(evictor->fs, request->ino, &visitor);

    finish(request, &walk.evicted, r);
}

/* ---- the thread ---- */

/* NULL: the end. */
static struct request *await_request(struct evictor *evictor)
{
    struct request *request;

    LOCKED(&evictor->lock);
    while (!evictor->is_stopping && STAILQ_EMPTY(&evictor->queue))
        (void)pthread_cond_wait(&evictor->changed, &evictor->lock);
    if (evictor->is_stopping)
        return NULL;
    request = STAILQ_FIRST(&evictor->queue);
    STAILQ_REMOVE_HEAD(&evictor->queue, next);
    return request;
}

static void *run(void *arg)
{
    struct evictor *evictor = arg;
    struct request *request;

    while ((request = await_request(evictor)))
        serve(evictor, request);
    return NULL;
}

int evictor_start(struct evictor *evictor)
{
    int r = pthread_create(&evictor->thread, NULL, run, evictor);

    evictor->is_started = r == 0;
    return -r;
}

static struct request *take_left(struct evictor *evictor)
{
    struct request *request;

    LOCKED(&evictor->lock);
    request = STAILQ_FIRST(&evictor->queue);
    if (request)
        STAILQ_REMOVE_HEAD(&evictor->queue, next);
    return request;
}

void evictor_stop(struct evictor *evictor)
{
    const struct evicted nothing = { 0 };

    struct request *request;

    {
        LOCKED(&evictor->lock);
        evictor->is_stopping = true;
        (void)pthread_cond_broadcast(&evictor->changed);
    }

    if (evictor->is_started)
        (void)pthread_join(evictor->thread, NULL);
    evictor->is_started = false;
    while ((request = take_left(evictor)))
        finish(request, &nothing, -ECANCELED);
}

void evictor_ask(struct evictor *evictor, ino_nr ino, evictor_done_fn *done, void *arg)
{
    const struct evicted nothing = { 0 };
    struct request *request = x_calloc(1, sizeof *request);
    bool is_taken;

    *request = (struct request){ .ino = ino, .done = done, .arg = arg };
    {
        LOCKED(&evictor->lock);
        is_taken = !evictor->is_stopping;
        if (is_taken)
            STAILQ_INSERT_TAIL(&evictor->queue, request, next);
        (void)pthread_cond_broadcast(&evictor->changed);
    }
    if (!is_taken)
        finish(request, &nothing, -ECANCELED);
}
