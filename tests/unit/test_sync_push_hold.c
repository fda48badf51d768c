/* SPDX-License-Identifier: MIT */
/* push_hold.h: whose content waits, and until when. */
#include "config.h"

#include "sync/push_hold.h"
#include "unit.h"

struct fixture {
    struct push_holds holds;
};

static int setup(void **state)
{
    static struct fixture fixture;

    holds_init(&fixture.holds);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    holds_clear(&fixture->holds);
    return 0;
}

static struct push_holds *holds_of(void **state)
{
    return &((struct fixture *)*state)->holds;
}

static void test_a_file_is_held_until_the_last_has_closed_it(void **state)
{
    struct push_holds *holds = holds_of(state);

    assert_int_equal(holds_until(holds, 7, 0), 0);
    holds_begin(holds, 7);
    holds_begin(holds, 7);
    assert_true(holds_has(holds, 7));
    assert_true(holds_until(holds, 7, 1000000) == HOLD_UNTIL_CLOSED);
    assert_int_equal(holds_until(holds, 8, 0), 0);
    assert_false(holds_end(holds, 7));
    assert_true(holds_until(holds, 7, 0) == HOLD_UNTIL_CLOSED);
    assert_true(holds_end(holds, 7));
    assert_false(holds_has(holds, 7));
    assert_int_equal(holds_until(holds, 7, 0), 0);
}

static void test_an_end_is_news_only_to_who_has_waited(void **state)
{
    struct push_holds *holds = holds_of(state);

    holds_begin(holds, 7);
    assert_false(holds_end(holds, 7));
    assert_true(holds_next(holds) == INT64_MAX);
    assert_false(holds_take_news(holds, 1000000));
    holds_begin(holds, 7);
    (void)holds_until(holds, 7, 0);
    assert_true(holds_end(holds, 7));
    assert_true(holds_take_news(holds, 0));
    assert_false(holds_take_news(holds, 1000000));
}

static void test_what_was_synced_may_be_sent_after_a_while(void **state)
{
    struct push_holds *holds = holds_of(state);

    assert_false(holds_note_synced(holds, 7, 100)); /* nobody has it open */
    holds_begin(holds, 7);
    assert_true(holds_note_synced(holds, 7, 100));
    assert_false(holds_note_synced(holds, 7, 150)); /* it is the first that counts */
    assert_int_equal(holds_next(holds), 100);
    assert_int_equal(holds_until(holds, 7, 99), 100);
    assert_int_equal(holds_until(holds, 7, 100), 0);
    assert_false(holds_take_news(holds, 99));
    assert_true(holds_take_news(holds, 100));
}

static void test_it_is_not_sent_again_for_a_minute_or_ten_times_as_long_as_it_took(void **state)
{
    static const struct {
        int64_t took_ms, pause_ms;
    } rows[] = { { 0, 60000 }, { 6000, 60000 }, { 6001, 60010 }, { 60000, 600000 } };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct push_holds *holds = holds_of(state);
        int64_t sent_ms = 100 + rows[i].took_ms;
        uint64_t mark;

        holds_begin(holds, 7);
        (void)holds_note_synced(holds, 7, 100);
        mark = holds_mark(holds, 7);
        holds_note_sent(holds, 7, mark, 100, sent_ms);
        assert_true(holds_until(holds, 7, sent_ms) == HOLD_UNTIL_CLOSED);
        (void)holds_note_synced(holds, 7, sent_ms + 5);
        assert_int_equal(holds_until(holds, 7, sent_ms), sent_ms + rows[i].pause_ms);
        (void)holds_end(holds, 7);
    }
}

static void test_what_is_synced_while_it_is_sent_is_sent_later(void **state)
{
    struct push_holds *holds = holds_of(state);
    uint64_t mark;

    holds_begin(holds, 7);
    (void)holds_note_synced(holds, 7, 100);
    mark = holds_mark(holds, 7);
    (void)holds_note_synced(holds, 7, 200);
    (void)holds_take_news(holds, 100);
    holds_note_sent(holds, 7, mark, 100, 300);
    assert_int_equal(holds_next(holds), 300 + HOLD_INTERVAL_MS);
    assert_int_equal(holds_until(holds, 7, 300), 300 + HOLD_INTERVAL_MS);
}

static void test_who_is_in_a_hurry_waits_for_no_pause(void **state)
{
    struct push_holds *holds = holds_of(state);

    assert_false(holds_hurry(holds, 7)); /* nobody has it open */
    holds_begin(holds, 7);
    (void)holds_note_synced(holds, 7, 100);
    holds_note_sent(holds, 7, holds_mark(holds, 7), 100, 200);
    assert_true(holds_have_sent(holds, 7));
    (void)holds_take_news(holds, 200);
    assert_true(holds_hurry(holds, 7));
    assert_false(holds_have_sent(holds, 7));
    assert_true(holds_take_news(holds, 200));
    assert_int_equal(holds_until(holds, 7, 200), 0);
}

int main(void)
{
#define HOLD_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        HOLD_TEST(test_a_file_is_held_until_the_last_has_closed_it),
        HOLD_TEST(test_an_end_is_news_only_to_who_has_waited),
        HOLD_TEST(test_what_was_synced_may_be_sent_after_a_while),
        HOLD_TEST(test_it_is_not_sent_again_for_a_minute_or_ten_times_as_long_as_it_took),
        HOLD_TEST(test_what_is_synced_while_it_is_sent_is_sent_later),
        HOLD_TEST(test_who_is_in_a_hurry_waits_for_no_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
