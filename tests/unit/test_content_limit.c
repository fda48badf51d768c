/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "content/content.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "content_fixture.h"
#include "full_disk.h"
#include "unit.h"

static void start_with_limit(struct fixture *fixture, int64_t limit_bytes)
{
    fixture_stop(fixture);
    fixture->conf.limit_bytes = limit_bytes;
    fixture_start(fixture);
}

static void assert_within_limit(struct fixture *fixture)
{
    struct content_status status;

    content_get_status(fixture->content, &status);
    assert_true(status.used_bytes <= status.limit_bytes);
    assert_true(fixture_disk_bytes(fixture) <= status.limit_bytes);
}

static void test_the_limit_holds_while_one_file_is_larger(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file;

    start_with_limit(fixture, 8 * MIB);
    file = fixture_put_open(fixture, "f1", 40 * MIB, 1, true);
    for (int64_t offset = 0; offset < 40 * MIB; offset += 512 * KIB) {
        assert_reads(file, offset, (size_t)(512 * KIB), 1);
        assert_within_limit(fixture);
    }
    content_close(file);
    /* What was fetched was of use: nearly each byte came once. */
    fixture_stop(fixture);
    assert_true(fake_remote_counts(fixture->fake).fetched_bytes < 42 * MIB);
}

static void test_the_limit_holds_over_many_files_and_the_longest_unused_go_first(void **state)
{
    struct fixture *fixture = *state;
    char id[16];

    start_with_limit(fixture, 4 * MIB);
    for (unsigned i = 1; i <= 20; i++) {
        struct content_file *file;

        (void)snprintf(id, sizeof id, "f%u", i);
        file = fixture_put_open(fixture, id, 500 * KIB, 1, true);
        assert_reads_all(file, 1, 100000);
        assert_within_limit(fixture);
        content_close(file);
    }
    assert_int_equal(content_state(fixture->content, fixture_generation("f20", 1), 500 * KIB),
                     CONTENT_CACHED);
    assert_int_equal(content_state(fixture->content, fixture_generation("f15", 1), 500 * KIB),
                     CONTENT_CACHED);
    assert_int_equal(content_state(fixture->content, fixture_generation("f1", 1), 500 * KIB),
                     CONTENT_CLOUD);
}

static void test_random_reads_of_a_file_larger_than_the_cache_are_right(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file;

    start_with_limit(fixture, 3 * MIB);
    file = fixture_put_open(fixture, "f1", 24 * MIB, 1, true);
    srandom(7);
    for (unsigned i = 0; i < 200; i++) {
        assert_reads(file, random() % (24 * MIB), 10000, 1);
        if (i % 10 == 0)
            assert_within_limit(fixture);
    }
    content_close(file);
}

static void test_a_cache_too_small_for_a_block_serves_from_memory(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file;

    start_with_limit(fixture, 1000);
    file = fixture_put_open(fixture, "f1", 4 * MIB, 1, false);
    assert_reads_all(file, 1, 300000);
    content_close(file);
    file = fixture_put_open(fixture, "f2", 5000, 1, true);
    assert_reads(file, 100, 4000, 1);
    content_close(file);
    assert_within_limit(fixture);
}

static void test_a_limit_that_was_lowered_is_kept_from_the_start(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 900 * KIB, 1, true);

    assert_reads(file, 0, 1, 1);
    content_close(file);
    file = fixture_put_open(fixture, "f2", 900 * KIB, 1, true);
    assert_reads(file, 0, 1, 1);
    content_close(file);
    start_with_limit(fixture, MIB);
    fixture_await_jobs(fixture);
    assert_true(fixture_disk_bytes(fixture) <= MIB);
}

static void test_the_floor_of_free_space_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file;
    struct content_status status;
    struct statvfs disk;

    fixture_stop(fixture);
    assert_int_equal(statvfs(fixture->directory, &disk), 0);
    fixture->conf.min_free_bytes = (int64_t)(disk.f_blocks * disk.f_frsize) + MIB;
    fixture_start(fixture);
    file = fixture_put_open(fixture, "f1", 2 * MIB, 1, false);
    assert_reads_all(file, 1, 100000);
    content_close(file);
    content_get_status(fixture->content, &status);
    assert_int_equal(status.used_bytes, 0);
}

static void set_file_size_limit(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_full_disk_fails_no_read(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 4 * MIB, 1, true);

    full_disk_refuse(BLOCK, 4 * MIB);
    assert_reads_all(file, 1, 100000);
    full_disk_refuse(0, 4 * MIB);
    assert_reads_all(file, 1, 100000);
    full_disk_refuse(0, 0);
    assert_reads_all(file, 1, 100000);
    content_close(file);
    fixture_restart(fixture);
    assert_int_equal(content_state(fixture->content, fixture_generation("f1", 1), 4 * MIB),
                     CONTENT_CACHED);
}

/* The file's own end is far behind its last block: that page goes, too, or the space stays. */
static void test_a_last_block_that_leaves_frees_the_whole_page(void **state)
{
    struct fixture *fixture = *state;
    const int64_t size = 4 * MIB + 100;
    cleanup_free char *path = fixture_file(fixture, "f1", 1);
    cleanup_close int fd = -1;
    struct content_file *file, *other;

    start_with_limit(fixture, 5 * MIB);
    file = fixture_put_open(fixture, "f1", size, 1, false);
    assert_reads_all(file, 1, (size_t)MIB);
    assert_reads(file, 0, 10, 1);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(lseek(fd, 4 * MIB, SEEK_DATA), 4 * MIB);
    other = fixture_put_open(fixture, "f2", 2 * MIB, 1, false);
    assert_reads_all(other, 1, (size_t)MIB);
    assert_int_not_equal(lseek(fd, 4 * MIB, SEEK_DATA), 4 * MIB);
    content_close(other);
    content_close(file);
}

static void test_a_disk_that_takes_no_file_at_all_fails_no_read(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 2 * MIB, 1, true);

    (void)signal(SIGXFSZ, SIG_IGN);
    set_file_size_limit(0);
    assert_reads_all(file, 1, 100000);
    set_file_size_limit(RLIM_INFINITY);
    content_close(file);
    (void)signal(SIGXFSZ, SIG_DFL);
    assert_within_limit(fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_limit_holds_while_one_file_is_larger),
        TEST(test_the_limit_holds_over_many_files_and_the_longest_unused_go_first),
        TEST(test_random_reads_of_a_file_larger_than_the_cache_are_right),
        TEST(test_a_cache_too_small_for_a_block_serves_from_memory),
        TEST(test_a_limit_that_was_lowered_is_kept_from_the_start),
        TEST(test_the_floor_of_free_space_is_kept),
        TEST(test_a_full_disk_fails_no_read),
        TEST(test_a_last_block_that_leaves_frees_the_whole_page),
        TEST(test_a_disk_that_takes_no_file_at_all_fails_no_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
