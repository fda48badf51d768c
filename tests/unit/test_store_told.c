/* SPDX-License-Identifier: MIT */
/* store.h: what is told of what the kernel asked for, of directories' times, of unused content */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "store/store.h"
#include "store_fixture.h"
#include "unit.h"

#define NOW_NS   (FIXTURE_START_MS * 1000000)
#define OTHER_NS INT64_C(1650000000123456789)

static struct store_txn *begin(struct fixture *fixture)
{
    struct store_txn *txn;

    assert_int_equal(store_begin(fixture->store, &txn, NULL), 0);
    return txn;
}

static void commit(struct store_txn *txn)
{
    assert_int_equal(store_commit(txn, NULL), 0);
}

static void put_file(struct store_txn *txn, ino_nr parent, const char *name)
{
    struct node node = fixture_node(parent, name, NODE_FILE, 1, name);

    assert_int_equal(txn_put_node(txn, &node), 0);
    node_clear(&node);
}

static ino_nr add_complete_folder(struct fixture *fixture, const char *name)
{
    ino_nr folder = fixture_add(fixture, STORE_INO_ME, name, NODE_FOLDER, 1, name);
    struct store_txn *txn = begin(fixture);

    assert_int_equal(txn_set_complete(txn, folder, true), 0);
    commit(txn);
    fixture_forget_told(fixture);
    return folder;
}

static int64_t mtime_of(struct fixture *fixture, ino_nr ino)
{
    struct node_attr attr;

    assert_int_equal(store_getattr(fixture->store, ino, &attr), 0);
    return attr.mtime_ns;
}

/* ---- own changes ---- */

/* Counts those of a kind. */
static size_t count_told(const struct fixture *fixture, enum change_kind kind, bool is_own)
{
    size_t count = 0;

    for (size_t i = 0; i < fixture->told_count; i++)
        count += fixture->told[i].kind == kind && fixture->told[i].is_own == is_own;
    return count;
}

static void test_what_the_kernel_asked_for_is_told_as_own(void **state)
{
    struct fixture *fixture = *state;
    ino_nr folder = add_complete_folder(fixture, "d");
    struct store_txn *txn = begin(fixture);

    assert_false(txn_set_own(txn, true));
    put_file(txn, folder, "mine");
    commit(txn);
    assert_int_equal(fixture->told_count, 2);
    assert_int_equal(count_told(fixture, CHANGE_ENTRY, true), 1);
    assert_int_equal(count_told(fixture, CHANGE_LISTING, true), 1);

    fixture_forget_told(fixture);
    txn = begin(fixture);
    put_file(txn, folder, "theirs");
    commit(txn);
    assert_int_equal(count_told(fixture, CHANGE_ENTRY, false), 1);
    assert_int_equal(count_told(fixture, CHANGE_LISTING, false), 1);
}

/* The kernel knows of its own name there, not of the other: the directory is told. */
static void test_a_directory_that_somebody_else_changed_too_is_told(void **state)
{
    struct fixture *fixture = *state;
    ino_nr folder = add_complete_folder(fixture, "d");
    struct store_txn *txn = begin(fixture);

    (void)txn_set_own(txn, true);
    put_file(txn, folder, "mine");
    assert_true(txn_set_own(txn, false));
    put_file(txn, folder, "theirs");
    (void)txn_set_own(txn, true);
    put_file(txn, folder, "mine too");
    commit(txn);
    assert_int_equal(count_told(fixture, CHANGE_ENTRY, true), 2);
    assert_int_equal(count_told(fixture, CHANGE_ENTRY, false), 1);
    assert_int_equal(count_told(fixture, CHANGE_LISTING, true), 0);
    assert_int_equal(count_told(fixture, CHANGE_LISTING, false), 1);
}

static bool is_always_open(ino_nr ino, void *arg)
{
    (void)ino;
    ++*(size_t *)arg;
    return true;
}

static void write_content(struct store_txn *txn, ino_nr ino, uint64_t generation)
{
    struct node node;

    assert_int_equal(txn_get_node(txn, ino, &node), 0);
    node.local.generation = generation;
    assert_int_equal(txn_put_node(txn, &node), 0);
    node_clear(&node);
}

static void test_own_content_leaves_an_open_file_its_number(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = fixture_add(fixture, STORE_INO_ME, "f", NODE_FILE, 1, "F");
    struct node_attr attr;
    struct store_txn *txn;
    size_t asked = 0;

    store_set_is_open(fixture->store, is_always_open, &asked);
    fixture_forget_told(fixture);
    txn = begin(fixture);
    (void)txn_set_own(txn, true);
    write_content(txn, file, 8);
    commit(txn);
    assert_int_equal(asked, 0);
    assert_int_equal(store_getattr(fixture->store, file, &attr), 0);
    assert_int_equal(attr.generation, 8);
    assert_int_equal(count_told(fixture, CHANGE_CONTENT, true), 1);

    txn = begin(fixture);
    write_content(txn, file, 9);
    commit(txn);
    assert_int_equal(fixture_find(fixture, "/me/f", &attr), 0);
    assert_int_not_equal(attr.ino, file);
}

/* ---- directories' times ---- */

static void test_a_directory_has_the_time_that_was_asked_for_it(void **state)
{
    struct fixture *fixture = *state;
    ino_nr folder = add_complete_folder(fixture, "d"), other = add_complete_folder(fixture, "e");
    struct store_txn *txn = begin(fixture);

    put_file(txn, folder, "a");
    txn_touch(txn, folder, OTHER_NS - 1);
    txn_touch(txn, other, OTHER_NS);
    txn_touch(txn, folder, OTHER_NS);
    put_file(txn, folder, "b");
    commit(txn);
    assert_int_equal(mtime_of(fixture, folder), OTHER_NS);
    assert_int_equal(mtime_of(fixture, other), OTHER_NS);
    assert_int_equal(count_told(fixture, CHANGE_LISTING, false), 2);

    txn = begin(fixture);
    put_file(txn, folder, "c");
    commit(txn);
    assert_int_equal(mtime_of(fixture, folder), NOW_NS);
}

/* ---- unused content ---- */

/* "7 8 ", as told since the last time. */
static void assert_unused(struct fixture *fixture, const char *wanted)
{
    char unused[64] = "";

    for (size_t i = 0; i < fixture->told_count; i++) {
        if (fixture->told[i].kind == CHANGE_UNUSED)
            (void)snprintf(unused + strlen(unused), sizeof unused - strlen(unused), "%d ",
                           (int)fixture->told[i].generation);
    }
    assert_string_equal(unused, wanted);
    fixture_forget_told(fixture);
}

/* 0: the row has no such state. */
static void set_generations(struct fixture *fixture, ino_nr ino, uint64_t local, uint64_t base,
                            uint64_t remote)
{
    const unsigned all = NODE_LOCAL | NODE_BASE | NODE_REMOTE;
    struct store_txn *txn = begin(fixture);
    struct node node;

    assert_int_equal(txn_get_node(txn, ino, &node), 0);
    node.attr.flags &= ~all;
    node.attr.flags |=
        (local ? NODE_LOCAL : 0u) | (base ? NODE_BASE : 0u) | (remote ? NODE_REMOTE : 0u);
    node.local.generation = local;
    node.base.generation = base;
    if (!node.base.name)
        node.base.name = x_strdup("f");
    node.remote.generation = remote;
    if (!node.remote.name)
        node.remote.name = x_strdup("f");
    assert_int_equal(txn_put_node(txn, &node), 0);
    commit(txn);
    node_clear(&node);
}

static void put_intent(struct fixture *fixture, ino_nr ino, uint64_t generation)
{
    const struct intent intent = { .ino = ino, .verb = INTENT_UPLOAD, .generation = generation };
    struct store_txn *txn = begin(fixture);

    assert_int_equal(txn_put_intent(txn, &intent), 0);
    commit(txn);
}

static void test_content_is_unused_when_no_state_has_it(void **state)
{
    static const struct {
        uint64_t local, base, remote;
        const char *unused;
    } steps[] = {
        { 7, 7, 0, "" },     { 8, 7, 0, "" }, /* written */
        { 9, 7, 0, "8 " },                    /* and again */
        { 9, 7, 10, "" },                     /* the server has something else, */
        { 9, 7, 11, "10 " },                  /* and again */
        { 9, 11, 0, "7 " },                   /* settled */
        { 0, 11, 0, "9 " },                   /* deleted here */
        { 12, 11, 0, "" },   { 12, 12, 0, "11 " }, { 13, 13, 0, "12 " },
    };
    struct fixture *fixture = *state;
    ino_nr file = fixture_add(fixture, STORE_INO_ME, "f", NODE_FILE, 1, "F");
    struct store_txn *txn;

    fixture_forget_told(fixture);
    for (size_t i = 0; i < ROWS(steps); i++) {
        set_generations(fixture, file, steps[i].local, steps[i].base, steps[i].remote);
        assert_unused(fixture, steps[i].unused);
    }
    set_generations(fixture, file, 14, 13, 15);
    txn = begin(fixture);
    assert_int_equal(txn_remove_node(txn, file), 0);
    commit(txn);
    assert_unused(fixture, "14 13 15 ");
}

static void test_content_that_is_being_sent_is_used(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = fixture_add(fixture, STORE_INO_ME, "f", NODE_FILE, 1, "F");
    struct store_txn *txn;

    set_generations(fixture, file, 8, 7, 0);
    put_intent(fixture, file, 8);
    set_generations(fixture, file, 9, 7, 0);
    assert_unused(fixture, "");
    put_intent(fixture, file, 8);
    assert_unused(fixture, "");
    put_intent(fixture, file, 9);
    assert_unused(fixture, "8 ");
    txn = begin(fixture);
    assert_int_equal(txn_clear_intent(txn, file), 0);
    commit(txn);
    assert_unused(fixture, "");

    put_intent(fixture, file, 9);
    set_generations(fixture, file, 0, 7, 0);
    assert_unused(fixture, "");
    txn = begin(fixture);
    assert_int_equal(txn_remove_node(txn, file), 0);
    commit(txn);
    assert_unused(fixture, "9 7 ");
}

/* ---- replies ---- */

struct reply {
    struct fixture *fixture;
    struct node_attr attr;
    size_t told_before;
    int result;
    bool has_run;
};

static void look_at_name(void *arg)
{
    struct reply *reply = arg;

    reply->has_run = true;
    reply->told_before = reply->fixture->told_count;
    reply->result = store_lookup(reply->fixture->store, STORE_INO_ME, "f", &reply->attr);
}

static void test_the_reply_sees_what_was_committed_and_goes_before_what_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct reply reply = { .fixture = fixture, .result = -1 };
    struct store_txn *txn = begin(fixture);

    assert_int_equal(txn_set_complete(txn, STORE_INO_ME, true), 0);
    put_file(txn, STORE_INO_ME, "f");
    assert_int_equal(store_commit_reply(txn, look_at_name, &reply, NULL), 0);
    assert_true(reply.has_run);
    assert_int_equal(reply.result, 0);
    assert_int_equal(reply.told_before, 0);
    assert_int_equal(fixture->told_count, 2);
    /* Nothing is held any more. */
    store_lock_shared(fixture->store);
    store_unlock_shared(fixture->store);
    commit(begin(fixture));
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_what_the_kernel_asked_for_is_told_as_own),
        STORE_TEST(test_a_directory_that_somebody_else_changed_too_is_told),
        STORE_TEST(test_own_content_leaves_an_open_file_its_number),
        STORE_TEST(test_a_directory_has_the_time_that_was_asked_for_it),
        STORE_TEST(test_content_is_unused_when_no_state_has_it),
        STORE_TEST(test_content_that_is_being_sent_is_used),
        STORE_TEST(test_the_reply_sees_what_was_committed_and_goes_before_what_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
