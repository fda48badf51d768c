/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cmd/mount_options.h"

#include <errno.h>
#include <string.h>

#include "cmd/mount_root.h"
#include "unit.h"

static void assert_for_fuse(const struct mount_options *options, const char *expected)
{
    cleanup_strbuf struct strbuf text;

    strbuf_init(&text, 1024);
    mount_options_for_fuse(options, &text);
    assert_string_equal(text.data, expected);
}

static void test_the_list_of_options_is_understood(void **state)
{
    struct mount_options options;
    struct err err = { 0 };

    (void)state;
    mount_options_init(&options);
    assert_int_equal(mount_options_parse(&options,
                                         "root=/me/drive,,uid=7,umask=077,cache_size=2G,poll=5,"
                                         "debug,log=a\\,b,allow_other",
                                         &err),
                     0);
    assert_string_equal(options.root, "/me/drive");
    assert_int_equal(options.uid, 7);
    assert_int_equal(options.gid, -1);
    assert_int_equal(options.umask, 077);
    assert_int_equal(options.cache_size, INT64_C(2) << 30);
    assert_int_equal(options.poll, 5);
    assert_true(options.debug);
    assert_string_equal(options.log, "a,b");
    assert_for_fuse(&options, ",allow_other");
    mount_options_clear(&options);
}

static void test_a_later_value_replaces_an_earlier_one(void **state)
{
    struct mount_options options;
    struct err err = { 0 };

    (void)state;
    mount_options_init(&options);
    assert_int_equal(mount_options_set(&options, "poll", "10", &err), 0);
    assert_int_equal(mount_options_set(&options, "debug", "yes", &err), 0);
    assert_int_equal(mount_options_parse(&options, "poll=20,debug=no", &err), 0);
    assert_int_equal(options.poll, 20);
    assert_false(options.debug);
    mount_options_clear(&options);
}

static void test_what_the_file_lets_in_the_command_line_can_keep_out(void **state)
{
    struct mount_options options;
    struct err err = { 0 };

    (void)state;
    mount_options_init(&options);
    assert_for_fuse(&options, "");
    assert_int_equal(mount_options_set(&options, "allow_other", "yes", &err), 0);
    assert_int_equal(mount_options_parse(&options, "noexec,allow_other=no", &err), 0);
    assert_for_fuse(&options, ",noexec");
    mount_options_clear(&options);
}

/* By these graphfs finds its own mounts. */
static void test_the_name_of_source_and_type_cannot_be_changed(void **state)
{
    struct mount_options options;
    struct err err = { 0 };

    (void)state;
    mount_options_init(&options);
    assert_int_equal(mount_options_parse(&options, "fsname=a", &err), -EINVAL);
    assert_int_equal(mount_options_parse(&options, "subtype=a", &err), -EINVAL);
    mount_options_clear(&options);
}

static void test_sizes_take_a_unit(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } rows[] = {
        { "0", 0 },        { "4096", 4096 },           { "3K", 3 << 10 },
        { "3M", 3 << 20 }, { "1T", INT64_C(1) << 40 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct mount_options options;
        struct err err = { 0 };

        mount_options_init(&options);
        assert_int_equal(mount_options_set(&options, "min_free", rows[i].text, &err), 0);
        assert_int_equal(options.min_free, rows[i].bytes);
        mount_options_clear(&options);
    }
}

static void test_what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *list, *named;
    } rows[] = {
        { "no_such_option=1", "no_such_option" },
        { "cache_size", "cache_size" },
        { "cache_size=big", "big" },
        { "cache_size=10X", "10X" },
        { "cache_size=-1", "-1" },
        { "cache_size=9000000T", "9000000T" },
        { "umask=888", "888" },
        { "umask=1000", "1000" },
        { "poll=", "poll" },
        { "log_level=loud", "loud" },
        { "debug=perhaps", "perhaps" },
        { "allow_other=perhaps", "perhaps" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct mount_options options;
        struct err err = { 0 };

        mount_options_init(&options);
        assert_int_equal(mount_options_parse(&options, rows[i].list, &err), -EINVAL);
        assert_non_null(strstr(err.msg, rows[i].named));
        mount_options_clear(&options);
    }
}

static void test_a_root_is_an_absolute_path_without_detours(void **state)
{
    static const struct {
        const char *path;
        int result;
    } rows[] = {
        { "/", 0 },
        { "/me/drive", 0 },
        { "/drives/b!x", 0 },
        { "", -EINVAL },
        { "me/drive", -EINVAL },
        { "/me/../drives", -EINVAL },
        { "/me/./drive", -EINVAL },
        { "//me", -EINVAL },
        { "/me/", -EINVAL },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err err = { 0 };

        assert_int_equal(mount_root_check(rows[i].path, &err), rows[i].result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_list_of_options_is_understood),
        cmocka_unit_test(test_a_later_value_replaces_an_earlier_one),
        cmocka_unit_test(test_what_the_file_lets_in_the_command_line_can_keep_out),
        cmocka_unit_test(test_the_name_of_source_and_type_cannot_be_changed),
        cmocka_unit_test(test_sizes_take_a_unit),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_a_root_is_an_absolute_path_without_detours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
