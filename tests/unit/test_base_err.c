/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static void test_set_starts_anew(void **state)
{
    struct err err = { .http_status = 429, .retry = ERR_RETRY_LATER, .graph_code = "old" };

    (void)state;
    assert_int_equal(err_set(&err, -EIO, "reading %s", "a"), -EIO);
    assert_int_equal(err.code, -EIO);
    assert_int_equal(err.http_status, 0);
    assert_int_equal(err.retry, ERR_RETRY_NEVER);
    assert_int_equal(err.scope, ERR_SCOPE_ITEM);
    assert_string_equal(err.graph_code, "");
    assert_string_equal(err.msg, "reading a");
}

static void test_errno_is_put_into_words_whatever_its_sign(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(err_set_errno(&err, ENOENT, "open %s", "f"), -ENOENT);
    assert_string_equal(err.msg, "open f: No such file or directory");
    assert_int_equal(err_set_errno(&err, -ENOENT, "f"), -ENOENT);
    assert_string_equal(err.msg, "f: No such file or directory");
    assert_string_equal(ERRNO_TEXT(-EACCES), "Permission denied");
}

static void test_control_characters_do_not_get_into_messages(void **state)
{
    struct err err;

    (void)state;
    (void)err_set(&err, -EIO, "%s",
                  "\x1B[2J\n\xC2\x9B"
                  "1m \u00FC");
    assert_string_equal(err.msg, "?[2J???1m \u00FC");
    (void)err_wrap(&err, "%s", "a\tb");
    assert_string_equal(err.msg, "a?b: ?[2J???1m \u00FC");
}

static void test_wrap_keeps_all_but_the_message(void **state)
{
    struct err err;

    (void)state;
    (void)err_set(&err, -EAGAIN, "throttled");
    err.scope = ERR_SCOPE_ACCOUNT;
    err.retry_after_ms = 2000;
    assert_int_equal(err_wrap(&err, "listing %s", "Documents"), -EAGAIN);
    assert_string_equal(err.msg, "listing Documents: throttled");
    assert_int_equal(err.scope, ERR_SCOPE_ACCOUNT);
    assert_int_equal(err.retry_after_ms, 2000);
}

static void test_message_may_quote_the_error_itself(void **state)
{
    struct err err;

    (void)state;
    (void)err_set(&err, -EIO, "inner");
    (void)err_set(&err, -EBADMSG, "outer of %s", err.msg);
    assert_string_equal(err.msg, "outer of inner");
}

static void test_long_messages_are_cut(void **state)
{
    struct err err;
    char text[1000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)err_set(&err, -EIO, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    (void)err_wrap(&err, "%s", text);
    (void)err_set_errno(&err, EIO, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
}

static void test_nobody_needs_to_listen(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, -ENOENT, "x"), -ENOENT);
    assert_int_equal(err_set_errno(NULL, ENOENT, "x"), -ENOENT);
    assert_int_equal(err_wrap(NULL, "x"), -EIO);
    err_clear(NULL);
}

static void test_clear_is_no_error(void **state)
{
    struct err err;

    (void)state;
    (void)err_set(&err, -EIO, "x");
    err_clear(&err);
    assert_int_equal(err.code, 0);
    assert_string_equal(err.msg, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_starts_anew),
        cmocka_unit_test(test_errno_is_put_into_words_whatever_its_sign),
        cmocka_unit_test(test_control_characters_do_not_get_into_messages),
        cmocka_unit_test(test_wrap_keeps_all_but_the_message),
        cmocka_unit_test(test_message_may_quote_the_error_itself),
        cmocka_unit_test(test_long_messages_are_cut),
        cmocka_unit_test(test_nobody_needs_to_listen),
        cmocka_unit_test(test_clear_is_no_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
