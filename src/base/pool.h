/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_POOL_H
#define GRAPHFS_BASE_POOL_H

/*
 * A fixed number of threads that run jobs in the order of their submission. Signals are blocked in
 * them, so that the main thread gets all. Thread safe.
 */
struct pool;

/*
 * pool_new(name, threads):
 * Starts ${threads} threads, called ${name} (up to 15 bytes) in `ps -L`. NULL, with errno, if they
 * can't be started. Threads don't survive fork: call it after going to the background.
 */
struct pool *pool_new(const char *name, unsigned threads);

/*
 * pool_submit(pool, fn, arg):
 * Has ${fn} called with ${arg} in one of the threads. Never blocks. A job may submit further jobs,
 * also while the pool is being freed.
 */
void pool_submit(struct pool *pool, void (*fn)(void *arg), void *arg);

/*
 * pool_free(pool):
 * Runs what is queued, then ends the threads and waits for them. Takes NULL. Not from a job.
 */
void pool_free(struct pool *pool);

#endif
