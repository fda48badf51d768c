/* SPDX-License-Identifier: MIT */
/* settle.h: what becomes of rows that were changed here and on the server. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply_scene.h"
#include "base/cleanup.h"
#include "base/xalloc.h"
#include "sync/settle.h"
#include "unit.h"

#define OURS   "b3Vycw=="
#define THEIRS "dGhlaXJz"
#define TIME   "2026-11-29 103000"
#define COPY   "file (conflict host " TIME ").txt"

static const struct settle_facts facts = {
    .hash = OURS,
    .hash_kind = HASH_QUICKXOR,
    .host = "host",
    .local_time = TIME,
};

/* ---- what the user does, as rows ---- */

/* The row at a path, to be changed and put. */
static struct node take(struct scene *scene, struct store_txn *txn, const char *path)
{
    struct node node;

    assert_int_equal(txn_get_node(txn, scene_at(scene, path), &node), 0);
    return node;
}

static void put(struct store_txn *txn, struct node *node)
{
    assert_int_equal(txn_put_node(txn, node), 0);
    node_clear(node);
    scene_commit(txn);
}

static void user_writes(struct scene *scene, const char *path)
{
    struct store_txn *txn = scene_begin(scene);
    struct node node = take(scene, txn, path);

    assert_int_equal(txn_next_generation(txn, &node.local.generation), 0);
    node.local.mtime_ns += INT64_C(5000000000);
    put(txn, &node);
}

static void user_touches(struct scene *scene, const char *path)
{
    struct store_txn *txn = scene_begin(scene);
    struct node node = take(scene, txn, path);

    node.local.mtime_ns += INT64_C(5000000000);
    put(txn, &node);
}

static void user_renames(struct scene *scene, const char *path, const char *name)
{
    struct store_txn *txn = scene_begin(scene);
    struct node node = take(scene, txn, path);

    free(node.local.name);
    node.local.name = x_strdup(name);
    put(txn, &node);
}

static void user_deletes(struct scene *scene, const char *path)
{
    struct store_txn *txn = scene_begin(scene);
    struct node node = take(scene, txn, path);

    node.attr.flags &= ~(unsigned)NODE_LOCAL;
    put(txn, &node);
}

static void user_makes(struct scene *scene, const char *name, enum node_kind kind)
{
    struct store_txn *txn = scene_begin(scene);
    struct node node = {
        .attr = { .kind = kind,
                  .flags = NODE_LOCAL | (kind == NODE_FOLDER ? NODE_COMPLETE : 0u),
                  .drive = scene->drive.id },
        .local = { .parent = scene->drive.root, .name = x_strdup(name), .size = 10 },
    };

    if (kind == NODE_FILE)
        assert_int_equal(txn_next_generation(txn, &node.local.generation), 0);
    put(txn, &node);
}

/* ---- what the server says ---- */

static struct item their_file(const char *name)
{
    struct item item = scene_file("f", "root", name);

    item.etag = "e2";
    item.hash_kind = HASH_QUICKXOR;
    item.hash = THEIRS;
    return item;
}

static struct item their_content(void)
{
    struct item item = their_file("file.txt");

    item.ctag = "c2";
    item.mtime_ns += INT64_C(9000000000);
    return item;
}

static struct scene *with_file(void **state)
{
    struct scene *scene = *state;
    struct item item = scene_file("f", "root", "file.txt");

    item.hash_kind = HASH_QUICKXOR;
    item.hash = "b2xk";
    (void)scene_apply(scene, APPLY_FIRST, item);
    return scene;
}

static enum settle_outcome settle_with(struct scene *scene, ino_nr ino,
                                       const struct settle_facts *known)
{
    const struct apply_context context = scene_context(scene, APPLY_ITEM);
    struct store_txn *txn = scene_begin(scene);
    enum settle_outcome outcome;

    assert_int_equal(settle_row(txn, &context, ino, known, &outcome, NULL), 0);
    scene_commit(txn);
    return outcome;
}

static enum settle_outcome settle(struct scene *scene, ino_nr ino)
{
    return settle_with(scene, ino, &facts);
}

static struct node row(struct scene *scene, ino_nr ino)
{
    struct node node;

    assert_int_equal(store_get_node(scene->fixture->store, ino, &node), 0);
    return node;
}

static unsigned dirty_at(struct scene *scene, const char *path)
{
    struct node node = row(scene, scene_at(scene, path));
    unsigned dirty = node_dirty(&node, APPLY_MTIME_GRANULARITY_NS);

    assert_false(node.attr.flags & (NODE_REMOTE | NODE_SAFE_NAME));
    node_clear(&node);
    return dirty;
}

static void assert_id(struct scene *scene, const char *path, const char *rid)
{
    struct node node = row(scene, scene_at(scene, path));

    if (rid)
        assert_string_equal(node.rid, rid);
    else
        assert_null(node.rid);
    node_clear(&node);
}

/* ---- files ---- */

static void test_what_nobody_else_changed_needs_no_settling(void **state)
{
    struct scene *scene = with_file(state);
    ino_nr ino = scene_at(scene, "file.txt");

    assert_int_equal(settle(scene, ino), SETTLE_NOTHING);
    user_writes(scene, "file.txt");
    assert_int_equal(settle(scene, ino), SETTLE_NOTHING);
    assert_int_equal(settle(scene, ino + 1000), SETTLE_NOTHING);
}

static void test_other_content_on_both_sides_is_kept_twice(void **state)
{
    struct scene *scene = with_file(state);
    ino_nr ino = scene_at(scene, "file.txt");

    user_writes(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, their_content());
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_int_equal(scene_at(scene, COPY), ino);
    assert_id(scene, COPY, NULL);
    assert_int_equal(dirty_at(scene, COPY), DIRTY_CREATED);
    assert_id(scene, "file.txt", "f");
    assert_int_equal(dirty_at(scene, "file.txt"), 0);
    assert_int_equal(settle(scene, ino), SETTLE_NOTHING);
}

static void test_equal_content_on_both_sides_is_no_conflict(void **state)
{
    struct scene *scene = with_file(state);
    ino_nr ino = scene_at(scene, "file.txt");
    struct item theirs = their_content();
    struct settle_facts ignorant = facts;

    theirs.hash = OURS;
    user_writes(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, theirs);
    ignorant.hash = NULL;
    assert_int_equal(settle_with(scene, ino, &ignorant), SETTLE_NEEDS_HASH);
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_int_equal(scene_at(scene, "file.txt"), ino);
    assert_int_equal(scene_at(scene, COPY), 0);
    /* The time is still our own. */
    assert_int_equal(dirty_at(scene, "file.txt"), DIRTY_MTIME);
}

static void test_content_of_another_size_needs_no_hash(void **state)
{
    struct scene *scene = with_file(state);
    ino_nr ino = scene_at(scene, "file.txt");
    struct item theirs = their_content();
    struct settle_facts ignorant = facts;

    theirs.size = 11;
    ignorant.hash = NULL;
    user_writes(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, theirs);
    assert_int_equal(settle_with(scene, ino, &ignorant), SETTLE_DONE);
    assert_int_equal(scene_at(scene, COPY), ino);
}

static void test_a_second_conflict_gets_a_number(void **state)
{
    struct scene *scene = with_file(state);

    (void)scene_apply(scene, APPLY_FIRST, scene_file("g", "root", COPY));
    user_writes(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, their_content());
    (void)settle(scene, scene_at(scene, "file.txt"));
    assert_true(scene_at(scene, "file (conflict host " TIME " 2).txt") != 0);
    assert_id(scene, COPY, "g");
}

static void test_content_written_there_beats_a_time_set_here(void **state)
{
    struct scene *scene = with_file(state);
    ino_nr ino = scene_at(scene, "file.txt");

    user_touches(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, their_content());
    (void)settle(scene, ino);
    assert_int_equal(scene_at(scene, "file.txt") != 0, true);
    assert_int_equal(dirty_at(scene, "file.txt"), 0);
}

static void test_times_set_on_both_sides_end_as_ours(void **state)
{
    struct scene *scene = with_file(state);
    struct item theirs = their_file("file.txt");

    theirs.ctag = "c1";
    theirs.hash = "b2xk";
    theirs.mtime_ns += INT64_C(9000000000);
    user_touches(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, theirs);
    assert_int_equal(settle(scene, scene_at(scene, "file.txt")), SETTLE_DONE);
    assert_int_equal(dirty_at(scene, "file.txt"), DIRTY_MTIME);
}

static void test_what_was_changed_there_and_deleted_here_comes_back(void **state)
{
    struct scene *scene = with_file(state);
    ino_nr ino = scene_at(scene, "file.txt");

    user_deletes(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, their_content());
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_int_equal(scene_at(scene, "file.txt"), ino);
    assert_int_equal(dirty_at(scene, "file.txt"), 0);
}

static void test_what_was_moved_there_and_deleted_here_comes_back(void **state)
{
    struct scene *scene = with_file(state);
    struct item theirs = their_file("there.txt");

    theirs.ctag = "c1";
    theirs.hash = "b2xk";
    user_deletes(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, theirs);
    struct node node = scene_row(scene, "f");
    assert_int_equal(settle(scene, node.attr.ino), SETTLE_DONE);
    assert_int_equal(scene_at(scene, "there.txt"), node.attr.ino);
    assert_int_equal(dirty_at(scene, "there.txt"), 0);
    node_clear(&node);
}

static void test_what_was_deleted_there_and_written_here_is_made_again(void **state)
{
    struct scene *scene = with_file(state);
    ino_nr ino = scene_at(scene, "file.txt");

    user_writes(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, scene_tombstone("f"));
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_int_equal(scene_at(scene, "file.txt"), ino);
    assert_int_equal(dirty_at(scene, "file.txt"), DIRTY_CREATED);
    assert_id(scene, "file.txt", NULL);
}

/* It was to become the row's base, and is gone before that. */
static void test_what_was_made_here_is_told_once_of_a_deletion_there(void **state)
{
    struct scene *scene = *state;
    struct store_txn *txn;
    struct node node;
    ino_nr ino;

    user_makes(scene, "file.txt", NODE_FILE);
    ino = scene_at(scene, "file.txt");
    txn = scene_begin(scene);
    node = take(scene, txn, "file.txt");
    node.attr.flags |= NODE_REMOTE;
    node.remote_deleted = true;
    put(txn, &node);
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_int_equal(settle(scene, ino), SETTLE_NOTHING);
    assert_int_equal(dirty_at(scene, "file.txt"), DIRTY_CREATED);
}

static void test_what_was_deleted_there_and_only_moved_here_goes(void **state)
{
    struct scene *scene = with_file(state);

    user_renames(scene, "file.txt", "here.txt");
    (void)scene_apply(scene, APPLY_DELTA, scene_tombstone("f"));
    assert_int_equal(settle(scene, scene_at(scene, "here.txt")), SETTLE_DONE);
    assert_int_equal(scene_at(scene, "here.txt"), 0);
}

static void test_of_two_moves_the_servers_wins(void **state)
{
    struct scene *scene = with_file(state);
    ino_nr ino = scene_at(scene, "file.txt");
    struct item theirs = their_file("there.txt");

    theirs.ctag = "c1";
    theirs.hash = "b2xk";
    user_renames(scene, "file.txt", "here.txt");
    (void)scene_apply(scene, APPLY_DELTA, theirs);
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_int_equal(scene_at(scene, "there.txt"), ino);
    assert_int_equal(dirty_at(scene, "there.txt"), 0);
    assert_int_equal(scene_at(scene, "here.txt"), 0);
}

static void test_moved_there_and_written_here_are_both_kept(void **state)
{
    struct scene *scene = with_file(state);
    ino_nr ino = scene_at(scene, "file.txt");
    struct item theirs = their_file("there.txt");

    theirs.ctag = "c1";
    theirs.hash = "b2xk";
    user_writes(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, theirs);
    (void)settle(scene, ino);
    assert_int_equal(scene_at(scene, "there.txt"), ino);
    assert_int_equal(dirty_at(scene, "there.txt") & ~(unsigned)DIRTY_MTIME, DIRTY_CONTENT);
}

static void test_written_there_and_moved_here_are_both_kept(void **state)
{
    struct scene *scene = with_file(state);
    ino_nr ino = scene_at(scene, "file.txt");

    user_renames(scene, "file.txt", "here.txt");
    (void)scene_apply(scene, APPLY_DELTA, their_content());
    (void)settle(scene, ino);
    assert_true(scene_at(scene, "here.txt") != 0);
    assert_int_equal(dirty_at(scene, "here.txt"), DIRTY_PLACE);
}

static void test_moved_and_written_here_and_written_there_ends_with_two_files(void **state)
{
    struct scene *scene = with_file(state);
    ino_nr ino = scene_at(scene, "file.txt");

    user_renames(scene, "file.txt", "here.txt");
    user_writes(scene, "here.txt");
    (void)scene_apply(scene, APPLY_DELTA, their_content());
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_int_equal(scene_at(scene, "here.txt"), ino);
    assert_int_equal(dirty_at(scene, "here.txt"), DIRTY_CREATED);
    assert_id(scene, "file.txt", "f");
    assert_int_equal(dirty_at(scene, "file.txt"), 0);
}

/* ---- two things of one name ---- */

static void test_two_new_files_of_one_name_are_kept_both(void **state)
{
    struct scene *scene = *state;
    ino_nr ino;

    user_makes(scene, "file.txt", NODE_FILE);
    ino = scene_at(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, their_content());
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_int_equal(scene_at(scene, COPY), ino);
    assert_id(scene, "file.txt", "f");
    assert_int_equal(dirty_at(scene, "file.txt"), 0);
    assert_int_equal(dirty_at(scene, COPY), DIRTY_CREATED);
}

static void test_two_new_files_with_the_same_bytes_are_one(void **state)
{
    struct scene *scene = *state;
    struct item theirs = their_content();
    ino_nr ino;

    theirs.hash = OURS;
    user_makes(scene, "file.txt", NODE_FILE);
    ino = scene_at(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, theirs);
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_int_equal(scene_at(scene, "file.txt"), ino);
    assert_id(scene, "file.txt", "f");
    assert_int_equal(dirty_at(scene, "file.txt"), DIRTY_MTIME);
}

static void test_two_new_folders_of_one_name_are_one(void **state)
{
    struct scene *scene = *state;
    struct store_txn *txn;
    struct node node;
    ino_nr ino, file;

    user_makes(scene, "dir", NODE_FOLDER);
    ino = scene_at(scene, "dir");
    user_makes(scene, "own", NODE_FILE);
    txn = scene_begin(scene);
    node = take(scene, txn, "own");
    node.local.parent = ino;
    put(txn, &node);
    file = scene_at(scene, "dir/own");
    (void)scene_apply(scene, APPLY_FIRST, scene_folder("d", "root", "dir"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("g", "d", "theirs"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("h", "d", "own"));
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_int_equal(scene_at(scene, "dir"), ino);
    assert_id(scene, "dir", "d");
    assert_int_equal(dirty_at(scene, "dir"), 0);
    assert_id(scene, "dir/theirs", "g");
    assert_int_equal(dirty_at(scene, "dir/theirs"), 0);
    /* Then their children of one name. */
    assert_int_equal(settle(scene, file), SETTLE_DONE);
    assert_id(scene, "dir/own", "h");
    assert_int_equal(scene_at(scene, "dir/own (conflict host " TIME ")"), file);
}

static void test_a_file_and_a_folder_of_one_name_are_kept_both(void **state)
{
    struct scene *scene = *state;
    ino_nr ino;

    user_makes(scene, "file.txt", NODE_FOLDER);
    ino = scene_at(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, their_content());
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_int_equal(scene_at(scene, COPY), ino);
    assert_id(scene, "file.txt", "f");
}

static void test_a_file_that_was_moved_to_a_name_taken_there_gives_way(void **state)
{
    struct scene *scene = with_file(state);
    ino_nr ino = scene_at(scene, "file.txt");

    user_renames(scene, "file.txt", "taken.txt");
    (void)scene_apply(scene, APPLY_DELTA, scene_file("g", "root", "taken.txt"));
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_id(scene, "taken.txt", "g");
    assert_int_equal(scene_at(scene, "taken (conflict host " TIME ").txt"), ino);
    assert_int_equal(dirty_at(scene, "taken (conflict host " TIME ").txt"), DIRTY_PLACE);
}

/* ---- folders ---- */

static void test_a_folder_deleted_there_stays_for_what_was_made_in_it_here(void **state)
{
    struct scene *scene = *state;
    struct store_txn *txn;
    struct node node;
    ino_nr ino;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("d", "root", "dir"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("g", "d", "clean"));
    ino = scene_at(scene, "dir");
    user_renames(scene, "dir", "moved");
    user_makes(scene, "own", NODE_FILE);
    txn = scene_begin(scene);
    node = take(scene, txn, "own");
    node.local.parent = ino;
    put(txn, &node);
    (void)scene_apply(scene, APPLY_DELTA, scene_tombstone("d"));
    assert_int_equal(settle(scene, ino), SETTLE_DONE);
    assert_int_equal(scene_at(scene, "moved"), ino);
    assert_int_equal(dirty_at(scene, "moved"), DIRTY_CREATED);
    assert_int_equal(dirty_at(scene, "moved/own"), DIRTY_CREATED);
    assert_int_equal(scene_at(scene, "moved/clean"), 0);
}

/* ---- names ---- */

static void test_conflict_names_keep_the_extension_and_fit(void **state)
{
    static const struct {
        const char *name, *expected;
    } rows[] = {
        { "a.txt", "a (conflict host " TIME ").txt" },
        { "a.tar.gz", "a.tar (conflict host " TIME ").gz" },
        { "a", "a (conflict host " TIME ")" },
        { ".profile", ".profile (conflict host " TIME ")" },
        { "a.", "a (conflict host " TIME ")." },
    };

    char longest[1001];

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cleanup_free char *name = settle_conflict_name(rows[i].name, &facts, 0);

        assert_string_equal(name, rows[i].expected);
    }
    for (size_t length = 1; length < 1000; length += 37) {
        /* Of two bytes each: none may be cut in the middle. */
        for (size_t i = 0; i < length; i++)
            longest[i] = i % 2 ? '\xA4' : '\xC3';
        longest[length - length % 2] = '\0';
        cleanup_free char *name = settle_conflict_name(longest, &facts, 12);

        assert_true(strlen(name) <= 240);
        assert_true(strstr(name, " (conflict") == name ||
                    ((size_t)(strstr(name, " (c") - name)) % 2 == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_what_nobody_else_changed_needs_no_settling),
        SCENE_TEST(test_other_content_on_both_sides_is_kept_twice),
        SCENE_TEST(test_equal_content_on_both_sides_is_no_conflict),
        SCENE_TEST(test_content_of_another_size_needs_no_hash),
        SCENE_TEST(test_a_second_conflict_gets_a_number),
        SCENE_TEST(test_content_written_there_beats_a_time_set_here),
        SCENE_TEST(test_times_set_on_both_sides_end_as_ours),
        SCENE_TEST(test_what_was_changed_there_and_deleted_here_comes_back),
        SCENE_TEST(test_what_was_moved_there_and_deleted_here_comes_back),
        SCENE_TEST(test_what_was_deleted_there_and_written_here_is_made_again),
        SCENE_TEST(test_what_was_made_here_is_told_once_of_a_deletion_there),
        SCENE_TEST(test_what_was_deleted_there_and_only_moved_here_goes),
        SCENE_TEST(test_of_two_moves_the_servers_wins),
        SCENE_TEST(test_moved_there_and_written_here_are_both_kept),
        SCENE_TEST(test_written_there_and_moved_here_are_both_kept),
        SCENE_TEST(test_moved_and_written_here_and_written_there_ends_with_two_files),
        SCENE_TEST(test_two_new_files_of_one_name_are_kept_both),
        SCENE_TEST(test_two_new_files_with_the_same_bytes_are_one),
        SCENE_TEST(test_two_new_folders_of_one_name_are_one),
        SCENE_TEST(test_a_file_and_a_folder_of_one_name_are_kept_both),
        SCENE_TEST(test_a_file_that_was_moved_to_a_name_taken_there_gives_way),
        SCENE_TEST(test_a_folder_deleted_there_stays_for_what_was_made_in_it_here),
        cmocka_unit_test(test_conflict_names_keep_the_extension_and_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
