/* SPDX-License-Identifier: MIT */
/* paths.h and ini.h: what is read from the disk and from the environment */
#include "config.h"

#include "base/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/ini.h"
#include "base/xalloc.h"
#include "unit.h"

/* Each test has an empty directory of its own; its path is *state. */
static int make_directory(void **state)
{
    char *path = x_strdup("/tmp/graphfs-test-XXXXXX");

    *state = path;
    return mkdtemp(path) ? 0 : -1;
}

static int remove_directory(void **state)
{
    cleanup_free char *path = *state;
    cleanup_free char *command = x_asprintf("rm -rf '%s'", path);

    return system(command);
}

static char *in_directory(void **state, const char *name)
{
    return x_asprintf("%s/%s", (const char *)*state, name);
}

static void test_xdg_variables_decide_if_absolute(void **state)
{
    static const struct {
        const char *xdg, *home, *expected;
    } rows[] = {
        { "/xdg", "/home/u", "/xdg/graphfs/work" },
        { NULL, "/home/u", "/home/u/.local/state/graphfs/work" },
        { "relative", "/home/u", "/home/u/.local/state/graphfs/work" },
        { "", "/home/u", "/home/u/.local/state/graphfs/work" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cleanup_free char *path = NULL;

        if (rows[i].xdg)
            assert_int_equal(setenv("XDG_STATE_HOME", rows[i].xdg, 1), 0);
        else
            assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
        assert_int_equal(setenv("HOME", rows[i].home, 1), 0);
        assert_int_equal(paths_state_dir("work", &path, NULL), 0);
        assert_string_equal(path, rows[i].expected);
    }
}

static void test_each_kind_of_file_has_its_place(void **state)
{
    cleanup_free char *config = NULL, *cache = NULL;

    (void)state;
    assert_int_equal(setenv("XDG_CONFIG_HOME", "/c", 1), 0);
    assert_int_equal(setenv("XDG_CACHE_HOME", "/k", 1), 0);
    assert_int_equal(paths_config_file(&config, NULL), 0);
    assert_int_equal(paths_cache_dir("default", &cache, NULL), 0);
    assert_string_equal(config, "/c/graphfs/config");
    assert_string_equal(cache, "/k/graphfs/default");
}

static void test_account_names_cannot_leave_their_directory(void **state)
{
    static const struct {
        const char *name;
        bool is_valid;
    } rows[] = {
        { "default", true },
        { "ann@contoso.com", true },
        { "a-b_c.1", true },
        { "1234567890123456789012345678901234567890", true },
        { "12345678901234567890123456789012345678901", false },
        { "", false },
        { ".", false },
        { "..", false },
        { ".hidden", false },
        { "-a", false },
        { "a/b", false },
        { "a b", false },
        { "ä", false },
    };
    struct err err;
    char *path = NULL;

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(paths_account_name_valid(rows[i].name), rows[i].is_valid);
    assert_int_equal(paths_state_dir("../x", &path, &err), -EINVAL);
    assert_null(path);
}

static void test_missing_directories_are_created_with_their_parents(void **state)
{
    cleanup_free char *deep = in_directory(state, "a/b//c"), *file = in_directory(state, "file");
    cleanup_free char *below_file = in_directory(state, "file/x");
    struct stat st;

    assert_int_equal(mkdir_p(deep, 0700), 0);
    assert_int_equal(mkdir_p(deep, 0700), 0);
    assert_int_equal(stat(deep, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(file_write_atomic(file, "", 0, 0600), 0);
    assert_int_equal(mkdir_p(file, 0700), -ENOTDIR);
    assert_int_equal(mkdir_p(below_file, 0700), -ENOTDIR);
}

static void test_written_file_replaces_the_old_one_and_leaves_nothing_else(void **state)
{
    cleanup_free char *path = in_directory(state, "token");
    cleanup_strbuf struct strbuf out;
    struct stat st;
    mode_t umask_before = umask(0077);

    strbuf_init(&out, 100);
    assert_int_equal(file_write_atomic(path, "old text", 8, 0644), 0);
    assert_int_equal(file_write_atomic(path, "new\0!", 5, 0644), 0);
    (void)umask(umask_before);
    assert_int_equal(file_read_all(path, 100, &out), 0);
    assert_int_equal(out.len, 5);
    assert_memory_equal(out.data, "new\0!", 5);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(*state), 0);
    assert_int_equal(mkdir(*state, 0700), 0);
}

static void test_failed_write_leaves_the_old_file(void **state)
{
    cleanup_free char *absent = in_directory(state, "absent/file");
    cleanup_free char *directory = in_directory(state, "directory");
    struct stat st;

    assert_int_equal(file_write_atomic(absent, "x", 1, 0600), -ENOENT);
    assert_int_equal(mkdir_p(directory, 0700), 0);
    assert_int_equal(file_write_atomic(directory, "x", 1, 0600), -EISDIR);
    assert_int_equal(stat(directory, &st), 0);
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(rmdir(*state), 0);
    assert_int_equal(mkdir(*state, 0700), 0);
}

static void test_large_files_are_refused(void **state)
{
    cleanup_free char *path = in_directory(state, "file"), *absent = in_directory(state, "absent");
    cleanup_strbuf struct strbuf out;

    strbuf_init(&out, 100);
    assert_int_equal(file_write_atomic(path, "12345678", 8, 0600), 0);
    assert_int_equal(file_read_all(path, 8, &out), 0);
    strbuf_reset(&out);
    assert_int_equal(file_read_all(path, 7, &out), -EFBIG);
    assert_int_equal(file_read_all(absent, 7, &out), -ENOENT);
}

static int load(void **state, const char *text, struct config **ret_config, struct err *err)
{
    cleanup_free char *path = in_directory(state, "config");

    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600), 0);
    return config_load(path, ret_config, err);
}

static void test_account_comes_before_defaults(void **state)
{
    cleanup_config struct config *config = NULL;

    assert_int_equal(load(state,
                          "# comment\n[defaults]\npoll = 60\ncache_size=1G\n"
                          "[account work]\npoll = 5 ; often\nclient_id = abc\n",
                          &config, NULL),
                     0);
    assert_string_equal(config_get(config, "account work", "poll"), "5");
    assert_string_equal(config_get(config, "account work", "cache_size"), "1G");
    assert_string_equal(config_get(config, "account home", "poll"), "60");
    assert_string_equal(config_get(config, "account work", "client_id"), "abc");
    assert_null(config_get(config, "account home", "client_id"));
}

static void test_missing_configuration_is_empty(void **state)
{
    cleanup_config struct config *config = NULL;
    cleanup_free char *path = in_directory(state, "absent");

    assert_int_equal(config_load(path, &config, NULL), 0);
    assert_null(config_get(config, "account work", "poll"));
}

static void test_errors_name_the_line(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        { "[defaults]\npoll\n", ":2: neither" },
        { "[defaults\n", ":1: neither" },
        { "[defaults]\n\npoll = 1\npoll = 2\n", ":4: poll was given in line 3" },
        { "poll = 1\n", ":1: poll stands outside" },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct config *config = NULL;
        struct err err = { 0 };

        assert_int_equal(load(state, rows[i].text, &config, &err), -EINVAL);
        assert_null(config);
        assert_non_null(strstr(err.msg, rows[i].says));
    }
}

static void test_lines_are_not_cut_silently(void **state)
{
    char text[400] = "[defaults]\nca_file = ";
    struct config *config = NULL;
    struct err err = { 0 };

    memset(text + strlen(text), 'x', 300);
    assert_int_equal(load(state, text, &config, &err), -EINVAL);
    assert_non_null(strstr(err.msg, ":2: line longer than"));
}

static void test_unreadable_configuration_is_an_error(void **state)
{
    struct config *config = NULL;
    struct err err = { 0 };

    assert_int_equal(config_load(*state, &config, &err), -EISDIR);
    assert_null(config);
    assert_non_null(strstr(err.msg, "Is a directory"));
}

static int collect(void *arg, const char *key, const char *value, int line)
{
    return strbuf_addf(arg, "%d:%s=%s ", line, key, value);
}

static void test_keys_of_a_section_come_in_order(void **state)
{
    cleanup_config struct config *config = NULL;
    cleanup_strbuf struct strbuf seen;

    strbuf_init(&seen, 100);
    assert_int_equal(load(state, "[defaults]\na=1\n[account x]\nb=2\nc=3\n", &config, NULL), 0);
    assert_int_equal(config_each(config, "account x", collect, &seen), 0);
    assert_string_equal(seen.data, "4:b=2 5:c=3 ");
}

#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xdg_variables_decide_if_absolute),
        cmocka_unit_test(test_each_kind_of_file_has_its_place),
        cmocka_unit_test(test_account_names_cannot_leave_their_directory),
        WITH_DIRECTORY(test_missing_directories_are_created_with_their_parents),
        WITH_DIRECTORY(test_written_file_replaces_the_old_one_and_leaves_nothing_else),
        WITH_DIRECTORY(test_failed_write_leaves_the_old_file),
        WITH_DIRECTORY(test_large_files_are_refused),
        WITH_DIRECTORY(test_account_comes_before_defaults),
        WITH_DIRECTORY(test_missing_configuration_is_empty),
        WITH_DIRECTORY(test_errors_name_the_line),
        WITH_DIRECTORY(test_lines_are_not_cut_silently),
        WITH_DIRECTORY(test_unreadable_configuration_is_an_error),
        WITH_DIRECTORY(test_keys_of_a_section_come_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
