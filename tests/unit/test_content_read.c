/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "content/content.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "content_fixture.h"
#include "unit.h"

static void assert_counts(struct fixture *fixture, unsigned locates, unsigned fetches,
                          int64_t bytes)
{
    struct fake_counts counts = fake_remote_counts(fixture->fake);

    assert_int_equal(counts.locates, locates);
    assert_int_equal(counts.fetches, fetches);
    assert_int_equal(counts.fetched_bytes, bytes);
}

static void test_a_small_file_costs_one_locate_and_one_range(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 700 * KIB, 1, true);

    assert_reads(file, 10, 5, 1);
    assert_reads_all(file, 1, 64 * KIB);
    content_close(file);
    assert_counts(fixture, 1, 1, 700 * KIB);
}

static void test_an_empty_file_needs_no_request(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 0, 1, true);

    assert_reads(file, 0, 4096, 1);
    assert_int_equal(content_state(fixture->content, fixture_generation("f1", 1), 0),
                     CONTENT_CACHED);
    content_close(file);
    assert_counts(fixture, 0, 0, 0);
}

static void test_reads_are_cut_at_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 1000, 1, false);

    assert_reads(file, 990, 100, 1);
    assert_reads(file, 1000, 100, 1);
    assert_reads(file, 5000, 100, 1);
    assert_reads(file, 0, 0, 1);
    content_close(file);
}

static void test_a_read_of_what_is_on_disk_is_answered_before_the_call_returns(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 4 * MIB, 1, true);
    struct pending_read read;

    assert_reads(file, 3 * MIB, 4096, 1);
    read_start(file, 3 * MIB + 100, 1000, 1, &read);
    assert_true(read.is_done);
    assert_null(read.wait);
    assert_int_equal(read.status, 0);
    content_close(file);
}

static void test_a_cached_block_is_read_while_another_fetch_stalls(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 64 * MIB, 1, false);
    struct pending_read stalled;

    assert_reads(file, 40 * MIB, 4096, 1);
    fake_remote_hold(fixture->fake);
    read_start(file, 20 * MIB, 4096, 1, &stalled);
    fake_remote_await_held(fixture->fake, 1);
    assert_reads(file, 40 * MIB, 4096, 1);
    assert_false(stalled.is_done);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&stalled), 0);
    content_close(file);
}

static void test_a_random_reader_fetches_only_its_blocks(void **state)
{
    static const int64_t offsets[] = { 30 * MIB, 9 * MIB, 55 * MIB, 21 * MIB, 41 * MIB };
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 64 * MIB, 1, false);

    for (size_t i = 0; i < ROWS(offsets); i++)
        assert_reads(file, offsets[i] + 100, 4096, 1);
    content_close(file);
    fixture_stop(fixture);
    assert_counts(fixture, 1, ROWS(offsets), (int64_t)ROWS(offsets) * BLOCK);
}

static void test_a_sequential_reader_costs_few_ranges_and_no_byte_twice(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 24 * MIB, 1, true);
    struct fake_counts counts;

    assert_reads_all(file, 1, 128 * KIB);
    content_close(file);
    fixture_stop(fixture);
    counts = fake_remote_counts(fixture->fake);
    assert_int_equal(counts.fetched_bytes, 24 * MIB);
    assert_int_equal(counts.locates, 1);
    assert_true(counts.fetches <= 24);
}

static void test_readers_of_one_range_share_its_fetch(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *files[8];
    struct pending_read reads[8];

    fake_remote_put(fixture->fake, "f1", 64 * MIB, 1, 1);
    fake_remote_hold(fixture->fake);
    for (size_t i = 0; i < ROWS(reads); i++) {
        files[i] = fixture_open(fixture, "f1", 64 * MIB, 1, false);
        read_start(files[i], 40 * MIB + (int64_t)i * 4096, 4096, 1, &reads[i]);
    }
    fake_remote_await_held(fixture->fake, 1);
    fake_remote_release(fixture->fake);
    for (size_t i = 0; i < ROWS(reads); i++) {
        assert_int_equal(read_await(&reads[i]), 0);
        assert_int_equal(reads[i].wrong_at, -1);
        content_close(files[i]);
    }
    fixture_stop(fixture);
    assert_int_equal(fake_remote_counts(fixture->fake).fetches, 1);
}

static void test_a_cancelled_read_is_not_answered_and_its_fetch_is_given_up(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 64 * MIB, 1, false);
    struct pending_read read;

    fake_remote_hold(fixture->fake);
    read_start(file, 40 * MIB, 4096, 1, &read);
    fake_remote_await_held(fixture->fake, 1);
    assert_true(content_cancel(fixture->content, read.wait));
    content_close(file);
    fixture_stop(fixture);
    assert_false(read.is_done);
    assert_int_equal(fake_remote_cancels(fixture->fake), 1);
    assert_counts(fixture, 1, 1, 0);
}

static void test_cancelling_one_reader_leaves_the_other_its_fetch(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 64 * MIB, 1, false);
    struct content_file *other = fixture_open(fixture, "f1", 64 * MIB, 1, false);
    struct pending_read cancelled, kept;

    fake_remote_hold(fixture->fake);
    read_start(file, 40 * MIB, 4096, 1, &cancelled);
    read_start(other, 40 * MIB, 4096, 1, &kept);
    fake_remote_await_held(fixture->fake, 1);
    assert_true(content_cancel(fixture->content, cancelled.wait));
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&kept), 0);
    content_close(file);
    content_close(other);
    assert_int_equal(fake_remote_counts(fixture->fake).fetches, 1);
}

static void test_the_end_answers_waiting_reads(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 64 * MIB, 1, false);
    struct pending_read read;

    fake_remote_hold(fixture->fake);
    read_start(file, 40 * MIB, 4096, 1, &read);
    fake_remote_await_held(fixture->fake, 1);
    fixture_stop(fixture);
    assert_true(read.is_done);
    assert_int_equal(read.status, -ECANCELED);
    free(file); /* it was open until the end: what it leads to is gone */
}

static void test_random_reads_over_random_sizes_give_the_source_bytes(void **state)
{
    struct fixture *fixture = *state;

    srandom(20261122);
    for (unsigned round = 1; round <= 60; round++) {
        int64_t size = random() % (round % 3 == 0 ? 6 * MIB : 600 * KIB) + 1;
        char id[16];
        struct content_file *file;

        (void)snprintf(id, sizeof id, "f%u", round);
        file = fixture_put_open(fixture, id, size, round % 90 + 1, round % 2 == 0);
        for (unsigned i = 0; i < 12; i++)
            assert_reads(file, random() % size, (size_t)(random() % (300 * KIB)) + 1,
                         round % 90 + 1);
        content_close(file);
    }
}

static void test_status_and_state_tell_what_is_there(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 64 * MIB, 1, false);
    uint64_t generation = fixture_generation("f1", 1);
    struct content_status status;

    assert_int_equal(content_state(fixture->content, generation, 64 * MIB), CONTENT_CLOUD);
    assert_reads(file, 40 * MIB, 4096, 1);
    assert_int_equal(content_state(fixture->content, generation, 64 * MIB), CONTENT_PARTIAL);
    content_close(file);
    file = fixture_put_open(fixture, "f2", 100, 1, true);
    assert_reads(file, 0, 100, 1);
    content_close(file);
    assert_int_equal(content_state(fixture->content, fixture_generation("f2", 1), 100),
                     CONTENT_CACHED);
    content_get_status(fixture->content, &status);
    assert_int_equal(status.files, 2);
    assert_int_equal(status.limit_bytes, fixture->conf.limit_bytes);
    assert_int_equal(status.fetches_active, 0);
    assert_int_equal(status.used_bytes, 4096 + BLOCK + 4096 + 100);
}

static void test_a_dropped_version_goes_with_its_last_reader(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 100, 1, true);
    struct content_status status;

    assert_reads(file, 0, 100, 1);
    content_drop(fixture->content, fixture_generation("f1", 1));
    assert_reads(file, 50, 10, 1);
    content_close(file);
    fixture_restart(fixture);
    content_get_status(fixture->content, &status);
    assert_int_equal(status.files, 0);
    assert_int_equal(fixture_disk_bytes(fixture), 0);
}

static void test_dropping_what_was_never_cached_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct content_status status;

    content_drop(fixture->content, 4711);
    content_get_status(fixture->content, &status);
    assert_int_equal(status.files, 0);
    assert_int_equal(status.used_bytes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_small_file_costs_one_locate_and_one_range),
        TEST(test_an_empty_file_needs_no_request),
        TEST(test_reads_are_cut_at_the_end),
        TEST(test_a_read_of_what_is_on_disk_is_answered_before_the_call_returns),
        TEST(test_a_cached_block_is_read_while_another_fetch_stalls),
        TEST(test_a_random_reader_fetches_only_its_blocks),
        TEST(test_a_sequential_reader_costs_few_ranges_and_no_byte_twice),
        TEST(test_readers_of_one_range_share_its_fetch),
        TEST(test_a_cancelled_read_is_not_answered_and_its_fetch_is_given_up),
        TEST(test_cancelling_one_reader_leaves_the_other_its_fetch),
        TEST(test_the_end_answers_waiting_reads),
        TEST(test_random_reads_over_random_sizes_give_the_source_bytes),
        TEST(test_status_and_state_tell_what_is_there),
        TEST(test_a_dropped_version_goes_with_its_last_reader),
        TEST(test_dropping_what_was_never_cached_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
