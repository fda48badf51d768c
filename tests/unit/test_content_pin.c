/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "content/content.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "base/lock.h"
#include "content_fixture.h"
#include "full_disk.h"
#include "unit.h"

static void start_with_limit(struct fixture *fixture, int64_t limit_bytes)
{
    fixture_stop(fixture);
    fixture->conf.limit_bytes = limit_bytes;
    fixture_start(fixture);
}

static void read_and_close(struct fixture *fixture, const char *id, int64_t size)
{
    struct content_file *file = fixture_put_open(fixture, id, size, 1, true);

    assert_reads_all(file, 1, 1 << 20);
    content_close(file);
}

static void read_many(struct fixture *fixture, unsigned from, unsigned to)
{
    char id[16];

    for (unsigned i = from; i <= to; i++) {
        (void)snprintf(id, sizeof id, "f%u", i);
        read_and_close(fixture, id, 500 * KIB);
    }
}

static enum content_state state_of(struct fixture *fixture, const char *id, int64_t size)
{
    return content_state(fixture->content, fixture_generation(id, 1), size);
}

static struct content_status status_of(struct fixture *fixture)
{
    struct content_status status;

    content_get_status(fixture->content, &status);
    return status;
}

static void assert_unpinned_within_limit(struct fixture *fixture)
{
    struct content_status status = status_of(fixture);

    assert_true(status.used_bytes - status.pinned_bytes <= status.limit_bytes);
}

/* Once the jobs that hold a version have ended: the last one removes its file. */
static void assert_nothing_is_left(struct fixture *fixture)
{
    fixture_stop(fixture);
    assert_int_equal(fixture_disk_bytes(fixture), 0);
    fixture_start(fixture);
}

struct fetched {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done;
    int status;
    size_t length;
};

static void on_fetched(int status, const char *data, size_t length, void *arg)
{
    struct fetched *fetched = arg;

    (void)data;
    LOCKED(&fetched->lock);
    fetched->status = status;
    fetched->length = length;
    fetched->is_done = true;
    (void)pthread_cond_signal(&fetched->changed);
}

static int fetch_all(struct content_file *file)
{
    struct fetched fetched = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };
    struct content_wait *wait;

    content_fetch(file, 0, (size_t)content_size(file), on_fetched, &fetched, &wait);
    LOCKED(&fetched.lock);
    while (!fetched.is_done)
        (void)pthread_cond_wait(&fetched.changed, &fetched.lock);
    assert_int_equal(fetched.length, 0);
    return fetched.status;
}

static void test_what_is_pinned_is_neither_evicted_nor_counted(void **state)
{
    struct fixture *fixture = *state;

    start_with_limit(fixture, 3 * MIB);
    content_pin(fixture->content, fixture_generation("f1", 1), 5 * MIB);
    read_and_close(fixture, "f1", 5 * MIB);
    assert_true(status_of(fixture).pinned_bytes >= 5 * MIB);
    read_many(fixture, 2, 20);
    assert_unpinned_within_limit(fixture);
    assert_int_equal(state_of(fixture, "f1", 5 * MIB), CONTENT_CACHED);
    assert_int_equal(state_of(fixture, "f20", 500 * KIB), CONTENT_CACHED);
    assert_int_equal(state_of(fixture, "f2", 500 * KIB), CONTENT_CLOUD);
}

static void test_what_is_unpinned_counts_again_at_once(void **state)
{
    struct fixture *fixture = *state;

    start_with_limit(fixture, 3 * MIB);
    content_pin(fixture->content, fixture_generation("f1", 1), 5 * MIB);
    read_and_close(fixture, "f1", 5 * MIB);
    fixture_await_jobs(fixture);
    content_unpin(fixture->content, fixture_generation("f1", 1));
    assert_int_equal(status_of(fixture).pinned_bytes, 0);
    assert_unpinned_within_limit(fixture);
    assert_int_not_equal(state_of(fixture, "f1", 5 * MIB), CONTENT_CACHED);
}

static void test_more_pinned_than_the_limit_survives_a_restart(void **state)
{
    struct fixture *fixture = *state;

    start_with_limit(fixture, MIB);
    content_pin(fixture->content, fixture_generation("f1", 1), 5 * MIB);
    read_and_close(fixture, "f1", 5 * MIB);
    fixture_stop(fixture);
    fixture->conf.waits_for_pins = true;
    fixture_start(fixture);
    fixture_await_jobs(fixture);
    read_many(fixture, 2, 4);
    content_pin(fixture->content, fixture_generation("f1", 1), 5 * MIB);
    content_pins_known(fixture->content);
    assert_int_equal(state_of(fixture, "f1", 5 * MIB), CONTENT_CACHED);
    read_many(fixture, 5, 8);
    assert_unpinned_within_limit(fixture);
    assert_int_equal(state_of(fixture, "f1", 5 * MIB), CONTENT_CACHED);
}

static void test_fetched_for_later_it_is_here_and_nobody_is_given_bytes(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 20 * MIB, 1, true);

    assert_int_equal(fetch_all(file), 0);
    content_close(file);
    fixture_await_jobs(fixture);
    assert_int_equal(state_of(fixture, "f1", 20 * MIB), CONTENT_CACHED);
    assert_int_equal(fake_remote_counts(fixture->fake).fetched_bytes, 20 * MIB);
}

static void test_without_room_a_pin_is_refused_and_not_fetched_for_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file;

    fixture_stop(fixture);
    fixture->conf.min_free_bytes = INT64_MAX / 4;
    fixture_start(fixture);
    content_pin(fixture->content, fixture_generation("f1", 1), 2 * MIB);
    file = fixture_put_open(fixture, "f1", 2 * MIB, 1, true);
    assert_int_equal(fetch_all(file), -ENOSPC);
    assert_int_equal(fake_remote_counts(fixture->fake).fetched_bytes, 0);
    assert_reads_all(file, 1, 1 << 20);
    content_close(file);
}

static void test_what_a_full_disk_refuses_is_not_fetched_again_and_again(void **state)
{
    static const int64_t sizes[] = { 500 * KIB, 20 * MIB };
    static const char *const ids[] = { "f1", "f2" };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ROWS(sizes); i++) {
        struct content_file *file = fixture_put_open(fixture, ids[i], sizes[i], 1, true);
        int64_t before = fake_remote_counts(fixture->fake).fetched_bytes;

        content_pin(fixture->content, fixture_generation(ids[i], 1), sizes[i]);
        full_disk_refuse(0, sizes[i]);
        assert_int_equal(fetch_all(file), -ENOSPC);
        full_disk_refuse(0, 0);
        content_close(file);
        fixture_await_jobs(fixture);
        assert_true(fake_remote_counts(fixture->fake).fetched_bytes - before <= sizes[i]);
    }
}

static void test_a_pin_that_fails_tells_why_and_not_that_there_is_no_room(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 5 * MIB, 1, true);

    fake_remote_set_faults(fixture->fake,
                           &(struct fake_faults){ .fail_locates = 9, .fail_code = -ENETDOWN });
    assert_int_equal(fetch_all(file), -ENETDOWN);
    content_close(file);
}

static void test_evicting_frees_what_nobody_has_open_or_pinned(void **state)
{
    struct fixture *fixture = *state;
    uint64_t generation = fixture_generation("f1", 1);
    struct content_file *file;
    int64_t freed = 0;

    file = fixture_put_open(fixture, "f1", 5 * MIB, 1, true);
    assert_reads_all(file, 1, 1 << 20);
    assert_int_equal(content_evict(fixture->content, generation, 5 * MIB, &freed), -EBUSY);
    content_close(file);
    content_pin(fixture->content, generation, 5 * MIB);
    assert_int_equal(content_evict(fixture->content, generation, 5 * MIB, &freed), -EPERM);
    assert_int_equal(state_of(fixture, "f1", 5 * MIB), CONTENT_CACHED);
    content_unpin(fixture->content, generation);
    assert_int_equal(content_evict(fixture->content, generation, 5 * MIB, &freed), 0);
    assert_true(freed >= 5 * MIB);
    assert_int_equal(state_of(fixture, "f1", 5 * MIB), CONTENT_CLOUD);
    assert_nothing_is_left(fixture);
}

static void test_a_row_that_is_gone_takes_its_pin_along(void **state)
{
    struct fixture *fixture = *state;

    content_pin(fixture->content, fixture_generation("f1", 1), 5 * MIB);
    read_and_close(fixture, "f1", 5 * MIB);
    fixture_await_jobs(fixture);
    content_drop(fixture->content, fixture_generation("f1", 1));
    assert_int_equal(status_of(fixture).pinned_bytes, 0);
    assert_nothing_is_left(fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_pinned_is_neither_evicted_nor_counted),
        TEST(test_what_is_unpinned_counts_again_at_once),
        TEST(test_more_pinned_than_the_limit_survives_a_restart),
        TEST(test_fetched_for_later_it_is_here_and_nobody_is_given_bytes),
        TEST(test_without_room_a_pin_is_refused_and_not_fetched_for_nothing),
        TEST(test_what_a_full_disk_refuses_is_not_fetched_again_and_again),
        TEST(test_a_pin_that_fails_tells_why_and_not_that_there_is_no_room),
        TEST(test_evicting_frees_what_nobody_has_open_or_pinned),
        TEST(test_a_row_that_is_gone_takes_its_pin_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
