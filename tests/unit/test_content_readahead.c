/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "content/readahead.h"

#include "unit.h"

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static void test_the_first_read_at_the_start_asks_for_a_first_window(void **state)
{
    struct readahead readahead = { 0 };
    struct readahead_ask ask;

    (void)state;
    assert_true(readahead_note(&readahead, 0, 128 * KIB, GIB, GIB, &ask));
    assert_int_equal(ask.offset, 128 * KIB);
    assert_int_equal(ask.end, 128 * KIB + MIB);
}

static void test_the_window_doubles_up_to_its_maximum_and_never_asks_twice(void **state)
{
    struct readahead readahead = { 0 };
    struct readahead_ask ask;
    int64_t asked = 128 * KIB, widest = 0;

    (void)state;
    for (int64_t offset = 0; offset < 512 * MIB; offset += 128 * KIB) {
        if (!readahead_note(&readahead, offset, 128 * KIB, GIB, GIB, &ask))
            continue;
        assert_int_equal(ask.offset, asked);
        assert_true(ask.end > ask.offset);
        assert_true(ask.chunk >= MIB && ask.chunk <= 16 * MIB);
        assert_int_equal((ask.end - ask.offset) % ask.chunk, 0);
        asked = ask.end;
        if (ask.end - offset > widest)
            widest = ask.end - offset;
    }
    assert_true(widest > 112 * MIB && widest <= 128 * MIB + 128 * KIB);
}

static void test_a_reader_in_order_never_runs_out(void **state)
{
    struct readahead readahead = { 0 };
    struct readahead_ask ask;
    int64_t asked = 128 * KIB;

    (void)state;
    for (int64_t offset = 0; offset < GIB; offset += 128 * KIB) {
        if (readahead_note(&readahead, offset, 128 * KIB, GIB, GIB, &ask))
            asked = ask.end;
        assert_true(asked == GIB || asked > offset + 128 * KIB);
    }
    assert_int_equal(asked, GIB);
}

static void test_reads_a_little_out_of_order_are_in_order(void **state)
{
    static const int64_t blocks[] = { 0, 2, 1, 4, 3, 6, 7, 5, 8 };
    struct readahead readahead = { 0 };
    struct readahead_ask ask;

    (void)state;
    for (size_t i = 0; i < ROWS(blocks); i++) {
        (void)readahead_note(&readahead, blocks[i] * 128 * KIB, 128 * KIB, GIB, GIB, &ask);
        assert_true(readahead.window > 0);
    }
}

static void test_a_random_reader_asks_for_nothing(void **state)
{
    static const int64_t offsets[] = { 500 * MIB, 20 * MIB, 900 * MIB, 3 * MIB, 700 * MIB };
    struct readahead readahead = { 0 };
    struct readahead_ask ask;

    (void)state;
    for (size_t i = 0; i < ROWS(offsets); i++)
        assert_false(readahead_note(&readahead, offsets[i], 4 * KIB, GIB, GIB, &ask));
}

static void test_a_seek_ends_the_run_and_the_next_read_in_order_begins_one(void **state)
{
    struct readahead readahead = { 0 };
    struct readahead_ask ask;

    (void)state;
    for (int64_t offset = 0; offset < 8 * MIB; offset += 128 * KIB)
        (void)readahead_note(&readahead, offset, 128 * KIB, GIB, GIB, &ask);
    assert_false(readahead_note(&readahead, 600 * MIB, 128 * KIB, GIB, GIB, &ask));
    assert_true(readahead_note(&readahead, 600 * MIB + 128 * KIB, 128 * KIB, GIB, GIB, &ask));
    assert_int_equal(ask.offset, 600 * MIB + 256 * KIB);
    assert_int_equal(ask.end - ask.offset, MIB);
}

static void test_the_window_keeps_to_the_bound_and_to_the_end(void **state)
{
    struct readahead readahead = { 0 };
    struct readahead_ask ask = { 0 };

    (void)state;
    for (int64_t offset = 0; offset < 16 * MIB; offset += 128 * KIB)
        if (readahead_note(&readahead, offset, 128 * KIB, 16 * MIB, 2 * MIB, &ask))
            assert_true(ask.end <= offset + 128 * KIB + 2 * MIB);
    assert_int_equal(ask.end, 16 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_read_at_the_start_asks_for_a_first_window),
        cmocka_unit_test(test_the_window_doubles_up_to_its_maximum_and_never_asks_twice),
        cmocka_unit_test(test_a_reader_in_order_never_runs_out),
        cmocka_unit_test(test_reads_a_little_out_of_order_are_in_order),
        cmocka_unit_test(test_a_random_reader_asks_for_nothing),
        cmocka_unit_test(test_a_seek_ends_the_run_and_the_next_read_in_order_begins_one),
        cmocka_unit_test(test_the_window_keeps_to_the_bound_and_to_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
