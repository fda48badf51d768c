/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "content/belong.h"

#include <stdlib.h>

#include "unit.h"

static void test_tags_are_equal_without_their_quotes_and_ordered_by_their_counter(void **state)
{
    static const struct {
        const char *one, *other;
        enum tag_order order;
    } rows[] = {
        { "\"{A},4\"", "{A},4", TAG_EQUAL }, { "W/\"{A},4\"", "\"{A},4\"", TAG_EQUAL },
        { "{A},4", "{A},5", TAG_BEFORE },    { "{A},10", "{A},9", TAG_AFTER },
        { "{A},009", "{A},10", TAG_BEFORE }, { "aQ!107.2", "\"aQ!107.3\"", TAG_BEFORE },
        { "{A},4", "{B},4", TAG_UNRELATED }, { "{A},4", "something", TAG_UNRELATED },
        { "12", "13", TAG_UNRELATED },       { "{A},", "{A},1", TAG_UNRELATED },
        { NULL, "{A},1", TAG_UNRELATED },    { NULL, NULL, TAG_UNRELATED },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(tag_compare(rows[i].one, rows[i].other), rows[i].order);
}

static void test_a_plain_tag_has_neither_mark_nor_quotes(void **state)
{
    static const char *const rows[][2] = {
        { "\"{A},4\"", "{A},4" }, { "W/\"x\"", "x" }, { "x", "x" }, { "\"", "\"" }, { "", "" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char *plain = tag_plain(rows[i][0]);

        assert_string_equal(plain, rows[i][1]);
        free(plain);
    }
    assert_null(tag_plain(NULL));
}

/* The version: size 10, eTag {A},5, cTag c5, hash H5, changed at 500. */
static void test_an_item_has_the_same_content_or_is_older_or_has_other_content(void **state)
{
    const struct content_id id = {
        .size = 10,
        .etag = "\"{A},5\"",
        .ctag = "c5",
        .hash_kind = HASH_QUICKXOR,
        .hash = "H5",
        .server_mtime_ns = 500,
    };

    static const struct {
        struct item item;
        enum belong belong;
    } rows[] = {
        /* only the name changed: another eTag, the same cTag */
        { { .flags = ITEM_HAS_SIZE, .size = 10, .etag = "\"{A},6\"", .ctag = "c5" }, BELONG_SAME },
        /* the size is told wrong, the cTag decides */
        { { .flags = ITEM_HAS_SIZE, .size = 11, .etag = "\"{A},6\"", .ctag = "c5" }, BELONG_SAME },
        /* no cTag told: the hash */
        { { .flags = ITEM_HAS_SIZE, .size = 10, .hash_kind = HASH_QUICKXOR, .hash = "H5" },
          BELONG_SAME },
        /* the same digits are another hash */
        { { .flags = ITEM_HAS_SIZE, .size = 10, .hash_kind = HASH_SHA1, .hash = "H5" },
          BELONG_OTHER },
        /* eTag and size */
        { { .flags = ITEM_HAS_SIZE, .size = 10, .etag = "\"{A},5\"" }, BELONG_SAME },
        { { .etag = "\"{A},5\"" }, BELONG_OTHER },
        /* other content, newer or older by the eTag's counter */
        { { .flags = ITEM_HAS_SIZE, .size = 10, .etag = "\"{A},6\"", .ctag = "c6" }, BELONG_OTHER },
        { { .flags = ITEM_HAS_SIZE, .size = 10, .etag = "\"{A},4\"", .ctag = "c4" }, BELONG_OLDER },
        /* by the server's time where eTags tell nothing */
        { { .flags = ITEM_HAS_SIZE, .size = 10, .etag = "x", .server_mtime_ns = 499 },
          BELONG_OLDER },
        { { .flags = ITEM_HAS_SIZE, .size = 10, .etag = "x", .server_mtime_ns = 501 },
          BELONG_OTHER },
        { { .flags = ITEM_HAS_SIZE, .size = 10, .etag = "x" }, BELONG_OTHER },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(belong_item(&id, &rows[i].item), rows[i].belong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags_are_equal_without_their_quotes_and_ordered_by_their_counter),
        cmocka_unit_test(test_a_plain_tag_has_neither_mark_nor_quotes),
        cmocka_unit_test(test_an_item_has_the_same_content_or_is_older_or_has_other_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
