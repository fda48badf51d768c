/* SPDX-License-Identifier: MIT */
/*
 * A queue of jobs under one mutex, and threads that wait for it to be non-empty. The pool ends in
 * two steps: `ending` is set, and each thread leaves once it finds the queue empty. A job submitted
 * by a job is seen, since its submitter looks at the queue again before it leaves.
 */
#include "config.h"

#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "base/xalloc.h"

struct job {
    STAILQ_ENTRY(job) next;
    void (*fn)(void *arg);
    void *arg;
};

struct pool {
    char name[16];                   /* const after init */
    pthread_mutex_t lock;            /* guards jobs and ending */
    pthread_cond_t changed;          /* signalled with lock held */
    STAILQ_HEAD(job_list, job) jobs; /* lock */
    bool ending;                     /* lock */
    unsigned count;                  /* threads that were started; const after init */
    pthread_t threads[];             /* const after init */
};

/* The next job, for the caller to free; waits for one. NULL: the pool ends. */
static struct job *pool_next(struct pool *pool)
{
    struct job *job;

    LOCKED(&pool->lock);
    while (STAILQ_EMPTY(&pool->jobs) && !pool->ending)
        (void)pthread_cond_wait(&pool->changed, &pool->lock);
    job = STAILQ_FIRST(&pool->jobs);
    if (job)
        STAILQ_REMOVE_HEAD(&pool->jobs, next);
    return job;
}

static void *pool_thread(void *arg)
{
    struct pool *pool = arg;
    struct job *job;

    (void)pthread_setname_np(pthread_self(), pool->name);
    while ((job = pool_next(pool))) {
        job->fn(job->arg);
        free(job);
    }
    return NULL;
}

/* Threads inherit the mask of signals of whoever creates them. */
static int pool_start_thread(struct pool *pool)
{
    sigset_t all, before;
    int r;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&pool->threads[pool->count], NULL, pool_thread, pool);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r == 0)
        pool->count++;
    return r;
}

struct pool *pool_new(const char *name, unsigned threads)
{
    struct pool *pool = x_calloc(1, sizeof *pool + threads * sizeof pool->threads[0]);

    (void)snprintf(pool->name, sizeof pool->name, "%s", name);
    STAILQ_INIT(&pool->jobs);
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->changed, NULL);
    for (unsigned i = 0; i < threads; i++) {
        int r = pool_start_thread(pool);

        if (r != 0) {
            pool_free(pool);
            errno = r;
            return NULL;
        }
    }
    return pool;
}

void pool_submit(struct pool *pool, void (*fn)(void *arg), void *arg)
{
    struct job *job = x_calloc(1, sizeof *job);

    job->fn = fn;
    job->arg = arg;
    LOCKED(&pool->lock);
    STAILQ_INSERT_TAIL(&pool->jobs, job, next);
    (void)pthread_cond_signal(&pool->changed);
}

static void pool_end(struct pool *pool)
{
    LOCKED(&pool->lock);
    pool->ending = true;
    (void)pthread_cond_broadcast(&pool->changed);
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pool_end(pool);
    for (unsigned i = 0; i < pool->count; i++)
        (void)pthread_join(pool->threads[i], NULL);
    (void)pthread_cond_destroy(&pool->changed);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}
