/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "unit.h"

#define LOG_SIZE 4000

struct fixture {
    char *directory, *path, *old;
};

static int begin(void **state)
{
    struct fixture *f = x_calloc(1, sizeof *f);

    *state = f;
    f->directory = x_strdup("/tmp/graphfs-test-XXXXXX");
    if (!mkdtemp(f->directory))
        return -1;
    f->path = x_asprintf("%s/log", f->directory);
    f->old = x_asprintf("%s.old", f->path);
    return log_open_file(f->path, LOG_SIZE, NULL);
}

static int end(void **state)
{
    struct fixture *f = *state;
    int r;

    log_close();
    log_set_level(LOG_LEVEL_INFO);
    (void)unlink(f->path);
    (void)unlink(f->old);
    r = rmdir(f->directory);
    free(f->directory);
    free(f->path);
    free(f->old);
    free(f);
    return r;
}

static char *read_log(const char *path)
{
    cleanup_strbuf struct strbuf text;

    strbuf_init(&text, 100000);
    assert_int_equal(file_read_all(path, 100000, &text), 0);
    return strbuf_steal(&text);
}

static void test_line_has_time_level_and_module(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *text = NULL;

    log_warn("sync", "%d items", 3);
    text = read_log(f->path);
    assert_int_equal(strlen("2026-11-24T10:15:30.123Z"), 24);
    assert_int_equal(text[10], 'T');
    assert_int_equal(text[23], 'Z');
    assert_string_equal(text + 24, " warn sync: 3 items\n");
}

static void test_what_is_below_the_level_is_not_written(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *text = NULL;

    log_debug("sync", "dropped");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("sync", "kept");
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("sync", "dropped");
    text = read_log(f->path);
    assert_non_null(strstr(text, "kept"));
    assert_null(strstr(text, "dropped"));
}

static void test_message_cannot_forge_a_line(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *text = NULL;

    log_info("sync", "name \"%s\"", "a\nb\x1B[31m\x7F");
    text = read_log(f->path);
    assert_non_null(strstr(text, "name \"a?b?[31m?\"\n"));
}

static void test_long_message_is_one_cut_line(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *text = NULL, *message = x_calloc(3001, 1);

    memset(message, 'x', 3000);
    log_info("sync", "%s", message);
    text = read_log(f->path);
    assert_int_equal(strlen(text), 1023);
    assert_int_equal(text[1022], '\n');
}

static void test_full_log_is_rotated_once(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    cleanup_free char *text = NULL;

    for (int i = 0; i < 1000; i++)
        log_info("sync", "message %d of many", i);
    assert_int_equal(stat(f->path, &st), 0);
    assert_true(st.st_size <= LOG_SIZE);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(f->old, &st), 0);
    assert_true(st.st_size <= LOG_SIZE);
    text = read_log(f->path);
    assert_non_null(strstr(text, "message 999 of many"));
}

static void test_errno_survives_logging(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *text = NULL;

    errno = ENOENT;
    log_info("sync", "%m");
    assert_int_equal(errno, ENOENT);
    text = read_log(f->path);
    assert_non_null(strstr(text, "No such file or directory"));
}

/* What ${level} looks like on stderr while that is the file behind f->path. */
static char *log_to_stderr(struct fixture *f)
{
    int saved = dup(STDERR_FILENO);

    log_close();
    assert_non_null(freopen(f->path, "w", stderr));
    log_error("net", "lost");
    (void)fflush(stderr);
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    return read_log(f->path);
}

static void test_journal_gets_priorities(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *plain = NULL, *journal = NULL, *stream = NULL;
    struct stat st;

    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    plain = log_to_stderr(f);
    assert_string_equal(plain + 24, " error net: lost\n");
    assert_int_equal(stat(f->path, &st), 0);
    stream = x_asprintf("%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    journal = log_to_stderr(f);
    assert_string_equal(journal, "<3>net: lost\n");
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void test_levels_have_names(void **state)
{
    enum log_level level = LOG_LEVEL_INFO;

    (void)state;
    assert_int_equal(log_level_from_name("debug", &level), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_from_name("error", &level), 0);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_int_equal(log_level_from_name("loud", &level), -EINVAL);
}

static void test_file_that_cannot_be_opened_is_an_error(void **state)
{
    struct err err = { 0 };

    (void)state;
    assert_int_equal(log_open_file("/nonexistent/log", LOG_SIZE, &err), -ENOENT);
    assert_non_null(strstr(err.msg, "/nonexistent/log: No such file"));
}

static void test_urls_lose_what_may_be_secret(void **state)
{
    static const struct {
        const char *url, *shown;
    } rows[] = {
        { "https://graph.microsoft.com/v1.0/me/drive",
          "https://graph.microsoft.com/v1.0/me/drive" },
        { "https://h.example/download.aspx?tempauth=secret", "https://h.example/download.aspx" },
        { "https://h.example/a#secret", "https://h.example/a" },
        { "https://h.example?secret/x", "https://h.example" },
        { "https://user:secret@h.example:8443/a", "https://h.example:8443/a" },
        { "https://h.example/a/user@contoso.com", "https://h.example/a/user@contoso.com" },
        { "https://h.example/y4m01234567890123456789012345678901234567890123456789012345678901234"
          "5678901234567890/report.docx",
          "https://h.example/.../report.docx" },
        { "/relative?secret", "/relative" },
        { "", "" },
    };

    char out[200], small[12];

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_string_equal(log_redact_url(rows[i].url, out, sizeof out), rows[i].shown);
    assert_string_equal(log_redact_url("https://h.example/abc", small, sizeof small),
                        "https://h.e");
}

#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOG(test_line_has_time_level_and_module),
        WITH_LOG(test_what_is_below_the_level_is_not_written),
        WITH_LOG(test_message_cannot_forge_a_line),
        WITH_LOG(test_long_message_is_one_cut_line),
        WITH_LOG(test_full_log_is_rotated_once),
        WITH_LOG(test_errno_survives_logging),
        WITH_LOG(test_journal_gets_priorities),
        cmocka_unit_test(test_levels_have_names),
        cmocka_unit_test(test_file_that_cannot_be_opened_is_an_error),
        cmocka_unit_test(test_urls_lose_what_may_be_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
