/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/strbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "base/xalloc.h"
#include "unit.h"

static void test_empty_string_needs_no_memory(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 10);
    assert_string_equal(b.data, "");
    assert_int_equal(b.capacity, 0);
    strbuf_clear(&b);
}

static void test_additions_append(void **state)
{
    cleanup_strbuf struct strbuf b;

    (void)state;
    strbuf_init(&b, 1000);
    assert_int_equal(strbuf_addstr(&b, "one "), 0);
    assert_int_equal(strbuf_addf(&b, "%d %s", 2, "three"), 0);
    assert_int_equal(strbuf_addch(&b, '!'), 0);
    assert_int_equal(strbuf_add(&b, "\0x", 2), 0);
    assert_int_equal(b.len, 14);
    assert_memory_equal(b.data, "one 2 three!\0x", 15);
    strbuf_truncate(&b, 3);
    assert_string_equal(b.data, "one");
}

static void test_limit_holds_and_is_remembered(void **state)
{
    cleanup_strbuf struct strbuf b;

    (void)state;
    strbuf_init(&b, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(strbuf_addch(&b, 'x'), 0);
    assert_int_equal(strbuf_addch(&b, 'y'), -ENOBUFS);
    assert_int_equal(b.len, 100);
    assert_true(b.capacity <= 101);
    strbuf_truncate(&b, 0);
    assert_int_equal(strbuf_addstr(&b, "z"), -ENOBUFS);
    assert_int_equal(strbuf_error(&b), -ENOBUFS);
    strbuf_reset(&b);
    assert_int_equal(strbuf_addstr(&b, "z"), 0);
    assert_string_equal(b.data, "z");
}

static void test_addition_is_made_whole_or_not_at_all(void **state)
{
    cleanup_strbuf struct strbuf b;

    (void)state;
    strbuf_init(&b, 4);
    assert_int_equal(strbuf_addstr(&b, "ab"), 0);
    assert_int_equal(strbuf_addf(&b, "%s", "cde"), -ENOBUFS);
    assert_string_equal(b.data, "ab");
}

static void test_no_limit_overflows(void **state)
{
    cleanup_strbuf struct strbuf b;

    (void)state;
    strbuf_init(&b, SIZE_MAX - 1);
    assert_int_equal(strbuf_addstr(&b, "ab"), 0);
    assert_int_equal(strbuf_add(&b, "", SIZE_MAX - 1), -ENOBUFS);
}

static void test_stolen_string_is_the_callers(void **state)
{
    struct strbuf b;
    cleanup_free char *empty = NULL, *full = NULL;

    (void)state;
    strbuf_init(&b, 4);
    empty = strbuf_steal(&b);
    assert_string_equal(empty, "");
    (void)strbuf_addstr(&b, "abcd");
    full = strbuf_steal(&b);
    assert_string_equal(full, "abcd");
    assert_string_equal(b.data, "");
    (void)strbuf_addstr(&b, "abcde");
    assert_null(strbuf_steal(&b));
}

DEFINE_VEC(numbers, int);

static void test_vector_grows_and_keeps_its_items(void **state)
{
    struct numbers v = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(*numbers_push(&v, i), i);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(v.items[i], i);
    assert_int_equal(v.len, 1000);
    numbers_clear(&v);
    assert_null(v.items);
    assert_int_equal(v.len, 0);
    assert_int_equal(v.capacity, 0);
}

static void test_reserved_vector_does_not_move(void **state)
{
    struct numbers v = { 0 };
    int *first;

    (void)state;
    numbers_reserve(&v, 100);
    first = numbers_push(&v, 0);
    for (int i = 1; i < 100; i++)
        (void)numbers_push(&v, i);
    assert_ptr_equal(first, v.items);
    numbers_clear(&v);
}

static void test_stealing_leaves_nothing_behind(void **state)
{
    cleanup_free char *owned = x_strdup("text");
    cleanup_free char *taken = steal_ptr(&owned);
    int fd = 7;

    (void)state;
    assert_null(owned);
    assert_string_equal(taken, "text");
    assert_int_equal(steal_fd(&fd), 7);
    assert_int_equal(fd, -1);
}

static void test_copies_of_nothing_are_nothing(void **state)
{
    cleanup_free char *cut = x_strndup("abc", 2), *text = x_asprintf("%d-%s", 7, "x");

    (void)state;
    assert_null(x_strdup(NULL));
    assert_null(x_strndup(NULL, 3));
    assert_string_equal(cut, "ab");
    assert_string_equal(text, "7-x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_string_needs_no_memory),
        cmocka_unit_test(test_additions_append),
        cmocka_unit_test(test_limit_holds_and_is_remembered),
        cmocka_unit_test(test_addition_is_made_whole_or_not_at_all),
        cmocka_unit_test(test_no_limit_overflows),
        cmocka_unit_test(test_stolen_string_is_the_callers),
        cmocka_unit_test(test_vector_grows_and_keeps_its_items),
        cmocka_unit_test(test_reserved_vector_does_not_move),
        cmocka_unit_test(test_stealing_leaves_nothing_behind),
        cmocka_unit_test(test_copies_of_nothing_are_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
