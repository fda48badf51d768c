/* SPDX-License-Identifier: MIT */
/* tree/names.h: names that differ only in case */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "tree/names.h"
#include "unit.h"

static void test_names_that_differ_in_case_are_the_same(void **state)
{
    static const char *const rows[][2] = {
        { "", "" },
        { "a", "A" },
        { "Read Me.TXT", "rEAD mE.txt" },
        { "\u00C4rger", "\u00E4RGER" },                 /* a with dots */
        { "\u0416\u0443\u043A", "\u0436\u0423\u041A" }, /* Cyrillic */
        { "\u03A3", "\u03C3" },                         /* sigma */
        { "\u023A", "\u2C65" },                         /* of two and of three bytes */
        { "\U00010400", "\U00010428" },
        { "\u2160", "\u2170" }, /* Roman one */
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_true(name_equal_fold(rows[i][0], rows[i][1]));
        assert_true(name_equal_fold(rows[i][1], rows[i][0]));
    }
}

static void test_names_that_are_no_pairs_are_different(void **state)
{
    static const char *const rows[][2] = {
        { "a", "b" },
        { "a", "aa" },
        { "", "a" },
        { "stra\u00DFe", "STRASSE" },
        { "\u03C2", "\u03A3" },  /* final sigma */
        { "\u0131", "I" },       /* dotless i */
        { "\u017F", "S" },       /* long s */
        { "\u212A", "k" },       /* kelvin */
        { "\u01C5", "\u01C6" },  /* a letter for titles */
        { "\u00E9", "e\u0301" }, /* composed, and not */
        { "a\u200B", "a" },
        { "\xFF", "\xFE" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_false(name_equal_fold(rows[i][0], rows[i][1]));
        assert_false(name_equal_fold(rows[i][1], rows[i][0]));
    }
    assert_true(name_equal_fold("\xFF", "\xFF"));
}

static void test_spellings_come_in_order_of_bytes(void **state)
{
    static const struct {
        const char *name, *after, *next; /* NULL: there is none */
    } rows[] = {
        { "ab", "", "AB" },
        { "ab", "AB", "Ab" },
        { "ab", "Ab", "aB" },
        { "ab", "aB", "ab" },
        { "ab", "ab", NULL },
        { "ab", "A", "AB" },
        { "ab", "AC", "Ab" },
        { "ab", "Ac", "aB" },
        { "ab", "B", "aB" },
        { "ab", "ABx", "Ab" },
        { "ab", "abx", NULL },
        { "ab", "b", NULL },
        { "a-1", "A-2", "a-1" },
        { "a-1", "A-0", "A-1" },
        { "12", "", "12" },
        { "12", "12", NULL },
        { "12", "1", "12" },
        { "12", "2", NULL },
        { "\u00C4x", "", "\u00C4X" },
        { "\u00C4x", "\u00C4x", "\u00E4X" },
        { "\u2C65", "", "\u023A" },
        { "\u023A", "\u023A", "\u2C65" },
        { "a", "\xFF", NULL },
        { "a", "A\xFF", "a" },
        { "", "", NULL },
        { "a\xFF", "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char out[NAME_SPELLING_SIZE];

        assert_int_equal(name_next_spelling(rows[i].name, rows[i].after, out),
                         rows[i].next != NULL);
        if (rows[i].next)
            assert_string_equal(out, rows[i].next);
    }
}

/* All characters: the spellings are those that are equal, and no character has more than two. */
static void test_spellings_are_what_is_equal(void **state)
{
    (void)state;
    for (uint32_t character = 1; character < 0x110000; character++) {
        char name[5], spelling[NAME_SPELLING_SIZE], after[NAME_SPELLING_SIZE] = "";
        size_t count = 0;
        bool is_found = false;

        if (character >= 0xD800 && character < 0xE000)
            continue;
        name[utf8_put(character, name)] = '\0';
        while (name_next_spelling(name, after, spelling)) {
            assert_true(strcmp(after, spelling) < 0);
            assert_true(name_equal_fold(name, spelling));
            is_found = is_found || strcmp(spelling, name) == 0;
            count++;
            memcpy(after, spelling, sizeof after);
        }
        assert_true(is_found);
        assert_in_range(count, 1, 2);
    }
}

static void test_a_spelling_that_does_not_fit_is_none(void **state)
{
    char name[3 * NAME_SIZE], out[NAME_SPELLING_SIZE];

    (void)state;
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_false(name_next_spelling(name, "", out));
    name[NAME_MAX_BYTES] = '\0';
    assert_true(name_next_spelling(name, "", out));
    assert_int_equal(strlen(out), NAME_MAX_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_that_differ_in_case_are_the_same),
        cmocka_unit_test(test_names_that_are_no_pairs_are_different),
        cmocka_unit_test(test_spellings_come_in_order_of_bytes),
        cmocka_unit_test(test_spellings_are_what_is_equal),
        cmocka_unit_test(test_a_spelling_that_does_not_fit_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
