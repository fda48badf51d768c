/* SPDX-License-Identifier: MIT */
/* store.h: what few rows have: own attributes, extended ones, intents, blocks */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "store/store.h"
#include "store_fixture.h"
#include "unit.h"

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

static ino_nr add_file(struct fixture *fixture)
{
    return fixture_add(fixture, STORE_INO_ME, "f", NODE_FILE, 1, "F");
}

/* ---- attributes ---- */

static void set_attr(struct fixture *fixture, ino_nr ino, struct local_attr attr)
{
    struct store_txn *txn = begin(fixture);

    assert_int_equal(txn_set_attr(txn, ino, &attr), 0);
    commit(txn);
}

static void test_attributes_are_set_one_by_one_and_told(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = add_file(fixture);
    struct local_attr attr = { .set = 4711 };
    struct node_attr node;
    struct store_txn *txn;

    assert_int_equal(store_get_attr(fixture->store, file, &attr), 0);
    assert_int_equal(attr.set, 0);
    fixture_forget_told(fixture);
    set_attr(fixture, file, (struct local_attr){ .set = ATTR_MODE, .mode = 0640, .uid = 5 });
    assert_int_equal(fixture->told_count, 1);
    assert_true(fixture_was_told(fixture, CHANGE_ATTR, STORE_INO_ME, NULL, file));
    set_attr(
        fixture, file,
        (struct local_attr){ .set = ATTR_UID | ATTR_ATIME, .uid = UINT32_MAX - 1, .atime_ns = -1 });
    fixture_reopen(fixture);
    assert_int_equal(store_get_attr(fixture->store, file, &attr), 0);
    assert_int_equal(attr.set, ATTR_MODE | ATTR_UID | ATTR_ATIME);
    assert_int_equal(attr.mode, 0640);
    assert_int_equal(attr.uid, UINT32_MAX - 1);
    assert_int_equal(attr.atime_ns, -1);
    assert_int_equal(store_getattr(fixture->store, file, &node), 0);
    assert_true(node.flags & NODE_HAS_ATTR);
    txn = begin(fixture);
    assert_int_equal(txn_set_attr(txn, 4711, &attr), -ENOENT);
    store_rollback(txn);
}

/* Whoever read the row before it had any doesn't take them away. */
static void test_attributes_outlive_a_row_that_was_read_before(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = add_file(fixture);
    struct store_txn *txn = begin(fixture);
    struct node_attr attr;
    struct node node;

    assert_int_equal(txn_get_node(txn, file, &node), 0);
    assert_int_equal(
        txn_set_attr(txn, file, &(struct local_attr){ .set = ATTR_MODE, .mode = 0600 }), 0);
    node.local.mtime_ns++;
    assert_int_equal(txn_put_node(txn, &node), 0);
    commit(txn);
    node_clear(&node);
    assert_int_equal(store_getattr(fixture->store, file, &attr), 0);
    assert_true(attr.flags & NODE_HAS_ATTR);
}

/* ---- extended attributes ---- */

static int set_xattr(struct fixture *fixture, ino_nr ino, const char *name, const void *value,
                     size_t size, int flags)
{
    struct store_txn *txn = begin(fixture);
    int r = txn_set_xattr(txn, ino, name, value, size, flags);

    commit(txn);
    return r;
}

static void assert_xattr(struct fixture *fixture, ino_nr ino, const char *name, const char *value,
                         size_t size)
{
    cleanup_free char *found = NULL;
    size_t found_size;

    assert_int_equal(store_get_xattr(fixture->store, ino, name, &found, &found_size), 0);
    assert_int_equal(found_size, size);
    assert_memory_equal(found, value, size);
    assert_int_equal(found[size], '\0');
}

static bool add_name(const char *name, void *arg)
{
    char *names = arg;

    (void)snprintf(names + strlen(names), 100 - strlen(names), "%s ", name);
    return true;
}

static void test_extended_attributes_keep_any_bytes(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *large = x_calloc(1, STORE_XATTR_VALUE_MAX + 1);
    ino_nr file = add_file(fixture), other = fixture_add(fixture, 2, "g", NODE_FILE, 1, "G");
    char names[100] = "", *none = NULL;
    size_t size;

    memset(large, 0xfe, STORE_XATTR_VALUE_MAX);
    assert_int_equal(set_xattr(fixture, file, "user.b", "x\0y", 3, 0), 0);
    assert_int_equal(set_xattr(fixture, file, "user.a", NULL, 0, 0), 0);
    assert_int_equal(set_xattr(fixture, file, "user.c", large, STORE_XATTR_VALUE_MAX, 0), 0);
    assert_int_equal(set_xattr(fixture, other, "user.other", "o", 1, 0), 0);
    fixture_reopen(fixture);
    assert_xattr(fixture, file, "user.b", "x\0y", 3);
    assert_xattr(fixture, file, "user.a", "", 0);
    assert_xattr(fixture, file, "user.c", large, STORE_XATTR_VALUE_MAX);
    assert_int_equal(store_list_xattrs(fixture->store, file, add_name, names), 0);
    assert_string_equal(names, "user.a user.b user.c ");
    assert_int_equal(store_get_xattr(fixture->store, file, "user.other", &none, &size), -ENODATA);
    assert_int_equal(set_xattr(fixture, file, "user.b", "new", 3, 0), 0);
    assert_xattr(fixture, file, "user.b", "new", 3);
}

static void test_extended_attributes_are_refused_as_setxattr_says(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *large = x_calloc(1, STORE_XATTR_VALUE_MAX + 1);
    ino_nr file = add_file(fixture);
    char longest[STORE_XATTR_NAME_MAX + 2];

    const struct {
        ino_nr ino;
        const char *name;
        size_t size;
        int flags, result;
    } rows[] = {
        { file, "user.a", 1, XATTR_REPLACE, -ENODATA },
        { file, "user.a", 1, XATTR_CREATE, 0 },
        { file, "user.a", 1, XATTR_CREATE, -EEXIST },
        { file, "user.a", 1, XATTR_REPLACE, 0 },
        { file, "user.a", STORE_XATTR_VALUE_MAX + 1, 0, -E2BIG },
        { file, longest, 1, 0, -ERANGE },
        { file, longest + 1, 1, 0, 0 },
        { 4711, "user.a", 1, 0, -ENOENT },
    };
    struct store_txn *txn;

    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(
            set_xattr(fixture, rows[i].ino, rows[i].name, large, rows[i].size, rows[i].flags),
            rows[i].result);
    txn = begin(fixture);
    assert_int_equal(txn_remove_xattr(txn, file, "user.a"), 0);
    assert_int_equal(txn_remove_xattr(txn, file, "user.a"), -ENODATA);
    store_rollback(txn);
}

/* ---- intents ---- */

static char *text(const char *value)
{
    return x_strdup(value);
}

static struct intent upload_of(ino_nr ino, uint64_t generation)
{
    return (struct intent){
        .ino = ino,
        .verb = INTENT_UPLOAD,
        .rid = text("R"),
        .parent = STORE_INO_ME,
        .parent_rid = text("P"),
        .name = text("name"),
        .generation = generation,
        .size = 12,
        .mtime_ns = -13,
        .hash_kind = HASH_QUICKXOR,
        .hash = text("aGFzaA=="),
        .session_url = text("https://secret.example/session"),
        .session_until_ms = 14,
        .asked_ms = 15,
    };
}

static void put_intent(struct fixture *fixture, struct intent intent)
{
    struct store_txn *txn = begin(fixture);

    assert_int_equal(txn_put_intent(txn, &intent), 0);
    commit(txn);
    intent_clear(&intent);
}

static void test_an_intent_comes_back_whole(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = add_file(fixture);
    struct store_txn *txn;
    struct intent back;

    put_intent(fixture, upload_of(file, 99));
    fixture_reopen(fixture);
    txn = begin(fixture);
    assert_int_equal(txn_get_intent(txn, file, &back), 0);
    assert_int_equal(back.ino, file);
    assert_int_equal(back.verb, INTENT_UPLOAD);
    assert_string_equal(back.rid, "R");
    assert_int_equal(back.parent, STORE_INO_ME);
    assert_string_equal(back.parent_rid, "P");
    assert_string_equal(back.name, "name");
    assert_int_equal(back.generation, 99);
    assert_int_equal(back.size, 12);
    assert_int_equal(back.mtime_ns, -13);
    assert_int_equal(back.hash_kind, HASH_QUICKXOR);
    assert_string_equal(back.hash, "aGFzaA==");
    assert_string_equal(back.session_url, "https://secret.example/session");
    assert_int_equal(back.session_until_ms, 14);
    assert_int_equal(back.asked_ms, 15);
    intent_clear(&back);
    assert_null(back.rid);
    assert_int_equal(txn_clear_intent(txn, file), 0);
    assert_int_equal(txn_get_intent(txn, file, &back), -ENOENT);
    store_rollback(txn);
}

struct verbs {
    enum intent_verb verbs[4];
    size_t count;
};

static bool add_verb(const struct intent *intent, void *arg)
{
    struct verbs *verbs = arg;

    verbs->verbs[verbs->count] = intent->verb;
    return ++verbs->count < ROWS(verbs->verbs);
}

static void test_a_row_has_one_intent_and_all_are_listed(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = add_file(fixture), other = fixture_add(fixture, 2, "g", NODE_FILE, 1, "G");
    struct verbs verbs = { .count = 0 };

    put_intent(fixture, upload_of(other, 7));
    put_intent(fixture, upload_of(file, 8));
    put_intent(fixture, (struct intent){ .ino = file, .verb = INTENT_DELETE, .rid = text("R") });
    assert_int_equal(store_list_intents(fixture->store, 0, add_verb, &verbs), 0);
    assert_int_equal(verbs.count, 2);
    assert_int_equal(verbs.verbs[0], INTENT_DELETE);
    assert_int_equal(verbs.verbs[1], INTENT_UPLOAD);
    verbs.count = 0;
    assert_int_equal(store_list_intents(fixture->store, file, add_verb, &verbs), 0);
    assert_int_equal(verbs.count, 1);
}

/* ---- blocked ---- */

static void block(struct fixture *fixture, ino_nr ino, int64_t since_ms, const char *reason)
{
    cleanup_free char *copy = text(reason);
    const struct blocked blocked = {
        .ino = ino, .since_ms = since_ms, .retry_ms = since_ms + 10, .code = -EDQUOT, .reason = copy
    };
    struct store_txn *txn = begin(fixture);

    assert_int_equal(txn_put_blocked(txn, &blocked), 0);
    commit(txn);
}

static bool add_blocked(const struct blocked *blocked, void *arg)
{
    char *seen = arg;

    (void)snprintf(seen + strlen(seen), 100 - strlen(seen), "%d since %d until %d: %s; ",
                   blocked->code, (int)blocked->since_ms, (int)blocked->retry_ms, blocked->reason);
    return true;
}

static void test_what_is_blocked_is_so_since_the_first_time(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *wanted = NULL;
    ino_nr file = add_file(fixture), other = fixture_add(fixture, 2, "g", NODE_FILE, 1, "G");
    char seen[100] = "";
    struct store_txn *txn;
    int64_t count;

    block(fixture, other, 100, "no room");
    block(fixture, file, 200, "no room");
    block(fixture, file, 300, "still no room");
    fixture_reopen(fixture);
    assert_int_equal(store_list_blocked(fixture->store, 0, add_blocked, seen), 0);
    wanted = x_asprintf("%d since 200 until 310: still no room; %d since 100 until 110: no room; ",
                        -EDQUOT, -EDQUOT);
    assert_string_equal(seen, wanted);
    assert_int_equal(store_count_blocked(fixture->store, &count), 0);
    assert_int_equal(count, 2);
    txn = begin(fixture);
    assert_int_equal(txn_clear_blocked(txn, other), 0);
    commit(txn);
    assert_int_equal(store_count_blocked(fixture->store, &count), 0);
    assert_int_equal(count, 1);
}

static void test_what_is_to_be_done_is_told_with_the_reason(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = add_file(fixture);
    cleanup_free char *why = text("no room"), *remedy = text("make some");
    struct blocked blocked = { .ino = file, .code = -ENOSPC, .reason = why, .remedy = remedy };
    struct store_txn *txn = begin(fixture);

    assert_int_equal(store_get_blocked(fixture->store, file, &blocked), -ENOENT);
    assert_int_equal(txn_put_blocked(txn, &blocked), 0);
    commit(txn);
    fixture_reopen(fixture);
    assert_int_equal(store_get_blocked(fixture->store, file, &blocked), 0);
    assert_int_equal(blocked.code, -ENOSPC);
    assert_string_equal(blocked.reason, "no room");
    assert_string_equal(blocked.remedy, "make some");
    free(blocked.reason);
    free(blocked.remedy);
}

static void rename_to(struct fixture *fixture, ino_nr ino, const char *name)
{
    struct store_txn *txn = begin(fixture);
    struct node node;

    assert_int_equal(txn_get_node(txn, ino, &node), 0);
    free(node.local.name);
    node.local.name = text(name);
    assert_int_equal(txn_put_node(txn, &node), 0);
    node_clear(&node);
    commit(txn);
}

static void test_a_row_that_becomes_clean_is_not_blocked_any_more(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = add_file(fixture);
    int64_t count = -1;

    rename_to(fixture, file, "other");
    block(fixture, file, 1, "because");
    rename_to(fixture, file, "third");
    assert_int_equal(store_count_blocked(fixture->store, &count), 0);
    assert_int_equal(count, 1);
    rename_to(fixture, file, "f");
    assert_int_equal(store_count_blocked(fixture->store, &count), 0);
    assert_int_equal(count, 0);
}

static bool add_number(const struct node_attr *attr, const char *name, void *arg)
{
    char *seen = arg;

    (void)snprintf(seen + strlen(seen), 100 - strlen(seen), "%d %s; ", (int)attr->ino, name);
    return true;
}

static void test_conflict_copies_are_listed_as_long_as_they_are_here(void **state)
{
    struct fixture *fixture = *state;
    struct node copy = fixture_node(STORE_INO_ME, "copy", NODE_FILE, 1, "C");
    struct node deleted = fixture_node(STORE_INO_ME, "deleted", NODE_FILE, 1, "D");
    cleanup_free char *wanted = NULL;
    struct store_txn *txn = begin(fixture);
    char seen[100] = "";
    int64_t count = 0;

    copy.attr.flags |= NODE_CONFLICT;
    deleted.attr.flags = NODE_BASE | NODE_CONFLICT;
    assert_int_equal(txn_put_node(txn, &copy), 0);
    assert_int_equal(txn_put_node(txn, &deleted), 0);
    commit(txn);
    (void)add_file(fixture);
    fixture_reopen(fixture);
    assert_int_equal(store_list_conflicts(fixture->store, 0, add_number, seen), 0);
    wanted = x_asprintf("%d copy; ", (int)copy.attr.ino);
    assert_string_equal(seen, wanted);
    assert_int_equal(store_count_conflicts(fixture->store, &count), 0);
    assert_int_equal(count, 1);
    node_clear(&copy);
    node_clear(&deleted);
}

/* ---- with the row ---- */

static void give_all(struct fixture *fixture, ino_nr ino)
{
    set_attr(fixture, ino, (struct local_attr){ .set = ATTR_GID, .gid = 7 });
    assert_int_equal(set_xattr(fixture, ino, "user.a", "1", 1, 0), 0);
    assert_int_equal(set_xattr(fixture, ino, "user.b", "2", 1, 0), 0);
    put_intent(fixture, upload_of(ino, 99));
    block(fixture, ino, 1, "because");
}

static void assert_has(struct fixture *fixture, ino_nr ino, bool has)
{
    struct store_txn *txn;
    struct intent intent = { 0 };
    struct local_attr attr;
    char names[100] = "", blocked[100] = "";

    assert_int_equal(store_get_attr(fixture->store, ino, &attr), 0);
    assert_int_equal(attr.set, has ? ATTR_GID : 0);
    assert_int_equal(store_list_xattrs(fixture->store, ino, add_name, names), 0);
    assert_string_equal(names, has ? "user.a user.b " : "");
    assert_int_equal(store_list_blocked(fixture->store, ino - 1, add_blocked, blocked), 0);
    assert_int_equal(blocked[0] != '\0', has);
    txn = begin(fixture);
    assert_int_equal(txn_get_intent(txn, ino, &intent), has ? 0 : -ENOENT);
    store_rollback(txn);
    intent_clear(&intent);
}

static void test_all_of_it_goes_with_the_row(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = add_file(fixture);
    struct store_txn *txn;

    give_all(fixture, file);
    assert_has(fixture, file, true);
    txn = begin(fixture);
    assert_int_equal(txn_remove_node(txn, file), 0);
    commit(txn);
    assert_has(fixture, file, false);
}

static bool is_open(ino_nr ino, void *arg)
{
    return ino == *(const ino_nr *)arg;
}

static void test_all_of_it_follows_a_row_to_another_number(void **state)
{
    struct fixture *fixture = *state;
    ino_nr file = add_file(fixture);
    struct node_attr attr;
    struct store_txn *txn;
    struct node node;

    give_all(fixture, file);
    store_set_is_open(fixture->store, is_open, &file);
    txn = begin(fixture);
    assert_int_equal(txn_get_node(txn, file, &node), 0);
    node.local.generation = node.base.generation = 8;
    assert_int_equal(txn_put_node(txn, &node), 0);
    commit(txn);
    node_clear(&node);
    assert_int_equal(fixture_find(fixture, "/me/f", &attr), 0);
    assert_true(attr.ino > file);
    assert_true(attr.flags & NODE_HAS_ATTR);
    assert_has(fixture, attr.ino, true);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_attributes_are_set_one_by_one_and_told),
        STORE_TEST(test_attributes_outlive_a_row_that_was_read_before),
        STORE_TEST(test_extended_attributes_keep_any_bytes),
        STORE_TEST(test_extended_attributes_are_refused_as_setxattr_says),
        STORE_TEST(test_an_intent_comes_back_whole),
        STORE_TEST(test_a_row_has_one_intent_and_all_are_listed),
        STORE_TEST(test_what_is_blocked_is_so_since_the_first_time),
        STORE_TEST(test_what_is_to_be_done_is_told_with_the_reason),
        STORE_TEST(test_a_row_that_becomes_clean_is_not_blocked_any_more),
        STORE_TEST(test_conflict_copies_are_listed_as_long_as_they_are_here),
        STORE_TEST(test_all_of_it_goes_with_the_row),
        STORE_TEST(test_all_of_it_follows_a_row_to_another_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
