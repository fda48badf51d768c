/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_LOCK_H
#define GRAPHFS_BASE_LOCK_H

#include <pthread.h>
#include <stdlib.h>

/*
 * Locks that end with the scope:
 *
 *     LOCKED(&table->lock);
 *     ... to the end of the block
 *
 * They are declarations. A lock that can't be had at all (it is not initialised, or already ours)
 * is a mistake in the program and aborts.
 */

#define LOCK_PASTE_NOW(name, line) name##line
#define LOCK_PASTE(name, line)     LOCK_PASTE_NOW(name, line)
#define LOCK_SCOPE(release)        __attribute__((cleanup(release), unused))

/* LOCKED(&mutex): holds a pthread_mutex_t to the end of the block. */
#define LOCKED(mutex)                                                                              \
    LOCK_SCOPE(lock_release_mutex)                                                                 \
    pthread_mutex_t *LOCK_PASTE(locked_at_, __LINE__) = lock_acquire_mutex(mutex)

/* RDLOCKED(&rwlock): holds a pthread_rwlock_t shared to the end of the block. */
#define RDLOCKED(rwlock)                                                                           \
    LOCK_SCOPE(lock_release_rwlock)                                                                \
    pthread_rwlock_t *LOCK_PASTE(locked_at_, __LINE__) = lock_acquire_shared(rwlock)

/* WRLOCKED(&rwlock): holds a pthread_rwlock_t alone to the end of the block. */
#define WRLOCKED(rwlock)                                                                           \
    LOCK_SCOPE(lock_release_rwlock)                                                                \
    pthread_rwlock_t *LOCK_PASTE(locked_at_, __LINE__) = lock_acquire_exclusive(rwlock)

static inline pthread_mutex_t *lock_acquire_mutex(pthread_mutex_t *mutex)
{
    if (pthread_mutex_lock(mutex) != 0)
        abort();
    return mutex;
}

static inline void lock_release_mutex(pthread_mutex_t **held)
{
    if (pthread_mutex_unlock(*held) != 0)
        abort();
}

static inline pthread_rwlock_t *lock_acquire_shared(pthread_rwlock_t *rwlock)
{
    if (pthread_rwlock_rdlock(rwlock) != 0)
        abort();
    return rwlock;
}

static inline pthread_rwlock_t *lock_acquire_exclusive(pthread_rwlock_t *rwlock)
{
    if (pthread_rwlock_wrlock(rwlock) != 0)
        abort();
    return rwlock;
}

static inline void lock_release_rwlock(pthread_rwlock_t **held)
{
    if (pthread_rwlock_unlock(*held) != 0)
        abort();
}

/*
 * rwlock_init_prefer_writer(rwlock):
 * Initialises ${rwlock} so that a waiting writer goes before readers that come later. A thread must
 * therefore never take it shared twice: with a writer waiting in between that is a deadlock.
 */
void rwlock_init_prefer_writer(pthread_rwlock_t *rwlock);

#endif
