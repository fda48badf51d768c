/* SPDX-License-Identifier: MIT */
/* local_remove(): what goes, what stays for the service, and what is refused */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "local_scene.h"
#include "unit.h"

static void test_what_was_never_sent_goes_at_once(void **state)
{
    struct scene *scene = *state;
    ino_nr file = scene_make(scene, scene->root, "f", NODE_FILE);
    struct node node = scene_get(scene, file);

    assert_int_equal(scene_remove(scene, scene->root, "f", false), 0);
    assert_false(scene_has_row(scene, file));
    assert_true(fixture_was_told(scene->fixture, CHANGE_DELETED, scene->root, "f", file));
    assert_true(fixture_was_told(scene->fixture, CHANGE_UNUSED, 0, NULL, 0));
    scene_assert_all_own(scene);
    node_clear(&node);
}

static void move_base(struct node *node)
{
    node->base.parent = STORE_INO_ME;
    free(node->base.name);
    node->base.name = x_strdup("elsewhere");
    node->base.generation = 3;
}

static void test_what_the_service_has_stays_where_it_has_it(void **state)
{
    struct scene *scene = *state;
    ino_nr file = scene_add(scene, scene->root, "f", NODE_FILE);
    struct node_attr attr;
    struct node node;

    scene_edit(scene, file, move_base);
    assert_int_equal(scene_remove(scene, scene->root, "f", false), 0);
    assert_int_equal(scene_find(scene, "f"), 0);
    node = scene_get(scene, file);
    assert_int_equal(node_dirty(&node, 1000), DIRTY_DELETED);
    assert_int_equal(node.local.parent, STORE_INO_ME);
    assert_string_equal(node.local.name, "elsewhere");
    assert_int_equal(node.base.parent, STORE_INO_ME);
    assert_string_equal(node.base.name, "elsewhere");
    assert_int_equal(node.base.generation, 3);
    node_clear(&node);
    assert_true(fixture_was_told(scene->fixture, CHANGE_DELETED, scene->root, "f", file));
    assert_int_equal(store_getattr(scene->fixture->store, scene->root, &attr), 0);
    assert_int_equal(attr.mtime_ns, SCENE_NOW_NS);
}

static void test_what_the_service_was_asked_for_stays(void **state)
{
    struct scene *scene = *state;
    ino_nr file = scene_make(scene, scene->root, "f", NODE_FILE);
    struct node node = scene_get(scene, file);

    scene_put_intent(scene, file, node.local.generation);
    node_clear(&node);
    assert_int_equal(scene_remove(scene, scene->root, "f", false), 0);
    node = scene_get(scene, file);
    assert_int_equal(node.attr.flags, 0);
    assert_int_equal(node_dirty(&node, 1000), 0);
    node_clear(&node);
    /* Its content is still being sent. */
    assert_false(fixture_was_told(scene->fixture, CHANGE_UNUSED, 0, NULL, 0));
}

static void test_removals_are_refused_as_their_errno_says(void **state)
{
    struct scene *scene = *state;
    ino_nr root = scene->root, full, unknown, unknown_full;

    const struct {
        ino_nr parent;
        const char *name;
        bool wants_directory;
        int result;
    } rows[] = {
        { root, "none", false, -ENOENT },
        { root, "none", true, -ENOENT },
        { root, "FILE", false, -ENOENT },
        { 4711, "file", false, -ENOENT },
        { root, "file", true, -ENOTDIR },
        { root, "folder", false, -EISDIR },
        { root, "full", true, -ENOTEMPTY },
        { root, "unknown", true, -EAGAIN },
        { root, "unknown, full", true, -ENOTEMPTY },
        { root, "package", true, -EPERM },
        { root, "package", false, -EISDIR },
        { STORE_INO_ME, "drive", true, -EBUSY },
        { STORE_INO_ME, "drive", false, -EISDIR },
        { STORE_INO_ROOT, "me", true, -EBUSY },
        { STORE_INO_DRIVES, "link", false, -EPERM },
        { STORE_INO_DRIVES, "link", true, -ENOTDIR },
        { root, "file", false, 0 },
        { root, "file", false, -ENOENT },
        { root, "folder", true, 0 },
    };

    (void)scene_add(scene, root, "file", NODE_FILE);
    (void)scene_add(scene, root, "folder", NODE_FOLDER);
    (void)scene_add(scene, root, "package", NODE_PACKAGE);
    (void)scene_add(scene, STORE_INO_DRIVES, "link", NODE_LINK);
    full = scene_add(scene, root, "full", NODE_FOLDER);
    (void)scene_add(scene, full, "f", NODE_FILE);
    unknown = scene_add(scene, root, "unknown", NODE_FOLDER);
    scene_edit(scene, unknown, edit_incomplete);
    unknown_full = scene_add(scene, root, "unknown, full", NODE_FOLDER);
    (void)scene_add(scene, unknown_full, "f", NODE_FILE);
    scene_edit(scene, unknown_full, edit_incomplete);
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(scene_remove(scene, rows[i].parent, rows[i].name, rows[i].wants_directory),
                         rows[i].result);
}

static void test_a_folder_is_empty_when_all_in_it_was_deleted_here(void **state)
{
    struct scene *scene = *state;
    ino_nr folder = scene_add(scene, scene->root, "d", NODE_FOLDER);
    ino_nr file = scene_add(scene, folder, "f", NODE_FILE);

    (void)scene_make(scene, folder, "g", NODE_FILE);
    assert_int_equal(scene_remove(scene, folder, "f", false), 0);
    assert_int_equal(scene_remove(scene, scene->root, "d", true), -ENOTEMPTY);
    assert_int_equal(scene_remove(scene, folder, "g", false), 0);
    assert_int_equal(scene_remove(scene, scene->root, "d", true), 0);
    assert_true(scene_has_row(scene, folder));
    assert_true(scene_has_row(scene, file));
    assert_int_equal(scene_create(scene, folder, "new", NODE_FILE), -ENOENT);
    assert_int_equal(scene_remove(scene, folder, "f", false), -ENOENT);
}

/* The folder that it was moved to was never sent, and goes: it must not point there. */
static void test_a_deleted_row_lets_the_folder_go_that_it_was_in(void **state)
{
    struct scene *scene = *state;
    ino_nr folder = scene_make(scene, scene->root, "d", NODE_FOLDER);
    ino_nr file = scene_add(scene, scene->root, "f", NODE_FILE);
    struct node node;

    assert_int_equal(scene_rename(scene, scene->root, "f", folder, "g", 0), 0);
    assert_int_equal(scene_remove(scene, folder, "g", false), 0);
    assert_int_equal(scene_remove(scene, scene->root, "d", true), 0);
    assert_false(scene_has_row(scene, folder));
    node = scene_get(scene, file);
    assert_int_equal(node.local.parent, scene->root);
    assert_string_equal(node.local.name, "f");
    node_clear(&node);
}

static void wait_for_name(struct node *node)
{
    node->attr.flags |= NODE_SAFE_NAME;
    free(node->base.name);
    node->base.name = x_strdup("f");
}

static void test_who_waits_for_the_name_gets_it_and_the_kernel_is_told(void **state)
{
    struct scene *scene = *state;
    ino_nr waiting = scene_add(scene, scene->root, "f [abcdefgh]", NODE_FILE);
    struct fixture *fixture = scene->fixture;
    struct node node;

    (void)scene_make(scene, scene->root, "f", NODE_FILE);
    scene_edit(scene, waiting, wait_for_name);
    assert_int_equal(scene_remove(scene, scene->root, "f", false), 0);
    assert_int_equal(scene_find(scene, "f"), waiting);
    node = scene_get(scene, waiting);
    assert_int_equal(node.attr.flags & NODE_SAFE_NAME, 0);
    assert_int_equal(node_dirty(&node, 1000), 0);
    node_clear(&node);
    for (size_t i = 0; i < fixture->told_count; i++) {
        const struct change *change = &fixture->told[i];
        bool is_of_waiting = change->ino == waiting || change->kind == CHANGE_LISTING;

        assert_int_equal(!change->is_own, is_of_waiting);
    }
    assert_true(fixture_was_told(fixture, CHANGE_ENTRY, scene->root, "f", waiting));
}

static void test_what_is_removed_is_blocked_no_more(void **state)
{
    struct scene *scene = *state;
    struct blocked blocked = { .ino = scene_add(scene, scene->root, "f", NODE_FILE) };
    cleanup_free char *reason = x_strdup("no room");
    struct store_txn *txn;
    int64_t count;

    blocked.reason = reason;
    assert_int_equal(store_begin(scene->fixture->store, &txn, NULL), 0);
    assert_int_equal(txn_put_blocked(txn, &blocked), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    assert_int_equal(scene_remove(scene, scene->root, "f", false), 0);
    assert_int_equal(store_count_blocked(scene->fixture->store, &count), 0);
    assert_int_equal(count, 0);
}

#define LOCAL_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_TEST(test_what_was_never_sent_goes_at_once),
        LOCAL_TEST(test_what_the_service_has_stays_where_it_has_it),
        LOCAL_TEST(test_what_the_service_was_asked_for_stays),
        LOCAL_TEST(test_removals_are_refused_as_their_errno_says),
        LOCAL_TEST(test_a_folder_is_empty_when_all_in_it_was_deleted_here),
        LOCAL_TEST(test_a_deleted_row_lets_the_folder_go_that_it_was_in),
        LOCAL_TEST(test_who_waits_for_the_name_gets_it_and_the_kernel_is_told),
        LOCAL_TEST(test_what_is_removed_is_blocked_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
