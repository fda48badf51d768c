/* SPDX-License-Identifier: MIT */
/*
 * Long ranges, which arrive in pieces of a megabyte. The fake holds one after its first pieces; a
 * second read, of what is here already, shows what may be seen of it.
 */
#include "config.h"

#include "content/content.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "content_fixture.h"
#include "unit.h"

#define SIZE (64 * MIB)
/* The range: of a single read. */
#define FROM   (40 * MIB)
#define LENGTH ((size_t)(4 * MIB))

/* Begins to read the range, of content 1, and has the fake hold it after so many pieces. */
static void start_held(struct fixture *fixture, struct content_file *file,
                       const struct fake_faults *faults, struct pending_read *read)
{
    fake_remote_set_faults(fixture->fake, faults);
    fake_remote_hold(fixture->fake);
    read_start(file, FROM, LENGTH, 1, read);
    fake_remote_await_held(fixture->fake, 1);
}

static void test_a_read_is_answered_while_the_rest_of_its_range_is_on_its_way(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", SIZE, 1, false);
    struct pending_read range;

    start_held(fixture, file, &(struct fake_faults){ .hold_pieces = 2 }, &range);
    assert_reads(file, FROM, 2 * MIB, 1);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&range), 0);
    assert_int_equal(range.wrong_at, -1);
    assert_int_equal(fake_remote_counts(fixture->fake).fetches, 1);
    content_close(file);
}

static void test_pieces_that_prove_nothing_are_seen_once_the_item_was_asked(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", SIZE, 1, false);
    const struct fake_faults faults = { .hold_pieces = 2, .etag = FAKE_ETAG_UNRELATED };
    struct pending_read range, early;

    start_held(fixture, file, &faults, &range);
    read_start(file, FROM, 4096, 1, &early);
    fixture_await_jobs(fixture);
    assert_false(early.is_done);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&range), 0);
    assert_int_equal(range.wrong_at, -1);
    assert_int_equal(read_await(&early), 0);
    assert_int_equal(early.wrong_at, -1);
    assert_int_equal(fake_remote_counts(fixture->fake).locates, 2);
    assert_int_equal(fake_remote_counts(fixture->fake).fetches, 1);
    content_close(file);
}

static void test_a_change_between_two_pieces_leaves_the_first_and_stales_the_rest(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", SIZE, 1, false);
    struct pending_read range;

    start_held(fixture, file, &(struct fake_faults){ .hold_pieces = 2 }, &range);
    fake_remote_put(fixture->fake, "f1", SIZE, 2, 2);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&range), -ESTALE);
    assert_reads(file, FROM, 2 * MIB, 1);
    assert_read_fails(file, FROM + 2 * MIB, 4096, -ESTALE);
    content_close(file);
}

/* The item lags: it says of the new bytes, too, that they are the old version's. */
static void test_pieces_of_two_states_are_not_mixed_while_the_item_lags(void **state)
{
    static const enum fake_etag first_etags[] = { FAKE_ETAG_UNRELATED, FAKE_ETAG_NONE };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ROWS(first_etags); i++) {
        const char *const ids[] = { "f1", "f2" };
        struct content_file *file = fixture_put_open(fixture, ids[i], SIZE, 1, false);
        const struct fake_faults faults = { .hold_pieces = 2, .etag = first_etags[i] };
        struct pending_read range;

        start_held(fixture, file, &faults, &range);
        fake_remote_put(fixture->fake, ids[i], SIZE, 2, 2);
        fake_remote_lag(fixture->fake, ids[i], 1);
        fake_remote_set_faults(fixture->fake, &(struct fake_faults){ 0 });
        fake_remote_release(fixture->fake);
        assert_int_equal(read_await(&range), -ESTALE);
        content_close(file);
    }
}

static void test_a_range_that_breaks_off_keeps_its_pieces(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", SIZE, 1, false);
    struct pending_read range;

    start_held(fixture, file, &(struct fake_faults){ .hold_pieces = 3 }, &range);
    fake_remote_set_faults(fixture->fake,
                           &(struct fake_faults){ .fail_fetches = 2, .fail_code = -ENETDOWN });
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&range), -ENETDOWN);
    assert_reads(file, FROM, 3 * MIB, 1);
    fake_remote_set_faults(fixture->fake, &(struct fake_faults){ 0 });
    assert_reads(file, FROM, LENGTH, 1);
    assert_int_equal(fake_remote_counts(fixture->fake).fetched_bytes, LENGTH);
    content_close(file);
}

static void test_a_url_that_dies_between_two_pieces_is_located_for_the_rest(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", SIZE, 1, false);
    struct pending_read range;

    start_held(fixture, file, &(struct fake_faults){ .hold_pieces = 1 }, &range);
    fake_remote_expire_urls(fixture->fake);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&range), 0);
    assert_int_equal(range.wrong_at, -1);
    assert_int_equal(fake_remote_counts(fixture->fake).locates, 2);
    assert_int_equal(fake_remote_counts(fixture->fake).fetched_bytes, LENGTH);
    content_close(file);
}

/* A limit on the size of files stands for a full disk. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_disk_that_fills_up_between_two_pieces_fails_no_read(void **state)
{
    static const enum fake_etag etags[] = { FAKE_ETAG_OF_ITEM, FAKE_ETAG_UNRELATED };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ROWS(etags); i++) {
        const char *const ids[] = { "f1", "f2" };
        struct content_file *file = fixture_put_open(fixture, ids[i], SIZE, 1, false);
        const struct fake_faults faults = { .hold_pieces = 2, .etag = etags[i] };
        struct pending_read range;

        (void)signal(SIGXFSZ, SIG_IGN);
        start_held(fixture, file, &faults, &range);
        limit_files(1);
        fake_remote_release(fixture->fake);
        assert_int_equal(read_await(&range), 0);
        assert_int_equal(range.wrong_at, -1);
        assert_int_equal(fake_remote_counts(fixture->fake).fetches, 2 * (i + 1));
        limit_files(RLIM_INFINITY);
        (void)signal(SIGXFSZ, SIG_DFL);
        content_close(file);
    }
}

static void test_a_total_that_changes_between_two_pieces_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", SIZE, 1, false);
    struct pending_read range;

    start_held(fixture, file, &(struct fake_faults){ .hold_pieces = 2 }, &range);
    fake_remote_set_faults(fixture->fake, &(struct fake_faults){ .wrong_total = SIZE + 1 });
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&range), -EIO);
    assert_reads(file, FROM, 2 * MIB, 1);
    content_close(file);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_read_is_answered_while_the_rest_of_its_range_is_on_its_way),
        TEST(test_pieces_that_prove_nothing_are_seen_once_the_item_was_asked),
        TEST(test_a_change_between_two_pieces_leaves_the_first_and_stales_the_rest),
        TEST(test_pieces_of_two_states_are_not_mixed_while_the_item_lags),
        TEST(test_a_range_that_breaks_off_keeps_its_pieces),
        TEST(test_a_url_that_dies_between_two_pieces_is_located_for_the_rest),
        TEST(test_a_disk_that_fills_up_between_two_pieces_fails_no_read),
        TEST(test_a_total_that_changes_between_two_pieces_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
