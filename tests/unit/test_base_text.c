/* SPDX-License-Identifier: MIT */
/* bytes.h, utf8.h, encode.h and uuid.h */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "unit.h"

static void test_utf8_is_taken_strictly(void **state)
{
    static const struct {
        const char *text;
        bool is_valid;
    } rows[] = {
        { "", true },
        { "ascii", true },
        { "\u00E4\u65E5\U0001F389", true },
        { "\xEF\xBF\xBF", true },
        { "\xF4\x8F\xBF\xBF", true },
        { "\x80", false },
        { "\xC3", false },
        { "\xC3x", false },
        { "\xC0\x80", false },
        { "\xE0\x80\x80", false },
        { "\xF0\x80\x80\x80", false },
        { "\xED\xA0\x80", false },
        { "\xF4\x90\x80\x80", false },
        { "\xF8\x88\x80\x80\x80", false },
        { "\xFF", false },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(utf8_valid(rows[i].text, strlen(rows[i].text)), rows[i].is_valid);
    assert_true(utf8_valid("a\0b", 3));
}

static void test_every_character_survives_decoding_and_encoding(void **state)
{
    (void)state;
    for (uint32_t character = 0; character <= 0x10FFFF; character++) {
        char bytes[4];
        size_t n = utf8_put(character, bytes);
        uint32_t again = 0;

        if (character >= 0xD800 && character <= 0xDFFF)
            continue;
        assert_int_equal(utf8_next(bytes, n, &again), n);
        assert_int_equal(again, character);
    }
}

static void test_length_is_counted_as_onedrive_counts(void **state)
{
    (void)state;
    assert_int_equal(utf8_utf16_units("", 0), 0);
    assert_int_equal(utf8_utf16_units("a\u65E5", 4), 2);
    assert_int_equal(utf8_utf16_units("\U0001F389", 4), 2);
}

static void test_what_is_no_text_is_replaced(void **state)
{
    static const struct {
        const char *text, *repaired, *printable;
    } rows[] = {
        { "", "", "" },
        { "J\u00FCrgen \U0001F389", "J\u00FCrgen \U0001F389", "J\u00FCrgen \U0001F389" },
        { "a\xFF\xC3", "a\uFFFD\uFFFD", "a\uFFFD\uFFFD" },
        { "\x1B[2J\n\x7F", "\x1B[2J\n\x7F", "\uFFFD[2J\uFFFD\uFFFD" },
        { "\xC2\x9B"
          "1m",
          "\xC2\x9B"
          "1m",
          "\uFFFD"
          "1m" },
        { "\u202Eexe", "\u202Eexe", "\uFFFDexe" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cleanup_strbuf struct strbuf repaired;
        cleanup_free char *printable = utf8_printable(rows[i].text);

        strbuf_init(&repaired, 100);
        assert_int_equal(utf8_repair(rows[i].text, strlen(rows[i].text), &repaired), 0);
        assert_string_equal(repaired.data, rows[i].repaired);
        assert_string_equal(printable, rows[i].printable);
    }
}

static void test_base64_follows_the_rfc(void **state)
{
    static const struct {
        const char *bytes, *standard, *url;
    } rows[] = {
        { "", "", "" },
        { "f", "Zg==", "Zg" },
        { "fo", "Zm8=", "Zm8" },
        { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg==", "Zm9vYg" },
        { "\xFB\xFF\xBF", "+/+/", "-_-_" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const uint8_t *bytes = (const uint8_t *)rows[i].bytes;
        size_t len = strlen(rows[i].bytes), back_len = 99;
        cleanup_free char *standard = base64_encode(bytes, len);
        cleanup_free char *url = base64url_encode(bytes, len);
        uint8_t back[8];

        assert_string_equal(standard, rows[i].standard);
        assert_string_equal(url, rows[i].url);
        assert_int_equal(base64_decode(standard, back, sizeof back, &back_len), 0);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, bytes, len);
        assert_int_equal(base64_decode(url, back, sizeof back, &back_len), 0);
        assert_memory_equal(back, bytes, len);
    }
}

static void test_base64_of_no_bytes_is_refused(void **state)
{
    static const char *const rows[] = { "Z",     "Zg=",   "Zg===", "=",       "Zh==",
                                        "Zm9v=", "Z g==", "Zm\n8", "Zg==Zg==" };
    uint8_t out[8];
    size_t len = 99;

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(base64_decode(rows[i], out, sizeof out, &len), -EINVAL);
    assert_int_equal(base64_decode("Zm9v", out, 2, &len), -ENOBUFS);
    assert_int_equal(len, 99);
}

static void test_hex_is_written_small_and_read_in_either_case(void **state)
{
    cleanup_free char *text = hex_encode((const uint8_t *)"\x00\xAB\x7F", 3);
    uint8_t out[3];
    size_t len = 0;

    (void)state;
    assert_string_equal(text, "00ab7f");
    assert_int_equal(hex_decode("00Ab7F", out, sizeof out, &len), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(out, "\x00\xAB\x7F", 3);
    assert_int_equal(hex_decode("0", out, sizeof out, &len), -EINVAL);
    assert_int_equal(hex_decode("0g", out, sizeof out, &len), -EINVAL);
    assert_int_equal(hex_decode("00112233", out, sizeof out, &len), -ENOBUFS);
}

static void test_uuids_are_of_version_4_and_differ(void **state)
{
    char first[UUID_SIZE], second[UUID_SIZE];

    (void)state;
    uuid_v4(first);
    uuid_v4(second);
    assert_int_equal(strlen(first), 36);
    assert_int_equal(first[8], '-');
    assert_int_equal(first[14], '4');
    assert_non_null(strchr("89ab", first[19]));
    assert_string_not_equal(first, second);
}

static void test_the_boot_has_one_id(void **state)
{
    char first[UUID_SIZE] = "", second[UUID_SIZE] = "";

    (void)state;
    assert_int_equal(uuid_boot(first), 0);
    assert_int_equal(uuid_boot(second), 0);
    assert_int_equal(strlen(first), UUID_SIZE - 1);
    assert_string_equal(first, second);
}

static void test_numbers_are_written_lowest_byte_first(void **state)
{
    static const uint8_t expected[] = { 8, 7, 6, 5, 4, 3, 2, 1 };
    uint8_t bytes[9];

    (void)state;
    bytes_put_u64(bytes + 1, UINT64_C(0x0102030405060708));
    assert_memory_equal(bytes + 1, expected, sizeof expected);
    assert_true(bytes_get_u64(bytes + 1) == UINT64_C(0x0102030405060708));
}

static void test_the_checksum_is_fnv_1a(void **state)
{
    (void)state;
    assert_true(bytes_checksum("", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(bytes_checksum("foobar", 6) == UINT64_C(0x85944171f73967e8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_is_taken_strictly),
        cmocka_unit_test(test_every_character_survives_decoding_and_encoding),
        cmocka_unit_test(test_length_is_counted_as_onedrive_counts),
        cmocka_unit_test(test_what_is_no_text_is_replaced),
        cmocka_unit_test(test_base64_follows_the_rfc),
        cmocka_unit_test(test_base64_of_no_bytes_is_refused),
        cmocka_unit_test(test_hex_is_written_small_and_read_in_either_case),
        cmocka_unit_test(test_uuids_are_of_version_4_and_differ),
        cmocka_unit_test(test_the_boot_has_one_id),
        cmocka_unit_test(test_numbers_are_written_lowest_byte_first),
        cmocka_unit_test(test_the_checksum_is_fnv_1a),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
