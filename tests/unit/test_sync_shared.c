/* SPDX-License-Identifier: MIT */
/* What is in another's drive: shared folders, which have no delta, and shortcuts to files. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "sync_fixture.h"
#include "unit.h"

/* A folder with x, y and deep/z in another's drive, and a shortcut to it. */
static size_t share(struct sync_fixture *fixture)
{
    size_t root = fake_add_drive(fixture->model, "S1", true);
    size_t shared = fake_create(fixture->model, root, "shared", ITEM_FOLDER);
    size_t deep = fake_create(fixture->model, shared, "deep", ITEM_FOLDER);

    (void)fake_create(fixture->model, shared, "x", ITEM_FILE);
    (void)fake_create(fixture->model, shared, "y", ITEM_FILE);
    (void)fake_create(fixture->model, deep, "z", ITEM_FILE);
    (void)fake_create_shortcut(fixture->model, fixture->root, "link", shared);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    return shared;
}

static void test_shared_folder_is_listed_again_after_its_time(void **state)
{
    struct sync_fixture *fixture = *state;

    (void)share(fixture);
    assert_true(sync_fixture_needs_listing(fixture, "/me/drive/link"));
    sync_fixture_list(fixture, "/me/drive/link", 0);
    assert_true(sync_fixture_has(fixture, "/me/drive/link/x"));
    assert_false(sync_fixture_needs_listing(fixture, "/me/drive/link"));
    sync_fixture_list(fixture, "/me/drive/link/deep", 0);
    assert_true(sync_fixture_has(fixture, "/me/drive/link/deep/z"));
    clock_advance(fixture->base->clock, FIXTURE_TTL_S * 1000 - 1);
    assert_false(sync_fixture_needs_listing(fixture, "/me/drive/link"));
    assert_false(sync_fixture_needs_listing(fixture, "/me/drive/link/deep"));
    clock_advance(fixture->base->clock, 1);
    assert_true(sync_fixture_needs_listing(fixture, "/me/drive/link"));
    assert_true(sync_fixture_needs_listing(fixture, "/me/drive/link/deep"));
    assert_false(sync_fixture_needs_listing(fixture, "/me/drive"));
}

static void test_shared_folder_follows_changes_when_listed(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t shared = share(fixture);

    sync_fixture_list(fixture, "/me/drive/link", 0);
    fake_move(fixture->model, fake_child(fixture->model, shared, "x"), shared, "renamed");
    fake_delete(fixture->model, fake_child(fixture->model, shared, "y"));
    clock_advance(fixture->base->clock, FIXTURE_TTL_S * 1000);
    sync_fixture_list(fixture, "/me/drive/link", 0);
    assert_true(sync_fixture_has(fixture, "/me/drive/link/renamed"));
    assert_false(sync_fixture_has(fixture, "/me/drive/link/x"));
    /* One 404 is not a deletion; the second one, five minutes later, is. */
    assert_true(sync_fixture_has(fixture, "/me/drive/link/y"));
    sync_fixture_run(fixture, ABSENCE_INTERVAL_MS - 1);
    assert_true(sync_fixture_has(fixture, "/me/drive/link/y"));
    sync_fixture_run(fixture, 1);
    assert_false(sync_fixture_has(fixture, "/me/drive/link/y"));
}

/* Each listing lacks it again, which doesn't put off its removal. */
static void test_shared_folder_that_is_listed_all_the_time_loses_what_was_deleted(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t shared = share(fixture);

    sync_fixture_list(fixture, "/me/drive/link", 0);
    fake_delete(fixture->model, fake_child(fixture->model, shared, "y"));
    for (int i = 0; i < 7; i++) {
        sync_fixture_run(fixture, FIXTURE_TTL_S * 1000);
        sync_fixture_list(fixture, "/me/drive/link", 0);
    }
    assert_false(sync_fixture_has(fixture, "/me/drive/link/y"));
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 2);
}

/* The read model of children had lost it for a while. */
static void test_shared_item_that_is_listed_again_is_not_missing(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t shared = share(fixture);
    struct fake_version *version;

    sync_fixture_list(fixture, "/me/drive/link", 0);
    version =
        &fixture->model->items.items[fake_child(fixture->model, shared, "y")].versions.items[0];
    version->visible_ms[FAKE_CHILDREN] = version->visible_ms[FAKE_ITEM] = INT64_MAX;
    sync_fixture_run(fixture, FIXTURE_TTL_S * 1000);
    sync_fixture_list(fixture, "/me/drive/link", 0);
    version->visible_ms[FAKE_CHILDREN] = 0;
    sync_fixture_run(fixture, FIXTURE_TTL_S * 1000);
    sync_fixture_list(fixture, "/me/drive/link", 0);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    assert_true(sync_fixture_has(fixture, "/me/drive/link/y"));
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 1);
}

static void want_target(struct sync_fixture *fixture, const char *path, int expected)
{
    struct outcome outcomes[2] = { { 0 } };

    for (size_t i = 0; i < ROWS(outcomes); i++)
        (void)sync_want_target(fixture->sync, sync_fixture_ino(fixture, path), outcome_note,
                               &outcomes[i]);
    sync_fixture_settle(fixture);
    for (size_t i = 0; i < ROWS(outcomes); i++) {
        assert_int_equal(outcomes[i].calls, 1);
        assert_int_equal(outcomes[i].code, expected);
    }
}

static bool needs_target(struct sync_fixture *fixture, const char *path)
{
    struct node_attr attr;

    assert_int_equal(fixture_find(fixture->base, path, &attr), 0);
    return sync_needs_target(fixture->sync, &attr);
}

static void test_shortcut_to_a_file_is_asked_for_again_after_its_time(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t root = fake_add_drive(fixture->model, "S1", true);
    size_t shared = fake_create(fixture->model, root, "shared", ITEM_FILE);
    struct node_attr attr;

    (void)fake_create_shortcut(fixture->model, fixture->root, "link", shared);
    (void)fake_create(fixture->model, fixture->root, "file", ITEM_FILE);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    assert_false(needs_target(fixture, "/me/drive/file"));
    assert_true(needs_target(fixture, "/me/drive/link"));
    fake_write(fixture->model, shared, 4711);
    want_target(fixture, "/me/drive/link", 0);
    assert_int_equal(fixture_find(fixture->base, "/me/drive/link", &attr), 0);
    assert_int_equal(attr.size, 4711);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 1);
    clock_advance(fixture->base->clock, FIXTURE_TTL_S * 1000 - 1);
    assert_false(needs_target(fixture, "/me/drive/link"));
    clock_advance(fixture->base->clock, 1);
    assert_true(needs_target(fixture, "/me/drive/link"));
    fixture->model->items.items[shared].get_status = 403;
    want_target(fixture, "/me/drive/link", -EACCES);
    want_target(fixture, "/me/drive/file", -ENOENT);
    fake_delete(fixture->model, shared);
    fixture->model->items.items[shared].get_status = 0;
    want_target(fixture, "/me/drive/link", -ENOENT);
    assert_true(needs_target(fixture, "/me/drive/link"));
}

static void take_rest(const struct sync_drive_status *status, void *arg)
{
    if (status->drive == 0)
        *(struct sync_drive_status *)arg = *status;
}

static void test_removals_held_in_a_shared_folder_are_in_the_status(void **state)
{
    struct sync_fixture *fixture = *state;
    struct sync_drive_status rest = { 0 };
    size_t shared = share(fixture);
    char name[16];

    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        (void)fake_create(fixture->model, shared, name, ITEM_FILE);
    }
    fixture->settings->children_page_size = 100;
    sync_fixture_list(fixture, "/me/drive/link", 0);
    for (int i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        fake_delete(fixture->model, fake_child(fixture->model, shared, name));
    }
    clock_advance(fixture->base->clock, FIXTURE_TTL_S * 1000);
    sync_fixture_list(fixture, "/me/drive/link", 0);
    sync_fixture_run(fixture, 2 * ABSENCE_INTERVAL_MS);
    assert_true(sync_fixture_has(fixture, "/me/drive/link/0"));
    sync_status(fixture->sync, take_rest, &rest);
    assert_int_equal(rest.held, 30);
    assert_int_equal(rest.error.code, 0);
    sync_confirm_removals(fixture->sync);
    sync_fixture_run(fixture, ABSENCE_INTERVAL_MS);
    assert_false(sync_fixture_has(fixture, "/me/drive/link/0"));
    rest.held = 0;
    sync_status(fixture->sync, take_rest, &rest);
    assert_int_equal(rest.held, 0);
}

#define IN_FIXTURE(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, sync_fixture_setup, sync_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(test_shared_folder_is_listed_again_after_its_time),
        IN_FIXTURE(test_shared_folder_follows_changes_when_listed),
        IN_FIXTURE(test_shared_folder_that_is_listed_all_the_time_loses_what_was_deleted),
        IN_FIXTURE(test_shared_item_that_is_listed_again_is_not_missing),
        IN_FIXTURE(test_shortcut_to_a_file_is_asked_for_again_after_its_time),
        IN_FIXTURE(test_removals_held_in_a_shared_folder_are_in_the_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
