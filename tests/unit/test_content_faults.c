/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "content/content.h"

#include <errno.h>
#include <stdlib.h>

#include "content_fixture.h"
#include "unit.h"

#define LARGE (64 * MIB)

static void test_a_dead_url_is_located_once_more(void **state)
{
    static const long statuses[] = { 401, 403, 404, 410 };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ROWS(statuses); i++) {
        const char *const ids[] = { "f1", "f2", "f3", "f4" };
        struct content_file *file = fixture_put_open(fixture, ids[i], LARGE, 1, false);

        fake_remote_set_faults(fixture->fake, &(struct fake_faults){ .fail_fetches = 1,
                                                                     .fail_code = -EACCES,
                                                                     .fail_status = statuses[i] });
        assert_reads(file, 40 * MIB, 4096, 1);
        assert_int_equal(fake_remote_counts(fixture->fake).locates, 2 * (i + 1));
        content_close(file);
    }
}

static void test_a_url_that_is_dead_twice_fails_the_read_and_not_the_next(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);
    const struct fake_faults faults = { .fail_fetches = 2,
                                        .fail_code = -EACCES,
                                        .fail_status = 403 };

    fake_remote_set_faults(fixture->fake, &faults);
    assert_read_fails(file, 40 * MIB, 4096, -EACCES);
    assert_reads(file, 40 * MIB, 4096, 1);
    content_close(file);
}

static void test_urls_that_expire_while_reading_are_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 16 * MIB, 1, true);

    for (int64_t offset = 0; offset < 16 * MIB; offset += MIB) {
        assert_reads(file, offset, (size_t)MIB, 1);
        fake_remote_expire_urls(fixture->fake);
    }
    content_close(file);
}

static void test_an_old_url_is_not_tried(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);

    assert_reads(file, 40 * MIB, 4096, 1);
    clock_advance(fixture->clock, 6 * 60 * 1000);
    assert_reads(file, 20 * MIB, 4096, 1);
    assert_int_equal(fake_remote_counts(fixture->fake).locates, 2);
    assert_int_equal(fake_remote_counts(fixture->fake).fetches, 2);
    content_close(file);
}

static void test_an_error_reaches_the_reads_of_its_blocks_only(void **state)
{
    static const struct {
        int code, status;
    } rows[] = {
        { -ENETDOWN, -ENETDOWN }, { -ETIMEDOUT, -ETIMEDOUT }, { -EACCES, -EACCES },
        { -EIO, -EIO },           { -EPROTO, -EIO },
    };
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);

    assert_reads(file, 40 * MIB, 4096, 1);
    for (size_t i = 0; i < ROWS(rows); i++) {
        /* The second is for a read that joined a fetch and may ask once more. */
        fake_remote_set_faults(
            fixture->fake, &(struct fake_faults){ .fail_fetches = 2, .fail_code = rows[i].code });
        assert_read_fails(file, (int64_t)i * 2 * MIB + 4 * MIB, 4096, rows[i].status);
        assert_reads(file, 40 * MIB, 4096, 1);
    }
    fake_remote_set_faults(fixture->fake, &(struct fake_faults){ 0 });
    assert_reads(file, 4 * MIB, 4096, 1);
    content_close(file);
}

static void test_an_item_that_cannot_be_asked_for_fails_the_read(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);
    const struct fake_faults faults = { .fail_locates = 1, .fail_code = -ENETDOWN };

    fake_remote_set_faults(fixture->fake, &faults);
    assert_read_fails(file, 40 * MIB, 4096, -ENETDOWN);
    assert_reads(file, 40 * MIB, 4096, 1);
    content_close(file);
}

static void test_an_item_that_is_gone_is_stale(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_open(fixture, "f1", LARGE, 1, false);

    assert_read_fails(file, 40 * MIB, 4096, -ESTALE);
    content_close(file);
}

static void test_a_read_gives_up_at_its_deadline(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);
    const struct fake_faults faults = { .fail_fetches = 1, .fail_code = -ETIMEDOUT };
    struct pending_read read;

    fake_remote_hold(fixture->fake);
    read_start(file, 40 * MIB, 4096, 1, &read);
    fake_remote_await_held(fixture->fake, 1);
    clock_advance(fixture->clock, 60 * 1000);
    fake_remote_set_faults(fixture->fake, &faults);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&read), -ETIMEDOUT);
    content_close(file);
}

/* The kernel asks for each page of a read-ahead that failed: a minute each would be too much. */
static void test_after_a_read_that_was_too_late_the_next_one_fails_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);
    const struct fake_faults faults = { .fail_fetches = 1, .fail_code = -ETIMEDOUT };
    struct pending_read read;

    fake_remote_hold(fixture->fake);
    read_start(file, 40 * MIB, 4096, 1, &read);
    fake_remote_await_held(fixture->fake, 1);
    clock_advance(fixture->clock, 60 * 1000);
    fake_remote_set_faults(fixture->fake, &faults);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&read), -ETIMEDOUT);
    assert_read_fails(file, 40 * MIB, 4096, -ETIMEDOUT);
    clock_advance(fixture->clock, 2 * 1000);
    assert_reads(file, 40 * MIB, 4096, 1);
    content_close(file);
}

static void test_a_read_that_joined_late_asks_again_in_its_own_time(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);
    struct content_file *other = fixture_open(fixture, "f1", LARGE, 1, false);
    const struct fake_faults faults = { .fail_fetches = 1, .fail_code = -ETIMEDOUT };
    struct pending_read early, late;

    fake_remote_hold(fixture->fake);
    read_start(file, 40 * MIB, 4096, 1, &early);
    fake_remote_await_held(fixture->fake, 1);
    clock_advance(fixture->clock, 60 * 1000);
    read_start(other, 40 * MIB, 4096, 1, &late);
    fake_remote_set_faults(fixture->fake, &faults);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&early), -ETIMEDOUT);
    assert_int_equal(read_await(&late), 0);
    content_close(file);
    content_close(other);
}

/* ---- what does not belong ---- */

static void test_other_content_is_stale_and_never_mixed_in(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);

    assert_reads(file, 40 * MIB, 4096, 1);
    fake_remote_put(fixture->fake, "f1", LARGE, 2, 2);
    assert_read_fails(file, 20 * MIB, 4096, -ESTALE);
    assert_reads(file, 40 * MIB, 4096, 1);
    assert_read_fails(file, 10 * MIB, 4096, -ESTALE);
    content_close(file);
    file = fixture_open(fixture, "f1", LARGE, 2, false);
    assert_reads(file, 20 * MIB, 4096, 2);
    content_close(file);
}

static void test_a_change_while_a_range_is_under_way_is_stale(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);
    struct pending_read read;

    fake_remote_hold(fixture->fake);
    read_start(file, 40 * MIB, 4096, 1, &read);
    fake_remote_await_held(fixture->fake, 1);
    fake_remote_put(fixture->fake, "f1", LARGE, 2, 2);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&read), -ESTALE);
    content_close(file);
}

static void test_without_an_etag_of_the_host_the_item_is_asked_after_the_range(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);
    struct pending_read read;

    fake_remote_set_faults(fixture->fake, &(struct fake_faults){ .etag = FAKE_ETAG_NONE });
    assert_reads(file, 40 * MIB, 4096, 1);
    assert_int_equal(fake_remote_counts(fixture->fake).locates, 2);
    fake_remote_hold(fixture->fake);
    read_start(file, 20 * MIB, 4096, 1, &read);
    fake_remote_await_held(fixture->fake, 1);
    fake_remote_put(fixture->fake, "f1", LARGE, 2, 2);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&read), -ESTALE);
    content_close(file);
}

static void test_an_etag_of_another_kind_is_learnt_with_the_first_range(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);

    fake_remote_set_faults(fixture->fake, &(struct fake_faults){ .etag = FAKE_ETAG_UNRELATED });
    for (int64_t offset = 60 * MIB; offset > 0; offset -= 10 * MIB)
        assert_reads(file, offset, 4096, 1);
    assert_int_equal(fake_remote_counts(fixture->fake).locates, 2);
    content_close(file);
}

static void test_a_change_of_name_only_is_no_change(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);

    assert_reads(file, 40 * MIB, 4096, 1);
    fake_remote_touch(fixture->fake, "f1", 2);
    assert_reads(file, 20 * MIB, 4096, 1);
    assert_reads(file, 10 * MIB, 4096, 1);
    assert_int_equal(fake_remote_counts(fixture->fake).locates, 2);
    content_close(file);
}

static void test_an_item_that_lags_behind_its_version_does_not_stop_the_read(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 5, false);

    fake_remote_lag(fixture->fake, "f1", 4);
    assert_reads(file, 40 * MIB, 4096, 5);
    content_close(file);
}

static void test_new_bytes_under_an_item_that_lags_are_not_taken_for_old_ones(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 5, false);

    assert_reads(file, 40 * MIB, 4096, 5);
    fake_remote_put(fixture->fake, "f1", LARGE, 6, 6);
    fake_remote_lag(fixture->fake, "f1", 5);
    assert_read_fails(file, 20 * MIB, 4096, -ESTALE);
    content_close(file);
}

static void test_new_bytes_of_another_size_under_an_item_that_lags_are_stale(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 5, false);

    fake_remote_put(fixture->fake, "f1", LARGE + 1, 6, 6);
    fake_remote_lag(fixture->fake, "f1", 5);
    assert_read_fails(file, 20 * MIB, 4096, -ESTALE);
    content_close(file);
}

static void test_a_size_that_differs_from_the_item_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", LARGE, 1, false);

    fake_remote_set_faults(fixture->fake, &(struct fake_faults){ .wrong_total = LARGE + 1 });
    assert_read_fails(file, 40 * MIB, 4096, -EIO);
    content_close(file);
}

static void test_content_shorter_than_its_item_says_is_an_error_and_not_zeros(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file;

    fake_remote_put(fixture->fake, "f1", 1000, 1, 1);
    file = fixture_open(fixture, "f1", 5000, 1, false);
    assert_read_fails(file, 0, 4096, -EIO);
    content_close(file);
}

static void test_a_right_hash_does_not_excuse_a_wrong_size(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 5000, 1, true);

    fake_remote_set_faults(fixture->fake, &(struct fake_faults){ .wrong_total = 6000 });
    assert_read_fails(file, 0, 5000, -EIO);
    content_close(file);
}

/* ---- hashes ---- */

static void test_a_small_file_with_a_wrong_hash_is_fetched_once_more_before_it_is_read(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 5000, 1, true);

    fake_remote_set_faults(fixture->fake, &(struct fake_faults){ .corrupt_fetches = 1 });
    assert_reads(file, 0, 5000, 1);
    assert_int_equal(fake_remote_counts(fixture->fake).fetches, 2);
    content_close(file);
}

static void test_two_equal_wrong_downloads_are_served_unverified(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 5000, 1, true);
    struct pending_read read;

    fake_remote_set_faults(fixture->fake, &(struct fake_faults){ .corrupt_fetches = 10 });
    read_start(file, 0, 5000, 1, &read);
    assert_int_equal(read_await(&read), 0);
    assert_int_equal(read.wrong_at, 0);
    assert_int_equal(content_state(fixture->content, fixture_generation("f1", 1), 5000),
                     CONTENT_UNVERIFIED);
    assert_int_equal(fake_remote_counts(fixture->fake).fetches, 2);
    content_close(file);
}

static void test_two_different_wrong_downloads_are_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 5000, 1, true);
    const struct fake_faults faults = { .corrupt_fetches = 2, .corrupt_differently = true };

    fake_remote_set_faults(fixture->fake, &faults);
    assert_read_fails(file, 0, 5000, -EIO);
    content_close(file);
    file = fixture_open(fixture, "f1", 5000, 1, true);
    assert_reads(file, 0, 5000, 1);
    content_close(file);
}

static void test_a_large_file_with_a_wrong_hash_is_dropped_and_fetched_again(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 4 * MIB, 1, true);
    uint64_t generation = fixture_generation("f1", 1);

    fake_remote_set_faults(fixture->fake, &(struct fake_faults){ .corrupt_fetches = 1 });
    for (int64_t offset = 0; offset < 4 * MIB; offset += MIB) {
        struct pending_read read;

        read_start(file, offset, (size_t)MIB, 1, &read);
        assert_int_equal(read_await(&read), 0);
    }
    content_close(file);
    fixture_await_jobs(fixture);
    assert_int_not_equal(content_state(fixture->content, generation, 4 * MIB), CONTENT_CACHED);
    fixture_restart(fixture);
    file = fixture_open(fixture, "f1", 4 * MIB, 1, true);
    assert_reads_all(file, 1, (size_t)MIB);
    content_close(file);
    fixture_restart(fixture);
    assert_int_equal(content_state(fixture->content, generation, 4 * MIB), CONTENT_CACHED);
}

static void test_a_large_file_that_is_wrong_the_same_way_twice_is_unverified(void **state)
{
    struct fixture *fixture = *state;
    uint64_t generation = fixture_generation("f1", 1);

    fake_remote_put(fixture->fake, "f1", 4 * MIB, 2, 1); /* other bytes than the hash says */
    for (unsigned round = 0; round < 2; round++) {
        struct content_file *file = fixture_open(fixture, "f1", 4 * MIB, 1, true);

        assert_reads_all(file, 2, (size_t)MIB);
        content_close(file);
        fixture_await_jobs(fixture);
        fixture_restart(fixture);
    }
    assert_int_equal(content_state(fixture->content, generation, 4 * MIB), CONTENT_UNVERIFIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_dead_url_is_located_once_more),
        TEST(test_a_url_that_is_dead_twice_fails_the_read_and_not_the_next),
        TEST(test_urls_that_expire_while_reading_are_replaced),
        TEST(test_an_old_url_is_not_tried),
        TEST(test_an_error_reaches_the_reads_of_its_blocks_only),
        TEST(test_an_item_that_cannot_be_asked_for_fails_the_read),
        TEST(test_an_item_that_is_gone_is_stale),
        TEST(test_a_read_gives_up_at_its_deadline),
        TEST(test_after_a_read_that_was_too_late_the_next_one_fails_at_once),
        TEST(test_a_read_that_joined_late_asks_again_in_its_own_time),
        TEST(test_other_content_is_stale_and_never_mixed_in),
        TEST(test_a_change_while_a_range_is_under_way_is_stale),
        TEST(test_without_an_etag_of_the_host_the_item_is_asked_after_the_range),
        TEST(test_an_etag_of_another_kind_is_learnt_with_the_first_range),
        TEST(test_a_change_of_name_only_is_no_change),
        TEST(test_an_item_that_lags_behind_its_version_does_not_stop_the_read),
        TEST(test_new_bytes_under_an_item_that_lags_are_not_taken_for_old_ones),
        TEST(test_new_bytes_of_another_size_under_an_item_that_lags_are_stale),
        TEST(test_a_size_that_differs_from_the_item_is_an_error),
        TEST(test_content_shorter_than_its_item_says_is_an_error_and_not_zeros),
        TEST(test_a_right_hash_does_not_excuse_a_wrong_size),
        TEST(test_a_small_file_with_a_wrong_hash_is_fetched_once_more_before_it_is_read),
        TEST(test_two_equal_wrong_downloads_are_served_unverified),
        TEST(test_two_different_wrong_downloads_are_an_error),
        TEST(test_a_large_file_with_a_wrong_hash_is_dropped_and_fetched_again),
        TEST(test_a_large_file_that_is_wrong_the_same_way_twice_is_unverified),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
