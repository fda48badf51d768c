/* SPDX-License-Identifier: MIT */
/* Files that are replaced while they are open: they keep their content, from the item's versions if
 * need be. */
#include "config.h"

#include "content/content.h"

#include <errno.h>
#include <stdlib.h>

#include "content_fixture.h"
#include "unit.h"

#define SIZE   (20 * MIB)
#define HERE   (6 * MIB)  /* has been read before the file is replaced */
#define ABSENT (15 * MIB) /* hasn't */
#define SECOND INT64_C(1000000000)

/* "f1", of which the beginning has been read. */
static struct content_file *open_and_read(struct fixture *fixture, int64_t size, bool has_hash)
{
    struct content_file *file = fixture_put_open(fixture, "f1", size, 1, has_hash);

    for (int64_t offset = HERE - MIB; offset >= 0; offset -= MIB) /* backwards: nothing is ahead */
        assert_reads(file, offset, (size_t)MIB, 1);
    return file;
}

static void replace(struct fixture *fixture, int64_t size)
{
    fake_remote_put(fixture->fake, "f1", size, 2, 2);
}

static void add_right_one(struct fixture *fixture)
{
    fake_remote_add_old(fixture->fake, "f1", "1.0", SIZE, 1, 0);
}

static void fail_olds(struct fixture *fixture, int count, int code, long status)
{
    fake_remote_set_faults(
        fixture->fake,
        &(struct fake_faults){ .fail_olds = count, .fail_code = code, .fail_status = status });
}

static struct fake_counts counts(struct fixture *fixture)
{
    return fake_remote_counts(fixture->fake);
}

static void test_a_replaced_file_is_read_to_its_end(void **state)
{
    static const int64_t sizes[] = { SIZE, SIZE / 2, SIZE * 2, 0 };

    for (size_t i = 0; i < ROWS(sizes); i++) {
        struct content_file *file;
        struct fixture *fixture;
        void *own;

        (void)state;
        assert_int_equal(fixture_setup(&own), 0);
        fixture = own;
        file = open_and_read(fixture, SIZE, true);
        add_right_one(fixture);
        replace(fixture, sizes[i]);
        assert_reads(file, ABSENT, 4096, 1);
        assert_reads_all(file, 1, (size_t)MIB);
        assert_int_equal(counts(fixture).lists, 1);
        content_close(file);
        assert_int_equal(fixture_teardown(&own), 0);
    }
}

static void test_only_what_is_missing_is_fetched_and_it_stays(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);
    uint64_t generation = fixture_generation("f1", 1);
    int64_t before = counts(fixture).fetched_bytes;

    add_right_one(fixture);
    replace(fixture, SIZE);
    fixture_await_jobs(fixture);
    assert_reads(file, ABSENT, 4096, 1);
    /* The first try gets what the item has now. */
    assert_in_range(counts(fixture).fetched_bytes - before, SIZE - HERE, SIZE - HERE + 9 * MIB);
    assert_int_equal(content_state(fixture->content, generation, SIZE), CONTENT_CACHED);
    before = counts(fixture).fetched_bytes;
    assert_reads_all(file, 1, (size_t)MIB);
    content_close(file);
    fixture_restart(fixture);
    file = fixture_open(fixture, "f1", SIZE, 1, true);
    assert_reads_all(file, 1, (size_t)MIB);
    content_close(file);
    assert_int_equal(counts(fixture).fetched_bytes, before);
}

static void test_the_new_content_is_read_beside_the_old_one(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true), *other;

    add_right_one(fixture);
    replace(fixture, SIZE);
    other = fixture_open(fixture, "f1", SIZE, 2, true);
    for (int64_t offset = SIZE - MIB; offset >= 0; offset -= MIB) {
        assert_reads(file, offset, (size_t)MIB, 1);
        assert_reads(other, offset, (size_t)MIB, 2);
    }
    content_close(other);
    content_close(file);
}

static void test_a_small_file_that_was_not_read_yet_is_had(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = fixture_put_open(fixture, "f1", 3000, 1, true);

    fake_remote_add_old(fixture->fake, "f1", "1.0", 3000, 1, 0);
    replace(fixture, 4000);
    assert_reads(file, 1000, 4096, 1);
    content_close(file);
}

static void test_without_a_hash_nothing_is_believed(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, false);

    add_right_one(fixture);
    replace(fixture, SIZE);
    assert_read_fails(file, ABSENT, 4096, -ESTALE);
    assert_int_equal(counts(fixture).lists, 0);
    assert_reads(file, 0, (size_t)HERE, 1);
    content_close(file);
}

static void test_content_that_is_gone_is_stale_and_asked_for_once(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);

    fake_remote_add_old(fixture->fake, "f1", "0.9", SIZE - 1, 1, 0);
    replace(fixture, SIZE);
    for (int i = 0; i < 3; i++)
        assert_read_fails(file, ABSENT + i * MIB, 4096, -ESTALE);
    assert_int_equal(counts(fixture).lists, 1);
    assert_int_equal(counts(fixture).old_urls, 1); /* that of now has the size */
    assert_reads(file, 0, (size_t)HERE, 1);
    content_close(file);
    /* Who opens it anew has it asked for anew. */
    add_right_one(fixture);
    file = fixture_open(fixture, "f1", SIZE, 1, true);
    assert_reads(file, ABSENT, 4096, 1);
    content_close(file);
}

static void test_another_content_of_the_size_is_never_taken_for_it(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);

    add_right_one(fixture);
    fake_remote_add_old(fixture->fake, "f1", "1.5", SIZE, 3, 0);
    replace(fixture, SIZE + 1);
    assert_reads_all(file, 1, (size_t)MIB);
    assert_int_equal(counts(fixture).old_urls, 2);
    content_close(file);
}

static void test_of_equal_sizes_the_second_tells_which_is_tried_first(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);

    add_right_one(fixture);
    fake_remote_add_old(fixture->fake, "f1", "1.5", SIZE, 3, 5 * SECOND);
    replace(fixture, SIZE + 1);
    assert_reads_all(file, 1, (size_t)MIB);
    assert_int_equal(counts(fixture).old_urls, 1);
    content_close(file);
}

static void test_not_all_versions_of_a_size_are_downloaded(void **state)
{
    static const char *const ids[] = { "1.1", "1.2", "1.3", "1.4" };
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);

    add_right_one(fixture);
    for (unsigned i = 0; i < ROWS(ids); i++)
        fake_remote_add_old(fixture->fake, "f1", ids[i], SIZE, 3 + i, 0);
    replace(fixture, SIZE + 1);
    assert_read_fails(file, ABSENT, 4096, -ESTALE);
    assert_int_equal(counts(fixture).old_urls, 3);
    content_close(file);
}

static void test_a_refused_list_is_stale(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);

    add_right_one(fixture);
    replace(fixture, SIZE);
    fail_olds(fixture, 1, -EACCES, 403);
    assert_read_fails(file, ABSENT, 4096, -ESTALE);
    content_close(file);
}

static void test_a_lost_network_is_told_and_the_next_read_tries_again(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);

    add_right_one(fixture);
    replace(fixture, SIZE);
    assert_int_equal(counts(fixture).lists, 0);
    fail_olds(fixture, 1, -ENETDOWN, 0);
    assert_read_fails(file, ABSENT, 4096, -ENETDOWN);
    assert_reads(file, ABSENT, 4096, 1);
    content_close(file);
}

static void test_a_version_that_is_refused_is_followed_by_the_next(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);

    add_right_one(fixture);
    replace(fixture, SIZE); /* what is there now comes first and has no URL */
    assert_reads(file, ABSENT, 4096, 1);
    assert_int_equal(counts(fixture).old_urls, 2);
    content_close(file);
}

/* Begins a read for which an old version is being fetched. */
static void start_held(struct fixture *fixture, struct content_file *file,
                       struct pending_read *read)
{
    add_right_one(fixture);
    replace(fixture, SIZE + 1);
    fail_olds(fixture, 1, -ENETDOWN, 0);
    assert_read_fails(file, ABSENT, 4096, -ENETDOWN);
    /* So the item isn't fetched from any more. */
    fake_remote_hold(fixture->fake);
    read_start(file, ABSENT, 4096, 1, read);
    fake_remote_await_held(fixture->fake, 1);
}

static void test_a_url_that_dies_on_the_way_is_asked_for_again(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);
    struct pending_read read;

    start_held(fixture, file, &read);
    fake_remote_expire_urls(fixture->fake);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&read), 0);
    assert_int_equal(read.wrong_at, -1);
    assert_int_equal(counts(fixture).old_urls, 2);
    assert_reads_all(file, 1, (size_t)MIB);
    content_close(file);
}

static void test_each_read_waits_for_its_own_time_only(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);
    struct pending_read first, second;

    start_held(fixture, file, &first);
    clock_advance(fixture->clock, 30 * 1000);
    read_start(file, ABSENT + MIB, 4096, 1, &second);
    clock_advance(fixture->clock, 31 * 1000);
    fake_remote_set_faults(fixture->fake,
                           &(struct fake_faults){ .fail_fetches = 1, .fail_code = -ETIMEDOUT });
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&first), -ETIMEDOUT);
    assert_int_equal(read_await(&second), 0);
    assert_int_equal(second.wrong_at, -1);
    content_close(file);
}

static void test_a_reader_that_gives_up_leaves_the_others(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);
    struct pending_read first, second;

    start_held(fixture, file, &first);
    read_start(file, ABSENT + MIB, 4096, 1, &second);
    assert_true(content_cancel(fixture->content, first.wait));
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&second), 0);
    assert_int_equal(second.wrong_at, -1);
    content_close(file);
}

static void test_who_closes_the_file_ends_it_and_who_opens_it_again_begins_again(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);
    struct pending_read read;

    start_held(fixture, file, &read);
    assert_true(content_cancel(fixture->content, read.wait));
    content_close(file); /* the request is held: it is cancelled, or this hangs */
    file = fixture_open(fixture, "f1", SIZE, 1, true);
    read_start(file, ABSENT, 4096, 1, &read);
    fake_remote_await_held(fixture->fake, 1);
    fake_remote_release(fixture->fake);
    assert_int_equal(read_await(&read), 0);
    assert_int_equal(read.wrong_at, -1);
    content_close(file);
}

static void test_the_end_of_all_answers_the_reads(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);
    struct pending_read read;

    start_held(fixture, file, &read);
    fixture_stop(fixture);
    assert_int_equal(read_await(&read), -ECANCELED);
    fake_remote_release(fixture->fake);
    free(file);
}

static void test_what_the_hash_needs_is_not_evicted_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file, *other;
    struct pending_read read;

    fixture_stop(fixture);
    fixture->conf.limit_bytes = SIZE + 2 * MIB;
    fixture_start(fixture);
    file = open_and_read(fixture, SIZE, true);
    start_held(fixture, file, &read);
    fake_remote_release(fixture->fake);
    other = fixture_put_open(fixture, "f2", 8 * MIB, 7, true);
    assert_reads_all(other, 7, (size_t)MIB);
    assert_int_equal(read_await(&read), 0);
    assert_int_equal(read.wrong_at, -1);
    content_close(other);
    content_close(file);
}

static void test_content_that_has_no_room_is_stale(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file;

    fixture_stop(fixture);
    fixture->conf.limit_bytes = SIZE - MIB;
    fixture_start(fixture);
    file = open_and_read(fixture, SIZE, true);
    add_right_one(fixture);
    replace(fixture, SIZE);
    assert_read_fails(file, ABSENT, 4096, -ESTALE);
    content_close(file);
}

static void test_a_host_that_is_ahead_of_its_item_is_enough(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);

    add_right_one(fixture);
    replace(fixture, SIZE);
    fake_remote_lag(fixture->fake, "f1", 1);
    assert_reads_all(file, 1, (size_t)MIB);
    content_close(file);
}

static void test_a_host_that_is_ahead_may_have_the_same_content(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);

    fake_remote_touch(fixture->fake, "f1", 2);
    fake_remote_lag(fixture->fake, "f1", 1);
    assert_read_fails(file, ABSENT, 4096, -ESTALE);
    fake_remote_lag(fixture->fake, "f1", 0);
    assert_reads(file, ABSENT, 4096, 1);
    content_close(file);
}

static void test_what_is_fetched_for_nobody_is_not_looked_for(void **state)
{
    struct fixture *fixture = *state;
    struct content_file *file = open_and_read(fixture, SIZE, true);
    struct pending_read read;

    add_right_one(fixture);
    replace(fixture, SIZE);
    read_start_background(file, ABSENT, 4096, &read);
    assert_int_equal(read_await(&read), -ESTALE);
    assert_int_equal(counts(fixture).lists, 0);
    assert_reads(file, ABSENT, 4096, 1);
    content_close(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_replaced_file_is_read_to_its_end),
        TEST(test_only_what_is_missing_is_fetched_and_it_stays),
        TEST(test_the_new_content_is_read_beside_the_old_one),
        TEST(test_a_small_file_that_was_not_read_yet_is_had),
        TEST(test_without_a_hash_nothing_is_believed),
        TEST(test_content_that_is_gone_is_stale_and_asked_for_once),
        TEST(test_another_content_of_the_size_is_never_taken_for_it),
        TEST(test_of_equal_sizes_the_second_tells_which_is_tried_first),
        TEST(test_not_all_versions_of_a_size_are_downloaded),
        TEST(test_a_refused_list_is_stale),
        TEST(test_a_lost_network_is_told_and_the_next_read_tries_again),
        TEST(test_a_version_that_is_refused_is_followed_by_the_next),
        TEST(test_a_url_that_dies_on_the_way_is_asked_for_again),
        TEST(test_each_read_waits_for_its_own_time_only),
        TEST(test_a_reader_that_gives_up_leaves_the_others),
        TEST(test_who_closes_the_file_ends_it_and_who_opens_it_again_begins_again),
        TEST(test_the_end_of_all_answers_the_reads),
        TEST(test_what_the_hash_needs_is_not_evicted_meanwhile),
        TEST(test_content_that_has_no_room_is_stale),
        TEST(test_a_host_that_is_ahead_of_its_item_is_enough),
        TEST(test_a_host_that_is_ahead_may_have_the_same_content),
        TEST(test_what_is_fetched_for_nobody_is_not_looked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
