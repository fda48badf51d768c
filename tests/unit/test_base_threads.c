/* SPDX-License-Identifier: MIT */
/* lock.h, pool.h and clock.h */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/pool.h"
#include "unit.h"

static void test_lock_ends_with_its_block(void **state)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    (void)state;
    {
        LOCKED(&mutex);
        assert_int_equal(pthread_mutex_trylock(&mutex), EBUSY);
    }
    assert_int_equal(pthread_mutex_trylock(&mutex), 0);
    (void)pthread_mutex_unlock(&mutex);
}

static void test_shared_lock_is_shared_and_exclusive_is_not(void **state)
{
    pthread_rwlock_t lock;

    (void)state;
    rwlock_init_prefer_writer(&lock);
    {
        RDLOCKED(&lock);
        assert_int_equal(pthread_rwlock_tryrdlock(&lock), 0);
        (void)pthread_rwlock_unlock(&lock);
        assert_int_equal(pthread_rwlock_trywrlock(&lock), EBUSY);
    }
    {
        WRLOCKED(&lock);
        assert_int_equal(pthread_rwlock_tryrdlock(&lock), EBUSY);
    }
    assert_int_equal(pthread_rwlock_trywrlock(&lock), 0);
    (void)pthread_rwlock_unlock(&lock);
    (void)pthread_rwlock_destroy(&lock);
}

static void *write_once(void *lock)
{
    WRLOCKED(lock);
    return NULL;
}

static void test_waiting_writer_keeps_new_readers_out(void **state)
{
    pthread_rwlock_t lock;
    pthread_t writer;

    (void)state;
    rwlock_init_prefer_writer(&lock);
    (void)pthread_rwlock_rdlock(&lock);
    assert_int_equal(pthread_create(&writer, NULL, write_once, &lock), 0);
    /* Ends as soon as the writer waits; with a lock that prefers readers, never. */
    while (pthread_rwlock_tryrdlock(&lock) == 0)
        (void)pthread_rwlock_unlock(&lock);
    (void)pthread_rwlock_unlock(&lock);
    assert_int_equal(pthread_join(writer, NULL), 0);
    (void)pthread_rwlock_destroy(&lock);
}

static void count_one(void *counter)
{
    (void)atomic_fetch_add((_Atomic int *)counter, 1);
}

static void test_pool_runs_all_that_is_queued_before_it_ends(void **state)
{
    struct pool *pool = pool_new("test", 3);
    _Atomic int count = 0;

    (void)state;
    assert_non_null(pool);
    for (int i = 0; i < 1000; i++)
        pool_submit(pool, count_one, &count);
    pool_free(pool);
    assert_int_equal(count, 1000);
}

struct chain {
    struct pool *pool;
    _Atomic int left;
};

static void submit_next(void *arg)
{
    struct chain *chain = arg;

    if (atomic_fetch_sub(&chain->left, 1) > 1)
        pool_submit(chain->pool, submit_next, chain);
}

static void test_job_may_submit_jobs_while_the_pool_ends(void **state)
{
    struct chain chain = { .pool = pool_new("test", 2), .left = 100 };

    (void)state;
    pool_submit(chain.pool, submit_next, &chain);
    pool_free(chain.pool);
    assert_int_equal(chain.left, 0);
}

static void record_order(void *arg)
{
    static int next;
    int *order = arg;

    *order = next++;
}

static void test_jobs_start_in_order(void **state)
{
    struct pool *pool = pool_new("test", 1);
    int order[50];

    (void)state;
    for (size_t i = 0; i < ROWS(order); i++)
        pool_submit(pool, record_order, &order[i]);
    pool_free(pool);
    for (size_t i = 0; i < ROWS(order); i++)
        assert_int_equal(order[i], i);
}

static void look_at_signals(void *arg)
{
    (void)pthread_sigmask(SIG_BLOCK, NULL, arg);
}

static void test_threads_of_a_pool_take_no_signals(void **state)
{
    struct pool *pool = pool_new("test", 1);
    sigset_t there, here;

    (void)state;
    pool_submit(pool, look_at_signals, &there);
    pool_free(pool);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &here);
    assert_true(sigismember(&there, SIGTERM));
    assert_true(sigismember(&there, SIGUSR1));
    assert_false(sigismember(&here, SIGTERM));
}

static void test_no_pool_is_freed(void **state)
{
    (void)state;
    pool_free(NULL);
}

static void test_manual_clock_moves_only_when_told(void **state)
{
    struct clock *clock = clock_new_manual(1000000);
    int64_t start_ms = clock_mono_ms(clock);

    (void)state;
    assert_true(start_ms > 0);
    assert_int_equal(clock_real_ms(clock), 1000000);
    assert_int_equal(clock_mono_ms(clock), start_ms);
    clock_advance(clock, 250);
    assert_int_equal(clock_real_ms(clock), 1000250);
    assert_int_equal(clock_mono_ms(clock), start_ms + 250);
    clock_free(clock);
}

static void test_system_clock_can_be_moved_forward(void **state)
{
    struct clock *clock = clock_system();
    int64_t mono_ms = clock_mono_ms(clock), real_ms = clock_real_ms(clock);

    (void)state;
    assert_true(mono_ms > 0);
    clock_advance(clock, 3600000);
    assert_true(clock_mono_ms(clock) >= mono_ms + 3600000);
    assert_true(clock_real_ms(clock) >= real_ms + 3600000);
    clock_free(clock);
    clock_free(NULL);
    assert_ptr_equal(clock_system(), clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock_ends_with_its_block),
        cmocka_unit_test(test_shared_lock_is_shared_and_exclusive_is_not),
        cmocka_unit_test(test_waiting_writer_keeps_new_readers_out),
        cmocka_unit_test(test_pool_runs_all_that_is_queued_before_it_ends),
        cmocka_unit_test(test_job_may_submit_jobs_while_the_pool_ends),
        cmocka_unit_test(test_jobs_start_in_order),
        cmocka_unit_test(test_threads_of_a_pool_take_no_signals),
        cmocka_unit_test(test_no_pool_is_freed),
        cmocka_unit_test(test_manual_clock_moves_only_when_told),
        cmocka_unit_test(test_system_clock_can_be_moved_forward),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
