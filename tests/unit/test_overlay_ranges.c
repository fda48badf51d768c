/* SPDX-License-Identifier: MIT */
/* overlay/ranges.h, against a byte per byte. */
#include "config.h"

#include "overlay/ranges.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

#define SIZE 200

static void assert_same(const struct ranges *ranges, const bool bytes[SIZE])
{
    const struct range_list *list = &ranges->list;
    bool found[SIZE] = { false };
    int64_t total = 0;

    for (size_t i = 0; i < list->len; i++) {
        assert_true(list->items[i].first < list->items[i].end);
        assert_true(i == 0 || list->items[i - 1].end < list->items[i].first);
        for (int64_t at = list->items[i].first; at < list->items[i].end; at++)
            found[at] = true;
        total += list->items[i].end - list->items[i].first;
    }
    assert_memory_equal(found, bytes, sizeof found);
    assert_int_equal(total, ranges->total);
}

static void assert_hull(const struct ranges *ranges, const bool bytes[SIZE], struct range range)
{
    struct range hull = ranges_hull(ranges, range);
    int64_t first = SIZE, end = 0, count = 0;

    for (int64_t at = range.first; at < range.end; at++) {
        if (!bytes[at])
            continue;
        first = at < first ? at : first;
        end = at + 1;
        count++;
    }
    assert_int_equal(ranges_count(ranges, range), count);
    if (count == 0) {
        assert_true(range_is_empty(hull));
        return;
    }
    assert_int_equal(hull.first, first);
    assert_int_equal(hull.end, end);
}

static void test_what_is_taken_out_is_gone_and_all_else_stays(void **state)
{
    unsigned seed = 1;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct ranges ranges = { 0 };
        bool bytes[SIZE];

        memset(bytes, true, sizeof bytes);
        ranges_fill(&ranges, SIZE);
        for (unsigned step = 0; step < 40; step++) {
            struct range range = { rand_r(&seed) % SIZE, 0 };

            range.end = range.first + rand_r(&seed) % 20;
            if (range.end > SIZE)
                range.end = SIZE;
            assert_hull(&ranges, bytes, range);
            ranges_remove(&ranges, range);
            for (int64_t at = range.first; at < range.end; at++)
                bytes[at] = false;
            assert_same(&ranges, bytes);
            assert_hull(&ranges, bytes, (struct range){ range.first / 2, SIZE });
        }
        ranges_clear(&ranges);
    }
}

static void test_a_set_of_nothing_has_no_end_and_no_parts(void **state)
{
    struct ranges ranges = { 0 };
    struct range all = { 0, INT64_MAX };

    (void)state;
    ranges_fill(&ranges, 0);
    assert_int_equal(ranges_end(&ranges), 0);
    assert_true(range_is_empty(ranges_next(&ranges, all, 0)));
    assert_true(range_is_empty(ranges_hull(&ranges, all)));
    ranges_remove(&ranges, all);
    assert_int_equal(ranges.total, 0);
    ranges_clear(&ranges);
}

static void test_parts_are_given_in_order_and_cut_to_the_range(void **state)
{
    struct ranges ranges = { 0 };
    struct range range = { 5, 95 }, part;

    (void)state;
    ranges_fill(&ranges, 100);
    ranges_remove(&ranges, (struct range){ 10, 20 });
    ranges_remove(&ranges, (struct range){ 50, 60 });
    part = ranges_next(&ranges, range, range.first);
    assert_true(part.first == 5 && part.end == 10);
    part = ranges_next(&ranges, range, part.end);
    assert_true(part.first == 20 && part.end == 50);
    part = ranges_next(&ranges, range, part.end);
    assert_true(part.first == 60 && part.end == 95);
    assert_true(range_is_empty(ranges_next(&ranges, range, part.end)));
    assert_int_equal(ranges_end(&ranges), 100);
    ranges_clear(&ranges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_taken_out_is_gone_and_all_else_stays),
        cmocka_unit_test(test_a_set_of_nothing_has_no_end_and_no_parts),
        cmocka_unit_test(test_parts_are_given_in_order_and_cut_to_the_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
