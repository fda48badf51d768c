/* SPDX-License-Identifier: MIT */
/* apply.h: orders, names, cycles, late reports and removals */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply_scene.h"
#include "base/cleanup.h"
#include "base/xalloc.h"
#include "unit.h"

/* ---- order ---- */

static void test_child_before_its_parent_is_hidden_until_the_parent_is_told(void **state)
{
    struct scene *scene = *state;
    struct node_attr attr;
    ino_nr ino;

    assert_int_equal(scene_apply(scene, APPLY_FIRST, scene_file("f", "d", "file")), APPLY_CHANGED);
    struct node child = scene_row(scene, "f");
    ino = child.attr.ino;
    node_clear(&child);
    assert_int_equal(store_getattr(scene->fixture->store, ino, &attr), 0);
    assert_int_equal(scene_apply(scene, APPLY_FIRST, scene_folder("d", "root", "dir")),
                     APPLY_CHANGED);
    assert_int_equal(scene_at(scene, "dir/file"), ino);
}

static void test_repeated_report_is_nothing(void **state)
{
    struct scene *scene = *state;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file"));
    fixture_forget_told(scene->fixture);
    assert_int_equal(scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file")),
                     APPLY_NOTHING);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_file("f", "root", "file")),
                     APPLY_NOTHING);
    assert_int_equal(scene->fixture->told_count, 0);
}

static void test_swapped_names_change_places_in_one_step(void **state)
{
    struct scene *scene = *state;
    ino_nr a, b;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("A", "root", "a"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("B", "root", "b"));
    a = scene_at(scene, "a");
    b = scene_at(scene, "b");
    scene_stage(scene, scene_file("A", "root", "b"));
    scene_stage(scene, scene_file("B", "root", "a"));
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_file("A", "root", "b")), APPLY_CHANGED);
    assert_int_equal(scene_at(scene, "b"), a);
    assert_int_equal(scene_at(scene, "a"), b);
    assert_int_equal(scene_count_staged(scene), 1); /* the caller's own */
}

static void test_three_names_go_round_in_one_step(void **state)
{
    struct scene *scene = *state;
    ino_nr a, b, c;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("A", "root", "a"));
    (void)scene_apply(scene, APPLY_FIRST, scene_folder("B", "root", "b"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("C", "root", "c"));
    a = scene_at(scene, "a");
    b = scene_at(scene, "b");
    c = scene_at(scene, "c");
    scene_stage(scene, scene_folder("A", "root", "b"));
    scene_stage(scene, scene_folder("B", "root", "c"));
    scene_stage(scene, scene_file("C", "root", "a"));
    (void)scene_apply(scene, APPLY_DELTA, scene_folder("A", "root", "b"));
    assert_int_equal(scene_at(scene, "b"), a);
    assert_int_equal(scene_at(scene, "c"), b);
    assert_int_equal(scene_at(scene, "a"), c);
}

static void test_folder_and_its_parent_change_places_in_one_step(void **state)
{
    struct scene *scene = *state;
    ino_nr a, b;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("A", "root", "a"));
    (void)scene_apply(scene, APPLY_FIRST, scene_folder("B", "A", "b"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "B", "file"));
    a = scene_at(scene, "a");
    b = scene_at(scene, "a/b");
    scene_stage(scene, scene_folder("A", "B", "a"));
    scene_stage(scene, scene_folder("B", "root", "b"));
    (void)scene_apply(scene, APPLY_DELTA, scene_folder("A", "B", "a"));
    assert_int_equal(scene_at(scene, "b"), b);
    assert_int_equal(scene_at(scene, "b/a"), a);
    assert_true(scene_at(scene, "b/file") != 0);
    assert_int_equal(scene_count_staged(scene), 1);
}

static void test_new_folder_comes_before_what_is_moved_into_it(void **state)
{
    struct scene *scene = *state;
    ino_nr f;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file"));
    f = scene_at(scene, "file");
    scene_stage(scene, scene_folder("deep", "new", "deep"));
    scene_stage(scene, scene_folder("new", "root", "new"));
    scene_stage(scene, scene_file("f", "deep", "file"));
    (void)scene_apply(scene, APPLY_DELTA, scene_file("f", "deep", "file"));
    assert_int_equal(scene_at(scene, "new/deep/file"), f);
}

static void test_what_moves_out_of_a_deleted_folder_keeps_its_number(void **state)
{
    struct scene *scene = *state;
    ino_nr f;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("d", "root", "dir"));
    (void)scene_apply(scene, APPLY_FIRST, scene_folder("e", "d", "sub"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "e", "file"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("g", "e", "other"));
    f = scene_at(scene, "dir/sub/file");
    scene_stage(scene, scene_tombstone("d"));
    scene_stage(scene, scene_file("f", "root", "saved"));
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_tombstone("d")), APPLY_CHANGED);
    assert_int_equal(scene_at(scene, "saved"), f);
    assert_int_equal(scene_at(scene, "dir"), 0);
    struct node gone = scene_row(scene, "g");
    assert_null(gone.rid);
}

static void test_undecided_item_outlives_the_folder_that_it_was_in(void **state)
{
    struct scene *scene = *state;
    struct node spared;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("d", "root", "dir"));
    (void)scene_apply(scene, APPLY_ITEM,
                      scene_folder("e", "d", "sub")); /* just asked for: delta may be late */
    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "e", "file"));
    scene_stage(scene, scene_tombstone("d"));
    scene_stage(scene, scene_folder("e", "root", "sub"));
    (void)scene_apply(scene, APPLY_DELTA, scene_tombstone("d"));
    assert_int_equal(scene_at(scene, "dir"), 0);
    spared = scene_row(scene, "e");
    assert_int_equal(spared.attr.parent, STORE_INO_NONE);
    assert_int_equal(scene_apply(scene, APPLY_ITEM, scene_folder("e", "root", "sub")),
                     APPLY_CHANGED);
    assert_int_equal(scene_at(scene, "sub"), spared.attr.ino);
    assert_true(scene_at(scene, "sub/file") != 0);
    node_clear(&spared);
}

static void test_name_of_a_deleted_file_is_taken_in_one_step(void **state)
{
    struct scene *scene = *state;
    struct node node;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("old", "root", "name"));
    scene_stage(scene, scene_tombstone("old"));
    scene_stage(scene, scene_file("new", "root", "name"));
    (void)scene_apply(scene, APPLY_DELTA, scene_file("new", "root", "name"));
    node = scene_row(scene, "new");
    assert_int_equal(scene_at(scene, "name"), node.attr.ino);
    assert_false(node.attr.flags & NODE_SAFE_NAME);
    node_clear(&node);
    node = scene_row(scene, "old");
    assert_null(node.rid);
}

/* ---- names ---- */

static void test_taken_name_is_given_back_when_its_holder_leaves(void **state)
{
    struct scene *scene = *state;
    struct node node;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("A", "root", "name"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("B", "root", "name"));
    node = scene_row(scene, "B");
    assert_true(node.attr.flags & NODE_SAFE_NAME);
    assert_string_equal(node.base.name, "name");
    assert_string_not_equal(node.local.name, "name");
    assert_int_equal(node_dirty(&node, 1), 0);

    (void)scene_apply(scene, APPLY_FIRST, scene_file("A", "root", "other"));
    assert_int_equal(scene_at(scene, "name"), node.attr.ino);
    assert_int_equal(scene_at(scene, node.local.name), 0);
    node_clear(&node);
    node = scene_row(scene, "B");
    assert_false(node.attr.flags & NODE_SAFE_NAME);
    node_clear(&node);
}

static void test_duplicates_of_one_name_all_get_a_place(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < 20; i++) {
        cleanup_free char *id = x_asprintf("dup%d", i);

        assert_int_equal(scene_apply(scene, APPLY_FIRST, scene_file(id, "root", "name")),
                         APPLY_CHANGED);
    }
    for (int i = 0; i < 20; i++) {
        cleanup_free char *id = x_asprintf("dup%d", i);
        struct node node = scene_row(scene, id);

        assert_int_equal(scene_at(scene, node.local.name), node.attr.ino);
        node_clear(&node);
    }
}

static void test_names_that_cannot_be_shown_get_safe_ones(void **state)
{
    static const char *const names[] = { "a/b", "..", ".", "", "\xff\xfe", "/" };
    struct scene *scene = *state;

    for (size_t i = 0; i < ROWS(names); i++) {
        cleanup_free char *id = x_asprintf("bad%zu", i);
        struct node node;

        (void)scene_apply(scene, APPLY_FIRST, scene_file(id, "root", names[i]));
        node = scene_row(scene, id);
        assert_true(node.attr.flags & NODE_SAFE_NAME);
        assert_null(strchr(node.local.name, '/'));
        assert_int_equal(scene_at(scene, node.local.name), node.attr.ino);
        assert_int_equal(node_dirty(&node, 1), 0);
        assert_int_equal(scene_apply(scene, APPLY_FIRST, scene_file(id, "root", names[i])),
                         APPLY_NOTHING);
        node_clear(&node);
    }
}

static void test_look_alikes_are_shown_decoded(void **state)
{
    struct scene *scene = *state;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("q", "root", "what\uFF1F.txt"));
    assert_true(scene_at(scene, "what?.txt") != 0);
}

/* ---- cycles and depth ---- */

static void test_cycle_from_a_lying_server_hides_the_item_until_it_is_none(void **state)
{
    struct scene *scene = *state;
    struct node node;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("A", "root", "a"));
    (void)scene_apply(scene, APPLY_FIRST, scene_folder("B", "A", "b"));
    (void)scene_apply(scene, APPLY_FIRST, scene_folder("C", "B", "c"));
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_folder("A", "C", "a")), APPLY_CHANGED);
    node = scene_row(scene, "A");
    assert_int_equal(node.attr.parent, STORE_INO_NONE);
    node_clear(&node);
    assert_int_equal(scene_at(scene, "a"), 0);

    (void)scene_apply(scene, APPLY_DELTA, scene_folder("B", "root", "b"));
    assert_true(scene_at(scene, "b/c/a") != 0);
    node = scene_row(scene, "A");
    assert_false(node.attr.flags & NODE_REMOTE);
    node_clear(&node);
}

static void test_item_that_is_its_own_parent_is_hidden(void **state)
{
    struct scene *scene = *state;
    struct node node;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("A", "A", "a"));
    node = scene_row(scene, "A");
    assert_int_equal(node.attr.parent, STORE_INO_NONE);
    node_clear(&node);
    scene_stage(scene, scene_folder("X", "Y", "x"));
    scene_stage(scene, scene_folder("Y", "X", "y"));
    (void)scene_apply(scene, APPLY_DELTA, scene_folder("X", "Y", "x"));
    assert_int_equal(scene_count_staged(scene), 1);
    assert_int_equal(scene_at(scene, "x"), 0);
    (void)scene_apply(scene, APPLY_DELTA, scene_folder("Y", "root", "y"));
    assert_true(scene_at(scene, "y/x") != 0);
}

static void test_file_as_parent_hides_the_item(void **state)
{
    struct scene *scene = *state;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("g", "f", "below"));
    assert_int_equal(scene_at(scene, "file/below"), 0);
    (void)scene_apply(scene, APPLY_FIRST, scene_file("g", "root", "beside"));
    assert_true(scene_at(scene, "beside") != 0);
}

enum { DEPTH = 10000 };

static void apply_level(struct scene *scene, struct store_txn *txn, int level, bool stages)
{
    const struct apply_context context = scene_context(scene, APPLY_FIRST);
    char id[16], parent_id[16];
    struct item item;

    (void)snprintf(id, sizeof id, "L%d", level);
    (void)snprintf(parent_id, sizeof parent_id, "L%d", level - 1);
    item = scene_folder(id, level == 0 ? "root" : parent_id, "d");
    if (stages)
        assert_int_equal(txn_stage(txn, scene->drive.id, &item), 0);
    else
        assert_int_equal(apply_report(txn, &context, &item, NULL, NULL), 0);
}

static void test_tree_of_ten_thousand_levels_comes_and_goes(void **state)
{
    struct scene *scene = *state;
    struct store_counts counts;

    for (int order = 0; order < 3; order++) {
        struct store_txn *txn = scene_begin(scene);
        char id[16];

        /* parents first; children first; or staged, the deepest pulling in all above it */
        for (int i = 0; i < DEPTH; i++)
            apply_level(scene, txn, order == 0 ? i : DEPTH - 1 - i, order == 2);
        scene_commit(txn);
        (void)snprintf(id, sizeof id, "L%d", DEPTH - 1);
        if (order == 2) {
            char parent_id[16];

            (void)snprintf(parent_id, sizeof parent_id, "L%d", DEPTH - 2);
            (void)scene_apply(scene, APPLY_DELTA, scene_folder(id, parent_id, "d"));
        }
        struct node deepest = scene_row(scene, id);
        cleanup_free char *path = NULL;

        assert_int_equal(store_path(scene->fixture->store, deepest.attr.ino, &path), 0);
        assert_int_equal(strlen(path), strlen("/me/drive") + 2 * DEPTH);
        node_clear(&deepest);
        scene_delete(scene, scene_at(scene, "d"));
        assert_int_equal(store_counts(scene->fixture->store, &counts), 0);
        assert_int_equal(counts.folders, 1);
        txn = scene_begin(scene);
        assert_int_equal(txn_purge_tombstones(txn, scene->drive.id, INT64_MAX), 0);
        assert_int_equal(txn_clear_staging(txn, scene->drive.id), 0);
        scene_commit(txn);
    }
}

/* ---- late reports, listings, deletions ---- */

static void test_listing_confirms_and_a_report_that_differs_is_checked(void **state)
{
    struct scene *scene = *state;
    struct node_attr attr;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file"));
    assert_int_equal(scene_apply(scene, APPLY_LISTING, scene_file("f", "root", "file")),
                     APPLY_NOTHING);
    scene->now_ms += APPLY_LATE_MS - 1;
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_file("f", "root", "moved")),
                     APPLY_CHECK);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_tombstone("f")), APPLY_CHECK);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/file", &attr), 0);
    scene->now_ms += 1;
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_file("f", "root", "moved")),
                     APPLY_CHANGED);
    assert_true(scene_at(scene, "moved") != 0);
}

static void test_listing_adds_but_never_moves_back(void **state)
{
    struct scene *scene = *state;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("d", "root", "dir"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "d", "file"));
    assert_int_equal(scene_apply(scene, APPLY_LISTING, scene_file("f", "root", "file")),
                     APPLY_NOTHING);
    assert_true(scene_at(scene, "dir/file") != 0);
    assert_int_equal(scene_apply(scene, APPLY_LISTING, scene_file("g", "root", "new")),
                     APPLY_CHANGED);
    assert_true(scene_at(scene, "new") != 0);
    /* that one differed, so it confirmed nothing */
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_file("f", "d", "name")), APPLY_CHANGED);
}

static void test_deleted_item_comes_back_only_if_it_was_asked_for(void **state)
{
    struct scene *scene = *state;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("d", "root", "dir"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "d", "file"));
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_tombstone("d")), APPLY_CHANGED);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_tombstone("d")), APPLY_NOTHING);
    assert_int_equal(scene_apply(scene, APPLY_LISTING, scene_folder("d", "root", "dir")),
                     APPLY_CHECK);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_folder("d", "root", "dir")),
                     APPLY_CHECK);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_file("f", "d", "file")), APPLY_CHECK);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_file("n", "d", "never seen")),
                     APPLY_CHECK);
    assert_int_equal(scene_at(scene, "dir"), 0);
    assert_int_equal(scene_apply(scene, APPLY_ITEM, scene_folder("d", "root", "dir")),
                     APPLY_CHANGED);
    assert_true(scene_at(scene, "dir") != 0);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_file("n", "d", "never seen")),
                     APPLY_CHANGED);
}

static void test_deleting_a_folder_tells_all_that_is_below(void **state)
{
    struct scene *scene = *state;
    ino_nr dir, f;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("d", "root", "dir"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "d", "file"));
    dir = scene_at(scene, "dir");
    f = scene_at(scene, "dir/file");
    fixture_forget_told(scene->fixture);
    (void)scene_apply(scene, APPLY_DELTA, scene_tombstone("d"));
    assert_true(fixture_was_told(scene->fixture, CHANGE_DELETED, dir, "file", f));
    assert_true(fixture_was_told(scene->fixture, CHANGE_DELETED, scene->drive.root, "dir", dir));
    assert_true(fixture_was_told(scene->fixture, CHANGE_LISTING, 0, NULL, scene->drive.root));
}

static void write_locally(struct scene *scene, const char *rid, uint64_t generation)
{
    struct store_txn *txn = scene_begin(scene);
    struct node node;

    assert_int_equal(txn_find_node(txn, scene->drive.id, rid, &node), 0);
    node.local.generation = generation;
    assert_int_equal(txn_put_node(txn, &node), 0);
    scene_commit(txn);
    node_clear(&node);
}

static void test_dirty_files_below_a_deleted_folder_stay_with_their_folders(void **state)
{
    struct scene *scene = *state;
    struct node node;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("d", "root", "dir"));
    (void)scene_apply(scene, APPLY_FIRST, scene_folder("e", "d", "sub"));
    (void)scene_apply(scene, APPLY_FIRST, scene_folder("x", "d", "clean"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "e", "mine"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("g", "e", "theirs"));
    write_locally(scene, "f", 1000);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_tombstone("d")), APPLY_CHANGED);
    assert_true(scene_at(scene, "dir/sub/mine") != 0);
    assert_int_equal(scene_at(scene, "dir/sub/theirs"), 0);
    assert_int_equal(scene_at(scene, "dir/clean"), 0);
    assert_int_equal(store_get_node(scene->fixture->store, scene_at(scene, "dir/sub/mine"), &node),
                     0);
    assert_null(node.rid);
    assert_int_equal(node_dirty(&node, 1), DIRTY_CREATED);
    node_clear(&node);
    assert_int_equal(store_get_node(scene->fixture->store, scene_at(scene, "dir"), &node), 0);
    assert_int_equal(node_dirty(&node, 1), DIRTY_CREATED);
    node_clear(&node);
}

static void test_what_was_changed_below_a_deleted_folder_stays_if_its_name_is_taken(void **state)
{
    struct scene *scene = *state;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("d", "root", "dir"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "d", "mine"));
    write_locally(scene, "f", 1000);
    scene_stage(scene, scene_file("new", "root", "dir"));
    scene_stage(scene, scene_tombstone("d"));
    (void)scene_apply(scene, APPLY_DELTA, scene_file("new", "root", "dir"));
    assert_true(scene_at(scene, "dir/mine") != 0);
}

static void test_answer_older_than_what_is_known_leaves_no_tag(void **state)
{
    struct scene *scene = *state;
    struct item report = scene_file("f", "root", "file");
    struct node node;

    report.etag = "e5";
    report.ctag = "c5";
    (void)scene_apply(scene, APPLY_ITEM, report);
    report.etag = "e3";
    report.ctag = "c3";
    assert_int_equal(scene_apply(scene, APPLY_ITEM, report), APPLY_NOTHING);
    node = scene_row(scene, "f");
    assert_string_equal(node.base.etag, "e5");
    assert_string_equal(node.base.ctag, "c5");
    node_clear(&node);
}

/* Moves a row in the local state alone. */
static void move_locally(struct scene *scene, const char *rid, ino_nr parent)
{
    struct store_txn *txn = scene_begin(scene);
    struct node node;

    assert_int_equal(txn_find_node(txn, scene->drive.id, rid, &node), 0);
    node.local.parent = parent;
    assert_int_equal(txn_put_node(txn, &node), 0);
    scene_commit(txn);
    node_clear(&node);
}

static void test_rows_moved_here_across_a_deleted_folder_keep_what_is_theirs(void **state)
{
    struct scene *scene = *state;
    struct node node;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("d", "root", "dir"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("out", "d", "out"));
    (void)scene_apply(scene, APPLY_FIRST, scene_folder("in", "root", "in"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("inside", "in", "inside"));
    (void)scene_apply(scene, APPLY_FIRST, scene_folder("sub", "d", "sub"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("below", "sub", "below"));
    move_locally(scene, "out", scene->drive.root);
    write_locally(scene, "out", 1000);
    move_locally(scene, "sub", scene->drive.root);
    move_locally(scene, "in", scene_at(scene, "dir"));
    (void)scene_apply(scene, APPLY_DELTA, scene_tombstone("d"));

    /* the server has lost it: it is new again */
    assert_int_equal(store_get_node(scene->fixture->store, scene_at(scene, "out"), &node), 0);
    assert_int_equal(node_dirty(&node, 1), DIRTY_CREATED);
    node_clear(&node);
    /* but moved, there is nothing to be sent of it */
    assert_int_equal(scene_at(scene, "sub"), 0);
    /* the server still has it, elsewhere, and what is in it; it needs the folder, new again */
    assert_int_not_equal(scene_at(scene, "dir/in/inside"), 0);
    assert_int_equal(store_get_node(scene->fixture->store, scene_at(scene, "dir/in"), &node), 0);
    assert_string_equal(node.rid, "in");
    assert_int_equal(node_dirty(&node, 1), DIRTY_PLACE);
    node_clear(&node);
    assert_int_equal(store_get_node(scene->fixture->store, scene_at(scene, "dir"), &node), 0);
    assert_int_equal(node_dirty(&node, 1), DIRTY_CREATED);
    node_clear(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_child_before_its_parent_is_hidden_until_the_parent_is_told),
        SCENE_TEST(test_repeated_report_is_nothing),
        SCENE_TEST(test_swapped_names_change_places_in_one_step),
        SCENE_TEST(test_three_names_go_round_in_one_step),
        SCENE_TEST(test_folder_and_its_parent_change_places_in_one_step),
        SCENE_TEST(test_new_folder_comes_before_what_is_moved_into_it),
        SCENE_TEST(test_what_moves_out_of_a_deleted_folder_keeps_its_number),
        SCENE_TEST(test_undecided_item_outlives_the_folder_that_it_was_in),
        SCENE_TEST(test_name_of_a_deleted_file_is_taken_in_one_step),
        SCENE_TEST(test_taken_name_is_given_back_when_its_holder_leaves),
        SCENE_TEST(test_duplicates_of_one_name_all_get_a_place),
        SCENE_TEST(test_names_that_cannot_be_shown_get_safe_ones),
        SCENE_TEST(test_look_alikes_are_shown_decoded),
        SCENE_TEST(test_cycle_from_a_lying_server_hides_the_item_until_it_is_none),
        SCENE_TEST(test_item_that_is_its_own_parent_is_hidden),
        SCENE_TEST(test_file_as_parent_hides_the_item),
        SCENE_TEST(test_tree_of_ten_thousand_levels_comes_and_goes),
        SCENE_TEST(test_listing_confirms_and_a_report_that_differs_is_checked),
        SCENE_TEST(test_listing_adds_but_never_moves_back),
        SCENE_TEST(test_deleted_item_comes_back_only_if_it_was_asked_for),
        SCENE_TEST(test_deleting_a_folder_tells_all_that_is_below),
        SCENE_TEST(test_dirty_files_below_a_deleted_folder_stay_with_their_folders),
        SCENE_TEST(test_what_was_changed_below_a_deleted_folder_stays_if_its_name_is_taken),
        SCENE_TEST(test_answer_older_than_what_is_known_leaves_no_tag),
        SCENE_TEST(test_rows_moved_here_across_a_deleted_folder_keep_what_is_theirs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
