/* SPDX-License-Identifier: MIT */
/* Content that leaves the disk, while the disk takes its time. */
#include "config.h"

#include "content/content.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/lock.h"
#include "content_fixture.h"
#include "unit.h"

/* In the place of the disk: while it is closed a sync doesn't return. */
static struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_closed;
    bool has_waiter;
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* The linker's names (--wrap=fdatasync). */
int __real_fdatasync(int fd); /* NOLINT(bugprone-reserved-identifier) */
int __wrap_fdatasync(int fd); /* NOLINT(bugprone-reserved-identifier) */

int __wrap_fdatasync(int fd) /* NOLINT(bugprone-reserved-identifier) */
{
    {
        LOCKED(&gate.lock);
        gate.has_waiter = gate.is_closed;
        (void)pthread_cond_broadcast(&gate.changed);
        while (gate.is_closed)
            (void)pthread_cond_wait(&gate.changed, &gate.lock);
    }
    return __real_fdatasync(fd);
}

static void gate_set(bool is_closed)
{
    LOCKED(&gate.lock);
    gate.is_closed = is_closed;
    gate.has_waiter = false;
    (void)pthread_cond_broadcast(&gate.changed);
}

static void gate_await(void)
{
    LOCKED(&gate.lock);
    while (!gate.has_waiter)
        (void)pthread_cond_wait(&gate.changed, &gate.lock);
}

/* A file that is open, here and synced, and a read of another one, for which the first has to make
 * room: some of it is leaving, and the gate holds up the sync. */
struct scene {
    struct content_file *file, *other;
    struct pending_read read_of_other;
};

static void scene_begin(struct fixture *fixture, int64_t limit, int64_t size, struct scene *ret)
{
    struct content_file *file;

    fixture_stop(fixture);
    fixture->conf.limit_bytes = limit;
    fixture_start(fixture);
    file = fixture_put_open(fixture, "f1", size, 1, true);
    assert_reads_all(file, 1, 1 << 20);
    content_close(file);
    fixture_restart(fixture); /* it was synced then */
    fixture_await_jobs(fixture);
    ret->file = fixture_open(fixture, "f1", size, 1, true);
    /* The last block is in use: for one that is in use a large file makes room elsewhere. */
    if (size > CONTENT_SMALL_SIZE)
        assert_reads(ret->file, size - 4096, 4096, 1);
    gate_set(true);
    ret->other = fixture_put_open(fixture, "f2", limit, 1, false);
    read_start(ret->other, 0, (size_t)(limit * 3 / 4), 1, &ret->read_of_other);
    gate_await();
}

static void scene_end(struct scene *scene)
{
    assert_int_equal(read_await(&scene->read_of_other), 0);
    assert_int_equal(scene->read_of_other.wrong_at, -1);
    assert_reads_all(scene->file, 1, 1 << 20);
    content_close(scene->other);
    content_close(scene->file);
}

static void check_reading_what_leaves(struct fixture *fixture, int64_t limit, int64_t size)
{
    struct pending_read read;
    struct scene scene;

    scene_begin(fixture, limit, size, &scene);
    read_start(scene.file, 0, (size_t)size, 1, &read);
    gate_set(false);
    assert_int_equal(read_await(&read), 0);
    assert_int_equal(read.wrong_at, -1);
    scene_end(&scene);
}

static void test_who_reads_what_leaves_gets_it_fetched_anew_and_no_hole(void **state)
{
    check_reading_what_leaves(*state, 8 * MIB, 6 * MIB);
}

static void test_who_reads_a_small_file_that_leaves_gets_it_fetched_anew(void **state)
{
    check_reading_what_leaves(*state, 2 * MIB, 700 * KIB);
}

/* Who waits here waits for ever: the gate is opened afterwards. */
static void test_who_reads_what_stays_does_not_wait_for_the_disk(void **state)
{
    const int64_t size = 6 * MIB;
    struct scene scene;

    scene_begin(*state, 8 * MIB, size, &scene);
    assert_reads(scene.file, size - 4096, 4096, 1);
    assert_reads(scene.file, size - 100000, 50000, 1);
    gate_set(false);
    scene_end(&scene);
}

#define CONTENT_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_who_reads_what_leaves_gets_it_fetched_anew_and_no_hole),
        CONTENT_TEST(test_who_reads_a_small_file_that_leaves_gets_it_fetched_anew),
        CONTENT_TEST(test_who_reads_what_stays_does_not_wait_for_the_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
