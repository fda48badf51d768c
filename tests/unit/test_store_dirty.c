/* SPDX-License-Identifier: MIT */
/* store.h: what may have to be sent, and what the server has in a place */
#include "config.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "store/statements.h"
#include "store/store.h"
#include "store_fixture.h"
#include "unit.h"

#define SECOND_NS INT64_C(1000000000)

#define BOTH (NODE_LOCAL | NODE_BASE)

/* One row: what differs from a file on which both sides agree. */
struct row {
    const char *label;
    enum node_kind kind;
    unsigned flags;
    bool is_moved, is_renamed, is_written, is_nowhere;
    int64_t mtime_ns, base_mtime_ns;
    bool is_candidate;
};

static const struct row rows[] = {
    { "clean file", NODE_FILE, BOTH, .is_candidate = false },
    { "clean folder", NODE_FOLDER, BOTH, .is_candidate = false },
    { "created file", NODE_FILE, NODE_LOCAL, .is_candidate = true },
    { "created folder", NODE_FOLDER, NODE_LOCAL, .is_candidate = true },
    { "deleted file", NODE_FILE, NODE_BASE, .is_candidate = true },
    { "deleted folder", NODE_FOLDER, NODE_BASE, .is_candidate = true },
    { "neither, but for an intent", NODE_FILE, 0, .is_candidate = true },
    { "moved", NODE_FILE, BOTH, .is_moved = true, .is_candidate = true },
    { "moved folder", NODE_FOLDER, BOTH, .is_moved = true, .is_candidate = true },
    { "renamed", NODE_FILE, BOTH, .is_renamed = true, .is_candidate = true },
    { "safe name", NODE_FILE, BOTH | NODE_SAFE_NAME, .is_renamed = true },
    { "safe name, moved", NODE_FILE, BOTH | NODE_SAFE_NAME, .is_renamed = true, .is_moved = true,
      .is_candidate = true },
    { "written", NODE_FILE, BOTH, .is_written = true, .is_candidate = true },
    { "touched", NODE_FILE, BOTH, .mtime_ns = 5 * SECOND_NS, .is_candidate = true },
    { "touched to 0", NODE_FILE, BOTH, .base_mtime_ns = 5 * SECOND_NS, .is_candidate = true },
    { "touched within a second", NODE_FILE, BOTH, .mtime_ns = 7 },
    { "touched, long ago", NODE_FILE, BOTH, .mtime_ns = -7, .is_candidate = true },
    { "touched folder", NODE_FOLDER, BOTH, .mtime_ns = 5 * SECOND_NS },
    { "view", NODE_VIEW, NODE_LOCAL, .is_candidate = false },
    { "link", NODE_LINK, NODE_LOCAL, .is_candidate = false },
    { "package", NODE_PACKAGE, BOTH, .is_candidate = false },
    { "told of by a child", NODE_FOLDER, BOTH, .is_nowhere = true },
    { "told of by a child, then deleted", NODE_FOLDER, NODE_LOCAL, .is_nowhere = true },
};

static struct node node_of(const struct row *row)
{
    struct node node = fixture_node(row->is_nowhere ? STORE_INO_NONE : STORE_INO_ME,
                                    row->is_nowhere ? "" : row->label, row->kind, 1, row->label);

    node.attr.flags = row->flags;
    node.local.mtime_ns = row->mtime_ns;
    node.base.mtime_ns = row->base_mtime_ns;
    if (row->is_moved)
        node.base.parent = STORE_INO_DRIVES;
    if (row->is_renamed)
        node.base.name[0] = '!';
    if (row->is_written)
        node.local.generation++;
    return node;
}

static ino_nr add_row(struct fixture *fixture, const struct row *row)
{
    struct node node = node_of(row);
    struct store_txn *txn;
    ino_nr ino;

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_node(txn, &node), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    ino = node.attr.ino;
    node_clear(&node);
    return ino;
}

struct candidates {
    struct node_attr attrs[32];
    char names[32][40];
    size_t count, max;
};

static bool add_candidate(const struct node_attr *attr, const char *name, void *arg)
{
    struct candidates *candidates = arg;

    candidates->attrs[candidates->count] = *attr;
    (void)snprintf(candidates->names[candidates->count], sizeof candidates->names[0], "%s", name);
    return ++candidates->count < candidates->max;
}

static struct candidates list_after(struct fixture *fixture, ino_nr after, size_t max)
{
    struct candidates candidates = { .max = max };

    assert_int_equal(store_list_dirty(fixture->store, after, add_candidate, &candidates), 0);
    return candidates;
}

static void test_what_may_be_dirty_is_listed_in_order_of_number(void **state)
{
    struct fixture *fixture = *state;
    struct candidates candidates;
    struct store_txn *txn;
    ino_nr inos[ROWS(rows)];
    size_t at = 0;
    int64_t count;

    for (size_t i = 0; i < ROWS(rows); i++)
        inos[i] = add_row(fixture, &rows[i]);
    candidates = list_after(fixture, 0, 32);
    for (size_t i = 0; i < ROWS(rows); i++) {
        if (!rows[i].is_candidate)
            continue;
        assert_int_equal(candidates.attrs[at].ino, inos[i]);
        assert_int_equal(candidates.attrs[at].flags, rows[i].flags);
        assert_string_equal(candidates.names[at++], rows[i].label);
    }
    assert_int_equal(candidates.count, at);
    assert_int_equal(store_count_dirty(fixture->store, &count), 0);
    assert_int_equal(count, at);

    candidates = list_after(fixture, candidates.attrs[2].ino, 2);
    assert_int_equal(candidates.count, 2);
    assert_string_equal(candidates.names[0], "deleted folder");

    candidates = (struct candidates){ .max = 32 };
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_list_dirty(txn, 0, add_candidate, &candidates), 0);
    store_rollback(txn);
    assert_int_equal(candidates.count, at);
}

/* The index may list what is clean, but misses nothing that node_dirty() would have sent. */
static void test_what_is_dirty_is_always_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct node node = node_of(&rows[i]);
        bool may_be_sent = rows[i].kind == NODE_FILE || rows[i].kind == NODE_FOLDER;

        if (may_be_sent && !rows[i].is_nowhere && node_dirty(&node, SECOND_NS) != 0)
            assert_true(rows[i].is_candidate);
        node_clear(&node);
    }
}

static sqlite3 *open_database(struct fixture *fixture)
{
    cleanup_free char *path = x_asprintf("%s/store.db", fixture->dir);
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static int64_t get_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    int64_t number;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    number = sqlite3_column_int64(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    return number;
}

#define INDEX_CELLS "SELECT ifnull(sum(ncell), 0) FROM dbstat WHERE name = 'node_dirty'"

static void test_clean_rows_are_not_in_the_index(void **state)
{
    static const struct row clean = { "clean", NODE_FILE, BOTH, .is_candidate = false };
    struct fixture *fixture = *state;
    struct node node = node_of(&clean);
    struct store_txn *txn;
    sqlite3 *db;

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        node.attr.ino = 0;
        free(node.rid);
        node.rid = x_asprintf("%d", i);
        assert_int_equal(txn_put_node(txn, &node), 0);
    }
    assert_int_equal(store_commit(txn, NULL), 0);
    db = open_database(fixture);
    assert_int_equal(get_number(db, INDEX_CELLS), 0);

    node.local.generation++;
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_node(txn, &node), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    assert_int_equal(get_number(db, INDEX_CELLS), 1);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    node_clear(&node);
}

static void test_listing_searches_the_index_and_sorts_nothing(void **state)
{
    static const enum statement statements[] = { STMT_NODE_DIRTY, STMT_NODE_COUNT_DIRTY };
    struct fixture *fixture = *state;
    sqlite3 *db = open_database(fixture);

    for (size_t i = 0; i < ROWS(statements); i++) {
        cleanup_free char *sql = x_asprintf("EXPLAIN QUERY PLAN %s", statement_text[statements[i]]);
        sqlite3_stmt *statement;
        const char *detail;

        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        detail = (const char *)sqlite3_column_text(statement, 3);
        assert_non_null(strstr(detail, "node_dirty"));
        assert_non_null(strstr(detail, i == 0 ? "SEARCH" : "SCAN"));
        assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- places ---- */

static void put(struct fixture *fixture, unsigned flags, ino_nr parent, const char *name,
                ino_nr base_parent, const char *base_name, ino_nr *ret)
{
    struct node node = fixture_node(parent, name, NODE_FILE, 1, NULL);
    struct store_txn *txn;

    node.attr.flags = flags;
    node.base.parent = base_parent;
    free(node.base.name);
    node.base.name = x_strdup(base_name);
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_node(txn, &node), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    *ret = node.attr.ino;
    node_clear(&node);
}

static void test_a_place_tells_whose_base_it_is_though_they_are_elsewhere(void **state)
{
    struct fixture *fixture = *state;
    ino_nr a = fixture_add(fixture, STORE_INO_ME, "a", NODE_FOLDER, 1, "A");
    ino_nr b = fixture_add(fixture, STORE_INO_ME, "b", NODE_FOLDER, 1, "B");
    cleanup_free ino_nr *found = NULL;
    ino_nr there[5], other;
    size_t count = 0;
    struct store_txn *txn;

    put(fixture, BOTH, a, "renamed", a, "x", &there[0]);
    put(fixture, BOTH, a, "x", a, "x", &other);
    put(fixture, NODE_BASE, a, "x", a, "x", &there[1]);
    put(fixture, BOTH, b, "x", a, "x", &there[2]);
    put(fixture, NODE_LOCAL, a, "x", 0, "x", &other);
    put(fixture, BOTH, b, "y", a, "x", &there[3]);
    put(fixture, BOTH, a, "x", b, "x", &other);
    put(fixture, NODE_BASE, a, "x", b, "x", &other);
    put(fixture, BOTH, a, "x", a, "y", &other);
    put(fixture, BOTH | NODE_SAFE_NAME, a, "x [abcdefgh]", a, "x", &there[4]);
    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_find_base_place(txn, a, "x", &found, &count), 0);
    store_rollback(txn);
    assert_int_equal(count, ROWS(there));
    assert_memory_equal(found, there, sizeof there);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_what_may_be_dirty_is_listed_in_order_of_number),
        cmocka_unit_test(test_what_is_dirty_is_always_listed),
        STORE_TEST(test_clean_rows_are_not_in_the_index),
        STORE_TEST(test_listing_searches_the_index_and_sorts_nothing),
        STORE_TEST(test_a_place_tells_whose_base_it_is_though_they_are_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
