/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/json.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static const char document[] =
    "{\"name\":\"a\",\"empty\":\"\",\"nothing\":null,\"size\":42,\"digits\":\"-43\",\"float\":5.0,"
    "\"half\":0.5,\"huge\":99999999999999999999,\"tiny\":-99999999999999999999,\"yes\":true,"
    "\"cut\":\"a\\u0000b\",\"list\":[],\"file\":{},\"file.size\":1,"
    "\"longdigits\":\"99999999999999999999\",\"words\":\"12x\",\"minus\":\"-\","
    "\"parentReference\":{\"driveId\":\"d\",\"path\":null,\"deep\":{\"er\":7}},"
    "\"@odata.nextLink\":\"https://next\",\"children@odata.nextLink\":\"https://more\","
    "\"image\":{\"@odata.type\":\"#t\"}}";

static struct json_object *parse(const char *text)
{
    return json_parse_bounded(text, strlen(text), 20, NULL);
}

static void test_strings_have_four_outcomes(void **state)
{
    static const struct {
        const char *path;
        enum json_got got;
        const char *value;
    } rows[] = {
        { "name", JSON_OK, "a" },
        { "empty", JSON_OK, "" },
        { "parentReference.driveId", JSON_OK, "d" },
        { "@odata.nextLink", JSON_OK, "https://next" },
        { "children@odata.nextLink", JSON_OK, "https://more" },
        { "image.@odata.type", JSON_OK, "#t" },
        { "absent", JSON_MISSING, NULL },
        { "parentReference.absent", JSON_MISSING, NULL },
        { "absent.driveId", JSON_MISSING, NULL },
        { "nothing", JSON_NULL, NULL },
        { "parentReference.path", JSON_NULL, NULL },
        { "nothing.driveId", JSON_NULL, NULL },
        { "size", JSON_WRONG_TYPE, NULL },
        { "parentReference", JSON_WRONG_TYPE, NULL },
        { "name.first", JSON_WRONG_TYPE, NULL },
        { "cut", JSON_WRONG_TYPE, NULL },
    };
    cleanup_json struct json_object *obj = parse(document);

    (void)state;
    assert_non_null(obj);
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *value = NULL;

        assert_int_equal(json_get_str(obj, rows[i].path, &value), rows[i].got);
        if (rows[i].value)
            assert_string_equal(value, rows[i].value);
        else
            assert_null(value);
    }
}

static void test_integers_may_be_digits_but_never_clamped(void **state)
{
    static const struct {
        const char *path;
        enum json_got got;
        int64_t value;
    } rows[] = {
        { "size", JSON_OK, 42 },          { "digits", JSON_OK, -43 },
        { "float", JSON_OK, 5 },          { "parentReference.deep.er", JSON_OK, 7 },
        { "half", JSON_WRONG_TYPE, -1 },  { "huge", JSON_WRONG_TYPE, -1 },
        { "tiny", JSON_WRONG_TYPE, -1 },  { "longdigits", JSON_WRONG_TYPE, -1 },
        { "words", JSON_WRONG_TYPE, -1 }, { "minus", JSON_WRONG_TYPE, -1 },
        { "empty", JSON_WRONG_TYPE, -1 }, { "yes", JSON_WRONG_TYPE, -1 },
        { "nothing", JSON_NULL, -1 },     { "absent", JSON_MISSING, -1 },
    };
    cleanup_json struct json_object *obj = parse(document);

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t value = -1;

        assert_int_equal(json_get_i64(obj, rows[i].path, &value), rows[i].got);
        assert_int_equal(value, rows[i].value);
    }
}

static void test_other_types_are_not_converted(void **state)
{
    cleanup_json struct json_object *obj = parse(document);
    struct json_object *found = NULL;
    bool yes = false;

    (void)state;
    assert_int_equal(json_get_bool(obj, "yes", &yes), JSON_OK);
    assert_true(yes);
    assert_int_equal(json_get_bool(obj, "size", &yes), JSON_WRONG_TYPE);
    assert_int_equal(json_get_obj(obj, "file", &found), JSON_OK);
    assert_int_equal(json_get_array(obj, "list", &found), JSON_OK);
    assert_int_equal(json_get_array(obj, "file", &found), JSON_WRONG_TYPE);
    assert_int_equal(json_get_obj(obj, "list", &found), JSON_WRONG_TYPE);
}

static void test_facets_are_there_unless_null(void **state)
{
    cleanup_json struct json_object *obj = parse(document);

    (void)state;
    assert_true(json_has(obj, "file"));
    assert_false(json_has(obj, "nothing"));
    assert_false(json_has(obj, "folder"));
    assert_false(json_has(NULL, "file"));
}

static void test_times_are_nanoseconds_since_1970(void **state)
{
    static const struct {
        const char *text;
        int result;
        int64_t ns;
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0, 0 },
        { "2026-11-23T10:15:30Z", 0, 1795428930000000000 },
        { "2026-11-23T10:15:30.1Z", 0, 1795428930100000000 },
        { "2026-11-23T10:15:30.123456789Z", 0, 1795428930123456789 },
        { "2026-11-23T10:15:30.1234567891Z", 0, 1795428930123456789 },
        { "2026-11-23T12:15:30+02:00", 0, 1795428930000000000 },
        { "2026-11-23T04:45:30-05:30", 0, 1795428930000000000 },
        { "1969-12-31T23:59:59.5Z", 0, -500000000 },
        { "2024-02-29T00:00:00Z", 0, 1709164800000000000 },
        { "0001-01-01T00:00:00Z", 0, 0 },
        { "9999-12-31T23:59:59Z", 0, 9223372036000000000 },
        { "2023-02-29T00:00:00Z", -EINVAL, -1 },
        { "2026-13-01T00:00:00Z", -EINVAL, -1 },
        { "2026-11-23T24:00:00Z", -EINVAL, -1 },
        { "2026-11-23T10:15:30", -EINVAL, -1 },
        { "2026-11-23T10:15:30.Z", -EINVAL, -1 },
        { "2026-11-23T10:15:30Zx", -EINVAL, -1 },
        { "2026-11-23", -EINVAL, -1 },
        { "", -EINVAL, -1 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t ns = -1;

        assert_int_equal(time_parse_rfc3339(rows[i].text, &ns), rows[i].result);
        assert_int_equal(ns, rows[i].ns);
    }
}

static void test_times_are_written_as_they_are_read(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        { 0, "1970-01-01T00:00:00Z" },
        { 1764000000LL * 1000000000, "2025-11-24T16:00:00Z" },
        { 1764000000LL * 1000000000 + 500000000, "2025-11-24T16:00:00.5Z" },
        { 1764000000LL * 1000000000 + 1000000, "2025-11-24T16:00:00.001Z" },
        { 1764000000LL * 1000000000 + 123456789, "2025-11-24T16:00:00.1234567Z" },
        { 1764000000LL * 1000000000 + 99, "2025-11-24T16:00:00Z" },
        { -1, "1969-12-31T23:59:59.9999999Z" },
        { -1500000000, "1969-12-31T23:59:58.5Z" },
        { INT64_MAX, "2262-04-11T23:47:16.8547758Z" },
        { INT64_MIN, "1677-09-21T00:12:43.1452241Z" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[TIME_RFC3339_SIZE];

        time_format_rfc3339(rows[i].ns, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_time_that_is_none_is_the_wrong_type(void **state)
{
    cleanup_json struct json_object *obj = parse("{\"a\":\"2026-01-01T00:00:00Z\",\"b\":\"soon\"}");
    int64_t ns = 0;

    (void)state;
    assert_int_equal(json_get_time_ns(obj, "a", &ns), JSON_OK);
    assert_int_equal(ns, 1767225600000000000);
    assert_int_equal(json_get_time_ns(obj, "b", &ns), JSON_WRONG_TYPE);
    assert_int_equal(json_get_time_ns(obj, "c", &ns), JSON_MISSING);
}

static void test_only_one_whole_value_is_accepted(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        { "{}", true },
        { " [1] \r\n", true },
        { "17", true },
        { "\"x\"", true },
        { "{\"a\":[[1]]}", true },
        { "", false },
        { "  ", false },
        { "{", false },
        { "{\"a\":", false },
        { "{} {}", false },
        { "{}x", false },
        { "null", false },
        { "[[[[1]]]]", false },
        { "\"\xFF\"", false },
        { "\"\xED\xA0\x80\"", false },
        { "<html>", false },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err err = { 0 };
        cleanup_json struct json_object *value =
            json_parse_bounded(rows[i].text, strlen(rows[i].text), 3, &err);

        assert_int_equal(value != NULL, rows[i].is_good);
        assert_int_equal(err.code, rows[i].is_good ? 0 : -EBADMSG);
    }
}

static void test_nul_after_the_value_is_not_accepted(void **state)
{
    (void)state;
    assert_null(json_parse_bounded("{}\0", 3, 3, NULL));
}

static void test_written_strings_read_back(void **state)
{
    static const char *const rows[] = { "", "plain", "a\"b\\c/d", "\t\n\x01\x7F", "日本 🎉" };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cleanup_strbuf struct strbuf b;
        cleanup_json struct json_object *value = NULL;

        strbuf_init(&b, 1000);
        json_add_string(&b, rows[i]);
        value = parse(b.data);
        assert_non_null(value);
        assert_string_equal(json_object_get_string(value), rows[i]);
    }
}

static void test_bytes_that_are_not_utf8_are_replaced(void **state)
{
    cleanup_strbuf struct strbuf b;

    (void)state;
    strbuf_init(&b, 1000);
    json_add_string(&b, "a\xFFz");
    assert_string_equal(b.data, "\"a\uFFFDz\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_have_four_outcomes),
        cmocka_unit_test(test_integers_may_be_digits_but_never_clamped),
        cmocka_unit_test(test_other_types_are_not_converted),
        cmocka_unit_test(test_facets_are_there_unless_null),
        cmocka_unit_test(test_times_are_nanoseconds_since_1970),
        cmocka_unit_test(test_times_are_written_as_they_are_read),
        cmocka_unit_test(test_time_that_is_none_is_the_wrong_type),
        cmocka_unit_test(test_only_one_whole_value_is_accepted),
        cmocka_unit_test(test_nul_after_the_value_is_not_accepted),
        cmocka_unit_test(test_written_strings_read_back),
        cmocka_unit_test(test_bytes_that_are_not_utf8_are_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
