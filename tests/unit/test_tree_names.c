/* SPDX-License-Identifier: MIT */
/* Names: each rule as a row, and every string there and back. */
#include "config.h"

#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "tree/names.h"

struct pair {
    const char *server;
    const char *shown;
};

static const struct pair both_ways[] = {
    { "plain.txt", "plain.txt" },
    { "a：b＊c＜d＞e？f＼g｜h＂i", "a:b*c<d>e?f\\g|h\"i" },
    { "a‛：b", "a：b" },
    { "a‛‛b", "a‛b" },
    { "␠leading", " leading" },
    { "trailing␠", "trailing " },
    { "in␠side", "in␠side" },
    { "‛␠literal", "␠literal" },
    { "～tilde", "~tilde" },
    { "not～first", "not～first" },
    { "dot．", "dot." },
    { "in．side", "in．side" },
    { "literal‛．", "literal．" },
    { "␠", " " },
    { "line␊feed", "line\nfeed" },
    { "del␡", "del\x7f" },
    { "ends in colon：", "ends in colon：" },
    { "slash／slash", "slash／slash" },
    { "100%", "100%" },
    { "ünïcödé 😀", "ünïcödé 😀" },
    { ".hidden", ".hidden" },
    { "# % & + ' ; = @ [ ] { } ^ `", "# % & + ' ; = @ [ ] { } ^ `" },
};

static void test_names_are_shown_decoded_and_sent_encoded(void **state)
{
    char out[2048];
    (void)state;

    for (size_t i = 0; i < ROWS(both_ways); i++) {
        assert_int_equal(name_check(both_ways[i].server), 0);
        assert_int_equal(name_decode(both_ways[i].server, out, sizeof out), 0);
        assert_string_equal(out, both_ways[i].shown);
        assert_int_equal(name_encode(both_ways[i].shown, out, sizeof out), 0);
        assert_string_equal(out, both_ways[i].server);
    }
}

static void test_names_that_can_not_be_shown_are_told(void **state)
{
    static const struct {
        const char *server;
        int error;
    } rows[] = {
        { "", -EINVAL },   { ".", -EINVAL },    { "..", -EINVAL },        { "a/b", -EINVAL },
        { "x:", -EINVAL }, { "\xff", -EILSEQ }, { "a\xc0\xaf", -EILSEQ },
    };

    (void)state;

    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(name_check(rows[i].server), rows[i].error);
}

static void test_names_up_to_the_limit_are_taken_and_longer_ones_refused(void **state)
{
    char name[NAME_MAX_BYTES + 2];
    char out[2048];
    (void)state;

    memset(name, 'n', sizeof name);
    name[NAME_MAX_BYTES] = '\0';
    assert_int_equal(name_check(name), 0);
    assert_int_equal(name_decode(name, out, NAME_SIZE), 0);
    assert_int_equal(name_decode(name, out, 100), -ENAMETOOLONG);
    name[NAME_MAX_BYTES] = 'n';
    name[NAME_MAX_BYTES + 1] = '\0';
    assert_int_equal(name_check(name), -ENAMETOOLONG);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return *seed >> 33;
}

static void test_every_shown_name_survives_the_way_there_and_back(void **state)
{
    static const char *const parts[] = { "a", ".",  " ",  "~", ":",  "*", "\\", "‛",    "：", "＊",
                                         "␠", "．", "～", "␊", "\n", "é", "😀",  "\x7f", "␡",  "␀" };
    char name[256], sent[1024], back[1024];
    uint64_t seed = 1;
    int tried = 0;
    (void)state;

    for (int round = 0; round < 50000; round++) {
        size_t length = 0, count = 1 + next_random(&seed) % 6;
        for (size_t i = 0; i < count; i++) {
            const char *part = parts[next_random(&seed) % (sizeof parts / sizeof *parts)];
            memcpy(name + length, part, strlen(part) + 1);
            length += strlen(part);
        }
        if (name_encode(name, sent, sizeof sent) != 0)
            continue;
        tried++;
        assert_int_equal(name_decode(sent, back, sizeof back), 0);
        assert_string_equal(back, name);
        assert_null(strpbrk(sent, "\"*<>?\\|\n\x7f"));
        assert_true(sent[0] != ' ' && sent[0] != '~');
    }
    assert_true(tried > 10000);
}

static void test_safe_names_are_stable_distinct_and_harmless(void **state)
{
    static const char *const names[] = {
        "",     ".",           "..",  "a/b.txt", "../../etc/passwd",
        "\xff", "report.docx", ".rc", "x:",      "no extension"
    };
    char first[NAME_SAFE_SIZE], again[NAME_SAFE_SIZE], other[NAME_SAFE_SIZE], long_name[2000];
    (void)state;

    for (size_t i = 0; i < ROWS(names); i++) {
        name_make_safe(names[i], "ID1", first);
        name_make_safe(names[i], "ID1", again);
        assert_string_equal(first, again);
        name_make_safe(names[i], "ID2", other);
        assert_string_not_equal(first, other);
        assert_int_equal(name_check(first), 0);
    }
    name_make_safe("report.docx", "ID1", first);
    assert_memory_equal(first, "report [", 8);
    assert_string_equal(first + strlen(first) - 6, "].docx");

    memset(long_name, 'n', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    name_make_safe(long_name, "ID1", first);
    assert_true(strlen(first) < NAME_SAFE_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_shown_decoded_and_sent_encoded),
        cmocka_unit_test(test_names_that_can_not_be_shown_are_told),
        cmocka_unit_test(test_names_up_to_the_limit_are_taken_and_longer_ones_refused),
        cmocka_unit_test(test_every_shown_name_survives_the_way_there_and_back),
        cmocka_unit_test(test_safe_names_are_stable_distinct_and_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
