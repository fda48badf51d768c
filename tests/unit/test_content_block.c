/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "content/block.h"
#include "content/format.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static void test_a_range_of_bytes_covers_its_blocks(void **state)
{
    static const struct {
        int64_t offset, length;
        size_t first, end;
    } rows[] = {
        { 0, 1, 0, 1 },
        { 0, BLOCK_SIZE, 0, 1 },
        { 0, BLOCK_SIZE + 1, 0, 2 },
        { BLOCK_SIZE - 1, 1, 0, 1 },
        { BLOCK_SIZE - 1, 2, 0, 2 },
        { BLOCK_SIZE, 1, 1, 2 },
        { 10 * BLOCK_SIZE + 5, 3 * BLOCK_SIZE, 10, 14 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct block_range range = block_range_of(rows[i].offset, rows[i].length);

        assert_int_equal(range.first, rows[i].first);
        assert_int_equal(range.end, rows[i].end);
    }
}

static void test_the_last_block_has_only_what_is_left(void **state)
{
    (void)state;
    assert_int_equal(block_count(0), 0);
    assert_int_equal(block_count(1), 1);
    assert_int_equal(block_count(BLOCK_SIZE), 1);
    assert_int_equal(block_count(BLOCK_SIZE + 1), 2);
    assert_int_equal(block_range_bytes((struct block_range){ 0, 1 }, 100), 100);
    assert_int_equal(block_range_bytes((struct block_range){ 1, 2 }, BLOCK_SIZE + 7), 7);
    assert_int_equal(block_range_bytes((struct block_range){ 0, 2 }, 3 * BLOCK_SIZE),
                     2 * BLOCK_SIZE);
    assert_int_equal(block_range_bytes((struct block_range){ 2, 2 }, 3 * BLOCK_SIZE), 0);
    assert_int_equal(block_range_bytes((struct block_range){ 5, 6 }, 3 * BLOCK_SIZE), 0);
}

/* Every range of a small bitmap, against the plainest way to do it. */
static void test_bitmaps_agree_with_counting_by_hand(void **state)
{
    (void)state;
    for (size_t first = 0; first <= 40; first++) {
        for (size_t end = first; end <= 40; end++) {
            struct block_range range = { first, end }, all = { 0, 40 };
            uint8_t bitmap[5] = { 0 };

            bitmap_fill(bitmap, range, true);
            for (size_t block = 0; block < 40; block++)
                assert_int_equal(bitmap_get(bitmap, block), block >= first && block < end);
            assert_int_equal(bitmap_count(bitmap, all), end - first);
            assert_int_equal(bitmap_count(bitmap, range), end - first);
            assert_int_equal(bitmap_find(bitmap, all, true), first < end ? first : 40);
            assert_int_equal(bitmap_find(bitmap, range, false), end);
            bitmap_fill(bitmap, range, false);
            assert_int_equal(bitmap_count(bitmap, all), 0);
        }
    }
}

static struct format_header sample(void)
{
    struct format_header header = {
        .generation = UINT64_C(0x1234567890),
        .size = INT64_C(250) << 30,
        .boot_id = "4a6d0f0e-0000-4000-8000-0123456789ab",
        .verdict_now = VERDICT_VERIFIED,
        .verdict_synced = VERDICT_UNVERIFIED,
        .wrong_length = 20,
        .wrong_digest = { 1, 2, 3, 255 },
    };

    return header;
}

static void test_a_header_comes_back_as_it_was_written(void **state)
{
    struct format_header written = sample(), read;
    uint8_t bytes[FORMAT_HEADER_SIZE];

    (void)state;
    format_encode(&written, bytes);
    assert_int_equal(format_decode(bytes, &read), 0);
    assert_int_equal(read.generation, written.generation);
    assert_int_equal(read.size, written.size);
    assert_string_equal(read.boot_id, written.boot_id);
    assert_int_equal(read.verdict_now, written.verdict_now);
    assert_int_equal(read.verdict_synced, written.verdict_synced);
    assert_int_equal(read.wrong_length, written.wrong_length);
    assert_memory_equal(read.wrong_digest, written.wrong_digest, FORMAT_DIGEST_MAX);
}

static void test_a_header_with_any_wrong_bit_is_refused(void **state)
{
    struct format_header header = sample(), read;
    uint8_t bytes[FORMAT_HEADER_SIZE];

    (void)state;
    format_encode(&header, bytes);
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(format_decode(bytes, &read), -EBADMSG);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    assert_int_equal(format_decode(bytes, &read), 0);
}

static void test_the_parts_of_a_file_do_not_overlap(void **state)
{
    static const int64_t sizes[] = {
        0,
        1,
        4095,
        4096,
        4097,
        BLOCK_SIZE,
        BLOCK_SIZE + 1,
        INT64_C(1) << 30,
        INT64_C(250) << 30,
        INT64_MAX / 2,
    };

    (void)state;
    for (size_t i = 0; i < ROWS(sizes); i++) {
        int64_t map_size = (int64_t)bitmap_size(block_count(sizes[i]));
        int64_t now = format_map_offset(FORMAT_NOW, sizes[i]);
        int64_t synced = format_map_offset(FORMAT_SYNCED, sizes[i]);

        assert_true(now >= sizes[i] && now < sizes[i] + 4096);
        assert_int_equal(now % 4096, 0);
        assert_true(synced >= now + map_size);
        assert_true(format_file_size(sizes[i]) - FORMAT_HEADER_SIZE >= synced + map_size);
        assert_int_equal(format_file_size(sizes[i]), now + format_trailer_size(sizes[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_range_of_bytes_covers_its_blocks),
        cmocka_unit_test(test_the_last_block_has_only_what_is_left),
        cmocka_unit_test(test_bitmaps_agree_with_counting_by_hand),
        cmocka_unit_test(test_a_header_comes_back_as_it_was_written),
        cmocka_unit_test(test_a_header_with_any_wrong_bit_is_refused),
        cmocka_unit_test(test_the_parts_of_a_file_do_not_overlap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
