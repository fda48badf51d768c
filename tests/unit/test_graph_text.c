/* SPDX-License-Identifier: MIT */
/* What graph/ reads and writes as plain text: URLs, ids, headers. */
#include "config.h"

#include "base/cleanup.h"
#include "graph/graph.h"
#include "graph/id.h"
#include "graph/range.h"
#include "graph/retry.h"
#include "graph/url.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static void test_origins_are_equal_only_in_scheme_host_and_port(void **state)
{
    static const struct {
        const char *url;
        bool is_same; /* as https://graph.microsoft.com */
    } rows[] = {
        { "https://graph.microsoft.com/v1.0/me", true },
        { "https://GRAPH.microsoft.COM:443/x?token=1", true },
        { "http://graph.microsoft.com/v1.0/me", false },
        { "https://graph.microsoft.com:444/v1.0/me", false },
        { "https://graph.microsoft.com.evil.example/v1.0", false },
        { "https://evil.example/graph.microsoft.com", false },
        { "https://evil.example#@graph.microsoft.com/", false },
    };
    struct url_origin own;
    struct url_origin origin;

    (void)state;
    assert_int_equal(url_parse_origin("https://graph.microsoft.com", &own, NULL), 0);
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(url_parse_origin(rows[i].url, &origin, NULL), 0);
        assert_int_equal(url_same_origin(&own, &origin), rows[i].is_same);
    }
}

static void test_what_is_no_web_address_has_no_origin(void **state)
{
    static const char *const rows[] = {
        "",
        "/v1.0/me",
        "graph.microsoft.com",
        "file:///etc/passwd",
        "ftp://graph.microsoft.com/",
        "https://user@graph.microsoft.com/",
        "https://graph.microsoft.com@evil.example/",
        "https://",
    };
    struct url_origin origin;

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(url_parse_origin(rows[i], &origin, NULL), -EINVAL);
}

static void test_plain_http_is_for_loopback_only(void **state)
{
    static const struct {
        const char *url;
        int ret;
    } rows[] = {
        { "https://graph.microsoft.com", 0 },
        { "http://127.0.0.1:8080", 0 },
        { "http://127.1.2.3", 0 },
        { "http://localhost:1", 0 },
        { "http://[::1]:8080", 0 },
        { "http://graph.microsoft.com", -EINVAL },
        { "http://128.0.0.1", -EINVAL },
        { "http://localhost.evil.example", -EINVAL },
        { "http://127.0.0.1.evil.example", -EINVAL },
        { "https://graph.microsoft.com/?x=1", -EINVAL },
        { "nonsense", -EINVAL },
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(url_check_service("graph_url", rows[i].url, &err), rows[i].ret);
        if (rows[i].ret < 0)
            assert_non_null(strstr(err.msg, "graph_url"));
    }
}

static void test_names_are_percent_encoded_byte_by_byte(void **state)
{
    static const struct {
        const char *text;
        const char *encoded;
    } rows[] = {
        { "plain-name_1.txt~", "plain-name_1.txt~" },
        { "a b+c&d=e;f", "a%20b%2Bc%26d%3De%3Bf" },
        { "100%25.txt", "100%2525.txt" },
        { "#?/:@'", "%23%3F%2F%3A%40%27" },
        { "\xc3\xa9", "%C3%A9" },
        { "F097864E0CFEA42!s1", "F097864E0CFEA42%21s1" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cleanup_strbuf struct strbuf text;

        strbuf_init(&text, 1000);
        assert_int_equal(url_add_encoded(&text, rows[i].text), 0);
        assert_string_equal(text.data, rows[i].encoded);
    }
}

static void test_forms_join_their_fields(void **state)
{
    cleanup_strbuf struct strbuf form;

    (void)state;
    strbuf_init(&form, 1000);
    assert_int_equal(url_add_form(&form, "client_id", "a b"), 0);
    assert_int_equal(url_add_form(&form, "scope", "User.Read offline_access"), 0);
    assert_string_equal(form.data, "client_id=a%20b&scope=User.Read%20offline_access");
}

static void test_each_id_has_one_spelling(void **state)
{
    static const struct {
        char *(*normalise)(const char *id);
        const char *id;
        const char *normal; /* NULL: it is in that form already */
    } rows[] = {
        { id_normalise_drive, "0f097864e0cfea42", NULL },
        { id_normalise_drive, "F097864E0CFEA42", "0f097864e0cfea42" },
        { id_normalise_drive, "A29C86DED2D9BE1E", "a29c86ded2d9be1e" },
        { id_normalise_drive, "b!yrJJ08s7HE-lCa2NkThQHcsb", NULL },
        { id_normalise_drive, "00f097864e0cfea42", NULL }, /* too long: another kind */
        { id_normalise_drive, "", NULL },
        { id_normalise_item, "F097864E0CFEA42!sea8cc6beffdb43d7976fbc7da445c639", NULL },
        { id_normalise_item, "0f097864e0cfea42!SEA8CC6BEFFDB43D7976FBC7DA445C639",
          "F097864E0CFEA42!sea8cc6beffdb43d7976fbc7da445c639" },
        { id_normalise_item, "a29c86ded2d9be1e!167", "A29C86DED2D9BE1E!167" },
        { id_normalise_item, "01D6JQORV6Y2GOVW7725BZO354PWSELRRZ", NULL },
        { id_normalise_item, "xyz!12", NULL },
        { id_normalise_item, "!12", NULL },
        { id_normalise_item, "0!12", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cleanup_free char *normal = rows[i].normalise(rows[i].id);

        if (rows[i].normal)
            assert_string_equal(normal, rows[i].normal);
        else
            assert_null(normal);
    }
}

static void test_a_failure_without_retry_after_holds_up_nobody_else_for_long(void **state)
{
    static const struct {
        long status;
        int64_t wanted_ms;
        int64_t hold_ms;
    } rows[] = {
        { 429, -1, 3000 }, { 509, -1, 3000 },     { 503, -1, 0 },        { 200, -1, 0 },
        { 429, 0, 0 },     { 503, 60000, 60000 }, { 429, 60000, 60000 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(retry_hold_ms(rows[i].status, rows[i].wanted_ms), rows[i].hold_ms);
}

static void test_retry_after_is_seconds_or_a_date(void **state)
{
    /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const int64_t now_ms = INT64_C(784111777) * 1000;

    static const struct {
        const char *value;
        int64_t pause_ms;
    } rows[] = {
        { "120", 120000 },
        { " 3 ", 3000 },
        { "0", 0 },
        { "Sun, 06 Nov 1994 08:49:47 GMT", 10000 },
        { "Sun, 06 Nov 1994 08:00:00 GMT", 0 },
        { "999999", 86400000 },
        { "99999999999999999999", 86400000 },
        { "-5", -1 },
        { "soon", -1 },
        { "", -1 },
        { NULL, -1 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(retry_after_ms(rows[i].value, now_ms), rows[i].pause_ms);
}

static void test_pauses_double_up_to_a_limit_with_jitter(void **state)
{
    static const struct {
        enum retry_cause cause;
        unsigned attempt;
        int64_t longest_ms;
    } rows[] = {
        { RETRY_FAILED, 1, 500 },         { RETRY_FAILED, 2, 1000 },
        { RETRY_FAILED, 100, 30000 },     { RETRY_THROTTLED, 1, 2000 },
        { RETRY_THROTTLED, 100, 300000 }, { RETRY_OFFLINE, 3, 8000 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t half = rows[i].longest_ms / 2;

        assert_int_equal(retry_pause_ms(rows[i].cause, rows[i].attempt, 0), half);
        assert_int_equal(retry_pause_ms(rows[i].cause, rows[i].attempt, (uint32_t)half),
                         rows[i].longest_ms);
        assert_int_equal(retry_pause_ms(rows[i].cause, rows[i].attempt, (uint32_t)half + 1), half);
    }
}

static void test_content_ranges_are_read_or_refused(void **state)
{
    static const struct {
        const char *value;
        bool is_good;
        struct content_range range;
    } rows[] = {
        { "bytes 0-99/1000", true, { true, 0, 99, 1000 } },
        { "bytes 0-99/*", true, { true, 0, 99, -1 } },
        { "bytes */1000", true, { false, 0, 0, 1000 } },
        { "Bytes 5-5/6", true, { true, 5, 5, 6 } },
        { "bytes 0-99", false, { 0 } },
        { "bytes 9-5/10", false, { 0 } },
        { "bytes 0-10/10", false, { 0 } },
        { "bytes */*", false, { 0 } },
        { "bytes -1-5/10", false, { 0 } },
        { "bytes 0-9/10 ", false, { 0 } },
        { "bytes 0-9999999999999999999/99999999999999999999", false, { 0 } },
        { "items 0-9/10", false, { 0 } },
        { NULL, false, { 0 } },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct content_range range = { 0 };

        assert_int_equal(content_range_parse(rows[i].value, &range), rows[i].is_good);
        assert_int_equal(range.has_range, rows[i].range.has_range);
        assert_int_equal(range.first, rows[i].range.first);
        assert_int_equal(range.last, rows[i].range.last);
        assert_int_equal(range.total, rows[i].range.total);
    }
}

static void test_each_cloud_has_its_hosts(void **state)
{
    (void)state;
    assert_string_equal(graph_cloud_find("global")->graph_url, "https://graph.microsoft.com");
    assert_string_equal(graph_cloud_find("dod")->graph_url, "https://dod-graph.microsoft.us");
    assert_string_equal(graph_cloud_find("usgov")->login_url, "https://login.microsoftonline.us");
    assert_string_equal(graph_cloud_find("china")->login_url,
                        "https://login.partner.microsoftonline.cn");
    assert_null(graph_cloud_find("germany"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origins_are_equal_only_in_scheme_host_and_port),
        cmocka_unit_test(test_what_is_no_web_address_has_no_origin),
        cmocka_unit_test(test_plain_http_is_for_loopback_only),
        cmocka_unit_test(test_names_are_percent_encoded_byte_by_byte),
        cmocka_unit_test(test_forms_join_their_fields),
        cmocka_unit_test(test_each_id_has_one_spelling),
        cmocka_unit_test(test_retry_after_is_seconds_or_a_date),
        cmocka_unit_test(test_a_failure_without_retry_after_holds_up_nobody_else_for_long),
        cmocka_unit_test(test_pauses_double_up_to_a_limit_with_jitter),
        cmocka_unit_test(test_content_ranges_are_read_or_refused),
        cmocka_unit_test(test_each_cloud_has_its_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
