/* SPDX-License-Identifier: MIT */
/* store.h: opening, identity, damage, and what is left after kill -9 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "store/store.h"
#include "store_fixture.h"
#include "unit.h"

static size_t count_files(const struct fixture *fixture, const char *pattern)
{
    cleanup_free char *full = x_asprintf("%s/%s", fixture->dir, pattern);
    glob_t found = { 0 };
    size_t count = glob(full, 0, NULL, &found) == 0 ? found.gl_pathc : 0;

    globfree(&found);
    return count;
}

static int open_as(struct fixture *fixture, const char *tenant, const char *user, struct err *err)
{
    const struct store_identity identity = { .cloud = "global", .tenant = tenant, .user = user };

    store_close(fixture->store);
    fixture->store = NULL;
    return store_open(fixture->dir, &identity, fixture->clock, &fixture->store, NULL, err);
}

static void test_new_store_has_the_roots_of_the_tree(void **state)
{
    struct fixture *fixture = *state;
    struct node_attr attr;

    assert_int_equal(fixture_find(fixture, "/", &attr), 0);
    assert_int_equal(attr.ino, STORE_INO_ROOT);
    assert_int_equal(fixture_find(fixture, "/me", &attr), 0);
    assert_int_equal(attr.ino, STORE_INO_ME);
    assert_int_equal(attr.kind, NODE_VIEW);
    assert_int_equal(fixture_find(fixture, "/drives", &attr), 0);
    assert_int_equal(attr.ino, STORE_INO_DRIVES);
    assert_int_equal(fixture_add(fixture, STORE_INO_ME, "x", NODE_FOLDER, 1, "R"), STORE_INO_FIRST);
}

static void test_store_keeps_numbers_and_uuid_when_opened_again(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *uuid = x_strdup(store_uuid(fixture->store));
    ino_nr ino = fixture_add(fixture, STORE_INO_ME, "a", NODE_FOLDER, 1, "A");
    struct node_attr attr;

    fixture_reopen(fixture);
    assert_string_equal(store_uuid(fixture->store), uuid);
    assert_int_equal(strlen(uuid), 36);
    assert_false(store_was_unclean(fixture->store));
    assert_int_equal(fixture_find(fixture, "/me/a", &attr), 0);
    assert_int_equal(attr.ino, ino);
}

static void test_store_of_another_sign_in_is_refused(void **state)
{
    static const struct {
        const char *tenant, *user;
        int expected;
    } rows[] = {
        { "", "anna", 0 },        /* the tenant isn't known at first */
        { "contoso", "anna", 0 }, /* then it is */
        { "", "anna", 0 },        /* and needn't be told again */
        { "fabrikam", "anna", -EPERM },
        { "contoso", "bert", -EPERM },
        { "contoso", "anna", 0 },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err err = { 0 };

        assert_int_equal(open_as(*state, rows[i].tenant, rows[i].user, &err), rows[i].expected);
        if (rows[i].expected < 0)
            assert_non_null(strstr(err.msg, "another sign-in"));
    }
}

static void test_damaged_store_is_set_aside_and_made_anew(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *path = x_asprintf("%s/store.db", fixture->dir);
    cleanup_free char *uuid = x_strdup(store_uuid(fixture->store));
    struct node_attr attr;
    bool was_damaged = false;

    (void)fixture_add(fixture, STORE_INO_ME, "a", NODE_FOLDER, 1, "A");
    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(file_write_atomic(path, "not a database at all", 21, 0600), 0);

    assert_int_equal(
        store_open(fixture->dir, NULL, fixture->clock, &fixture->store, &was_damaged, NULL), 0);
    assert_true(was_damaged);
    assert_int_equal(count_files(fixture, "store.db.damaged-20231114221320"), 1);
    assert_string_not_equal(store_uuid(fixture->store), uuid);
    assert_int_equal(fixture_find(fixture, "/me", &attr), 0);
    assert_int_equal(fixture_find(fixture, "/me/a", &attr), -ENOENT);
}

/* Overwrites the pages of the tables, but not the first one, which holds the schema. */
static void scribble(const struct fixture *fixture)
{
    cleanup_free char *path = x_asprintf("%s/store.db", fixture->dir);
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    char garbage[4096];

    memset(garbage, 0x5a, sizeof garbage);
    assert_true(fd >= 0);
    for (off_t page = 2; page < 20; page++)
        assert_int_equal(pwrite(fd, garbage, sizeof garbage, page * 4096), sizeof garbage);
}

static void test_store_that_fails_its_check_is_set_aside_at_the_next_open(void **state)
{
    struct fixture *fixture = *state;
    bool was_damaged = false;
    struct err err = { 0 };

    assert_int_equal(store_quick_check(fixture->store, &err), 0);
    fixture_reopen(fixture); /* the log is empty now: all is in the file */
    scribble(fixture);
    assert_int_equal(store_quick_check(fixture->store, &err), -EUCLEAN);
    store_close(fixture->store);
    fixture->store = NULL;

    assert_int_equal(
        store_open(fixture->dir, NULL, fixture->clock, &fixture->store, &was_damaged, &err), 0);
    assert_true(was_damaged);
    assert_int_equal(count_files(fixture, "store.db.damaged-*"), 1);
    assert_int_equal(store_quick_check(fixture->store, &err), 0);
}

/* What fails a read is remembered, though nobody has checked the store. */
static void test_damage_that_a_read_meets_is_remembered(void **state)
{
    struct fixture *fixture = *state;
    struct node_attr attr;
    bool was_damaged = false;

    for (unsigned i = 0; i < 200; i++) {
        cleanup_free char *name = x_asprintf("f%u", i);

        (void)fixture_add(fixture, STORE_INO_ME, name, NODE_FILE, 1, name);
    }
    fixture_reopen(fixture);
    scribble(fixture);
    assert_int_equal(fixture_find(fixture, "/me/f150", &attr), -EUCLEAN);
    store_close(fixture->store);
    fixture->store = NULL;

    assert_int_equal(
        store_open(fixture->dir, NULL, fixture->clock, &fixture->store, &was_damaged, NULL), 0);
    assert_true(was_damaged);
    assert_int_equal(count_files(fixture, "store.db.damaged-*"), 1);
    assert_int_equal(count_files(fixture, "store.db.failed-check"), 0);
    assert_int_equal(fixture_find(fixture, "/me", &attr), 0);
}

/* As after a power cut: content was stored under it, the commit is lost. */
static void test_generation_of_a_lost_commit_is_not_given_out_again(void **state)
{
    struct fixture *fixture = *state;
    struct store_txn *txn;
    uint64_t lost, next;

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(txn_next_generation(txn, &lost), 0);
    store_rollback(txn);
    fixture_reopen(fixture);
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_next_generation(txn, &next), 0);
    store_rollback(txn);
    assert_true(next > lost);
}

static void test_store_of_a_newer_version_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *path = x_asprintf("%s/store.db", fixture->dir);
    struct err err = { 0 };
    sqlite3 *db;

    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 4711", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);

    assert_int_equal(store_open(fixture->dir, NULL, fixture->clock, &fixture->store, NULL, &err),
                     -EPROTO);
    assert_non_null(strstr(err.msg, "newer"));
    assert_int_equal(count_files(fixture, "store.db.damaged-*"), 0);
}

static void test_empty_file_is_migrated_from_version_0(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *path = x_asprintf("%s/store.db", fixture->dir);
    struct node_attr attr;
    sqlite3 *db;

    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 0; VACUUM", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);

    assert_int_equal(store_open(fixture->dir, NULL, fixture->clock, &fixture->store, NULL, NULL),
                     0);
    assert_int_equal(fixture_find(fixture, "/drives", &attr), 0);
}

/* In a child: adds files one transaction at a time and says so on the pipe, until it is killed. */
static void add_until_killed(struct fixture *fixture, int report)
{
    struct store *store;

    if (store_open(fixture->dir, NULL, fixture->clock, &store, NULL, NULL) < 0)
        _exit(1);
    for (unsigned i = 0;; i++) {
        cleanup_free char *name = x_asprintf("f%u", i);
        struct node node = fixture_node(STORE_INO_ME, name, NODE_FILE, 1, name);
        struct store_txn *txn;

        if (store_begin(store, &txn, NULL) < 0 || txn_put_node(txn, &node) < 0 ||
            store_commit(txn, NULL) < 0 || write(report, &i, sizeof i) != sizeof i)
            _exit(1);
        node_clear(&node);
    }
}

static void test_committed_rows_survive_kill_9(void **state)
{
    struct fixture *fixture = *state;

    enum { KILLS = 8 };

    store_close(fixture->store);
    fixture->store = NULL;
    for (unsigned kill_after = 0; kill_after < KILLS; kill_after++) {
        cleanup_free char *path = x_asprintf("%s/store.db", fixture->dir);
        struct err err = { 0 };
        struct node_attr attr;
        unsigned last = 0;
        int pipe_fds[2], status;
        pid_t child;

        assert_true(unlink(path) == 0 || errno == ENOENT);
        assert_int_equal(pipe(pipe_fds), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            add_until_killed(fixture, pipe_fds[1]);
        (void)close(pipe_fds[1]);
        while (last < kill_after * 7 && read(pipe_fds[0], &last, sizeof last) == sizeof last)
            ;
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        while (read(pipe_fds[0], &last, sizeof last) == sizeof last)
            ;
        (void)close(pipe_fds[0]);

        if (store_open(fixture->dir, NULL, fixture->clock, &fixture->store, NULL, &err) < 0 ||
            store_quick_check(fixture->store, &err) < 0)
            fail_msg("killed after commit %u: %d, %s", last, err.code, err.msg);
        if (last > 0) {
            cleanup_free char *name = x_asprintf("/me/f%u", last);

            assert_true(store_was_unclean(fixture->store));
            assert_int_equal(fixture_find(fixture, name, &attr), 0);
        }
        store_close(fixture->store);
        fixture->store = NULL;
    }
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_new_store_has_the_roots_of_the_tree),
        STORE_TEST(test_store_keeps_numbers_and_uuid_when_opened_again),
        STORE_TEST(test_store_of_another_sign_in_is_refused),
        STORE_TEST(test_damaged_store_is_set_aside_and_made_anew),
        STORE_TEST(test_store_that_fails_its_check_is_set_aside_at_the_next_open),
        STORE_TEST(test_store_of_a_newer_version_is_left_alone),
        STORE_TEST(test_empty_file_is_migrated_from_version_0),
        STORE_TEST(test_committed_rows_survive_kill_9),
        STORE_TEST(test_damage_that_a_read_meets_is_remembered),
        STORE_TEST(test_generation_of_a_lost_commit_is_not_given_out_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
