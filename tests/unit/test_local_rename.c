/* SPDX-License-Identifier: MIT */
/* local_rename(): what moves, what it replaces, and what is refused */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "local_scene.h"
#include "unit.h"

static void test_a_moved_row_is_dirty_until_it_is_moved_back(void **state)
{
    struct scene *scene = *state;
    ino_nr folder = scene_add(scene, scene->root, "d", NODE_FOLDER);
    ino_nr file = scene_add(scene, scene->root, "f", NODE_FILE);
    struct node_attr attr;
    struct node node;

    assert_int_equal(scene_rename(scene, scene->root, "f", folder, "g", 0), 0);
    assert_int_equal(scene_find(scene, "d/g"), file);
    assert_int_equal(scene_find(scene, "f"), 0);
    node = scene_get(scene, file);
    assert_int_equal(node_dirty(&node, 1000), DIRTY_PLACE);
    assert_int_not_equal(node.local.mtime_ns, SCENE_NOW_NS);
    node_clear(&node);
    scene_assert_all_own(scene);
    assert_true(fixture_was_told(scene->fixture, CHANGE_LISTING, 0, NULL, scene->root));
    assert_true(fixture_was_told(scene->fixture, CHANGE_LISTING, 0, NULL, folder));
    assert_int_equal(store_getattr(scene->fixture->store, folder, &attr), 0);
    assert_int_equal(attr.mtime_ns, SCENE_NOW_NS);

    assert_int_equal(scene_rename(scene, folder, "g", scene->root, "f", 0), 0);
    node = scene_get(scene, file);
    assert_int_equal(node_dirty(&node, 1000), 0);
    node_clear(&node);
}

static void test_what_is_replaced_is_removed(void **state)
{
    struct scene *scene = *state;
    ino_nr source = scene_make(scene, scene->root, "new", NODE_FILE);
    ino_nr target = scene_add(scene, scene->root, "old", NODE_FILE);
    ino_nr third = scene_make(scene, scene->root, "third", NODE_FILE);
    struct node node;

    assert_int_equal(scene_rename(scene, scene->root, "new", scene->root, "old", 0), 0);
    assert_int_equal(scene_find(scene, "old"), source);
    node = scene_get(scene, target);
    assert_int_equal(node_dirty(&node, 1000), DIRTY_DELETED);
    node_clear(&node);
    assert_int_equal(scene_rename(scene, scene->root, "third", scene->root, "old", 0), 0);
    assert_int_equal(scene_find(scene, "old"), third);
    assert_false(scene_has_row(scene, source));
}

static void test_a_row_that_is_exchanged_is_where_the_other_was(void **state)
{
    struct scene *scene = *state;
    ino_nr folder = scene_add(scene, scene->root, "d", NODE_FOLDER);
    ino_nr file = scene_add(scene, folder, "f", NODE_FILE);
    ino_nr other = scene_add(scene, scene->root, "e", NODE_FOLDER);

    (void)scene_add(scene, other, "inside", NODE_FILE);
    assert_int_equal(scene_rename(scene, folder, "f", scene->root, "e", RENAME_EXCHANGE), 0);
    assert_int_equal(scene_find(scene, "e"), file);
    assert_int_equal(scene_find(scene, "d/f"), other);
    assert_int_not_equal(scene_find(scene, "d/f/inside"), 0);
    scene_assert_all_own(scene);
}

static void make_safe(struct node *node)
{
    node->attr.flags |= NODE_SAFE_NAME;
    free(node->base.name);
    node->base.name = x_strdup("taken");
}

static void test_a_safe_name_is_given_up_by_a_rename(void **state)
{
    struct scene *scene = *state;
    ino_nr file = scene_add(scene, scene->root, "taken [abcdefgh]", NODE_FILE);
    struct node node;

    scene_edit(scene, file, make_safe);
    assert_int_equal(scene_rename(scene, scene->root, "taken [abcdefgh]", scene->root, "mine", 0),
                     0);
    node = scene_get(scene, file);
    assert_int_equal(node.attr.flags & NODE_SAFE_NAME, 0);
    assert_int_equal(node_dirty(&node, 1000), DIRTY_PLACE);
    assert_string_equal(node.base.name, "taken");
    node_clear(&node);
}

static void test_case_can_be_changed_of_the_thing_itself_alone(void **state)
{
    struct scene *scene = *state;
    ino_nr root = scene->root;
    ino_nr file = scene_add(scene, root, "read me", NODE_FILE);
    ino_nr folder = scene_add(scene, root, "d", NODE_FOLDER);

    assert_int_equal(scene_rename(scene, root, "read me", root, "Read Me", 0), 0);
    assert_int_equal(scene_find(scene, "Read Me"), file);
    assert_int_equal(scene_rename(scene, root, "Read Me", root, "README", RENAME_NOREPLACE), 0);
    assert_int_equal(scene_rename(scene, root, "README", root, "read me", RENAME_NOREPLACE), 0);
    (void)scene_add(scene, folder, "READ ME", NODE_FILE);
    assert_int_equal(scene_rename(scene, root, "read me", folder, "read me", 0), -EEXIST);
    assert_int_equal(scene_rename(scene, root, "read me", folder, "READ ME", 0), 0);
    assert_int_equal(scene_find(scene, "d/READ ME"), file);
}

static void make_shortcut(struct node *node)
{
    node->attr.flags |= NODE_SHORTCUT;
    node->target_drive_id = x_strdup("S");
    node->target_rid = x_strdup("T");
}

/* Gives the shortcut a drive, as the first report on it does. */
static ino_nr add_shortcut(struct scene *scene, const char *name)
{
    ino_nr shortcut = scene_add(scene, scene->root, name, NODE_FOLDER);
    struct drive_row drive = { .kind = DRIVE_SHARED, .root = shortcut };
    struct store_txn *txn;

    drive.drive_id = x_strdup("S");
    scene_edit(scene, shortcut, make_shortcut);
    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_drive(txn, &drive), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    drive_row_clear(&drive);
    return shortcut;
}

/* root: file, other, folder/inside, full/f, empty, unknown (children not known), package, shared/s,
 * shared 2, new (never sent), new folder/f, link. */
static void add_tree(struct scene *scene)
{
    ino_nr root = scene->root, folder;

    (void)scene_add(scene, root, "file", NODE_FILE);
    (void)scene_add(scene, root, "other", NODE_FILE);
    folder = scene_add(scene, root, "folder", NODE_FOLDER);
    (void)scene_add(scene, folder, "inside", NODE_FOLDER);
    folder = scene_add(scene, root, "full", NODE_FOLDER);
    (void)scene_add(scene, folder, "f", NODE_FILE);
    (void)scene_add(scene, root, "empty", NODE_FOLDER);
    folder = scene_add(scene, root, "unknown", NODE_FOLDER);
    (void)scene_add(scene, folder, "known", NODE_FILE);
    scene_edit(scene, folder, edit_incomplete);
    folder = scene_add(scene, root, "unknown, empty", NODE_FOLDER);
    scene_edit(scene, folder, edit_incomplete);
    (void)scene_add(scene, root, "package", NODE_PACKAGE);
    folder = add_shortcut(scene, "shared");
    (void)scene_add(scene, folder, "s", NODE_FILE);
    (void)add_shortcut(scene, "shared 2");
    (void)scene_make(scene, root, "new", NODE_FILE);
    folder = scene_make(scene, root, "new folder", NODE_FOLDER);
    (void)scene_make(scene, folder, "f", NODE_FILE);
}

static void test_renames_are_refused_as_their_errno_says(void **state)
{
    static const struct {
        const char *parent, *name, *new_parent, *new_name; /* parents below /me/drive */
        unsigned flags;
        int result;
    } rows[] = {
        { "", "none", "", "x", 0, -ENOENT },
        { "", "FILE", "", "x", 0, -ENOENT },
        { "none", "file", "", "x", 0, -ENOENT },
        { "", "file", "none", "x", 0, -ENOENT },
        { "", "file", "other", "x", 0, -ENOTDIR },
        { "", "file", "package", "x", 0, -EROFS },
        { "..", "drive", "", "x", 0, -EROFS },
        { "", "file", "..", "x", 0, -EROFS },
        { "", "file", "", "x", 4, -EINVAL },
        { "", "file", "", "other", RENAME_NOREPLACE | RENAME_EXCHANGE, -EINVAL },
        { "", "file", "", "x:", 0, -EINVAL },
        { "", "file", "", "\xFF", 0, -EILSEQ },
        { "", "file", "", ".Trash", 0, -EPERM },
        { "", "package", "", "x", 0, -EPERM },
        { "", "file", "", "package", RENAME_EXCHANGE, -EPERM },
        { "", "folder", "", "package", 0, -EPERM },

        { "", "file", "", "other", RENAME_NOREPLACE, -EEXIST },
        { "", "file", "", "file", RENAME_NOREPLACE, -EEXIST },
        { "", "file", "", "file", 0, 0 },
        { "", "file", "", "file", RENAME_EXCHANGE, 0 },
        { "", "file", "", "OTHER", 0, -EEXIST },
        { "", "file", "", "OTHER", RENAME_EXCHANGE, -ENOENT },
        { "", "file", "", "none", RENAME_EXCHANGE, -ENOENT },
        { "", "file", "unknown", "x", 0, -EAGAIN },
        { "", "file", "unknown", "x", RENAME_EXCHANGE, -EAGAIN },
        { "", "file", "unknown", "known", RENAME_NOREPLACE, -EEXIST },

        { "", "folder", "folder", "x", 0, -EINVAL },
        { "", "folder", "folder/inside", "x", 0, -EINVAL },
        { "", "file", "", "folder", 0, -EISDIR },
        { "", "folder", "", "file", 0, -ENOTDIR },
        { "", "folder", "", "full", 0, -ENOTEMPTY },
        { "folder", "inside", "", "folder", 0, -ENOTEMPTY },
        { "folder", "inside", "", "folder", RENAME_EXCHANGE, -EINVAL },
        { "", "folder", "folder", "inside", RENAME_EXCHANGE, -EINVAL },
        { "", "folder", "", "unknown", 0, -ENOTEMPTY },
        { "", "folder", "", "unknown, empty", 0, -EAGAIN },

        { "", "file", "shared", "x", 0, -EXDEV },
        { "shared", "s", "", "x", 0, -EXDEV },
        { "shared", "s", "shared 2", "x", 0, -EXDEV },
        { "", "file", "shared", "s", RENAME_EXCHANGE, -EXDEV },
        { "shared", "s", "shared", "t", 0, 0 },
        { "", "shared", "folder", "elsewhere", 0, 0 },

        { "", "file", "", "CON", 0, -EXDEV },
        { "", "folder", "", ".nfs1", 0, -EXDEV },
        { "", "new", "", "desktop.ini", 0, 0 },
        { "", "file", "", "desktop.ini", 0, -EXDEV },
        { "", "file", "", "desktop.ini", RENAME_EXCHANGE, -EXDEV },
        { "", "desktop.ini", "", "file", RENAME_EXCHANGE, -EXDEV },
        { "", "desktop.ini", "", "new", 0, 0 },
        { "", "new folder", "", "aux", 0, 0 },
        { "", "file", "aux", "x", 0, -EXDEV },
        { "", "new", "aux", "x", 0, 0 },
        { "aux", "x", "", "x", 0, 0 },

        { "", "folder", "", "empty", 0, 0 },
        { "", "file", "", "other", 0, 0 },
        { "unknown", "known", "", "known", 0, 0 },
    };
    struct scene *scene = *state;

    add_tree(scene);
    for (size_t i = 0; i < ROWS(rows); i++) {
        ino_nr parent =
            strcmp(rows[i].parent, "..") == 0 ? STORE_INO_ME : scene_find(scene, rows[i].parent);
        ino_nr new_parent = strcmp(rows[i].new_parent, "..") == 0
                                ? STORE_INO_ME
                                : scene_find(scene, rows[i].new_parent);
        int r =
            scene_rename(scene, parent, rows[i].name, new_parent, rows[i].new_name, rows[i].flags);

        if (r != rows[i].result)
            fail_msg("row %zu, %s to %s: %d, not %d", i, rows[i].name, rows[i].new_name, r,
                     rows[i].result);
    }
}

static void set_type(struct scene *scene, const char *type)
{
    struct drive_row drive;
    struct store_txn *txn;

    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_get_drive(txn, scene->drive, &drive), 0);
    free(drive.type);
    drive.type = x_strdup(type);
    assert_int_equal(txn_put_drive(txn, &drive), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    drive_row_clear(&drive);
}

static void test_forms_stays_here_in_the_root_of_a_library_alone(void **state)
{
    struct scene *scene = *state;
    ino_nr root = scene->root, folder = scene_add(scene, root, "d", NODE_FOLDER);

    (void)scene_add(scene, root, "f", NODE_FOLDER);
    set_type(scene, "documentLibrary");
    assert_int_equal(scene_rename(scene, root, "f", root, "Forms", 0), -EXDEV);
    assert_int_equal(scene_rename(scene, root, "f", folder, "Forms", 0), 0);
    set_type(scene, "personal");
    assert_int_equal(scene_rename(scene, folder, "Forms", root, "Forms", 0), 0);
}

static bool is_local_only(struct scene *scene, ino_nr ino)
{
    struct node node = scene_get(scene, ino);
    bool ret = node.attr.flags & NODE_LOCAL_ONLY;

    node_clear(&node);
    return ret;
}

static void test_a_folder_that_is_not_sent_has_nothing_in_it_that_is(void **state)
{
    struct scene *scene = *state;
    ino_nr root = scene->root, folder = scene_make(scene, root, "new", NODE_FOLDER);
    ino_nr below = scene_make(scene, folder, "below", NODE_FOLDER);
    ino_nr file = scene_make(scene, below, "file", NODE_FILE);
    ino_nr lock = scene_make(scene, below, ".lock", NODE_FILE), later;

    assert_false(is_local_only(scene, file));
    assert_true(is_local_only(scene, lock));
    assert_int_equal(scene_rename(scene, root, "new", root, "aux", 0), 0);
    assert_true(is_local_only(scene, folder) && is_local_only(scene, below));
    assert_true(is_local_only(scene, file) && is_local_only(scene, lock));
    later = scene_make(scene, below, "later", NODE_FILE);
    assert_true(is_local_only(scene, later));
    assert_int_equal(scene_rename(scene, root, "aux", root, "sent", 0), 0);
    assert_false(is_local_only(scene, folder) || is_local_only(scene, below));
    assert_false(is_local_only(scene, file) || is_local_only(scene, later));
    assert_true(is_local_only(scene, lock));
}

/* What was moved into a folder that was never sent would go from the service with it. */
static void test_a_folder_with_something_of_the_services_in_it_is_sent(void **state)
{
    struct scene *scene = *state;
    ino_nr root = scene->root, folder = scene_make(scene, root, "new", NODE_FOLDER), below;
    ino_nr file = scene_make(scene, root, "asked for", NODE_FILE);

    below = scene_make(scene, folder, "below", NODE_FOLDER);
    (void)scene_add(scene, root, "f", NODE_FILE);
    assert_int_equal(scene_rename(scene, root, "f", below, "f", 0), 0);
    assert_int_equal(scene_rename(scene, root, "new", root, "aux", 0), -EXDEV);
    assert_int_equal(scene_rename(scene, below, "f", root, "f", 0), 0);
    assert_int_equal(scene_rename(scene, root, "new", root, "aux", 0), 0);

    scene_put_intent(scene, file, 7);
    assert_int_equal(scene_rename(scene, root, "asked for", below, "x", 0), -EXDEV);
}

/* An item of the service's under such a name is one like any other. */
static void test_below_a_folder_of_the_service_no_name_above_matters(void **state)
{
    struct scene *scene = *state;
    ino_nr folder = scene_add(scene, scene->root, "aux", NODE_FOLDER);

    (void)scene_add(scene, scene->root, "f", NODE_FILE);
    assert_int_equal(scene_rename(scene, scene->root, "f", folder, "f", 0), 0);
}

#define LOCAL_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_TEST(test_a_moved_row_is_dirty_until_it_is_moved_back),
        LOCAL_TEST(test_what_is_replaced_is_removed),
        LOCAL_TEST(test_a_row_that_is_exchanged_is_where_the_other_was),
        LOCAL_TEST(test_a_safe_name_is_given_up_by_a_rename),
        LOCAL_TEST(test_case_can_be_changed_of_the_thing_itself_alone),
        LOCAL_TEST(test_renames_are_refused_as_their_errno_says),
        LOCAL_TEST(test_a_folder_that_is_not_sent_has_nothing_in_it_that_is),
        LOCAL_TEST(test_forms_stays_here_in_the_root_of_a_library_alone),
        LOCAL_TEST(test_a_folder_with_something_of_the_services_in_it_is_sent),
        LOCAL_TEST(test_below_a_folder_of_the_service_no_name_above_matters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
