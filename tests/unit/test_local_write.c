/* SPDX-License-Identifier: MIT */
/* local.h: content, times and attributes */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "local_scene.h"
#include "unit.h"

static struct store_txn *begin(struct scene *scene)
{
    struct store_txn *txn;

    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    (void)txn_set_own(txn, true);
    fixture_forget_told(scene->fixture);
    return txn;
}

static void commit(struct store_txn *txn)
{
    assert_int_equal(store_commit(txn, NULL), 0);
}

static void test_written_content_is_another_and_base_stays(void **state)
{
    struct scene *scene = *state;
    ino_nr file = scene_add(scene, scene->root, "f", NODE_FILE);
    struct store_txn *txn = begin(scene);
    struct node node;

    assert_int_equal(local_write(txn, file, 1000), 0);
    commit(txn);
    assert_true(fixture_was_told(scene->fixture, CHANGE_CONTENT, scene->root, NULL, file));
    assert_false(fixture_was_told(scene->fixture, CHANGE_UNUSED, 0, NULL, 0));
    scene_assert_all_own(scene);
    node = scene_get(scene, file);
    assert_int_equal(node_dirty(&node, 1000000000), DIRTY_CONTENT);
    assert_int_equal(node.local.size, node.base.size);
    node_clear(&node);

    txn = begin(scene);
    assert_int_equal(local_set_content(txn, file, 1000, 5, SCENE_NOW_NS), 0);
    commit(txn);
    node = scene_get(scene, file);
    assert_int_equal(node_dirty(&node, 1000000000), DIRTY_CONTENT | DIRTY_MTIME);
    assert_int_equal(node.local.size, 5);
    assert_int_equal(node.local.mtime_ns, SCENE_NOW_NS);
    assert_int_equal(node.base.size, 10);
    assert_int_equal(node.base.generation, 7);
    node_clear(&node);
}

static void test_what_comes_too_late_of_former_content_is_ignored(void **state)
{
    struct scene *scene = *state;
    ino_nr file = scene_add(scene, scene->root, "f", NODE_FILE);
    struct store_txn *txn = begin(scene);
    struct node node;

    assert_int_equal(local_write(txn, file, 1000), 0);
    assert_int_equal(local_write(txn, file, 1001), 0);
    assert_int_equal(local_set_content(txn, file, 1000, 99, SCENE_NOW_NS), -ESTALE);
    commit(txn);
    node = scene_get(scene, file);
    assert_int_equal(node.local.generation, 1001);
    assert_int_equal(node.local.size, 10);
    node_clear(&node);
}

static int set_mode(struct store_txn *txn, ino_nr ino)
{
    return local_set_attr(txn, ino, &(struct local_attr){ .set = ATTR_MODE, .mode = 0600 });
}

static void test_calls_are_refused_as_their_errno_says(void **state)
{
    struct scene *scene = *state;
    ino_nr root = scene->root, gone = scene_add(scene, root, "gone", NODE_FILE);

    const struct {
        ino_nr ino;
        int write, mtime;
    } rows[] = {
        { scene_add(scene, root, "file", NODE_FILE), 0, 0 },
        { scene_add(scene, root, "folder", NODE_FOLDER), -EISDIR, 0 },
        { root, -EISDIR, 0 },
        { scene_add(scene, root, "package", NODE_PACKAGE), -EISDIR, -EPERM },
        { scene_add(scene, STORE_INO_DRIVES, "link", NODE_LINK), -EISDIR, -EPERM },
        { STORE_INO_ME, -EISDIR, -EROFS },
        { gone, -ENOENT, -ENOENT },
        { 4711, -ENOENT, -ENOENT },
    };
    struct store_txn *txn;

    assert_int_equal(scene_remove(scene, root, "gone", false), 0);
    txn = begin(scene);
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(local_write(txn, rows[i].ino, 1000 + i), rows[i].write);
        assert_int_equal(local_set_content(txn, rows[i].ino, 1000 + i, 1, 1), rows[i].write);
        assert_int_equal(local_set_mtime(txn, rows[i].ino, 1), rows[i].mtime);
        assert_int_equal(set_mode(txn, rows[i].ino), rows[i].mtime);
    }
    commit(txn);
}

static void test_a_time_is_sent_of_files_alone(void **state)
{
    struct scene *scene = *state;
    ino_nr file = scene_add(scene, scene->root, "f", NODE_FILE);
    ino_nr folder = scene_add(scene, scene->root, "d", NODE_FOLDER);
    struct store_txn *txn = begin(scene);
    struct node node;

    assert_int_equal(local_set_mtime(txn, file, -5), 0);
    assert_int_equal(local_set_mtime(txn, folder, -5), 0);
    commit(txn);
    assert_true(fixture_was_told(scene->fixture, CHANGE_ATTR, 0, NULL, file));
    scene_assert_all_own(scene);
    node = scene_get(scene, file);
    assert_int_equal(node.local.mtime_ns, -5);
    assert_int_equal(node_dirty(&node, 1000000000), DIRTY_MTIME);
    node_clear(&node);
    node = scene_get(scene, folder);
    assert_int_equal(node.local.mtime_ns, -5);
    assert_int_equal(node_dirty(&node, 1000000000), 0);
    node_clear(&node);
}

static void test_attributes_are_kept_here(void **state)
{
    struct scene *scene = *state;
    ino_nr file = scene_add(scene, scene->root, "f", NODE_FILE);
    struct store_txn *txn = begin(scene);
    struct local_attr attr;
    struct node node;

    assert_int_equal(set_mode(txn, file), 0);
    commit(txn);
    scene_assert_all_own(scene);
    assert_int_equal(store_get_attr(scene->fixture->store, file, &attr), 0);
    assert_int_equal(attr.mode, 0600);
    node = scene_get(scene, file);
    assert_int_equal(node_dirty(&node, 1), 0);
    node_clear(&node);
}

#define LOCAL_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

static void edit_rewritten(struct node *node)
{
    node->local.generation = node->base.generation = 7;
    node->local.size = 10;
    node->base.size = 20;
}

static int forget(struct scene *scene, ino_nr ino, uint64_t generation)
{
    struct store_txn *txn;
    int r;

    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    r = local_forget_content(txn, ino, generation);
    if (r == 0)
        assert_int_equal(store_commit(txn, NULL), 0);
    else
        store_rollback(txn);
    return r;
}

static void test_a_content_that_is_forgotten_is_the_services_another_one_stays(void **state)
{
    struct scene *scene = *state;
    ino_nr file = scene_add(scene, scene->root, "file", NODE_FILE);
    struct node node;

    scene_edit(scene, file, edit_rewritten);
    assert_int_equal(forget(scene, file, 6), -ESTALE);
    assert_int_equal(forget(scene, file, 7), 0);
    node = scene_get(scene, file);
    assert_int_equal(node.local.size, 20);
    assert_int_not_equal(node.local.generation, 7);
    assert_int_equal(node_dirty(&node, INT64_C(1000000000)), 0);
    node_clear(&node);
    assert_int_equal(forget(scene, file, 7), -ESTALE);
    assert_int_equal(forget(scene, 4711, 7), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_TEST(test_written_content_is_another_and_base_stays),
        LOCAL_TEST(test_what_comes_too_late_of_former_content_is_ignored),
        LOCAL_TEST(test_calls_are_refused_as_their_errno_says),
        LOCAL_TEST(test_a_time_is_sent_of_files_alone),
        LOCAL_TEST(test_attributes_are_kept_here),
        LOCAL_TEST(test_a_content_that_is_forgotten_is_the_services_another_one_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
