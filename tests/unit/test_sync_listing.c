/* SPDX-License-Identifier: MIT */
/* Listings on demand, single names, the drives' places, and the life of the engine. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sync_fixture.h"
#include "unit.h"

#define POLL_MS (FIXTURE_POLL_S * INT64_C(1000))

/* big/ (0 .. count - 1) and whatever else the test adds */
static size_t fill(struct sync_fixture *fixture, unsigned count)
{
    size_t big = fake_create(fixture->model, fixture->root, "big", ITEM_FOLDER);

    for (unsigned i = 0; i < count; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "%u", i);
        (void)fake_create(fixture->model, big, name, ITEM_FILE);
    }
    return big;
}

/* Steps until the first page has been applied: big/ is known, most of it is not. */
static void open_first_page(struct sync_fixture *fixture)
{
    fixture->settings->page_size = 2;
    sync_fixture_open(fixture);
    while (fake_remote_count(fixture->fake, FAKE_ASK_LINK) == 0)
        assert_true(sync_fixture_step(fixture));
}

static void want_child(struct sync_fixture *fixture, const char *parent, const char *name,
                       int expected)
{
    struct outcome outcome = { 0 };

    (void)sync_want_child(fixture->sync, sync_fixture_ino(fixture, parent), name, outcome_note,
                          &outcome);
    sync_fixture_settle(fixture);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.code, expected);
}

/* ---- listings ---- */

static void test_listing_during_the_first_round_comes_first(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome outcome = { 0 };
    unsigned asked;

    (void)fill(fixture, 40);
    open_first_page(fixture);
    (void)sync_want_listing(fixture->sync, sync_fixture_ino(fixture, "/me/drive/big"), outcome_note,
                            &outcome);
    fixture->settings->children_page_size = 100;
    assert_true(sync_fixture_step(fixture));
    assert_true(sync_fixture_step(fixture));
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.code, 0);
    assert_true(sync_fixture_is_complete(fixture, "/me/drive/big"));
    assert_true(sync_fixture_has(fixture, "/me/drive/big/39"));
    assert_int_equal(sync_fixture_status(fixture).round, ROUND_FIRST);
    asked = fake_remote_count(fixture->fake, FAKE_ASK_CHILDREN);
    sync_fixture_settle(fixture);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_CHILDREN), asked);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 0);
}

static void test_listings_of_one_folder_are_joined(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome outcomes[5] = { { 0 } };
    uint64_t ids[5];
    ino_nr big;

    (void)fill(fixture, 5);
    open_first_page(fixture);
    big = sync_fixture_ino(fixture, "/me/drive/big");
    for (size_t i = 0; i < ROWS(outcomes); i++)
        ids[i] = sync_want_listing(fixture->sync, big, outcome_note, &outcomes[i]);
    assert_true(sync_forget(fixture->sync, ids[2]));
    sync_fixture_settle(fixture);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_CHILDREN), 3); /* pages */
    for (size_t i = 0; i < ROWS(outcomes); i++)
        assert_int_equal(outcomes[i].calls, i != 2);
    assert_false(sync_forget(fixture->sync, ids[0]));
}

/* Opens the root of the default drive before any delta; the code of the answer. */
static int list_cold_root(struct sync_fixture *fixture)
{
    struct outcome outcome = { 0 };

    fake_remote_fail(fixture->fake, FAKE_ASK_DELTA, 0, 1000, -EACCES, 403);
    sync_fixture_open(fixture);
    while (!sync_fixture_has(fixture, "/me/drive"))
        assert_true(sync_fixture_step(fixture));
    (void)sync_want_listing(fixture->sync, sync_fixture_ino(fixture, "/me/drive"), outcome_note,
                            &outcome);
    sync_fixture_settle(fixture);
    assert_int_equal(outcome.calls, 1);
    return outcome.code;
}

static void test_root_is_listed_before_delta_tells_its_id(void **state)
{
    struct sync_fixture *fixture = *state;

    (void)fill(fixture, 3);
    assert_int_equal(list_cold_root(fixture), 0);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_CHILDREN), 1);
    assert_true(sync_fixture_has(fixture, "/me/drive/big"));
}

static void test_root_of_a_refused_drive_is_refused(void **state)
{
    struct sync_fixture *fixture = *state;

    fake_remote_fail(fixture->fake, FAKE_ASK_CHILDREN, 0, 1000, -EACCES, 403);
    assert_int_equal(list_cold_root(fixture), -EACCES);
}

static void test_failed_listing_is_remembered_for_a_while(void **state)
{
    static const struct {
        int code;
        long http_status;
        int64_t remembered_ms;
    } rows[] = {
        { -EACCES, 403, 60000 },
        { -ENOENT, 404, 5000 },
        { -ETIMEDOUT, 0, 5000 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sync_fixture *fixture = sync_fixture_new(1);

        (void)fill(fixture, 5);
        sync_fixture_open(fixture);
        sync_fixture_settle(fixture);
        fake_remote_fail(fixture->fake, FAKE_ASK_CHILDREN, 0, 1, rows[i].code, rows[i].http_status);
        sync_fixture_list(fixture, "/me/drive/big", rows[i].code);
        clock_advance(fixture->base->clock, rows[i].remembered_ms - 1);
        sync_fixture_list(fixture, "/me/drive/big", rows[i].code);
        assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_CHILDREN), 1);
        clock_advance(fixture->base->clock, 1);
        sync_fixture_list(fixture, "/me/drive/big", 0);
        sync_fixture_free(fixture);
    }
}

static void test_listing_offline_fails_until_woken(void **state)
{
    struct sync_fixture *fixture = *state;

    (void)fill(fixture, 5);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    fixture->settings->is_offline = true;
    sync_fixture_list(fixture, "/me/drive/big", -ENETDOWN);
    fixture->settings->is_offline = false;
    sync_fixture_list(fixture, "/me/drive/big", -ENETDOWN);
    sync_wake(fixture->sync);
    sync_fixture_list(fixture, "/me/drive/big", 0);
}

static void test_listing_in_a_drive_with_delta_only_adds(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t big = fill(fixture, 5);

    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    fake_delete(fixture->model, fake_child(fixture->model, big, "3"));
    (void)fake_create(fixture->model, big, "new", ITEM_FILE);
    sync_fixture_list(fixture, "/me/drive/big", 0);
    assert_true(sync_fixture_has(fixture, "/me/drive/big/3"));
    assert_true(sync_fixture_has(fixture, "/me/drive/big/new"));
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    sync_fixture_assert_equal(fixture, true);
}

static void test_late_listing_does_not_bring_back_what_was_deleted(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t big = fill(fixture, 5), gone;
    struct fake_version *version;

    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    gone = fake_child(fixture->model, big, "3");
    fake_delete(fixture->model, gone);
    version = &fixture->model->items.items[gone].versions.items[1];
    version->visible_ms[FAKE_CHILDREN] = INT64_MAX;
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    sync_fixture_assert_equal(fixture, true);
    sync_fixture_list(fixture, "/me/drive/big", 0);
    sync_fixture_assert_equal(fixture, true);
    /* The item itself is late as well: what comes back goes when it isn't any more. */
    version->visible_ms[FAKE_ITEM] = clock_real_ms(fixture->base->clock) + 1000;
    sync_fixture_list(fixture, "/me/drive/big", 0);
    sync_fixture_run(fixture, APPLY_LATE_MS + ABSENCE_INTERVAL_MS);
    sync_fixture_assert_equal(fixture, true);
}

/* big/ with its children was in the bin. Delta tells of the folder alone. */
static void delete_and_restore(struct sync_fixture *fixture)
{
    struct fake_items *items = &fixture->model->items;
    size_t big = fill(fixture, 3), last;

    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    last = items->len;
    fake_delete(fixture->model, big);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_false(sync_fixture_has(fixture, "/me/drive/big"));
    for (size_t i = big; i < last; i++) {
        fake_restore(fixture->model, i);
        items->items[i].is_hidden = i != big;
    }
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_true(sync_fixture_has(fixture, "/me/drive/big"));
    fake_remote_reset_counts(fixture->fake);
}

static void test_restored_folder_is_listed_with_what_is_in_it(void **state)
{
    struct sync_fixture *fixture = *state;

    delete_and_restore(fixture);
    sync_fixture_list(fixture, "/me/drive/big", 0);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 3);
}

static void test_restored_item_is_found_by_its_name(void **state)
{
    struct sync_fixture *fixture = *state;

    delete_and_restore(fixture);
    want_child(fixture, "/me/drive/big", "1", 0);
    assert_true(sync_fixture_has(fixture, "/me/drive/big/1"));
}

static void test_folder_is_not_complete_while_an_item_in_it_is_in_doubt(void **state)
{
    struct sync_fixture *fixture = *state;
    static const long statuses[] = { 403, 500 };
    size_t doubted;

    delete_and_restore(fixture);
    doubted = fake_child(fixture->model, fake_child(fixture->model, fixture->root, "big"), "1");
    for (size_t i = 0; i < ROWS(statuses); i++) {
        fixture->model->items.items[doubted].get_status = statuses[i];
        sync_fixture_list(fixture, "/me/drive/big", 0);
        want_child(fixture, "/me/drive/big", "1", statuses[i] == 403 ? -EACCES : -EIO);
        assert_true(sync_fixture_has(fixture, "/me/drive/big/0"));
        assert_false(sync_fixture_has(fixture, "/me/drive/big/1"));
        assert_false(sync_fixture_is_complete(fixture, "/me/drive/big"));
    }
    fixture->model->items.items[doubted].get_status = 0;
    sync_fixture_list(fixture, "/me/drive/big", 0);
    sync_fixture_assert_equal(fixture, true);
}

static void test_what_isnt_a_folder_is_not_listed(void **state)
{
    struct sync_fixture *fixture = *state;

    (void)fake_create(fixture->model, fixture->root, "file", ITEM_FILE);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    sync_fixture_list(fixture, "/me/drive/file", -ENOTDIR);
    sync_fixture_list(fixture, "/drives/D1", -ENOTDIR);
}

/* Its children told of the root before it had an id: they hang on a placeholder. */
static void test_root_whose_children_came_first_is_learnt_from_a_listing(void **state)
{
    struct sync_fixture *fixture = *state;

    (void)fill(fixture, 3);
    fixture->model->items.items[fixture->root].is_hidden = true;
    open_first_page(fixture);
    assert_false(sync_fixture_has(fixture, "/me/drive/big"));
    sync_fixture_list(fixture, "/me/drive", 0);
    assert_true(sync_fixture_has(fixture, "/me/drive/big"));
    sync_fixture_assert_equal(fixture, true);
}

/* M/S/x is listed while the first round, which hasn't got that far, is under way: M, but not S. */
static void test_unlisted_folder_below_one_that_delta_lacks_is_not_complete(void **state)
{
    struct sync_fixture *fixture = *state;
    struct fake_model *model = fixture->model;
    size_t late[3];

    (void)fill(fixture, 40);
    fixture->settings->page_size = 1;
    fixture->settings->children_page_size = 100;
    late[0] = fake_create(model, fixture->root, "M", ITEM_FOLDER);
    late[1] = fake_create(model, late[0], "S", ITEM_FOLDER);
    late[2] = fake_create(model, late[1], "x", ITEM_FILE);
    fake_remote_fail(fixture->fake, FAKE_ASK_LISTINGS, 0, 1000, -EIO, 500); /* none ahead */
    for (size_t i = 0; i < ROWS(late); i++)
        model->items.items[late[i]].versions.items[0].visible_ms[FAKE_DELTA] += POLL_MS / 2;
    sync_fixture_open(fixture);
    while (!sync_fixture_has(fixture, "/me/drive/big"))
        assert_true(sync_fixture_step(fixture));
    (void)sync_want_listing(fixture->sync, sync_fixture_ino(fixture, "/me/drive"), outcome_note,
                            &(struct outcome){ 0 });
    while (!sync_fixture_has(fixture, "/me/drive/M"))
        assert_true(sync_fixture_step(fixture));
    sync_fixture_list(fixture, "/me/drive/M", 0);
    assert_int_equal(sync_fixture_status(fixture).rounds, 1);
    assert_true(sync_fixture_is_complete(fixture, "/me/drive/M"));
    assert_false(sync_fixture_is_complete(fixture, "/me/drive/M/S"));
    sync_fixture_list(fixture, "/me/drive/M/S", 0);
    sync_fixture_assert_equal(fixture, true);
}

/* ---- single names ---- */

static void test_one_name_of_an_unknown_folder_is_asked_for(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome outcomes[2] = { { 0 } };
    ino_nr big;

    (void)fill(fixture, 9);
    (void)fake_create(fixture->model, fake_child(fixture->model, fixture->root, "big"),
                      "a\xef\xbc\x9f"
                      "b",
                      ITEM_FILE);
    open_first_page(fixture);
    big = sync_fixture_ino(fixture, "/me/drive/big");
    (void)sync_want_child(fixture->sync, big, "a?b", outcome_note, &outcomes[0]);
    (void)sync_want_child(fixture->sync, big, "a?b", outcome_note, &outcomes[1]);
    while (outcomes[1].calls == 0)
        assert_true(sync_fixture_step(fixture));
    assert_int_equal(outcomes[0].code, 0);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_CHILD), 1);
    assert_true(sync_fixture_has(fixture, "/me/drive/big/a?b"));
    assert_false(sync_fixture_is_complete(fixture, "/me/drive/big"));
}

static void test_name_that_the_service_lacks_is_not_found(void **state)
{
    struct sync_fixture *fixture = *state;

    (void)fill(fixture, 3);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    want_child(fixture, "/me/drive/big", "nobody", -ENOENT);
    want_child(fixture, "/me/drive/big", "reserved:", -ENOENT);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_CHILD), 1);
}

/* The answer to a name is older than what delta has told by then, and delta tells it once. */
static void test_late_answer_to_a_name_is_put_right(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t big = fill(fixture, 3);
    size_t item = fake_child(fixture->model, big, "1");
    struct fake_versions *versions = &fixture->model->items.items[item].versions;

    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    fake_write(fixture->model, item, 4711);
    versions->items[versions->len - 1].visible_ms[FAKE_PATH] += 2 * POLL_MS;
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    sync_fixture_assert_equal(fixture, true);
    want_child(fixture, "/me/drive/big", "1", 0);
    sync_fixture_run(fixture, 2 * ABSENCE_INTERVAL_MS);
    sync_fixture_assert_equal(fixture, true);
}

/* ---- drives ---- */

static void test_drives_have_their_places(void **state)
{
    struct sync_fixture *fixture = *state;
    struct node_attr link, root, other;

    (void)fake_add_drive(fixture->model, "D2", false);
    (void)fake_add_drive(fixture->model, "S1", true);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    assert_int_equal(fixture_find(fixture->base, "/me/drive", &root), 0);
    assert_int_equal(fixture_find(fixture->base, "/drives/D1", &link), 0);
    assert_int_equal(fixture_find(fixture->base, "/drives/D2", &other), 0);
    assert_false(sync_fixture_has(fixture, "/drives/S1"));
    assert_int_equal(link.kind, NODE_LINK);
    assert_int_equal(link.target, root.ino);
    assert_int_equal(other.kind, NODE_FOLDER);
    assert_true(sync_fixture_is_complete(fixture, "/"));
    assert_true(sync_fixture_is_complete(fixture, "/me"));
    assert_true(sync_fixture_is_complete(fixture, "/drives"));
    /* The drive that nobody has used is not followed. */
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_DELTA), 1);
    sync_note_use(fixture->sync, other.drive);
    sync_note_use(fixture->sync, other.drive);
    sync_fixture_settle(fixture);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_DELTA), 2);
}

static void test_drives_keep_their_numbers_when_asked_for_again(void **state)
{
    struct sync_fixture *fixture = *state;
    ino_nr root, other;

    (void)fake_add_drive(fixture->model, "D2", false);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    root = sync_fixture_ino(fixture, "/me/drive");
    other = sync_fixture_ino(fixture, "/drives/D2");
    sync_fixture_reopen(fixture);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    assert_int_equal(sync_fixture_ino(fixture, "/me/drive"), root);
    assert_int_equal(sync_fixture_ino(fixture, "/drives/D2"), other);
    assert_in_range(fake_remote_count(fixture->fake, FAKE_ASK_DRIVES), 6, 9);
}

static void test_another_default_drive_takes_the_place(void **state)
{
    struct sync_fixture *fixture = *state;
    ino_nr first, second;

    (void)fake_add_drive(fixture->model, "D2", false);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    first = sync_fixture_ino(fixture, "/me/drive");
    second = sync_fixture_ino(fixture, "/drives/D2");
    fixture->model->drives.items[0].is_default = false;
    fixture->model->drives.items[1].is_default = true;
    sync_fixture_reopen(fixture);
    sync_fixture_settle(fixture);
    assert_int_equal(sync_fixture_ino(fixture, "/me/drive"), second);
    assert_int_equal(sync_fixture_ino(fixture, "/drives/D1"), first);
    assert_true(sync_fixture_has(fixture, "/drives/D2"));
}

static void test_default_drive_stays_when_none_is_told(void **state)
{
    struct sync_fixture *fixture = *state;
    ino_nr root;

    (void)fill(fixture, 3);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    root = sync_fixture_ino(fixture, "/me/drive");
    fixture->model->drives.items[0].is_default = false; /* as when /me/drive is refused */
    sync_fixture_run(fixture, 15 * 60 * 1000);
    assert_int_equal(sync_fixture_ino(fixture, "/me/drive"), root);
    fixture->model->drives.items[0].is_default = true;
    sync_fixture_run(fixture, 15 * 60 * 1000);
    assert_int_equal(sync_fixture_ino(fixture, "/me/drive"), root);
    sync_fixture_assert_equal(fixture, true);
}

static void test_drive_that_vanishes_from_the_list_stays(void **state)
{
    struct sync_fixture *fixture = *state;

    (void)fake_add_drive(fixture->model, "D2", false);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    fixture->model->drives.items[1].is_shared = true;
    sync_fixture_reopen(fixture);
    sync_fixture_settle(fixture);
    assert_true(sync_fixture_has(fixture, "/drives/D2"));
}

static void test_views_wait_for_the_drives(void **state)
{
    struct sync_fixture *fixture = *state;

    fixture->settings->is_offline = true;
    sync_fixture_open(fixture);
    assert_false(sync_fixture_needs_listing(fixture, "/"));
    assert_true(sync_fixture_needs_listing(fixture, "/me"));
    sync_fixture_list(fixture, "/me", -ENETDOWN);
    fixture->settings->is_offline = false;
    sync_fixture_list(fixture, "/me", 0);
    assert_false(sync_fixture_needs_listing(fixture, "/me"));
    assert_true(sync_fixture_has(fixture, "/me/drive"));
}

/* ---- life ---- */

static void test_idle_is_told_when_nothing_is_under_way(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome idle = { 0 };

    (void)fill(fixture, 9);
    open_first_page(fixture);
    (void)sync_when_idle(fixture->sync, outcome_note, &idle);
    (void)sync_turn(fixture->sync);
    assert_int_equal(idle.calls, 0);
    sync_fixture_settle(fixture);
    assert_int_equal(idle.calls, 1);
    sync_fixture_assert_equal(fixture, true);
}

static void test_stop_ends_all_waits(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome listing = { 0 }, child = { 0 }, pull = { 0 }, unseen = { 0 };

    (void)fill(fixture, 9);
    open_first_page(fixture);
    (void)sync_want_listing(fixture->sync, sync_fixture_ino(fixture, "/me/drive/big"), outcome_note,
                            &listing);
    (void)sync_want_child(fixture->sync, sync_fixture_ino(fixture, "/me/drive/big"), "5",
                          outcome_note, &child);
    (void)sync_pull_now(fixture->sync, outcome_note, &pull);
    (void)sync_turn(fixture->sync);
    (void)sync_pull_now(fixture->sync, outcome_note, &unseen);
    sync_stop(fixture->sync);
    assert_int_equal(listing.code, -ECANCELED);
    assert_int_equal(child.code, -ECANCELED);
    assert_int_equal(pull.code, -ECANCELED);
    assert_int_equal(unseen.code, -ECANCELED);
    assert_int_equal(listing.calls + child.calls + pull.calls + unseen.calls, 4);
    /* Answers that come now find nobody. */
    assert_true(fake_remote_pump(fixture->fake) > 0);
}

static void test_thread_does_what_turns_do(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome never = { 0 };

    (void)fill(fixture, 9);
    sync_fixture_open(fixture);
    assert_int_equal(sync_start(fixture->sync), 0);
    while (sync_fixture_status(fixture).rounds == 0)
        (void)fake_remote_pump(fixture->fake);
    sync_fixture_assert_equal(fixture, true);
    /* A moved clock is seen when the thread is woken. */
    (void)fake_create(fixture->model, fixture->root, "new", ITEM_FILE);
    clock_advance(fixture->base->clock, POLL_MS);
    sync_wake(fixture->sync);
    while (sync_fixture_status(fixture).rounds == 1)
        (void)fake_remote_pump(fixture->fake);
    sync_fixture_assert_equal(fixture, true);
    (void)sync_pull_now(fixture->sync, outcome_note, &never);
    sync_stop(fixture->sync);
    assert_int_equal(never.calls, 1);
    assert_int_equal(never.code, -ECANCELED);
}

#define IN_FIXTURE(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, sync_fixture_setup, sync_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(test_listing_during_the_first_round_comes_first),
        IN_FIXTURE(test_listings_of_one_folder_are_joined),
        IN_FIXTURE(test_root_is_listed_before_delta_tells_its_id),
        IN_FIXTURE(test_root_of_a_refused_drive_is_refused),
        cmocka_unit_test(test_failed_listing_is_remembered_for_a_while),
        IN_FIXTURE(test_listing_offline_fails_until_woken),
        IN_FIXTURE(test_listing_in_a_drive_with_delta_only_adds),
        IN_FIXTURE(test_late_listing_does_not_bring_back_what_was_deleted),
        IN_FIXTURE(test_restored_folder_is_listed_with_what_is_in_it),
        IN_FIXTURE(test_restored_item_is_found_by_its_name),
        IN_FIXTURE(test_folder_is_not_complete_while_an_item_in_it_is_in_doubt),
        IN_FIXTURE(test_what_isnt_a_folder_is_not_listed),
        IN_FIXTURE(test_one_name_of_an_unknown_folder_is_asked_for),
        IN_FIXTURE(test_name_that_the_service_lacks_is_not_found),
        IN_FIXTURE(test_late_answer_to_a_name_is_put_right),
        IN_FIXTURE(test_drives_have_their_places),
        IN_FIXTURE(test_drives_keep_their_numbers_when_asked_for_again),
        IN_FIXTURE(test_another_default_drive_takes_the_place),
        IN_FIXTURE(test_default_drive_stays_when_none_is_told),
        IN_FIXTURE(test_drive_that_vanishes_from_the_list_stays),
        IN_FIXTURE(test_views_wait_for_the_drives),
        IN_FIXTURE(test_idle_is_told_when_nothing_is_under_way),
        IN_FIXTURE(test_stop_ends_all_waits),
        IN_FIXTURE(test_thread_does_what_turns_do),
        IN_FIXTURE(test_unlisted_folder_below_one_that_delta_lacks_is_not_complete),
        IN_FIXTURE(test_root_whose_children_came_first_is_learnt_from_a_listing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
