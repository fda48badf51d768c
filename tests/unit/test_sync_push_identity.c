/* SPDX-License-Identifier: MIT */
/* push_identity.h: which new file takes over which item. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "apply_scene.h"
#include "base/xalloc.h"
#include "sync/push_identity.h"
#include "unit.h"

/* A row of ours, without an item. */
static ino_nr make(struct scene *scene, enum node_kind kind, const char *name)
{
    struct store_txn *txn = scene_begin(scene);
    struct node node = {
        .attr = { .kind = kind, .flags = NODE_LOCAL, .drive = scene->drive.id },
        .local = { .parent = scene->drive.root, .name = x_strdup(name), .size = 10 },
    };
    ino_nr ino;

    assert_int_equal(txn_next_generation(txn, &node.local.generation), 0);
    assert_int_equal(txn_put_node(txn, &node), 0);
    ino = node.attr.ino;
    node_clear(&node);
    scene_commit(txn);
    return ino;
}

static ino_nr rename_to(struct scene *scene, const char *path, const char *name)
{
    struct store_txn *txn = scene_begin(scene);
    ino_nr ino = scene_at(scene, path);
    struct node node;

    assert_int_equal(txn_get_node(txn, ino, &node), 0);
    free(node.local.name);
    node.local.name = x_strdup(name);
    assert_int_equal(txn_put_node(txn, &node), 0);
    node_clear(&node);
    scene_commit(txn);
    return ino;
}

static ino_nr user_deletes(struct scene *scene, const char *path)
{
    struct store_txn *txn = scene_begin(scene);
    ino_nr ino = scene_at(scene, path);
    struct node node;

    assert_int_equal(txn_get_node(txn, ino, &node), 0);
    node.attr.flags &= ~(unsigned)NODE_LOCAL;
    assert_int_equal(txn_put_node(txn, &node), 0);
    node_clear(&node);
    scene_commit(txn);
    return ino;
}

static struct identity_pair pair_of(struct scene *scene, ino_nr ino)
{
    struct store_txn *txn = scene_begin(scene);
    struct identity_pair pair;
    struct node node;

    assert_int_equal(txn_get_node(txn, ino, &node), 0);
    assert_int_equal(identity_find_pair(txn, &node, &pair), 0);
    node_clear(&node);
    store_rollback(txn);
    return pair;
}

static ino_nr partner_of(struct scene *scene, ino_nr ino)
{
    return pair_of(scene, ino).partner;
}

static void hand_over(struct scene *scene, ino_nr ino, ino_nr partner)
{
    struct store_txn *txn = scene_begin(scene);

    assert_int_equal(identity_hand_over(txn, ino, partner), 0);
    scene_commit(txn);
}

static void test_a_new_file_and_the_one_that_is_gone_in_its_place_are_a_pair(void **state)
{
    struct scene *scene = *state;
    ino_nr former, new_file;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file.txt"));
    former = user_deletes(scene, "file.txt");
    assert_int_equal(partner_of(scene, former), 0);
    new_file = make(scene, NODE_FILE, "file.txt");
    assert_int_equal(partner_of(scene, former), new_file);
    assert_int_equal(partner_of(scene, new_file), former);
}

static void test_the_new_file_is_the_item_afterwards_with_a_content_to_be_sent(void **state)
{
    for (int from_new = 0; from_new < 2; from_new++) {
        struct scene *scene;
        ino_nr former, new_file;
        struct node node;

        if (from_new) {
            (void)scene_teardown(state);
            (void)scene_setup(state);
        }
        scene = *state;
        (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file.txt"));
        former = user_deletes(scene, "file.txt");
        new_file = make(scene, NODE_FILE, "file.txt");
        hand_over(scene, from_new ? new_file : former, from_new ? former : new_file);
        node = scene_row(scene, "f");
        assert_int_equal(node.attr.ino, new_file);
        assert_true(node_dirty(&node, APPLY_MTIME_GRANULARITY_NS) & DIRTY_CONTENT);
        assert_false(node_dirty(&node, APPLY_MTIME_GRANULARITY_NS) & DIRTY_PLACE);
        assert_non_null(node.base.etag);
        node_clear(&node);
        assert_int_equal(store_get_node(scene->fixture->store, former, &node), -ENOENT);
    }
}

static void test_what_the_item_has_become_on_the_server_goes_along(void **state)
{
    struct scene *scene = *state;
    ino_nr former, new_file;
    struct node node;
    struct item report = scene_file("f", "root", "renamed.txt");

    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file.txt"));
    former = user_deletes(scene, "file.txt");
    report.etag = "another";
    (void)scene_apply(scene, APPLY_DELTA, report);
    new_file = make(scene, NODE_FILE, "file.txt");
    assert_int_equal(partner_of(scene, former), new_file);
    hand_over(scene, former, new_file);
    node = scene_row(scene, "f");
    assert_int_equal(node.attr.ino, new_file);
    assert_true(node.attr.flags & NODE_REMOTE);
    assert_string_equal(node.remote.name, "renamed.txt");
    assert_true(node.remote.generation == node.base.generation);
    node_clear(&node);
}

static void test_an_item_that_is_gone_on_the_server_is_nobodys(void **state)
{
    struct scene *scene = *state;
    ino_nr former;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file.txt"));
    former = user_deletes(scene, "file.txt");
    (void)scene_apply(scene, APPLY_DELTA, scene_tombstone("f"));
    assert_int_equal(partner_of(scene, make(scene, NODE_FILE, "file.txt")), 0);
    assert_int_equal(scene_at(scene, "file.txt") == former, 0);
}

static void test_folders_and_what_is_not_gone_have_no_partner(void **state)
{
    struct scene *scene = *state;
    ino_nr former;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("d", "root", "folder"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file.txt"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("g", "root", "other.txt"));
    former = user_deletes(scene, "folder");
    assert_int_equal(partner_of(scene, make(scene, NODE_FOLDER, "folder")), 0);
    assert_int_equal(partner_of(scene, former), 0);
    assert_int_equal(partner_of(scene, scene_at(scene, "file.txt")), 0);
    former = user_deletes(scene, "other.txt");
    assert_int_equal(partner_of(scene, make(scene, NODE_FOLDER, "other.txt")), 0);
    assert_int_equal(partner_of(scene, former), 0);
}

static void test_an_item_that_was_changed_there_is_not_taken_over(void **state)
{
    struct scene *scene = *state;
    struct item changed = scene_file("f", "root", "file.txt");
    ino_nr former;

    (void)scene_apply(scene, APPLY_FIRST, changed);
    former = user_deletes(scene, "file.txt");
    changed.etag = "e2";
    changed.ctag = "c2";
    changed.size = 99;
    (void)scene_apply(scene, APPLY_ITEM, changed);
    assert_int_equal(partner_of(scene, former), 0);
    assert_int_equal(partner_of(scene, make(scene, NODE_FILE, "file.txt")), 0);
}

static void test_a_backup_is_a_pair_with_what_was_saved_and_decides(void **state)
{
    struct scene *scene = *state;
    ino_nr backup, saved, older;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file.txt"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("o", "root", "file.txt~"));
    older = user_deletes(scene, "file.txt~");
    backup = rename_to(scene, "file.txt", "file.txt~");
    assert_int_equal(partner_of(scene, backup), 0);
    assert_int_equal(partner_of(scene, older), 0);
    saved = make(scene, NODE_FILE, "file.txt");
    assert_int_equal(partner_of(scene, backup), saved);
    assert_true(pair_of(scene, backup).is_backup);
    assert_false(pair_of(scene, backup).is_later);
    assert_int_equal(partner_of(scene, saved), backup);
    assert_true(pair_of(scene, saved).is_later);
    assert_int_equal(partner_of(scene, older), backup);
    assert_true(pair_of(scene, older).is_later);
}

static void test_a_backup_that_has_handed_its_item_over_is_a_new_file(void **state)
{
    struct scene *scene = *state;
    ino_nr backup, saved, older;
    struct node node;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file.txt"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("o", "root", "file.txt~"));
    older = user_deletes(scene, "file.txt~");
    backup = rename_to(scene, "file.txt", "file.txt~");
    saved = make(scene, NODE_FILE, "file.txt");
    hand_over(scene, backup, saved);
    node = scene_row(scene, "f");
    assert_int_equal(node.attr.ino, saved);
    node_clear(&node);
    assert_int_equal(store_get_node(scene->fixture->store, backup, &node), 0);
    assert_int_equal(node_dirty(&node, APPLY_MTIME_GRANULARITY_NS), DIRTY_CREATED);
    assert_null(node.rid);
    node_clear(&node);
    assert_int_equal(partner_of(scene, older), backup);
    assert_false(pair_of(scene, older).is_later);
}

static void test_another_name_is_no_backup(void **state)
{
    struct scene *scene = *state;
    ino_nr moved;

    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "root", "file.txt"));
    moved = rename_to(scene, "file.txt", "other.txt");
    assert_int_equal(partner_of(scene, make(scene, NODE_FILE, "file.txt")), 0);
    assert_int_equal(partner_of(scene, moved), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_a_new_file_and_the_one_that_is_gone_in_its_place_are_a_pair),
        SCENE_TEST(test_the_new_file_is_the_item_afterwards_with_a_content_to_be_sent),
        SCENE_TEST(test_what_the_item_has_become_on_the_server_goes_along),
        SCENE_TEST(test_an_item_that_is_gone_on_the_server_is_nobodys),
        SCENE_TEST(test_folders_and_what_is_not_gone_have_no_partner),
        SCENE_TEST(test_a_backup_is_a_pair_with_what_was_saved_and_decides),
        SCENE_TEST(test_a_backup_that_has_handed_its_item_over_is_a_new_file),
        SCENE_TEST(test_another_name_is_no_backup),
        SCENE_TEST(test_an_item_that_was_changed_there_is_not_taken_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
