/* SPDX-License-Identifier: MIT */
/* push_fragment.h: how large the next fragment is */
#include "config.h"

#include "graph/remote.h"
#include "sync/push_fragment.h"
#include "unit.h"

#define UNIT REMOTE_FRAGMENT_UNIT

static void test_a_fragment_is_what_the_line_takes_in_four_seconds(void **state)
{
    static const struct {
        unsigned units;
        size_t length;
        int64_t took_ms;
        unsigned next;
    } rows[] = {
        { 16, 16 * UNIT, 4000, 16 }, { 16, 16 * UNIT, 3000, 21 },   { 16, 16 * UNIT, 100, 32 },
        { 16, 16 * UNIT, 0, 32 },    { 16, 16 * UNIT, 8000, 8 },    { 16, 16 * UNIT, 1000000, 1 },
        { 1, UNIT, 100, 2 },         { 150, 150 * UNIT, 100, 191 }, { 191, 191 * UNIT, 100, 191 },
        { 16, 5, 4000, 16 },         { 16, 8 * UNIT, 500, 32 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(fragment_after(rows[i].units, rows[i].length, rows[i].took_ms),
                         rows[i].next);
}

static void test_after_a_failure_it_is_half(void **state)
{
    (void)state;
    assert_int_equal(fragment_after_failure(16), 8);
    assert_int_equal(fragment_after_failure(1), 1);
}

static void test_all_uploads_together_have_bounded_memory(void **state)
{
    (void)state;
    assert_int_equal(fragment_length(191, 1, INT64_MAX), 191 * UNIT);
    assert_int_equal(fragment_length(191, 1, 10), 10);
    assert_true(REMOTE_FRAGMENT_MAX < (size_t)60 << 20);
    assert_int_equal(fragment_length(16, 1, INT64_MAX), 16 * UNIT);
    for (size_t uploads = 1; uploads <= 8; uploads++) {
        size_t length = fragment_length(191, uploads, INT64_MAX);

        assert_true(length * uploads <= REMOTE_FRAGMENT_MAX);
        assert_int_equal(length % UNIT, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fragment_is_what_the_line_takes_in_four_seconds),
        cmocka_unit_test(test_after_a_failure_it_is_half),
        cmocka_unit_test(test_all_uploads_together_have_bounded_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
