/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "tree/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* Characters that the tables below are hard to read without. */
#define MARK          "\u201B"
#define SPACE_SYMBOL  "\u2420"
#define WIDE_STOP     "\uFF0E"
#define WIDE_COLON    "\uFF1A"
#define WIDE_QUESTION "\uFF1F"
#define WIDE_TILDE    "\uFF5E"

struct row {
    const char *shown, *server;
};

static void assert_counterparts(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char out[NAME_SIZE];

        assert_int_equal(name_encode(rows[i].shown, out, sizeof out), 0);
        assert_string_equal(out, rows[i].server);
        assert_int_equal(name_decode(rows[i].server, out, sizeof out), 0);
        assert_string_equal(out, rows[i].shown);
    }
}

static void test_refused_characters_are_stored_as_look_alikes(void **state)
{
    static const struct row rows[] = {
        { "plain.txt", "plain.txt" },
        { "a\"b*c", "a\uFF02b\uFF0Ac" },
        { "a:b", "a\uFF1Ab" },
        { "<a>", "\uFF1Ca\uFF1E" },
        { "what?", "what\uFF1F" },
        { "a\\b|c", "a\uFF3Cb\uFF5Cc" },
        { " x", SPACE_SYMBOL "x" },
        { "x ", "x" SPACE_SYMBOL },
        { " ", SPACE_SYMBOL },
        { "a b", "a b" },
        { "~x", WIDE_TILDE "x" },
        { "x~", "x~" },
        { "x.", "x" WIDE_STOP },
        { "x..", "x." WIDE_STOP },
        { ".x", ".x" },
        { "# % & + ' ; = @ [ ] { } ^ `", "# % & + ' ; = @ [ ] { } ^ `" },
        { "na\u00EFve \u65E5\u672C \U0001F389", "na\u00EFve \u65E5\u672C \U0001F389" },
    };

    (void)state;
    assert_counterparts(rows, ROWS(rows));
}

static void test_look_alikes_of_the_user_are_quoted(void **state)
{
    static const struct row rows[] = {
        { "a" WIDE_QUESTION "b", "a" MARK WIDE_QUESTION "b" },
        { MARK WIDE_QUESTION, MARK MARK MARK WIDE_QUESTION },
        { MARK "?", MARK MARK WIDE_QUESTION },
        { MARK, MARK },
        { MARK "x" MARK, MARK "x" MARK },
        { SPACE_SYMBOL "x", MARK SPACE_SYMBOL "x" },
        { MARK SPACE_SYMBOL "x", MARK MARK SPACE_SYMBOL "x" },
        { MARK " x", MARK " x" },
        { "x" SPACE_SYMBOL, "x" MARK SPACE_SYMBOL },
        { "x" MARK " ", "x" MARK MARK SPACE_SYMBOL },
        { "a" SPACE_SYMBOL "b", "a" SPACE_SYMBOL "b" },
        { WIDE_TILDE, MARK WIDE_TILDE },
        { "x" WIDE_TILDE, "x" WIDE_TILDE },
        { "x" WIDE_STOP, "x" MARK WIDE_STOP },
        { "x" WIDE_STOP "y", "x" WIDE_STOP "y" },
    };

    (void)state;
    assert_counterparts(rows, ROWS(rows));
}

/* What can interact; all strings of up to four of these are tried. */
static const char *const alphabet[] = {
    MARK, "a", " ",        SPACE_SYMBOL, ".", WIDE_STOP,
    ":",  "~", WIDE_COLON, WIDE_TILDE,   "?", WIDE_QUESTION,
};

static void spell(unsigned number, size_t length, char out[64])
{
    out[0] = '\0';
    for (size_t i = 0; i < length; i++, number /= (unsigned)ROWS(alphabet)) {
        const char *character = alphabet[number % ROWS(alphabet)];

        memcpy(out + strlen(out), character, strlen(character) + 1);
    }
}

static bool is_refused_by_the_service(const char *name)
{
    size_t len = strlen(name);

    return strpbrk(name, "\"*:<>?\\|") || name[0] == ' ' || name[0] == '~' ||
           name[len - 1] == ' ' || name[len - 1] == '.';
}

static void test_every_short_name_has_exactly_one_counterpart(void **state)
{
    unsigned count = 1;

    (void)state;
    for (size_t length = 1; length <= 4; length++) {
        count *= (unsigned)ROWS(alphabet);
        for (unsigned number = 0; number < count; number++) {
            char name[64], there[NAME_SIZE], back[NAME_SIZE];

            spell(number, length, name);
            if (!name_is_reserved_shown(name)) {
                assert_int_equal(name_encode(name, there, sizeof there), 0);
                assert_false(is_refused_by_the_service(there));
                assert_int_equal(name_decode(there, back, sizeof back), 0);
                assert_string_equal(back, name);
            }
            if (!is_refused_by_the_service(name)) {
                assert_int_equal(name_decode(name, there, sizeof there), 0);
                assert_int_equal(name_encode(there, back, sizeof back), 0);
                assert_string_equal(back, name);
            }
        }
    }
}

static void test_final_full_width_colon_is_shown_as_it_is(void **state)
{
    static const struct row rows[] = {
        { "foo" WIDE_COLON, "foo" WIDE_COLON },
        { WIDE_COLON, WIDE_COLON },
    };
    char out[NAME_SIZE];

    (void)state;
    assert_counterparts(rows, ROWS(rows));
    assert_int_equal(name_encode("foo:", out, sizeof out), -EINVAL);
    assert_true(name_is_reserved_shown("foo:"));
    assert_false(name_is_reserved_shown("foo:bar"));
    assert_false(name_is_reserved_shown(""));
}

static void test_names_that_do_not_fit_are_too_long(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(name_encode("1234567", out, sizeof out), 0);
    assert_int_equal(name_encode("12345678", out, sizeof out), -ENAMETOOLONG);
    assert_int_equal(name_encode("12?45", out, sizeof out), 0);
    assert_int_equal(name_encode("12?456", out, sizeof out), -ENAMETOOLONG);
    assert_int_equal(name_decode("1", out, 0), -ENAMETOOLONG);
}

static void test_names_that_cannot_be_shown_are_found(void **state)
{
    static const struct {
        const char *server;
        int result;
    } rows[] = {
        { "fine", 0 },
        { "...", 0 },
        { ".hidden", 0 },
        { "line\nfeed", 0 },
        { "slash\uFF0Fslash", 0 },
        { "", -EINVAL },
        { ".", -EINVAL },
        { "..", -EINVAL },
        { WIDE_STOP, -EINVAL },
        { "." WIDE_STOP, -EINVAL },
        { WIDE_STOP WIDE_STOP, 0 },
        { "a/b", -EINVAL },
        { "../x", -EINVAL },
        { "x:", -EINVAL },
        { "x" WIDE_COLON, 0 },
        { "\xFF", -EILSEQ },
        { "a\xC0\xAF", -EILSEQ },
        { "\xED\xA0\x80", -EILSEQ },
    };

    char name[NAME_MAX_BYTES + 2] = "";

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(name_check(rows[i].server), rows[i].result);
    memset(name, 'x', NAME_MAX_BYTES);
    assert_int_equal(name_check(name), 0);
    name[NAME_MAX_BYTES] = 'x';
    assert_int_equal(name_check(name), -ENAMETOOLONG);
}

static void test_safe_names_can_be_shown_and_keep_what_is_usable(void **state)
{
    static const struct {
        const char *server, *beginning, *end;
    } rows[] = {
        { "", "unnamed [", "]" },
        { "..", ".. [", "]" },
        { "../x.txt", ".._x [", "].txt" },
        { "a/b.d/c", "a_b.d_c [", "]" },
        { ".bashrc", ".bashrc [", "]" },
        { "photo\xFF.jpg", "photo_ [", "].jpg" },
        { "x:", "x: [", "]" },
        { "tab\there", "tab_here [", "]" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char out[NAME_SAFE_SIZE];
        size_t len, end_len = strlen(rows[i].end);

        name_make_safe(rows[i].server, "01ABC", out);
        len = strlen(out);
        assert_int_equal(name_check(out), 0);
        assert_memory_equal(out, rows[i].beginning, strlen(rows[i].beginning));
        assert_string_equal(out + len - end_len, rows[i].end);
        assert_int_equal(len, strlen(rows[i].beginning) + 8 + end_len);
    }
}

static void test_safe_names_are_the_same_for_ever_and_differ_between_items(void **state)
{
    char one[NAME_SAFE_SIZE], other[NAME_SAFE_SIZE];

    (void)state;
    name_make_safe("a/b", "01ABC", one);
    name_make_safe("a/b", "01ABD", other);
    /* A change of the rule would rename files of every user. */
    assert_string_equal(one, "a_b [o36dln5d]");
    assert_string_not_equal(one, other);
}

static void test_safe_names_are_cut_between_characters(void **state)
{
    char name[601] = "", out[NAME_SAFE_SIZE];

    (void)state;
    for (size_t i = 0; i < 200; i++)
        memcpy(name + 3 * i, "\u65E5", 4);
    name_make_safe(name, "01ABC", out);
    assert_int_equal(name_check(out), 0);
    assert_int_equal(strlen(out), 120 + strlen(" [12345678]"));
    memmove(name + 1, name, 599);
    name[0] = 'x';
    name_make_safe(name, "01ABC", out);
    assert_int_equal(name_check(out), 0);
    assert_int_equal(strlen(out), 118 + strlen(" [12345678]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_characters_are_stored_as_look_alikes),
        cmocka_unit_test(test_look_alikes_of_the_user_are_quoted),
        cmocka_unit_test(test_every_short_name_has_exactly_one_counterpart),
        cmocka_unit_test(test_final_full_width_colon_is_shown_as_it_is),
        cmocka_unit_test(test_names_that_do_not_fit_are_too_long),
        cmocka_unit_test(test_names_that_cannot_be_shown_are_found),
        cmocka_unit_test(test_safe_names_can_be_shown_and_keep_what_is_usable),
        cmocka_unit_test(test_safe_names_are_the_same_for_ever_and_differ_between_items),
        cmocka_unit_test(test_safe_names_are_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
