/* SPDX-License-Identifier: MIT */
/* Accounts that are moved to another back end: the same tree under other ids (apply_identity.c). */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sync_fixture.h"
#include "unit.h"

#define POLL_MS (FIXTURE_POLL_S * INT64_C(1000))

/* a/ (f0 f1 f2 b/ (deep)) top */
static const char *const paths[] = {
    "/me/drive",      "/me/drive/a",   "/me/drive/a/f0",     "/me/drive/a/f1",
    "/me/drive/a/f2", "/me/drive/a/b", "/me/drive/a/b/deep", "/me/drive/top",
};

struct known {
    struct node_attr attr[ROWS(paths)];
};

static size_t item(struct sync_fixture *fixture, const char *name)
{
    for (size_t i = 0; i < fixture->model->items.len; i++) {
        const struct fake_version *truth = fake_truth(fixture->model, i);

        if (!truth->is_deleted && strcmp(truth->name, name) == 0)
            return i;
    }
    fail_msg("no item %s", name);
    return SIZE_MAX;
}

static void look(struct sync_fixture *fixture, struct known *ret)
{
    for (size_t i = 0; i < ROWS(paths); i++) {
        if (fixture_find(fixture->base, paths[i], &ret->attr[i]) != 0)
            fail_msg("%s isn't there", paths[i]);
    }
}

static void open_and_fill(struct sync_fixture *fixture, struct known *ret)
{
    struct fake_model *model = fixture->model;
    size_t a = fake_create(model, fixture->root, "a", ITEM_FOLDER);
    size_t b = fake_create(model, a, "b", ITEM_FOLDER);

    (void)fake_create(model, a, "f0", ITEM_FILE);
    (void)fake_create(model, a, "f1", ITEM_FILE);
    (void)fake_create(model, a, "f2", ITEM_FILE);
    (void)fake_create(model, b, "deep", ITEM_FILE);
    (void)fake_create(model, fixture->root, "top", ITEM_FILE);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    look(fixture, ret);
}

/* New ids for all items but `first` ones, in an order of their own, and new tags. */
static void change_ids(struct sync_fixture *fixture, size_t first)
{
    for (size_t i = first; i < fixture->model->items.len; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "N%zu", 100 - i);
        fake_set_id(fixture->model, i, id);
    }
    fixture->model->back_end = 1;
    fake_remote_expire(fixture->fake, 410, "resyncRequired");
    fake_remote_reset_counts(fixture->fake);
    fixture_forget_told(fixture->base);
}

static void migrate(struct sync_fixture *fixture, size_t first)
{
    change_ids(fixture, first);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
}

static void assert_all_stayed(struct sync_fixture *fixture, const struct known *known)
{
    struct known now;

    look(fixture, &now);
    for (size_t i = 0; i < ROWS(paths); i++) {
        assert_int_equal(now.attr[i].ino, known->attr[i].ino);
        assert_int_equal(now.attr[i].generation, known->attr[i].generation);
    }
    assert_int_equal(fixture->base->told_count, 0);
}

static void assert_inos_stayed(struct sync_fixture *fixture, const struct known *known)
{
    struct known now;

    look(fixture, &now);
    for (size_t i = 0; i < ROWS(paths); i++)
        assert_int_equal(now.attr[i].ino, known->attr[i].ino);
}

/* Later changes come under the new ids. */
static void assert_is_followed(struct sync_fixture *fixture)
{
    fake_write(fixture->model, item(fixture, "f1"), 4711);
    fake_delete(fixture->model, item(fixture, "b"));
    fake_move(fixture->model, item(fixture, "f2"), fixture->root, "moved");
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    sync_fixture_assert_equal(fixture, false);
}

static void test_moved_account_keeps_its_rows_and_contents(void **state)
{
    struct sync_fixture *fixture = *state;
    struct known known;

    open_and_fill(fixture, &known);
    migrate(fixture, 0);
    assert_all_stayed(fixture, &known);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 0);
    assert_is_followed(fixture);
    /* Nothing is in doubt. */
    sync_fixture_run(fixture, 60 * 60 * 1000);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 0);
}

static void test_moved_account_may_keep_the_id_of_its_root(void **state)
{
    struct sync_fixture *fixture = *state;
    struct known known;

    open_and_fill(fixture, &known);
    migrate(fixture, 1);
    assert_all_stayed(fixture, &known);
    assert_is_followed(fixture);
}

/* The listing comes before delta says that its link is dead. */
static void test_folder_listed_just_after_the_move_keeps_its_rows(void **state)
{
    struct sync_fixture *fixture = *state;
    struct known known;

    open_and_fill(fixture, &known);
    change_ids(fixture, 0);
    sync_fixture_list(fixture, "/me/drive", 0);
    sync_fixture_list(fixture, "/me/drive/a", 0);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_all_stayed(fixture, &known);
}

/* What is new calls the folder by an id that nobody knows yet. */
static void test_item_that_is_new_just_after_the_move_costs_no_other_row(void **state)
{
    struct sync_fixture *fixture = *state;
    struct known known;

    open_and_fill(fixture, &known);
    (void)fake_create(fixture->model, item(fixture, "a"), "new", ITEM_FILE);
    (void)fake_create(fixture->model, fixture->root, "newer", ITEM_FILE);
    change_ids(fixture, 0);
    sync_fixture_list(fixture, "/me/drive/a", 0);
    sync_fixture_list(fixture, "/me/drive", 0);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_inos_stayed(fixture, &known);
    sync_fixture_run(fixture, 30 * 60 * 1000);
    assert_inos_stayed(fixture, &known);
    sync_fixture_assert_equal(fixture, false);
}

/* It is asked for by its former id, and the answer tells the new one. */
static void test_item_that_is_asked_for_during_the_move_keeps_its_row(void **state)
{
    struct sync_fixture *fixture = *state;
    struct known known;

    open_and_fill(fixture, &known);
    sync_fixture_list(fixture, "/me/drive/a", 0);
    fake_write(fixture->model, item(fixture, "f1"), 4711);
    sync_note_use(fixture->sync, 0);
    clock_advance(fixture->base->clock, POLL_MS);
    while (fake_remote_count(fixture->fake, FAKE_ASK_ITEMS) == 0)
        assert_true(sync_fixture_step(fixture));
    change_ids(fixture, 0);
    sync_fixture_settle(fixture);
    sync_fixture_run(fixture, POLL_MS);
    assert_inos_stayed(fixture, &known);
    sync_fixture_run(fixture, 30 * 60 * 1000);
    assert_inos_stayed(fixture, &known);
    sync_fixture_assert_equal(fixture, false);
}

/* Its folder has a new id, too, that nobody knows yet. */
static void test_item_in_doubt_stays_where_it_is_during_the_move(void **state)
{
    struct sync_fixture *fixture = *state;
    struct known known;

    open_and_fill(fixture, &known);
    (void)fake_create(fixture->model, item(fixture, "a"), "new", ITEM_FILE);
    sync_fixture_list(fixture, "/me/drive/a", 0);
    fake_remote_fail(fixture->fake, FAKE_ASK_LINK, 0, 8, -ETIMEDOUT, 0);
    clock_advance(fixture->base->clock, APPLY_LATE_MS);
    while (fake_remote_count(fixture->fake, FAKE_ASK_ITEMS) == 0)
        assert_true(sync_fixture_step(fixture));
    change_ids(fixture, 0);
    sync_fixture_settle(fixture);
    assert_true(sync_fixture_has(fixture, "/me/drive/a/new"));
    sync_fixture_run(fixture, 30 * 60 * 1000);
    assert_inos_stayed(fixture, &known);
    sync_fixture_assert_equal(fixture, false);
}

static void test_moved_account_without_ctags_keeps_its_contents(void **state)
{
    struct sync_fixture *fixture = *state;
    struct known known;

    fixture->settings->omits_ctag = true;
    open_and_fill(fixture, &known);
    migrate(fixture, 0);
    assert_all_stayed(fixture, &known);
    /* What the item itself says of its tags is no other content. */
    sync_fixture_list(fixture, "/me/drive/a", 0);
    fake_move(fixture->model, item(fixture, "f0"), item(fixture, "a"), "f0");
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_all_stayed(fixture, &known);
}

/* Between the last round and the move one file was written, one was renamed, one deleted. */
static void test_what_changed_before_the_move_is_no_match(void **state)
{
    struct sync_fixture *fixture = *state;
    struct known known;
    struct node_attr attr;

    open_and_fill(fixture, &known);
    fake_write(fixture->model, item(fixture, "f0"), 4711);
    fake_move(fixture->model, item(fixture, "top"), fixture->root, "renamed");
    fake_delete(fixture->model, item(fixture, "deep"));
    migrate(fixture, 0);
    assert_int_equal(fixture_find(fixture->base, "/me/drive/a/f1", &attr), 0);
    assert_int_equal(attr.ino, known.attr[3].ino);
    assert_true(sync_fixture_has(fixture, "/me/drive/renamed"));
    sync_fixture_run(fixture, 60 * 60 * 1000);
    sync_fixture_assert_equal(fixture, false);
}

static void test_drive_with_another_id_is_the_same_one(void **state)
{
    struct sync_fixture *fixture = *state;
    struct known known;
    struct node_attr link;

    open_and_fill(fixture, &known);
    (void)snprintf(fixture->model->drives.items[0].id, sizeof fixture->model->drives.items[0].id,
                   "E1");
    migrate(fixture, 0);
    sync_fixture_run(fixture, 15 * 60 * 1000);
    assert_int_equal(sync_fixture_ino(fixture, "/me/drive"), known.attr[0].ino);
    fixture_forget_told(fixture->base);
    assert_all_stayed(fixture, &known);
    assert_int_equal(fixture_find(fixture->base, "/drives/E1", &link), 0);
    assert_int_equal(link.target, known.attr[0].ino);
    assert_false(sync_fixture_has(fixture, "/drives/D1"));
    assert_is_followed(fixture);
}

#define IN_FIXTURE(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, sync_fixture_setup, sync_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(test_moved_account_keeps_its_rows_and_contents),
        IN_FIXTURE(test_moved_account_may_keep_the_id_of_its_root),
        IN_FIXTURE(test_folder_listed_just_after_the_move_keeps_its_rows),
        IN_FIXTURE(test_item_that_is_new_just_after_the_move_costs_no_other_row),
        IN_FIXTURE(test_item_that_is_asked_for_during_the_move_keeps_its_row),
        IN_FIXTURE(test_item_in_doubt_stays_where_it_is_during_the_move),
        IN_FIXTURE(test_moved_account_without_ctags_keeps_its_contents),
        IN_FIXTURE(test_what_changed_before_the_move_is_no_match),
        IN_FIXTURE(test_drive_with_another_id_is_the_same_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
