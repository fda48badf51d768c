/* SPDX-License-Identifier: MIT */
/* apply.h: content, and the odd kinds of items */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "apply_scene.h"
#include "unit.h"

/* ---- content ---- */

static void test_new_content_takes_a_new_generation_and_a_new_mtime_does_not(void **state)
{
    struct scene *scene = *state;
    struct item report = scene_file("f", "root", "file");
    struct node_attr before, after;

    (void)scene_apply(scene, APPLY_FIRST, report);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/file", &before), 0);
    report.mtime_ns += INT64_C(2000000000);
    report.etag = "e2";
    assert_int_equal(scene_apply(scene, APPLY_DELTA, report), APPLY_CHANGED);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/file", &after), 0);
    assert_int_equal(after.generation, before.generation);
    assert_int_equal(after.mtime_ns, report.mtime_ns);
    report.ctag = "c2";
    report.size = 11;
    assert_int_equal(scene_apply(scene, APPLY_DELTA, report), APPLY_CHANGED);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/file", &after), 0);
    assert_true(after.generation > before.generation);
    assert_int_equal(after.size, 11);
}

static void test_unsettled_content_of_a_new_file_has_no_tags(void **state)
{
    struct scene *scene = *state;
    struct item report = scene_file("f", "root", "file");
    struct node node;

    report.flags |= ITEM_PENDING;
    report.hash_kind = HASH_QUICKXOR;
    report.hash = "unsettled";
    (void)scene_apply(scene, APPLY_FIRST, report);
    node = scene_row(scene, "f");
    assert_null(node.base.etag);
    assert_null(node.base.ctag);
    assert_null(node.base.hash);
    assert_false(node.attr.flags & NODE_HAS_HASH);
    node_clear(&node);
}

static void test_unsettled_content_waits_but_the_place_follows(void **state)
{
    struct scene *scene = *state;
    struct item report = scene_file("f", "root", "file");
    struct node_attr before, after;

    (void)scene_apply(scene, APPLY_FIRST, report);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/file", &before), 0);
    report.name = "moved";
    report.etag = "e2";
    report.ctag = "c2";
    report.size = 999;
    report.flags |= ITEM_PENDING;
    assert_int_equal(scene_apply(scene, APPLY_DELTA, report), APPLY_CHANGED);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/moved", &after), 0);
    assert_int_equal(after.generation, before.generation);
    assert_int_equal(after.size, 10);
    report.flags &= ~(unsigned)ITEM_PENDING;
    assert_int_equal(scene_apply(scene, APPLY_DELTA, report), APPLY_CHANGED);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/moved", &after), 0);
    assert_int_equal(after.size, 999);
}

static void test_content_that_cannot_be_told_is_asked_for_but_the_place_follows(void **state)
{
    struct scene *scene = *state;
    struct item report = scene_file("f", "root", "file");

    (void)scene_apply(scene, APPLY_FIRST, report);
    report.ctag = NULL;
    report.etag = "e2";
    report.name = "moved";
    assert_int_equal(scene_apply(scene, APPLY_DELTA, report), APPLY_CHECK);
    assert_true(scene_at(scene, "moved") != 0);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, report), APPLY_CHECK);
    report.ctag = "c1";
    assert_int_equal(scene_apply(scene, APPLY_ITEM, report), APPLY_CHANGED);
    assert_int_equal(scene_apply(scene, APPLY_ITEM, report), APPLY_NOTHING);
}

/* ---- odd kinds ---- */

static void test_item_that_changes_its_kind_is_a_new_inode(void **state)
{
    struct scene *scene = *state;
    ino_nr before;

    (void)scene_apply(scene, APPLY_FIRST, scene_folder("x", "root", "thing"));
    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "x", "below"));
    before = scene_at(scene, "thing");
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_file("x", "root", "thing")),
                     APPLY_CHANGED);
    assert_true(scene_at(scene, "thing") > before);
    struct node below = scene_row(scene, "f");
    assert_null(below.rid);
}

static void test_malware_and_packages_are_marked(void **state)
{
    struct scene *scene = *state;
    struct item bad = scene_file("m", "root", "bad"), notebook = scene_folder("p", "root", "notes");
    struct node node;

    bad.flags |= ITEM_MALWARE;
    notebook.kind = ITEM_PACKAGE;
    (void)scene_apply(scene, APPLY_FIRST, bad);
    (void)scene_apply(scene, APPLY_FIRST, notebook);
    node = scene_row(scene, "m");
    assert_true(node.attr.flags & NODE_MALWARE);
    node_clear(&node);
    node = scene_row(scene, "p");
    assert_int_equal(node.attr.kind, NODE_PACKAGE);
    node_clear(&node);
    bad.flags &= ~(unsigned)ITEM_MALWARE;
    fixture_forget_told(scene->fixture);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, bad), APPLY_CHANGED);
    assert_true(fixture_was_told(scene->fixture, CHANGE_ATTR, 0, NULL, scene_at(scene, "bad")));
}

/* A report that may be older than what the item itself has just said. */
static void test_malware_of_a_late_report_is_asked_for(void **state)
{
    struct scene *scene = *state;
    struct item report = scene_file("m", "root", "bad");
    struct node node;

    (void)scene_apply(scene, APPLY_FIRST, report);
    assert_int_equal(scene_apply(scene, APPLY_ITEM, report), APPLY_NOTHING);
    report.flags |= ITEM_MALWARE;
    assert_int_equal(scene_apply(scene, APPLY_DELTA, report), APPLY_CHECK);
    node = scene_row(scene, "m");
    assert_false(node.attr.flags & NODE_MALWARE);
    node_clear(&node);
    assert_int_equal(scene_apply(scene, APPLY_ITEM, report), APPLY_CHANGED);
    node = scene_row(scene, "m");
    assert_true(node.attr.flags & NODE_MALWARE);
    node_clear(&node);
}

static void test_what_is_in_a_notebook_is_left_out(void **state)
{
    struct scene *scene = *state;
    struct item notebook = scene_folder("p", "root", "notebook");

    notebook.kind = ITEM_PACKAGE;
    (void)scene_apply(scene, APPLY_FIRST, notebook);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, scene_file("in", "p", "part.one")),
                     APPLY_LEFT_OUT);
    assert_null(scene_row(scene, "in").rid);
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
        (void)scene_apply(scene, APPLY_FIRST, scene_folder(upper, "root", upper));
        (void)scene_apply(scene, APPLY_FIRST, scene_folder(lower, upper, lower));
        (void)scene_apply(scene, APPLY_FIRST, scene_folder(upper, lower, upper));
        assert_int_equal(scene_at(scene, upper), 0);
    }
    (void)scene_apply(scene, APPLY_FIRST, scene_folder(lower, "root", lower));
    assert_true(scene_at(scene, "b149/a149") != 0);
}

static struct item shortcut(const char *target_drive_id, const char *target_id)
{
    struct item item = scene_folder("s", "root", "shared");

    item.flags |= ITEM_SHORTCUT;
    item.target_drive_id = target_drive_id;
    item.target_id = target_id;
    return item;
}

static void test_shortcut_leads_to_a_drive_that_goes_with_it(void **state)
{
    struct scene *scene = *state, shared = { .fixture = scene->fixture, .now_ms = scene->now_ms };
    struct item child = scene_file("c", "T", "child");
    struct drive_row drive;
    struct node_attr attr;

    (void)scene_apply(scene, APPLY_FIRST, shortcut("OTHER", "T"));
    assert_int_equal(
        store_find_drive_by_root(scene->fixture->store, scene_at(scene, "shared"), &shared.drive),
        0);
    assert_int_equal(shared.drive.kind, DRIVE_SHARED);
    assert_string_equal(shared.drive.drive_id, "OTHER");
    assert_string_equal(shared.drive.root_rid, "T");
    child.drive_id = "OTHER";
    assert_int_equal(scene_apply(scene, APPLY_FIRST, child), APPLY_LEFT_OUT);
    assert_int_equal(scene_apply(&shared, APPLY_NO_DELTA, child), APPLY_CHANGED);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive/shared/child", &attr), 0);
    assert_int_equal(attr.drive, shared.drive.id);

    (void)scene_apply(scene, APPLY_DELTA, scene_tombstone("s"));
    assert_int_equal(store_getattr(scene->fixture->store, attr.ino, &attr), -ENOENT);
    assert_int_equal(store_get_drive(scene->fixture->store, shared.drive.id, &drive), -ENOENT);
    drive_row_clear(&shared.drive);
}

static void test_shortcut_with_another_target_is_another_thing(void **state)
{
    struct scene *scene = *state;
    struct drive_row drive;
    ino_nr before;

    (void)scene_apply(scene, APPLY_FIRST, shortcut("OTHER", "T"));
    before = scene_at(scene, "shared");
    (void)scene_apply(scene, APPLY_DELTA, shortcut("OTHER", "U"));
    assert_true(scene_at(scene, "shared") > before);
    assert_int_equal(store_find_drive_by_root(scene->fixture->store, before, &drive), -ENOENT);
    assert_int_equal(
        store_find_drive_by_root(scene->fixture->store, scene_at(scene, "shared"), &drive), 0);
    assert_string_equal(drive.root_rid, "U");
    drive_row_clear(&drive);
}

static void test_shortcut_whose_drive_is_not_always_told_stays_the_same(void **state)
{
    struct scene *scene = *state;
    struct drive_row drive;
    ino_nr ino;

    (void)scene_apply(scene, APPLY_FIRST, shortcut(NULL, "T"));
    ino = scene_at(scene, "shared");
    assert_int_equal(store_find_drive_by_root(scene->fixture->store, ino, &drive), -ENOENT);
    (void)scene_apply(scene, APPLY_DELTA, shortcut("OTHER", "T"));
    (void)scene_apply(scene, APPLY_DELTA, shortcut(NULL, "T"));
    (void)scene_apply(scene, APPLY_DELTA, shortcut("OTHER", "T"));
    assert_int_equal(scene_at(scene, "shared"), ino);
    assert_int_equal(store_find_drive_by_root(scene->fixture->store, ino, &drive), 0);
    assert_string_equal(drive.drive_id, "OTHER");
    drive_row_clear(&drive);
}

/* The shortcut is an item with tags, a size and a hash of its own. */
static void test_shortcut_to_a_file_has_the_content_of_its_target(void **state)
{
    struct scene *scene = *state;
    const struct apply_context context = scene_context(scene, APPLY_ITEM);
    struct item link = scene_file("s", "root", "link"), target = scene_file("T", "P", "elsewhere");
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
    (void)scene_apply(scene, APPLY_FIRST, link);
    first = scene_row(scene, "s");
    assert_null(first.base.etag);
    assert_null(first.base.ctag);
    assert_int_equal(first.attr.listed_ms, 0);
    txn = scene_begin(scene);
    assert_int_equal(apply_target(txn, &context, first.attr.ino, &target, NULL), 0);
    scene_commit(txn);
    told = scene_row(scene, "s");
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
    assert_int_equal(scene_apply(scene, APPLY_DELTA, link), APPLY_CHANGED);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, link), APPLY_NOTHING);
    later = scene_row(scene, "s");
    assert_int_equal(scene_at(scene, "renamed"), later.attr.ino);
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
    struct item foreign = scene_file("f", "root", "file"), nameless = scene_file("n", "root", NULL);
    struct item kindless = scene_file("k", "root", "kind");

    foreign.drive_id = "ANOTHER";
    kindless.kind = ITEM_UNKNOWN;
    assert_int_equal(scene_apply(scene, APPLY_FIRST, foreign), APPLY_LEFT_OUT);
    assert_int_equal(scene_apply(scene, APPLY_FIRST, nameless), APPLY_LEFT_OUT);
    assert_int_equal(scene_apply(scene, APPLY_DELTA, kindless), APPLY_LEFT_OUT);
    assert_int_equal(scene_at(scene, "file"), 0);
}

static void test_root_takes_attributes_only(void **state)
{
    struct scene *scene = *state;
    struct item root = scene_folder("D-root", "elsewhere", "root"),
                gone = scene_tombstone("D-root");
    struct node_attr attr;

    root.flags = ITEM_ROOT | ITEM_HAS_MTIME;
    root.mtime_ns = 42;
    assert_int_equal(scene_apply(scene, APPLY_FIRST, root), APPLY_CHANGED);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive", &attr), 0);
    assert_int_equal(attr.ino, scene->drive.root);
    assert_int_equal(attr.mtime_ns, 42);
    (void)scene_apply(scene, APPLY_DELTA, gone);
    assert_int_equal(fixture_find(scene->fixture, "/me/drive", &attr), 0);
}

static void test_children_that_knew_the_root_first_hang_on_it_afterwards(void **state)
{
    struct scene *scene = *state;
    struct item root = scene_folder("real-root", "", "root");

    free(scene->drive.root_rid);
    scene->drive.root_rid = NULL;
    (void)scene_apply(scene, APPLY_FIRST, scene_file("f", "real-root", "file"));
    assert_int_equal(scene_at(scene, "file"), 0);
    root.flags = ITEM_ROOT;
    root.parent_id = NULL;
    (void)scene_apply(scene, APPLY_FIRST, root);
    assert_true(scene_at(scene, "file") != 0);
    (void)scene_apply(scene, APPLY_FIRST, scene_file("g", "real-root", "more"));
    assert_true(scene_at(scene, "more") != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
