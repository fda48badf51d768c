/* SPDX-License-Identifier: MIT */
/* local_create(): what appears, and what is refused */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "local_scene.h"
#include "unit.h"

static void test_a_new_file_is_there_and_is_to_be_sent(void **state)
{
    struct scene *scene = *state;
    ino_nr file = scene_make(scene, scene->root, "f", NODE_FILE);
    ino_nr other = scene_make(scene, scene->root, "g", NODE_FILE);
    struct node node = scene_get(scene, file), next = scene_get(scene, other);
    struct node_attr root;

    assert_int_equal(node.attr.flags, NODE_LOCAL);
    assert_int_equal(node.attr.drive, scene->drive);
    assert_int_equal(node.local.size, 0);
    assert_int_equal(node.local.mtime_ns, SCENE_NOW_NS);
    assert_true(node.local.generation != 0);
    assert_true(next.local.generation > node.local.generation);
    assert_null(node.rid);
    assert_int_equal(node_dirty(&node, 1000), DIRTY_CREATED);
    assert_int_equal(store_getattr(scene->fixture->store, scene->root, &root), 0);
    assert_int_equal(root.mtime_ns, SCENE_NOW_NS);
    assert_true(fixture_was_told(scene->fixture, CHANGE_ENTRY, scene->root, "g", other));
    assert_true(fixture_was_told(scene->fixture, CHANGE_LISTING, 0, NULL, scene->root));
    scene_assert_all_own(scene);
    node_clear(&node);
    node_clear(&next);
}

static void test_a_new_folder_is_complete(void **state)
{
    struct scene *scene = *state;
    ino_nr folder = scene_make(scene, scene->root, "d", NODE_FOLDER);
    struct node node = scene_get(scene, folder);

    assert_int_equal(node.attr.flags, NODE_LOCAL | NODE_COMPLETE);
    assert_int_equal(node.local.generation, 0);
    node_clear(&node);
    (void)scene_make(scene, folder, "f", NODE_FILE);
    assert_int_not_equal(scene_find(scene, "d/f"), 0);
}

static void test_names_are_refused_as_their_errno_says(void **state)
{
    struct scene *scene = *state;
    cleanup_free char *longest = x_calloc(1, 257), *too_long = x_calloc(1, 257);

    const struct {
        const char *name;
        int result;
    } rows[] = {
        { "plain", 0 },
        { "plain", -EEXIST },
        { "PLAIN", -EEXIST },
        { "pl\u00C4in", 0 },
        { "PL\u00E4IN", -EEXIST },
        { "entity:", -EINVAL },
        { ":", -EINVAL },
        { ".", -EINVAL },
        { "a:b", 0 },
        { "", -EINVAL },
        { ".Trash", -EPERM },
        { ".Trash-1000", -EPERM },
        { "bad \xFF", -EILSEQ },
        { longest, 0 },
        { too_long, -ENAMETOOLONG },
        { "CON", 0 },
        { "~$lock.docx", 0 },
        { " *?. ", 0 },
    };

    memset(longest, 'n', 255);
    memset(too_long, 'n', 256);
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(scene_create(scene, scene->root, rows[i].name, NODE_FILE), rows[i].result);
}

static void clear_local(struct node *node)
{
    node->attr.flags &= ~(unsigned)NODE_LOCAL;
}

static void make_shortcut(struct node *node)
{
    node->attr.flags |= NODE_SHORTCUT;
    node->target_drive_id = x_strdup("S");
    node->target_rid = x_strdup("T");
}

static void test_places_are_refused_as_their_errno_says(void **state)
{
    struct scene *scene = *state;
    ino_nr root = scene->root;

    const struct {
        ino_nr parent;
        int result;
    } rows[] = {
        { STORE_INO_ROOT, -EROFS },
        { STORE_INO_ME, -EROFS },
        { STORE_INO_DRIVES, -EROFS },
        { 4711, -ENOENT },
        { STORE_INO_NONE, -ENOENT },
        { scene_add(scene, root, "file", NODE_FILE), -ENOTDIR },
        { scene_add(scene, root, "link", NODE_LINK), -ENOTDIR },
        { scene_add(scene, root, "package", NODE_PACKAGE), -EROFS },
        { scene_add(scene, root, "shortcut", NODE_FOLDER), -EROFS },
        { scene_add(scene, root, "gone", NODE_FOLDER), -ENOENT },
        { scene_add(scene, STORE_INO_NONE, "nowhere", NODE_FOLDER), -ENOENT },
        { scene_add(scene, root, "unknown", NODE_FOLDER), -EAGAIN },
        { scene_add(scene, root, "folder", NODE_FOLDER), 0 },
    };

    scene_edit(scene, scene_find(scene, "shortcut"), make_shortcut);
    scene_edit(scene, scene_find(scene, "gone"), clear_local);
    scene_edit(scene, scene_find(scene, "unknown"), edit_incomplete);
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(scene_create(scene, rows[i].parent, "x", NODE_FILE), rows[i].result);
}

/* What is known already need not be listed first. */
static void test_a_name_that_is_taken_is_so_before_all_are_known(void **state)
{
    struct scene *scene = *state;
    ino_nr folder = scene_add(scene, scene->root, "d", NODE_FOLDER);

    (void)scene_add(scene, folder, "f", NODE_FILE);
    scene_edit(scene, folder, edit_incomplete);
    assert_int_equal(scene_create(scene, folder, "f", NODE_FOLDER), -EEXIST);
    assert_int_equal(scene_create(scene, folder, "F", NODE_FOLDER), -EAGAIN);
    assert_int_equal(scene_create(scene, folder, "f:", NODE_FOLDER), -EINVAL);
}

static void test_the_drive_below_a_shortcut_is_the_targets(void **state)
{
    struct scene *scene = *state;
    ino_nr shortcut = scene_add(scene, scene->root, "shared", NODE_FOLDER);
    struct drive_row drive = { .kind = DRIVE_SHARED, .root = shortcut };
    struct store_txn *txn;
    struct node node;

    drive.drive_id = x_strdup("S");
    scene_edit(scene, shortcut, make_shortcut);
    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_drive(txn, &drive), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    node = scene_get(scene, scene_make(scene, shortcut, "f", NODE_FILE));
    assert_int_equal(node.attr.drive, drive.id);
    assert_int_not_equal(drive.id, scene->drive);
    node_clear(&node);
    drive_row_clear(&drive);
}

/* A name that was deleted here is free, though the service still has it. */
static void test_a_name_that_was_deleted_here_is_free(void **state)
{
    struct scene *scene = *state;
    ino_nr before = scene_add(scene, scene->root, "f", NODE_FILE), now;

    assert_int_equal(scene_remove(scene, scene->root, "f", false), 0);
    now = scene_make(scene, scene->root, "F", NODE_FILE);
    assert_int_not_equal(now, before);
    assert_true(scene_has_row(scene, before));
}

/* ---- names that differ only in case, in a folder of many ---- */

static void test_a_twin_is_found_among_many_names(void **state)
{
    static const struct {
        const char *name;
        int result;
    } rows[] = {
        { "img_0500.jpg", -EEXIST },
        { "IMG_0500.JPG", -EEXIST },
        { "Img_0500.jpG", -EEXIST },
        { "img_1000.jpg", 0 },
        { "img_050.jpg", 0 },
        { "img_0500.jpgx", 0 },
        { "zz", 0 },
        { "\u0436\u0443\u043A", -EEXIST },
        { "\u0436\u0443", 0 },
        { "A", 0 },
        { "0", 0 },
    };
    struct scene *scene = *state;
    struct store_txn *txn;

    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        cleanup_free char *name = x_asprintf(i % 2 ? "IMG_%04d.jpg" : "Img_%04d.JPG", i);
        struct node_attr attr;

        assert_int_equal(local_create(txn, scene->root, name, NODE_FILE, 0, &attr), 0);
    }
    assert_int_equal(store_commit(txn, NULL), 0);
    (void)scene_make(scene, scene->root, "\u0416\u0423\u041A", NODE_FILE);
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(scene_create(scene, scene->root, rows[i].name, NODE_FOLDER),
                         rows[i].result);
}

#define LOCAL_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_TEST(test_a_new_file_is_there_and_is_to_be_sent),
        LOCAL_TEST(test_a_new_folder_is_complete),
        LOCAL_TEST(test_names_are_refused_as_their_errno_says),
        LOCAL_TEST(test_places_are_refused_as_their_errno_says),
        LOCAL_TEST(test_a_name_that_is_taken_is_so_before_all_are_known),
        LOCAL_TEST(test_the_drive_below_a_shortcut_is_the_targets),
        LOCAL_TEST(test_a_name_that_was_deleted_here_is_free),
        LOCAL_TEST(test_a_twin_is_found_among_many_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
