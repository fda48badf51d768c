/* SPDX-License-Identifier: MIT */
/* The emulator's own building blocks, held to published values where there are some: a mistake in
 * one of them would make the emulator disagree with the service it stands for. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "buffer.h"
#include "clock.h"
#include "encode.h"
#include "names.h"
#include "quickxor.h"

static void quickxor_agrees_with_published_vectors(void **state)
{
    static const struct {
        const char *content, *hash; /* base64 */
    } table[] = {
        { "", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
        { "Sg==", "SgAAAAAAAAAAAAAAAQAAAAAAAAA=" },
        { "tbQ=", "taAFAAAAAAAAAAAAAgAAAAAAAAA=" },
        { "jRRDVA==", "jaDAEKgAAAAAAAAABAAAAAAAAAA=" },
        { "/aNzzCFPS/A=", "/RjFHJgRgicsAR4ACAAAAAAAAAA=" },
        { "i+UZyUGJKh+ISbk=", "iyhHBpIRhESo4AOIQ0IuAAAAAAA=" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(table); i++) {
        uint8_t content[32], digest[QUICKXOR_SIZE];
        char text[BASE64_SIZE(QUICKXOR_SIZE)];
        struct quickxor hash = { 0 };
        long length = base64_decode(table[i].content, content);

        assert_true(length >= 0);
        /* In two pieces, as a file arrives in several. */
        quickxor_update(&hash, content, (size_t)length / 2);
        quickxor_update(&hash, content + length / 2, (size_t)(length - length / 2));
        quickxor_final(&hash, digest);
        base64_encode(digest, sizeof digest, text);
        assert_string_equal(text, table[i].hash);
    }
}

static void a_path_is_decoded_exactly_once(void **state)
{
    static const struct {
        const char *text, *decoded; /* NULL: refused */
        int plus_is_space;
    } table[] = {
        { "a%2523b", "a%23b", 0 },   { "a+b", "a+b", 0 }, { "a+b", "a b", 1 },
        { "%C3%a9", "\xc3\xa9", 0 }, { "100%", NULL, 0 }, { "%zz", NULL, 0 },
        { "a%00b", NULL, 0 },        { "", "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(table); i++) {
        char *decoded = url_decode(table[i].text, strlen(table[i].text), table[i].plus_is_space);

        if (table[i].decoded)
            assert_string_equal(decoded, table[i].decoded);
        else
            assert_null(decoded);
        free(decoded);
    }
}

static void base32_returns_what_was_encoded(void **state)
{
    const char bytes[] = "foobarfoob"; /* RFC 4648: "foobar" begins MZXW6YTB */
    char text[17];
    char back[10];

    (void)state;
    base32_encode(bytes, 10, text);
    assert_memory_equal(text, "MZXW6YTB", 8);
    assert_int_equal(base32_decode(text, back, sizeof back), 0);
    assert_memory_equal(back, bytes, sizeof back);
    assert_int_equal(base32_decode("MZXW6YT1MZXW6YTB", back, sizeof back), -1);
}

static void names_collide_without_case_but_not_across_normal_forms(void **state)
{
    (void)state;
    /* Case beyond ASCII is the C library's, which needs a locale that knows UTF-8. */
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    assert_int_equal(names_compare("Report.TXT", "report.txt"), 0);
    assert_true(names_hash("Report.TXT") == names_hash("report.txt"));
    assert_int_equal(names_compare("\xc3\x84", "\xc3\xa4"), 0);
    assert_int_not_equal(names_compare("caf\xc3\xa9", "cafe\xcc\x81"), 0);
}

static void names_are_refused_as_the_service_refuses_them(void **state)
{
    static const char *const refused[] = {
        "", ".", "..", "a/b", "a:b", "a?b", "a*b", "a|b", "\xff"
    };
    static const char *const accepted[] = { "a", ".a", "a b", "a%b", "a#b", "\xe6\x97\xa5" };

    (void)state;
    for (size_t i = 0; i < ROWS(refused); i++)
        assert_non_null(names_refusal(refused[i]));
    for (size_t i = 0; i < ROWS(accepted); i++)
        assert_null(names_refusal(accepted[i]));
}

static void times_are_written_without_trailing_zeros(void **state)
{
    static const struct {
        int64_t ms;
        bool has_fraction;
        const char *text;
    } table[] = {
        { 0, true, "1970-01-01T00:00:00Z" },
        { 1614834367600, true, "2021-03-04T05:06:07.6Z" },
        { 1614834367030, true, "2021-03-04T05:06:07.03Z" },
        { 1614834367999, false, "2021-03-04T05:06:07Z" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(table); i++) {
        char text[TIME_TEXT_SIZE];
        int64_t back;

        time_format(table[i].ms, table[i].has_fraction, text);
        assert_string_equal(text, table[i].text);
        assert_int_equal(time_parse(text, &back), 0);
        assert_true(back == (table[i].has_fraction ? table[i].ms : table[i].ms / 1000 * 1000));
    }
}

static void urls_keep_only_what_needs_no_escape(void **state)
{
    struct buffer url = { 0 };

    (void)state;
    buffer_add_url(&url, "a b/\xc3\xa9~%", "/");
    assert_string_equal(buffer_text(&url), "a%20b/%C3%A9~%25");
    buffer_free(&url);
    assert_string_equal(buffer_text(&url), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quickxor_agrees_with_published_vectors),
        cmocka_unit_test(a_path_is_decoded_exactly_once),
        cmocka_unit_test(base32_returns_what_was_encoded),
        cmocka_unit_test(names_collide_without_case_but_not_across_normal_forms),
        cmocka_unit_test(names_are_refused_as_the_service_refuses_them),
        cmocka_unit_test(times_are_written_without_trailing_zeros),
        cmocka_unit_test(urls_keep_only_what_needs_no_escape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
