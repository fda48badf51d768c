/* SPDX-License-Identifier: MIT */
/* Stores that an older graphfs has left, opened by this one. */
#include "config.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "store/store.h"
#include "store_fixture.h"
#include "unit.h"

#define OLD_STORE "/tests/data/store/version-2.sql"

static char *read_old_store(void)
{
    const char *source = getenv("srcdir");
    cleanup_free char *path = x_asprintf("%s" OLD_STORE, source ? source : ".");
    cleanup_file FILE *file = fopen(path, "r");
    char *text = x_calloc(1, 65536);

    assert_non_null(file);
    assert_in_range(fread(text, 1, 65535, file), 1000, 65534);
    return text;
}

/* Puts the old store, changed by this SQL, in the place of the fixture's, and opens it. */
static void open_old_store(struct fixture *fixture, const char *sql)
{
    cleanup_free char *path = x_asprintf("%s/store.db", fixture->dir);
    cleanup_free char *text = read_old_store();
    struct err err = { 0 };
    bool was_damaged = true;
    sqlite3 *db;

    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    if (store_open(fixture->dir, NULL, fixture->clock, &fixture->store, &was_damaged, &err) < 0)
        fail_msg("%s", err.msg);
    assert_false(was_damaged);
}

static bool add_name(const struct node_attr *attr, const char *name, void *arg)
{
    char *names = arg;

    (void)attr;
    (void)snprintf(names + strlen(names), 200 - strlen(names), "%s ", name);
    return true;
}

static void test_what_was_dirty_before_there_was_an_index_is_listed(void **state)
{
    struct fixture *fixture = *state;
    char names[200] = "";
    struct node_attr attr;

    open_old_store(fixture, "");
    assert_int_equal(store_list_dirty(fixture->store, 0, add_name, names), 0);
    assert_string_equal(names, "renamed moved written touched deleted created ");
    assert_int_equal(fixture_find(fixture, "/me/drive/dir/clean", &attr), 0);
    assert_int_equal(attr.generation, 7);
    fixture_reopen(fixture);
    assert_int_equal(fixture_find(fixture, "/me/drive/dir/clean", &attr), 0);
}

static bool count_pin(ino_nr ino, void *arg)
{
    (void)ino;
    ++*(size_t *)arg;
    return true;
}

static void test_a_store_without_pins_gets_room_for_them(void **state)
{
    struct fixture *fixture = *state;
    struct node_attr attr;
    struct store_txn *txn;
    size_t pins = 0;

    open_old_store(fixture, "DROP TABLE pin; PRAGMA user_version = 1");
    assert_int_equal(fixture_find(fixture, "/me/drive/pinned", &attr), 0);
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_pin(txn, attr.ino), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    fixture_reopen(fixture);
    assert_int_equal(store_list_pins(fixture->store, 0, count_pin, &pins), 0);
    assert_int_equal(pins, 1);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_what_was_dirty_before_there_was_an_index_is_listed),
        STORE_TEST(test_a_store_without_pins_gets_room_for_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
