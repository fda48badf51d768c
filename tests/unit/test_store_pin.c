/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "store/store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "store_fixture.h"
#include "unit.h"

static bool count(ino_nr ino, void *arg)
{
    (void)ino;
    ++*(size_t *)arg;
    return true;
}

static size_t count_pins(struct fixture *fixture)
{
    size_t pins = 0;

    assert_int_equal(store_list_pins(fixture->store, 0, count, &pins), 0);
    return pins;
}

static ino_nr pin_of(struct fixture *fixture, ino_nr ino)
{
    ino_nr pin = 4711;

    assert_int_equal(store_find_pin(fixture->store, ino, &pin), 0);
    return pin;
}

static void change(struct fixture *fixture, int (*fn)(struct store_txn *txn, ino_nr ino),
                   ino_nr ino)
{
    struct store_txn *txn;
    struct err err = { 0 };

    assert_int_equal(store_begin(fixture->store, &txn, &err), 0);
    assert_int_equal(fn(txn, ino), 0);
    assert_int_equal(store_commit(txn, &err), 0);
}

/* A drive with /me/drive/folder/file. */
static void add_tree(struct fixture *fixture, ino_nr *ret_root, ino_nr *ret_folder,
                     ino_nr *ret_file)
{
    int64_t drive = fixture_add_drive(fixture, "d", ret_root);

    *ret_folder = fixture_add(fixture, *ret_root, "folder", NODE_FOLDER, drive, "1");
    *ret_file = fixture_add(fixture, *ret_folder, "file", NODE_FILE, drive, "2");
}

static void test_a_pin_holds_all_below_it_and_survives_a_restart(void **state)
{
    struct fixture *fixture = *state;
    ino_nr root, folder, file;

    add_tree(fixture, &root, &folder, &file);
    assert_int_equal(pin_of(fixture, file), 0);
    change(fixture, txn_pin, folder);
    change(fixture, txn_pin, folder);
    fixture_reopen(fixture);
    assert_int_equal(count_pins(fixture), 1);
    assert_int_equal(pin_of(fixture, file), folder);
    assert_int_equal(pin_of(fixture, folder), folder);
    assert_int_equal(pin_of(fixture, root), 0);
}

static void test_unpinning_a_folder_removes_the_pins_below_it_and_no_other(void **state)
{
    struct fixture *fixture = *state;
    ino_nr root, folder, file;

    add_tree(fixture, &root, &folder, &file);
    change(fixture, txn_pin, root);
    change(fixture, txn_pin, file);
    change(fixture, txn_unpin, folder);
    assert_int_equal(count_pins(fixture), 1);
    assert_int_equal(pin_of(fixture, file), root);
    change(fixture, txn_unpin, root);
    assert_int_equal(count_pins(fixture), 0);
}

static void test_a_pin_follows_a_move_and_goes_with_its_row(void **state)
{
    struct fixture *fixture = *state;
    ino_nr root, folder, file, other;
    struct store_txn *txn;
    struct err err = { 0 };
    struct node node;

    add_tree(fixture, &root, &folder, &file);
    other = fixture_add(fixture, root, "other", NODE_FOLDER, 1, "3");
    change(fixture, txn_pin, folder);
    assert_int_equal(store_begin(fixture->store, &txn, &err), 0);
    assert_int_equal(txn_get_node(txn, folder, &node), 0);
    node.attr.parent = node.local.parent = node.base.parent = other;
    assert_int_equal(txn_put_node(txn, &node), 0);
    node_clear(&node);
    assert_int_equal(store_commit(txn, &err), 0);
    assert_int_equal(pin_of(fixture, file), folder);
    assert_int_equal(pin_of(fixture, other), 0);
    change(fixture, txn_remove_node, folder);
    assert_int_equal(count_pins(fixture), 0);
}

static bool is_open(ino_nr ino, void *arg)
{
    return ino == *(const ino_nr *)arg;
}

static void test_a_pin_follows_an_open_file_that_gets_another_number(void **state)
{
    struct fixture *fixture = *state;
    ino_nr root, folder, file;
    struct node_attr attr;
    struct store_txn *txn;
    struct err err = { 0 };
    struct node node;

    add_tree(fixture, &root, &folder, &file);
    change(fixture, txn_pin, file);
    store_set_is_open(fixture->store, is_open, &file);
    assert_int_equal(store_begin(fixture->store, &txn, &err), 0);
    assert_int_equal(txn_get_node(txn, file, &node), 0);
    assert_int_equal(txn_next_generation(txn, &node.local.generation), 0);
    node.attr.generation = node.base.generation = node.local.generation;
    assert_int_equal(txn_put_node(txn, &node), 0);
    node_clear(&node);
    assert_int_equal(store_commit(txn, &err), 0);
    store_set_is_open(fixture->store, NULL, NULL);
    assert_int_equal(fixture_find(fixture, "/me/drive/folder/file", &attr), 0);
    assert_int_not_equal(attr.ino, file);
    assert_int_equal(pin_of(fixture, attr.ino), attr.ino);
    assert_int_equal(count_pins(fixture), 1);
}

/* Behind the store's back, or while it is closed. */
static void run_sql(struct fixture *fixture, const char *sql)
{
    cleanup_free char *path = x_asprintf("%s/store.db", fixture->dir);
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* An error is not "nothing is pinned", after which all would be evicted. */
static void test_pins_that_can_not_be_read_are_an_error_and_not_absent(void **state)
{
    struct fixture *fixture = *state;
    ino_nr root, folder, file, pin = 4711;
    size_t pins = 0;

    add_tree(fixture, &root, &folder, &file);
    change(fixture, txn_pin, folder);
    run_sql(fixture, "ALTER TABLE pin RENAME TO hidden");
    assert_int_equal(store_list_pins(fixture->store, 0, count, &pins), -EIO);
    assert_int_equal(pins, 0);
    assert_int_equal(store_find_pin(fixture->store, file, &pin), -EIO);
    assert_int_equal(pin, 4711);
    run_sql(fixture, "ALTER TABLE hidden RENAME TO pin");
    assert_int_equal(pin_of(fixture, file), folder);
}

static void test_a_change_of_pins_that_fails_changes_none(void **state)
{
    struct fixture *fixture = *state;
    ino_nr root, folder, file;
    struct store_txn *txn;
    struct err err = { 0 };

    add_tree(fixture, &root, &folder, &file);
    change(fixture, txn_pin, folder);
    run_sql(fixture,
            "CREATE TRIGGER refuse BEFORE INSERT ON pin BEGIN SELECT RAISE(ABORT, ''); END;"
            "CREATE TRIGGER keep BEFORE DELETE ON pin BEGIN SELECT RAISE(ABORT, ''); END");
    assert_int_equal(store_begin(fixture->store, &txn, &err), 0);
    assert_true(txn_pin(txn, file) < 0);
    assert_true(txn_unpin(txn, root) < 0);
    store_rollback(txn);
    assert_int_equal(count_pins(fixture), 1);
    run_sql(fixture, "DROP TRIGGER refuse; DROP TRIGGER keep");
    change(fixture, txn_pin, file);
    assert_int_equal(count_pins(fixture), 2);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_pin_holds_all_below_it_and_survives_a_restart),
        STORE_TEST(test_unpinning_a_folder_removes_the_pins_below_it_and_no_other),
        STORE_TEST(test_a_pin_follows_a_move_and_goes_with_its_row),
        STORE_TEST(test_a_pin_follows_an_open_file_that_gets_another_number),
        STORE_TEST(test_pins_that_can_not_be_read_are_an_error_and_not_absent),
        STORE_TEST(test_a_change_of_pins_that_fails_changes_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
