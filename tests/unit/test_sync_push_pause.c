/* SPDX-License-Identifier: MIT */
/* push_pause.h: who is left alone, and until when. */
#include "config.h"

#include "sync/push_pause.h"
#include "unit.h"

#define MANY 10000

struct fixture {
    struct push_pauses pauses;
};

static int setup(void **state)
{
    static struct fixture fixture;

    pauses_init(&fixture.pauses);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    pauses_clear(&fixture->pauses);
    return 0;
}

static void test_a_row_rests_and_is_forgotten_then(void **state)
{
    struct push_pauses *pauses = &((struct fixture *)*state)->pauses;

    assert_true(pauses_next_rest(pauses) == INT64_MAX);
    assert_true(pauses_rest(pauses, 7, 100));
    assert_false(pauses_rest(pauses, 8, 110));
    assert_int_equal(pauses_until(pauses, 7, 99), 100);
    assert_int_equal(pauses_until(pauses, 7, 100), 0);
    assert_int_equal(pauses_until(pauses, 9, 0), 0);
    assert_int_equal(pauses_next_rest(pauses), 100);
    assert_false(pauses_end_rests(pauses, 99));
    assert_true(pauses_end_rests(pauses, 100));
    assert_int_equal(pauses_until(pauses, 7, 0), 0);
    assert_int_equal(pauses_next_rest(pauses), 110);
}

static void test_who_is_changed_again_rests_anew(void **state)
{
    struct push_pauses *pauses = &((struct fixture *)*state)->pauses;

    (void)pauses_rest(pauses, 7, 100);
    (void)pauses_rest(pauses, 8, 105);
    assert_false(pauses_rest(pauses, 7, 110));
    assert_int_equal(pauses_next_rest(pauses), 105);
    assert_true(pauses_end_rests(pauses, 105));
    assert_int_equal(pauses_until(pauses, 7, 105), 110);
}

static void test_rests_end_in_order_whatever_order_they_come_in(void **state)
{
    struct push_pauses *pauses = &((struct fixture *)*state)->pauses;

    for (ino_nr ino = 1; ino <= MANY; ino++)
        (void)pauses_rest(pauses, ino, (int64_t)(ino % 7) * 10);
    for (int64_t until_ms = 0; until_ms < 70; until_ms += 10) {
        assert_int_equal(pauses_next_rest(pauses), until_ms);
        assert_true(pauses_end_rests(pauses, until_ms));
    }
    assert_true(pauses_next_rest(pauses) == INT64_MAX);
}

static void test_failures_are_counted_until_something_was_sent(void **state)
{
    struct push_pauses *pauses = &((struct fixture *)*state)->pauses;

    pauses_fail(pauses, 7, PAUSE_FAILED, 50);
    pauses_fail(pauses, 7, PAUSE_FAILED, 100);
    assert_int_equal(pauses_count_failures(pauses, 7), 2);
    assert_int_equal(pauses_until(pauses, 7, 60), 100);
    assert_true(pauses_next_rest(pauses) == INT64_MAX);
    assert_false(pauses_end_rests(pauses, 1000));
    assert_int_equal(pauses_count_failures(pauses, 7), 2);
    pauses_end(pauses, 7);
    assert_int_equal(pauses_count_failures(pauses, 7), 0);
    assert_int_equal(pauses_until(pauses, 7, 0), 0);
}

static void test_a_failure_does_not_shorten_a_rest(void **state)
{
    struct push_pauses *pauses = &((struct fixture *)*state)->pauses;

    (void)pauses_rest(pauses, 7, 100);
    pauses_fail(pauses, 7, PAUSE_FAILED, 50);
    assert_int_equal(pauses_until(pauses, 7, 60), 100);
}

static void test_a_change_ends_what_failures_have_led_to(void **state)
{
    struct push_pauses *pauses = &((struct fixture *)*state)->pauses;

    pauses_fail(pauses, 7, PAUSE_FAILED, 600000);
    assert_true(pauses_rest(pauses, 7, 100));
    assert_int_equal(pauses_count_failures(pauses, 7), 0);
    assert_int_equal(pauses_until(pauses, 7, 60), 100);
}

static void test_the_network_ends_failures_and_no_rest(void **state)
{
    struct push_pauses *pauses = &((struct fixture *)*state)->pauses;

    pauses_fail(pauses, 7, PAUSE_FAILED, 600000);
    (void)pauses_rest(pauses, 8, 100);
    pauses_end_failed(pauses);
    assert_int_equal(pauses_until(pauses, 7, 60), 0);
    assert_int_equal(pauses_count_failures(pauses, 7), 1);
    assert_int_equal(pauses_until(pauses, 8, 60), 100);
    pauses_end(pauses, 8);
    assert_int_equal(pauses_until(pauses, 8, 60), 100);
}

static void test_whom_somebody_waits_for_is_not_left_alone(void **state)
{
    struct push_pauses *pauses = &((struct fixture *)*state)->pauses;

    (void)pauses_rest(pauses, 7, 100);
    pauses_fail(pauses, 8, PAUSE_BLOCKED, 200);
    pauses_hurry(pauses, 7);
    pauses_hurry(pauses, 8);
    pauses_hurry(pauses, 9);
    assert_int_equal(pauses_until(pauses, 7, 0), 0);
    assert_int_equal(pauses_until(pauses, 8, 0), 0);
    assert_int_equal(pauses_kind(pauses, 7), PAUSE_NONE);
    assert_int_equal(pauses_kind(pauses, 8), PAUSE_NONE);
    assert_true(pauses_next_rest(pauses) == INT64_MAX);
    assert_int_equal(pauses_count_failures(pauses, 8), 1);
}

static void test_it_is_known_whether_anything_lags(void **state)
{
    struct push_pauses *pauses = &((struct fixture *)*state)->pauses;

    pauses_fail(pauses, 7, PAUSE_LAG, 50);
    pauses_fail(pauses, 8, PAUSE_LAG, 50);
    assert_int_equal(pauses_kind(pauses, 7), PAUSE_LAG);
    pauses_fail(pauses, 7, PAUSE_FAILED, 50);
    assert_int_equal(pauses_kind(pauses, 7), PAUSE_FAILED);
    assert_true(pauses_has_lag(pauses));
    pauses_end(pauses, 8);
    assert_false(pauses_has_lag(pauses));
}

int main(void)
{
#define PAUSE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        PAUSE_TEST(test_a_row_rests_and_is_forgotten_then),
        PAUSE_TEST(test_who_is_changed_again_rests_anew),
        PAUSE_TEST(test_rests_end_in_order_whatever_order_they_come_in),
        PAUSE_TEST(test_failures_are_counted_until_something_was_sent),
        PAUSE_TEST(test_a_failure_does_not_shorten_a_rest),
        PAUSE_TEST(test_a_change_ends_what_failures_have_led_to),
        PAUSE_TEST(test_the_network_ends_failures_and_no_rest),
        PAUSE_TEST(test_whom_somebody_waits_for_is_not_left_alone),
        PAUSE_TEST(test_it_is_known_whether_anything_lags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
