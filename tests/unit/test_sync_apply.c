/* SPDX-License-Identifier: MIT */
/* apply.h: orders, names, cycles, lies, removals, and the odd kinds of items */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "store_fixture.h"
#include "sync/apply.h"
#include "unit.h"

/* A store with one drive "D" at /me/drive; reports are applied as of `now_ms`. */
struct scene {
    struct fixture *fixture;
    struct drive_row drive;
    int64_t now_ms;
};

static int scene_setup(void **state)
{
    struct scene *scene = x_calloc(1, sizeof *scene);
    void *fixture;
    ino_nr root;

    if (fixture_setup(&fixture) < 0)
        return -1;
    log_set_level(LOG_LEVEL_ERROR); /* lies are logged as warnings */
    scene->fixture = fixture;
    scene->now_ms = FIXTURE_START_MS;
    *state = scene;
    return store_get_drive(scene->fixture->store, fixture_add_drive(scene->fixture, "D", &root),
                           &scene->drive);
}

static int scene_teardown(void **state)
{
    struct scene *scene = *state;
    void *fixture = scene->fixture;

    drive_row_clear(&scene->drive);
    free(scene);
    return fixture_teardown(&fixture);
}

static struct item folder(const char *id, const char *parent_id, const char *name)
{
    return (struct item){
        .id = id,
        .parent_id = strcmp(parent_id, "root") == 0 ? "D-root" : parent_id,
        .name = name,
        .kind = ITEM_FOLDER,
        .etag = "e",
    };
}

static struct item file(const char *id, const char *parent_id, const char *name)
{
    struct item item = folder(id, parent_id, name);

    item.kind = ITEM_FILE;
    item.flags = ITEM_HAS_SIZE | ITEM_HAS_MTIME;
    item.size = 10;
    item.mtime_ns = INT64_C(1500000000000000000);
    item.ctag = "c1";
    return item;
}

static struct item tombstone(const char *id)
{
    return (struct item){ .id = id, .kind = ITEM_UNKNOWN, .flags = ITEM_DELETED };
}

static struct store_txn *begin(struct scene *scene)
{
    struct store_txn *txn;

    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    return txn;
}

static void commit(struct store_txn *txn)
{
    assert_int_equal(store_commit(txn, NULL), 0);
}

static struct apply_context context_of(struct scene *scene, enum apply_source source)
{
    return (struct apply_context){
        .drive = &scene->drive,
        .source = source,
        .now_ms = scene->now_ms,
    };
}

static enum apply_outcome apply(struct scene *scene, enum apply_source source, struct item report)
{
    const struct apply_context context = context_of(scene, source);
    struct store_txn *txn = begin(scene);
    enum apply_outcome outcome;

    assert_int_equal(apply_report(txn, &context, &report, &outcome, NULL), 0);
    commit(txn);
    return outcome;
}

static void apply_delete_of(struct scene *scene, ino_nr ino)
{
    const struct apply_context context = context_of(scene, APPLY_ITEM);
    struct store_txn *txn = begin(scene);

    assert_int_equal(apply_delete(txn, &context, ino, NULL), 0);
    commit(txn);
}

static void stage(struct scene *scene, struct item report)
{
    struct store_txn *txn = begin(scene);

    assert_int_equal(txn_stage(txn, scene->drive.id, &report), 0);
    commit(txn);
}

static int64_t count_staged(struct scene *scene)
{
    struct store_txn *txn = begin(scene);
    int64_t count;

    assert_int_equal(txn_count_staged(txn, scene->drive.id, &count), 0);
    store_rollback(txn);
    return count;
}

/* The number of what is at a path below the drive's root; 0 if nothing is. */
static ino_nr at(struct scene *scene, const char *path)
{
    cleanup_free char *full = x_asprintf("/me/drive/%s", path);
    struct node_attr attr;
    int r = fixture_find(scene->fixture, full, &attr);

    assert_true(r == 0 || r == -ENOENT);
    return r == 0 ? attr.ino : 0;
}

static struct node row(struct scene *scene, const char *rid)
{
    struct store_txn *txn = begin(scene);
    struct node node = { 0 };

    (void)txn_find_node(txn, scene->drive.id, rid, &node);
    store_rollback(txn);
    return node;
}

/* ---- order ---- */

static void test_child_before_its_parent_is_hidden_until_the_parent_is_told(void **state)
{
    struct scene *scene = *state;
    struct node_attr attr;
    ino_nr ino;

    assert_int_equal(apply(scene, APPLY_FIRST, file("f", "d", "file")), APPLY_CHANGED);
    struct node child = row(scene, "f");
    ino = child.attr.ino;
    node_clear(&child);
    assert_int_equal(store_getattr(scene->fixture->store, ino, &attr), 0);
    assert_int_equal(apply(scene, APPLY_FIRST, folder("d", "root", "dir")), APPLY_CHANGED);
    assert_int_equal(at(scene, "dir/file"), ino);
}

static void test_repeated_report_is_nothing(void **state)
{
    struct scene *scene = *state;

    (void)apply(scene, APPLY_FIRST, file("f", "root", "file"));
    fixture_forget_told(scene->fixture);
    assert_int_equal(apply(scene, APPLY_FIRST, file("f", "root", "file")), APPLY_NOTHING);
    assert_int_equal(apply(scene, APPLY_DELTA, file("f", "root", "file")), APPLY_NOTHING);
    assert_int_equal(scene->fixture->told_count, 0);
}

static void test_swapped_names_change_places_in_one_step(void **state)
{
    struct scene *scene = *state;
    ino_nr a, b;

    (void)apply(scene, APPLY_FIRST, file("A", "root", "a"));
    (void)apply(scene, APPLY_FIRST, file("B", "root", "b"));
    a = at(scene, "a");
    b = at(scene, "b");
    stage(scene, file("A", "root", "b"));
    stage(scene, file("B", "root", "a"));
    assert_int_equal(apply(scene, APPLY_DELTA, file("A", "root", "b")), APPLY_CHANGED);
    assert_int_equal(at(scene, "b"), a);
    assert_int_equal(at(scene, "a"), b);
    assert_int_equal(count_staged(scene), 1); /* the caller's own */
}

static void test_three_names_go_round_in_one_step(void **state)
{
    struct scene *scene = *state;
    ino_nr a, b, c;

    (void)apply(scene, APPLY_FIRST, folder("A", "root", "a"));
    (void)apply(scene, APPLY_FIRST, folder("B", "root", "b"));
    (void)apply(scene, APPLY_FIRST, file("C", "root", "c"));
    a = at(scene, "a");
    b = at(scene, "b");
    c = at(scene, "c");
    stage(scene, folder("A", "root", "b"));
    stage(scene, folder("B", "root", "c"));
    stage(scene, file("C", "root", "a"));
    (void)apply(scene, APPLY_DELTA, folder("A", "root", "b"));
    assert_int_equal(at(scene, "b"), a);
    assert_int_equal(at(scene, "c"), b);
    assert_int_equal(at(scene, "a"), c);
}

static void test_folder_and_its_parent_change_places_in_one_step(void **state)
{
    struct scene *scene = *state;
    ino_nr a, b;

    (void)apply(scene, APPLY_FIRST, folder("A", "root", "a"));
    (void)apply(scene, APPLY_FIRST, folder("B", "A", "b"));
    (void)apply(scene, APPLY_FIRST, file("f", "B", "file"));
    a = at(scene, "a");
    b = at(scene, "a/b");
    stage(scene, folder("A", "B", "a"));
    stage(scene, folder("B", "root", "b"));
    (void)apply(scene, APPLY_DELTA, folder("A", "B", "a"));
    assert_int_equal(at(scene, "b"), b);
    assert_int_equal(at(scene, "b/a"), a);
    assert_true(at(scene, "b/file") != 0);
    assert_int_equal(count_staged(scene), 1);
}

static void test_new_folder_comes_before_what_is_moved_into_it(void **state)
{
    struct scene *scene = *state;
    ino_nr f;

    (void)apply(scene, APPLY_FIRST, file("f", "root", "file"));
    f = at(scene, "file");
    stage(scene, folder("deep", "new", "deep"));
    stage(scene, folder("new", "root", "new"));
    stage(scene, file("f", "deep", "file"));
    (void)apply(scene, APPLY_DELTA, file("f", "deep", "file"));
    assert_int_equal(at(scene, "new/deep/file"), f);
}

static void test_what_moves_out_of_a_deleted_folder_keeps_its_number(void **state)
{
    struct scene *scene = *state;
    ino_nr f;

    (void)apply(scene, APPLY_FIRST, folder("d", "root", "dir"));
    (void)apply(scene, APPLY_FIRST, folder("e", "d", "sub"));
    (void)apply(scene, APPLY_FIRST, file("f", "e", "file"));
    (void)apply(scene, APPLY_FIRST, file("g", "e", "other"));
    f = at(scene, "dir/sub/file");
    stage(scene, tombstone("d"));
    stage(scene, file("f", "root", "saved"));
    assert_int_equal(apply(scene, APPLY_DELTA, tombstone("d")), APPLY_CHANGED);
    assert_int_equal(at(scene, "saved"), f);
    assert_int_equal(at(scene, "dir"), 0);
    struct node gone = row(scene, "g");
    assert_null(gone.rid);
}

static void test_undecided_item_outlives_the_folder_that_it_was_in(void **state)
{
    struct scene *scene = *state;
    struct node spared;

    (void)apply(scene, APPLY_FIRST, folder("d", "root", "dir"));
    (void)apply(scene, APPLY_ITEM, folder("e", "d", "sub")); /* just asked for: delta may be late */
    (void)apply(scene, APPLY_FIRST, file("f", "e", "file"));
    stage(scene, tombstone("d"));
    stage(scene, folder("e", "root", "sub"));
    (void)apply(scene, APPLY_DELTA, tombstone("d"));
    assert_int_equal(at(scene, "dir"), 0);
    spared = row(scene, "e");
    assert_int_equal(spared.attr.parent, STORE_INO_NONE);
    assert_int_equal(apply(scene, APPLY_ITEM, folder("e", "root", "sub")), APPLY_CHANGED);
    assert_int_equal(at(scene, "sub"), spared.attr.ino);
    assert_true(at(scene, "sub/file") != 0);
    node_clear(&spared);
}

static void test_name_of_a_deleted_file_is_taken_in_one_step(void **state)
{
    struct scene *scene = *state;
    struct node node;

    (void)apply(scene, APPLY_FIRST, file("old", "root", "name"));
    stage(scene, tombstone("old"));
    stage(scene, file("new", "root", "name"));
    (void)apply(scene, APPLY_DELTA, file("new", "root", "name"));
    node = row(scene, "new");
    assert_int_equal(at(scene, "name"), node.attr.ino);
    assert_false(node.attr.flags & NODE_SAFE_NAME);
    node_clear(&node);
    node = row(scene, "old");
    assert_null(node.rid);
}

/* ---- names ---- */

static void test_taken_name_is_given_back_when_its_holder_leaves(void **state)
{
    struct scene *scene = *state;
    struct node node;

    (void)apply(scene, APPLY_FIRST, file("A", "root", "name"));
    (void)apply(scene, APPLY_FIRST, file("B", "root", "name"));
    node = row(scene, "B");
    assert_true(node.attr.flags & NODE_SAFE_NAME);
    assert_string_equal(node.base.name, "name");
    assert_string_not_equal(node.local.name, "name");
    assert_int_equal(node_dirty(&node, 1), 0);

    (void)apply(scene, APPLY_FIRST, file("A", "root", "other"));
    assert_int_equal(at(scene, "name"), node.attr.ino);
    assert_int_equal(at(scene, node.local.name), 0);
    node_clear(&node);
    node = row(scene, "B");
    assert_false(node.attr.flags & NODE_SAFE_NAME);
    node_clear(&node);
}

static void test_duplicates_of_one_name_all_get_a_place(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < 20; i++) {
        cleanup_free char *id = x_asprintf("dup%d", i);

        assert_int_equal(apply(scene, APPLY_FIRST, file(id, "root", "name")), APPLY_CHANGED);
    }
    for (int i = 0; i < 20; i++) {
        cleanup_free char *id = x_asprintf("dup%d", i);
        struct node node = row(scene, id);

        assert_int_equal(at(scene, node.local.name), node.attr.ino);
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

        (void)apply(scene, APPLY_FIRST, file(id, "root", names[i]));
        node = row(scene, id);
        assert_true(node.attr.flags & NODE_SAFE_NAME);
        assert_null(strchr(node.local.name, '/'));
        assert_int_equal(at(scene, node.local.name), node.attr.ino);
        assert_int_equal(node_dirty(&node, 1), 0);
        assert_int_equal(apply(scene, APPLY_FIRST, file(id, "root", names[i])), APPLY_NOTHING);
        node_clear(&node);
    }
}

static void test_look_alikes_are_shown_decoded(void **state)
{
    struct scene *scene = *state;

    (void)apply(scene, APPLY_FIRST, file("q", "root", "what\uFF1F.txt"));
    assert_true(at(scene, "what?.txt") != 0);
}

/* ---- cycles and depth ---- */

static void test_cycle_from_a_lying_server_hides_the_item_until_it_is_none(void **state)
{
    struct scene *scene = *state;
    struct node node;

    (void)apply(scene, APPLY_FIRST, folder("A", "root", "a"));
    (void)apply(scene, APPLY_FIRST, folder("B", "A", "b"));
    (void)apply(scene, APPLY_FIRST, folder("C", "B", "c"));
    assert_int_equal(apply(scene, APPLY_DELTA, folder("A", "C", "a")), APPLY_CHANGED);
    node = row(scene, "A");
    assert_int_equal(node.attr.parent, STORE_INO_NONE);
    node_clear(&node);
    assert_int_equal(at(scene, "a"), 0);

    (void)apply(scene, APPLY_DELTA, folder("B", "root", "b"));
    assert_true(at(scene, "b/c/a") != 0);
    node = row(scene, "A");
    assert_false(node.attr.flags & NODE_REMOTE);
    node_clear(&node);
}

static void test_item_that_is_its_own_parent_is_hidden(void **state)
{
    struct scene *scene = *state;
    struct node node;

    (void)apply(scene, APPLY_FIRST, folder("A", "A", "a"));
    node = row(scene, "A");
    assert_int_equal(node.attr.parent, STORE_INO_NONE);
    node_clear(&node);
    stage(scene, folder("X", "Y", "x"));
    stage(scene, folder("Y", "X", "y"));
    (void)apply(scene, APPLY_DELTA, folder("X", "Y", "x"));
    assert_int_equal(count_staged(scene), 1);
    assert_int_equal(at(scene, "x"), 0);
    (void)apply(scene, APPLY_DELTA, folder("Y", "root", "y"));
    assert_true(at(scene, "y/x") != 0);
}

static void test_file_as_parent_hides_the_item(void **state)
{
    struct scene *scene = *state;

    (void)apply(scene, APPLY_FIRST, file("f", "root", "file"));
    (void)apply(scene, APPLY_FIRST, file("g", "f", "below"));
    assert_int_equal(at(scene, "file/below"), 0);
    (void)apply(scene, APPLY_FIRST, file("g", "root", "beside"));
    assert_true(at(scene, "beside") != 0);
}

enum { DEPTH = 10000 };

static void apply_level(struct scene *scene, struct store_txn *txn, int level, bool stages)
{
    const struct apply_context context = context_of(scene, APPLY_FIRST);
    char id[16], parent_id[16];
    struct item item;

    (void)snprintf(id, sizeof id, "L%d", level);
    (void)snprintf(parent_id, sizeof parent_id, "L%d", level - 1);
    item = folder(id, level == 0 ? "root" : parent_id, "d");
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
        struct store_txn *txn = begin(scene);
        char id[16];

        /* parents first; children first; or staged, the deepest pulling in all above it */
        for (int i = 0; i < DEPTH; i++)
            apply_level(scene, txn, order == 0 ? i : DEPTH - 1 - i, order == 2);
        commit(txn);
        (void)snprintf(id, sizeof id, "L%d", DEPTH - 1);
        if (order == 2) {
            char parent_id[16];

            (void)snprintf(parent_id, sizeof parent_id, "L%d", DEPTH - 2);
            (void)apply(scene, APPLY_DELTA, folder(id, parent_id, "d"));
        }
        struct node deepest = row(scene, id);
        cleanup_free char *path = NULL;

        assert_int_equal(store_path(scene->fixture->store, deepest.attr.ino, &path), 0);
        assert_int_equal(strlen(path), strlen("/me/drive") + 2 * DEPTH);
        node_clear(&deepest);
        apply_delete_of(scene, at(scene, "d"));
        assert_int_equal(store_counts(scene->fixture->store, &counts), 0);
        assert_int_equal(counts.folders, 1);
        txn = begin(scene);
        assert_int_equal(txn_purge_tombstones(txn, scene->drive.id, INT64_MAX), 0);
        assert_int_equal(txn_clear_staging(txn, scene->drive.id), 0);
        commit(txn);
    }
}

/* ---- late reports, listings, deletions ---- */

static void test_listing_confirms_and_a_report_that_differs_is_checked(void **state)
{
    struct scene *scene = *state;
    struct node_attr attr;

    (void)apply(scene, APPLY_FIRST, file("f", "root", "file"));
    assert_int_equal(apply(scene, APPLY_LISTING, file("f", "root", "file")), APPLY_NOTHING);
    scene->now_ms += APPLY_LATE_MS - 1;
    assert_int_equal(apply(scene, APPLY_DELTA, file("f", "root", "moved")), APPLY_CHECK);
    assert_int_equal(apply(scene, APPLY_DELTA, tombstone("f")), APPLY_CHECK);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/file", &attr), 0);
    scene->now_ms += 1;
    assert_int_equal(apply(scene, APPLY_DELTA, file("f", "root", "moved")), APPLY_CHANGED);
    assert_true(at(scene, "moved") != 0);
}

static void test_listing_adds_but_never_moves_back(void **state)
{
    struct scene *scene = *state;

    (void)apply(scene, APPLY_FIRST, folder("d", "root", "dir"));
    (void)apply(scene, APPLY_FIRST, file("f", "d", "file"));
    assert_int_equal(apply(scene, APPLY_LISTING, file("f", "root", "file")), APPLY_NOTHING);
    assert_true(at(scene, "dir/file") != 0);
    assert_int_equal(apply(scene, APPLY_LISTING, file("g", "root", "new")), APPLY_CHANGED);
    assert_true(at(scene, "new") != 0);
    /* that one differed, so it confirmed nothing */
    assert_int_equal(apply(scene, APPLY_DELTA, file("f", "d", "name")), APPLY_CHANGED);
}

static void test_deleted_item_comes_back_only_if_it_was_asked_for(void **state)
{
    struct scene *scene = *state;

    (void)apply(scene, APPLY_FIRST, folder("d", "root", "dir"));
    (void)apply(scene, APPLY_FIRST, file("f", "d", "file"));
    assert_int_equal(apply(scene, APPLY_DELTA, tombstone("d")), APPLY_CHANGED);
    assert_int_equal(apply(scene, APPLY_DELTA, tombstone("d")), APPLY_NOTHING);
    assert_int_equal(apply(scene, APPLY_LISTING, folder("d", "root", "dir")), APPLY_CHECK);
    assert_int_equal(apply(scene, APPLY_DELTA, folder("d", "root", "dir")), APPLY_CHECK);
    assert_int_equal(apply(scene, APPLY_DELTA, file("f", "d", "file")), APPLY_CHECK);
    assert_int_equal(apply(scene, APPLY_DELTA, file("n", "d", "never seen")), APPLY_CHECK);
    assert_int_equal(at(scene, "dir"), 0);
    assert_int_equal(apply(scene, APPLY_ITEM, folder("d", "root", "dir")), APPLY_CHANGED);
    assert_true(at(scene, "dir") != 0);
    assert_int_equal(apply(scene, APPLY_DELTA, file("n", "d", "never seen")), APPLY_CHANGED);
}

static void test_deleting_a_folder_tells_all_that_is_below(void **state)
{
    struct scene *scene = *state;
    ino_nr dir, f;

    (void)apply(scene, APPLY_FIRST, folder("d", "root", "dir"));
    (void)apply(scene, APPLY_FIRST, file("f", "d", "file"));
    dir = at(scene, "dir");
    f = at(scene, "dir/file");
    fixture_forget_told(scene->fixture);
    (void)apply(scene, APPLY_DELTA, tombstone("d"));
    assert_true(fixture_was_told(scene->fixture, CHANGE_DELETED, dir, "file", f));
    assert_true(fixture_was_told(scene->fixture, CHANGE_DELETED, scene->drive.root, "dir", dir));
    assert_true(fixture_was_told(scene->fixture, CHANGE_LISTING, 0, NULL, scene->drive.root));
}

static void write_locally(struct scene *scene, const char *rid, uint64_t generation)
{
    struct store_txn *txn = begin(scene);
    struct node node;

    assert_int_equal(txn_find_node(txn, scene->drive.id, rid, &node), 0);
    node.local.generation = generation;
    assert_int_equal(txn_put_node(txn, &node), 0);
    commit(txn);
    node_clear(&node);
}

static void test_dirty_files_below_a_deleted_folder_stay_with_their_folders(void **state)
{
    struct scene *scene = *state;
    struct node node;

    (void)apply(scene, APPLY_FIRST, folder("d", "root", "dir"));
    (void)apply(scene, APPLY_FIRST, folder("e", "d", "sub"));
    (void)apply(scene, APPLY_FIRST, folder("x", "d", "clean"));
    (void)apply(scene, APPLY_FIRST, file("f", "e", "mine"));
    (void)apply(scene, APPLY_FIRST, file("g", "e", "theirs"));
    write_locally(scene, "f", 1000);
    assert_int_equal(apply(scene, APPLY_DELTA, tombstone("d")), APPLY_CHANGED);
    assert_true(at(scene, "dir/sub/mine") != 0);
    assert_int_equal(at(scene, "dir/sub/theirs"), 0);
    assert_int_equal(at(scene, "dir/clean"), 0);
    assert_int_equal(store_get_node(scene->fixture->store, at(scene, "dir/sub/mine"), &node), 0);
    assert_null(node.rid);
    assert_int_equal(node_dirty(&node, 1), DIRTY_CREATED);
    node_clear(&node);
    assert_int_equal(store_get_node(scene->fixture->store, at(scene, "dir"), &node), 0);
    assert_int_equal(node_dirty(&node, 1), DIRTY_CREATED);
    node_clear(&node);
}

/* Moves a row in the local state alone. */
static void move_locally(struct scene *scene, const char *rid, ino_nr parent)
{
    struct store_txn *txn = begin(scene);
    struct node node;

    assert_int_equal(txn_find_node(txn, scene->drive.id, rid, &node), 0);
    node.local.parent = parent;
    assert_int_equal(txn_put_node(txn, &node), 0);
    commit(txn);
    node_clear(&node);
}

static void test_rows_moved_here_across_a_deleted_folder_keep_what_is_theirs(void **state)
{
    struct scene *scene = *state;
    struct node node;

    (void)apply(scene, APPLY_FIRST, folder("d", "root", "dir"));
    (void)apply(scene, APPLY_FIRST, file("out", "d", "out"));
    (void)apply(scene, APPLY_FIRST, file("in", "root", "in"));
    move_locally(scene, "out", scene->drive.root);
    move_locally(scene, "in", at(scene, "dir"));
    (void)apply(scene, APPLY_DELTA, tombstone("d"));

    /* the server has lost it: it is new again */
    assert_int_equal(store_get_node(scene->fixture->store, at(scene, "out"), &node), 0);
    assert_int_equal(node_dirty(&node, 1), DIRTY_CREATED);
    node_clear(&node);
    /* the server still has it, elsewhere; it needs the folder, which is new again */
    assert_int_equal(store_get_node(scene->fixture->store, at(scene, "dir/in"), &node), 0);
    assert_string_equal(node.rid, "in");
    assert_int_equal(node_dirty(&node, 1), DIRTY_PLACE);
    node_clear(&node);
    assert_int_equal(store_get_node(scene->fixture->store, at(scene, "dir"), &node), 0);
    assert_int_equal(node_dirty(&node, 1), DIRTY_CREATED);
    node_clear(&node);
}

/* ---- content ---- */

static void test_new_content_takes_a_new_generation_and_a_new_mtime_does_not(void **state)
{
    struct scene *scene = *state;
    struct item report = file("f", "root", "file");
    struct node_attr before, after;

    (void)apply(scene, APPLY_FIRST, report);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/file", &before), 0);
    report.mtime_ns += INT64_C(2000000000);
    report.etag = "e2";
    assert_int_equal(apply(scene, APPLY_DELTA, report), APPLY_CHANGED);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/file", &after), 0);
    assert_int_equal(after.generation, before.generation);
    assert_int_equal(after.mtime_ns, report.mtime_ns);
    report.ctag = "c2";
    report.size = 11;
    assert_int_equal(apply(scene, APPLY_DELTA, report), APPLY_CHANGED);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/file", &after), 0);
    assert_true(after.generation > before.generation);
    assert_int_equal(after.size, 11);
}

static void test_unsettled_content_of_a_new_file_has_no_tags(void **state)
{
    struct scene *scene = *state;
    struct item report = file("f", "root", "file");
    struct node node;

    report.flags |= ITEM_PENDING;
    report.hash_kind = HASH_QUICKXOR;
    report.hash = "unsettled";
    (void)apply(scene, APPLY_FIRST, report);
    node = row(scene, "f");
    assert_null(node.base.etag);
    assert_null(node.base.ctag);
    assert_null(node.base.hash);
    assert_false(node.attr.flags & NODE_HAS_HASH);
    node_clear(&node);
}

static void test_unsettled_content_waits_but_the_place_follows(void **state)
{
    struct scene *scene = *state;
    struct item report = file("f", "root", "file");
    struct node_attr before, after;

    (void)apply(scene, APPLY_FIRST, report);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/file", &before), 0);
    report.name = "moved";
    report.etag = "e2";
    report.ctag = "c2";
    report.size = 999;
    report.flags |= ITEM_PENDING;
    assert_int_equal(apply(scene, APPLY_DELTA, report), APPLY_CHANGED);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/moved", &after), 0);
    assert_int_equal(after.generation, before.generation);
    assert_int_equal(after.size, 10);
    report.flags &= ~(unsigned)ITEM_PENDING;
    assert_int_equal(apply(scene, APPLY_DELTA, report), APPLY_CHANGED);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/moved", &after), 0);
    assert_int_equal(after.size, 999);
}

static void test_content_that_cannot_be_told_is_asked_for_but_the_place_follows(void **state)
{
    struct scene *scene = *state;
    struct item report = file("f", "root", "file");

    (void)apply(scene, APPLY_FIRST, report);
    report.ctag = NULL;
    report.etag = "e2";
    report.name = "moved";
    assert_int_equal(apply(scene, APPLY_DELTA, report), APPLY_CHECK);
    assert_true(at(scene, "moved") != 0);
    assert_int_equal(apply(scene, APPLY_DELTA, report), APPLY_CHECK);
    report.ctag = "c1";
    assert_int_equal(apply(scene, APPLY_ITEM, report), APPLY_CHANGED);
    assert_int_equal(apply(scene, APPLY_ITEM, report), APPLY_NOTHING);
}

/* ---- odd kinds ---- */

static void test_item_that_changes_its_kind_is_a_new_inode(void **state)
{
    struct scene *scene = *state;
    ino_nr before;

    (void)apply(scene, APPLY_FIRST, folder("x", "root", "thing"));
    (void)apply(scene, APPLY_FIRST, file("f", "x", "below"));
    before = at(scene, "thing");
    assert_int_equal(apply(scene, APPLY_DELTA, file("x", "root", "thing")), APPLY_CHANGED);
    assert_true(at(scene, "thing") > before);
    struct node below = row(scene, "f");
    assert_null(below.rid);
}

static void test_malware_and_packages_are_marked(void **state)
{
    struct scene *scene = *state;
    struct item bad = file("m", "root", "bad"), notebook = folder("p", "root", "notes");
    struct node node;

    bad.flags |= ITEM_MALWARE;
    notebook.kind = ITEM_PACKAGE;
    (void)apply(scene, APPLY_FIRST, bad);
    (void)apply(scene, APPLY_FIRST, notebook);
    node = row(scene, "m");
    assert_true(node.attr.flags & NODE_MALWARE);
    node_clear(&node);
    node = row(scene, "p");
    assert_int_equal(node.attr.kind, NODE_PACKAGE);
    node_clear(&node);
    bad.flags &= ~(unsigned)ITEM_MALWARE;
    fixture_forget_told(scene->fixture);
    assert_int_equal(apply(scene, APPLY_DELTA, bad), APPLY_CHANGED);
    assert_true(fixture_was_told(scene->fixture, CHANGE_ATTR, 0, NULL, at(scene, "bad")));
}

/* A report that may be older than what the item itself has just said. */
static void test_malware_of_a_late_report_is_asked_for(void **state)
{
    struct scene *scene = *state;
    struct item report = file("m", "root", "bad");
    struct node node;

    (void)apply(scene, APPLY_FIRST, report);
    assert_int_equal(apply(scene, APPLY_ITEM, report), APPLY_NOTHING);
    report.flags |= ITEM_MALWARE;
    assert_int_equal(apply(scene, APPLY_DELTA, report), APPLY_CHECK);
    node = row(scene, "m");
    assert_false(node.attr.flags & NODE_MALWARE);
    node_clear(&node);
    assert_int_equal(apply(scene, APPLY_ITEM, report), APPLY_CHANGED);
    node = row(scene, "m");
    assert_true(node.attr.flags & NODE_MALWARE);
    node_clear(&node);
}

static void test_what_is_in_a_notebook_is_left_out(void **state)
{
    struct scene *scene = *state;
    struct item notebook = folder("p", "root", "notebook");

    notebook.kind = ITEM_PACKAGE;
    (void)apply(scene, APPLY_FIRST, notebook);
    assert_int_equal(apply(scene, APPLY_DELTA, file("in", "p", "part.one")), APPLY_LEFT_OUT);
    assert_null(row(scene, "in").rid);
}

/* More than are looked at together are held back: each is said to be in its own child. */
static void test_the_last_of_many_that_are_held_back_finds_its_place(void **state)
{
    enum { COUNT = 150 };

    struct scene *scene = *state;
    char upper[8], lower[8];

    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(upper, sizeof upper, "a%d", i);
        (void)snprintf(lower, sizeof lower, "b%d", i);
        (void)apply(scene, APPLY_FIRST, folder(upper, "root", upper));
        (void)apply(scene, APPLY_FIRST, folder(lower, upper, lower));
        (void)apply(scene, APPLY_FIRST, folder(upper, lower, upper));
        assert_int_equal(at(scene, upper), 0);
    }
    (void)apply(scene, APPLY_FIRST, folder(lower, "root", lower));
    assert_true(at(scene, "b149/a149") != 0);
}

static struct item shortcut(const char *target_drive_id, const char *target_id)
{
    struct item item = folder("s", "root", "shared");

    item.flags |= ITEM_SHORTCUT;
    item.target_drive_id = target_drive_id;
    item.target_id = target_id;
    return item;
}

static void test_shortcut_leads_to_a_drive_that_goes_with_it(void **state)
{
    struct scene *scene = *state, shared = { .fixture = scene->fixture, .now_ms = scene->now_ms };
    struct item child = file("c", "T", "child");
    struct drive_row drive;
    struct node_attr attr;

    (void)apply(scene, APPLY_FIRST, shortcut("OTHER", "T"));
    assert_int_equal(
        store_find_drive_by_root(scene->fixture->store, at(scene, "shared"), &shared.drive), 0);
    assert_int_equal(shared.drive.kind, DRIVE_SHARED);
    assert_string_equal(shared.drive.drive_id, "OTHER");
    assert_string_equal(shared.drive.root_rid, "T");
    child.drive_id = "OTHER";
    assert_int_equal(apply(scene, APPLY_FIRST, child), APPLY_LEFT_OUT);
    assert_int_equal(apply(&shared, APPLY_NO_DELTA, child), APPLY_CHANGED);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/shared/child", &attr), 0);
    assert_int_equal(attr.drive, shared.drive.id);

    (void)apply(scene, APPLY_DELTA, tombstone("s"));
    assert_int_equal(store_getattr(scene->fixture->store, attr.ino, &attr), -ENOENT);
    assert_int_equal(store_get_drive(scene->fixture->store, shared.drive.id, &drive), -ENOENT);
    drive_row_clear(&shared.drive);
}

static void test_shortcut_with_another_target_is_another_thing(void **state)
{
    struct scene *scene = *state;
    struct drive_row drive;
    ino_nr before;

    (void)apply(scene, APPLY_FIRST, shortcut("OTHER", "T"));
    before = at(scene, "shared");
    (void)apply(scene, APPLY_DELTA, shortcut("OTHER", "U"));
    assert_true(at(scene, "shared") > before);
    assert_int_equal(store_find_drive_by_root(scene->fixture->store, before, &drive), -ENOENT);
    assert_int_equal(store_find_drive_by_root(scene->fixture->store, at(scene, "shared"), &drive),
                     0);
    assert_string_equal(drive.root_rid, "U");
    drive_row_clear(&drive);
}

static void test_shortcut_whose_drive_is_not_always_told_stays_the_same(void **state)
{
    struct scene *scene = *state;
    struct drive_row drive;
    ino_nr ino;

    (void)apply(scene, APPLY_FIRST, shortcut(NULL, "T"));
    ino = at(scene, "shared");
    assert_int_equal(store_find_drive_by_root(scene->fixture->store, ino, &drive), -ENOENT);
    (void)apply(scene, APPLY_DELTA, shortcut("OTHER", "T"));
    (void)apply(scene, APPLY_DELTA, shortcut(NULL, "T"));
    (void)apply(scene, APPLY_DELTA, shortcut("OTHER", "T"));
    assert_int_equal(at(scene, "shared"), ino);
    assert_int_equal(store_find_drive_by_root(scene->fixture->store, ino, &drive), 0);
    assert_string_equal(drive.drive_id, "OTHER");
    drive_row_clear(&drive);
}

/* The shortcut is an item with tags, a size and a hash of its own. */
static void test_shortcut_to_a_file_has_the_content_of_its_target(void **state)
{
    struct scene *scene = *state;
    const struct apply_context context = context_of(scene, APPLY_ITEM);
    struct item link = file("s", "root", "link"), target = file("T", "P", "elsewhere");
    struct node first, told, later;
    struct store_txn *txn;

    link.flags |= ITEM_SHORTCUT;
    link.target_drive_id = "OTHER";
    link.target_id = "T";
    target.drive_id = "OTHER";
    target.etag = "te";
    target.ctag = "tc";
    target.size = 4711;
    target.hash_kind = HASH_QUICKXOR;
    target.hash = "hash";
    (void)apply(scene, APPLY_FIRST, link);
    first = row(scene, "s");
    assert_null(first.base.etag);
    assert_null(first.base.ctag);
    assert_int_equal(first.attr.listed_ms, 0);
    txn = begin(scene);
    assert_int_equal(apply_target(txn, &context, first.attr.ino, &target, NULL), 0);
    commit(txn);
    told = row(scene, "s");
    assert_int_equal(told.attr.size, 4711);
    assert_string_equal(told.base.etag, "te");
    assert_string_equal(told.base.ctag, "tc");
    assert_string_equal(told.base.hash, "hash");
    assert_int_equal(told.attr.listed_ms, scene->now_ms);
    assert_true(told.attr.generation > first.attr.generation);
    /* Its own reports tell of the place alone. */
    link.etag = "e2";
    link.ctag = "c2";
    link.size = 12;
    link.name = "renamed";
    assert_int_equal(apply(scene, APPLY_DELTA, link), APPLY_CHANGED);
    assert_int_equal(apply(scene, APPLY_DELTA, link), APPLY_NOTHING);
    later = row(scene, "s");
    assert_int_equal(at(scene, "renamed"), later.attr.ino);
    assert_int_equal(later.attr.size, 4711);
    assert_int_equal(later.attr.generation, told.attr.generation);
    assert_string_equal(later.base.etag, "te");
    node_clear(&first);
    node_clear(&told);
    node_clear(&later);
}

static void test_reports_of_no_use_are_left_out(void **state)
{
    struct scene *scene = *state;
    struct item foreign = file("f", "root", "file"), nameless = file("n", "root", NULL);
    struct item kindless = file("k", "root", "kind");

    foreign.drive_id = "ANOTHER";
    kindless.kind = ITEM_UNKNOWN;
    assert_int_equal(apply(scene, APPLY_FIRST, foreign), APPLY_LEFT_OUT);
    assert_int_equal(apply(scene, APPLY_FIRST, nameless), APPLY_LEFT_OUT);
    assert_int_equal(apply(scene, APPLY_DELTA, kindless), APPLY_LEFT_OUT);
    assert_int_equal(at(scene, "file"), 0);
}

static void test_root_takes_attributes_only(void **state)
{
    struct scene *scene = *state;
    struct item root = folder("D-root", "elsewhere", "root"), gone = tombstone("D-root");
    struct node_attr attr;

    root.flags = ITEM_ROOT | ITEM_HAS_MTIME;
    root.mtime_ns = 42;
    assert_int_equal(apply(scene, APPLY_FIRST, root), APPLY_CHANGED);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive", &attr), 0);
    assert_int_equal(attr.ino, scene->drive.root);
    assert_int_equal(attr.mtime_ns, 42);
    (void)apply(scene, APPLY_DELTA, gone);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive", &attr), 0);
}

static void test_children_that_knew_the_root_first_hang_on_it_afterwards(void **state)
{
    struct scene *scene = *state;
    struct item root = folder("real-root", "", "root");

    free(scene->drive.root_rid);
    scene->drive.root_rid = NULL;
    (void)apply(scene, APPLY_FIRST, file("f", "real-root", "file"));
    assert_int_equal(at(scene, "file"), 0);
    root.flags = ITEM_ROOT;
    root.parent_id = NULL;
    (void)apply(scene, APPLY_FIRST, root);
    assert_true(at(scene, "file") != 0);
    (void)apply(scene, APPLY_FIRST, file("g", "real-root", "more"));
    assert_true(at(scene, "more") != 0);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

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
        SCENE_TEST(test_rows_moved_here_across_a_deleted_folder_keep_what_is_theirs),
        SCENE_TEST(test_new_content_takes_a_new_generation_and_a_new_mtime_does_not),
        SCENE_TEST(test_unsettled_content_waits_but_the_place_follows),
        SCENE_TEST(test_content_that_cannot_be_told_is_asked_for_but_the_place_follows),
        SCENE_TEST(test_item_that_changes_its_kind_is_a_new_inode),
        SCENE_TEST(test_malware_and_packages_are_marked),
        SCENE_TEST(test_shortcut_leads_to_a_drive_that_goes_with_it),
        SCENE_TEST(test_shortcut_with_another_target_is_another_thing),
        SCENE_TEST(test_what_is_in_a_notebook_is_left_out),
        SCENE_TEST(test_the_last_of_many_that_are_held_back_finds_its_place),
        SCENE_TEST(test_shortcut_whose_drive_is_not_always_told_stays_the_same),
        SCENE_TEST(test_shortcut_to_a_file_has_the_content_of_its_target),
        SCENE_TEST(test_unsettled_content_of_a_new_file_has_no_tags),
        SCENE_TEST(test_malware_of_a_late_report_is_asked_for),
        SCENE_TEST(test_reports_of_no_use_are_left_out),
        SCENE_TEST(test_root_takes_attributes_only),
        SCENE_TEST(test_children_that_knew_the_root_first_hang_on_it_afterwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
