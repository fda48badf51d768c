/* SPDX-License-Identifier: MIT */
/* What is missing from an enumeration is not deleted for that: absence.c and check.c. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "sync_fixture.h"
#include "unit.h"

#define POLL_MS (FIXTURE_POLL_S * INT64_C(1000))

/* dir/ (0 .. count - 1) */
static size_t open_and_fill(struct sync_fixture *fixture, unsigned count)
{
    size_t dir = fake_create(fixture->model, fixture->root, "dir", ITEM_FOLDER);

    for (unsigned i = 0; i < count; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "%u", i);
        (void)fake_create(fixture->model, dir, name, ITEM_FILE);
    }
    fixture->settings->page_size = 50;
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    sync_fixture_assert_equal(fixture, true);
    fake_remote_reset_counts(fixture->fake);
    return dir;
}

/* The drive is enumerated again; what was deleted before leaves no tombstone. */
static void enumerate_again(struct sync_fixture *fixture)
{
    fake_remote_expire(fixture->fake, 410, "resyncRequired");
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_DELTA), 1);
}

static void hide_children(struct sync_fixture *fixture, size_t dir, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        fixture->model->items.items[dir + 1 + i].is_hidden = true;
}

static void delete_children(struct sync_fixture *fixture, size_t dir, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        fake_delete(fixture->model, dir + 1 + i);
}

static void test_missing_item_goes_after_two_404_five_minutes_apart(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 10);

    delete_children(fixture, dir, 3);
    enumerate_again(fixture);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 3);
    sync_fixture_run(fixture, ABSENCE_INTERVAL_MS - 1);
    assert_true(sync_fixture_has(fixture, "/me/drive/dir/0"));
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 3);
    sync_fixture_run(fixture, 1);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 6);
    sync_fixture_assert_equal(fixture, true);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 6);
}

static void test_missing_item_that_is_found_stays(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 10);

    hide_children(fixture, dir, 3);
    fake_write(fixture->model, dir + 1, 815);
    enumerate_again(fixture);
    sync_fixture_assert_equal(fixture, true);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    sync_fixture_assert_equal(fixture, true);
    /* At once, and when all lag must have passed. */
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 6);
}

static void test_one_404_by_mistake_removes_nothing(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 10);
    size_t lost = dir + 1;

    hide_children(fixture, dir, 1);
    fixture->model->items.items[lost].versions.items[0].visible_ms[FAKE_ITEM] = INT64_MAX;
    enumerate_again(fixture);
    fixture->model->items.items[lost].versions.items[0].visible_ms[FAKE_ITEM] = 0;
    sync_fixture_run(fixture, 60 * 60 * 1000);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 2);
}

static void test_topmost_missing_folder_is_asked_for_alone(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 10);

    fake_delete(fixture->model, dir);
    enumerate_again(fixture);
    sync_fixture_run(fixture, ABSENCE_INTERVAL_MS);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 2);
    sync_fixture_assert_equal(fixture, true);
}

static void test_absence_survives_a_kill(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 10);

    delete_children(fixture, dir, 3);
    enumerate_again(fixture);
    sync_fixture_reopen(fixture);
    sync_fixture_run(fixture, ABSENCE_INTERVAL_MS - 1);
    assert_true(sync_fixture_has(fixture, "/me/drive/dir/0"));
    sync_fixture_reopen(fixture);
    sync_fixture_run(fixture, 1);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 6);
}

static void test_too_many_removals_are_held(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 40);

    delete_children(fixture, dir, 30);
    enumerate_again(fixture);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    assert_true(sync_fixture_has(fixture, "/me/drive/dir/0"));
    assert_int_equal(sync_fixture_status(fixture).held, 30);
    /* Nobody asks again and again. */
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 30);
    sync_confirm_removals(fixture->sync);
    sync_fixture_settle(fixture);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(sync_fixture_status(fixture).held, 0);
}

static void test_held_items_that_are_found_are_not_held_any_more(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 40);

    hide_children(fixture, dir, 40);
    enumerate_again(fixture);
    sync_fixture_run(fixture, APPLY_LATE_MS);
    assert_int_equal(sync_fixture_status(fixture).held, 0);
    sync_fixture_assert_equal(fixture, true);
}

static void test_some_removals_are_not_held(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 40);

    delete_children(fixture, dir, 25);
    enumerate_again(fixture);
    assert_int_equal(sync_fixture_status(fixture).held, 0);
    sync_fixture_run(fixture, ABSENCE_INTERVAL_MS);
    sync_fixture_assert_equal(fixture, true);
}

static void test_failing_requests_for_missing_items_are_few(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 10);

    delete_children(fixture, dir, 1);
    fake_remote_fail(fixture->fake, FAKE_ASK_ITEMS, 0, 1000000, -ETIMEDOUT, 0);
    enumerate_again(fixture);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    assert_true(sync_fixture_has(fixture, "/me/drive/dir/0"));
    assert_in_range(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 12, 40);
}

/* It was deleted before delta told of it: delta never will. */
static void test_row_that_only_a_listing_brought_is_confirmed(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 3);
    size_t ghost = fake_create(fixture->model, dir, "ghost", ITEM_FILE);

    sync_fixture_list(fixture, "/me/drive/dir", 0);
    assert_true(sync_fixture_has(fixture, "/me/drive/dir/ghost"));
    fake_delete(fixture->model, ghost);
    sync_fixture_run(fixture, APPLY_LATE_MS + ABSENCE_INTERVAL_MS);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 2);
}

/* Delta can't be had for longer than the readers lag, and the item goes meanwhile. */
static void test_row_that_only_a_listing_brought_is_in_doubt_until_a_round_has_ended(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 3);
    size_t ghost = fake_create(fixture->model, dir, "ghost", ITEM_FILE);

    sync_fixture_list(fixture, "/me/drive/dir", 0);
    fake_remote_fail(fixture->fake, FAKE_ASK_LINK, 0, 8, -ETIMEDOUT, 0);
    sync_fixture_run(fixture, APPLY_LATE_MS + POLL_MS);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 1);
    assert_true(sync_fixture_has(fixture, "/me/drive/dir/ghost"));
    fake_delete(fixture->model, ghost);
    sync_fixture_run(fixture, 40 * 60 * 1000);
    sync_fixture_assert_equal(fixture, true);
}

/* A feed that doesn't know an item will not tell that it goes. */
static void test_row_that_an_enumeration_lacks_is_in_doubt_anew(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 3);
    size_t ghost = fake_create(fixture->model, dir, "ghost", ITEM_FILE);

    fixture->model->items.items[ghost].is_hidden = true;
    sync_fixture_list(fixture, "/me/drive/dir", 0);
    sync_fixture_run(fixture, APPLY_LATE_MS + ABSENCE_INTERVAL_MS - 2 * POLL_MS);
    enumerate_again(fixture);
    sync_fixture_run(fixture, 2 * POLL_MS);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 2);
    fake_delete(fixture->model, ghost);
    sync_fixture_run(fixture, 40 * 60 * 1000);
    sync_fixture_assert_equal(fixture, true);
}

static void test_row_that_delta_confirms_is_not_asked_for(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 3);
    struct outcome outcome = { 0 };

    (void)fake_create(fixture->model, dir, "new", ITEM_FILE);
    (void)sync_want_listing(fixture->sync, sync_fixture_ino(fixture, "/me/drive/dir"), outcome_note,
                            &outcome);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 0);
}

/* ---- checks ---- */

/* A tombstone of what we asked for lately is checked; delta and the item's 404 are two witnesses.
 */
static void test_late_tombstone_is_believed_when_the_item_is_gone_too(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 3);

    sync_fixture_list(fixture, "/me/drive/dir", 0);
    delete_children(fixture, dir, 1);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 1);
    assert_false(sync_fixture_has(fixture, "/me/drive/dir/0"));
    sync_fixture_assert_equal(fixture, false);
}

static void test_late_change_is_taken_from_the_item_itself(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 3);

    sync_fixture_list(fixture, "/me/drive/dir", 0);
    fake_write(fixture->model, dir + 1, 4711);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 1);
    sync_fixture_assert_equal(fixture, false);
}

/* A round stands still after its first page, and the item is asked for meanwhile. */
static void test_report_that_was_staged_long_ago_may_be_late(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 3);
    int64_t rounds = sync_fixture_status(fixture).rounds;
    struct outcome outcome = { 0 };

    fixture->settings->page_size = 1;
    fake_write(fixture->model, dir + 1, 4711);
    fake_write(fixture->model, dir + 2, 4711);
    fake_remote_fail(fixture->fake, FAKE_ASK_LINK, 1, 1, -ETIMEDOUT, 0);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_int_equal(sync_fixture_status(fixture).round, ROUND_DELTA);
    fake_write(fixture->model, dir + 1, 4712);
    (void)sync_want_child(fixture->sync, sync_fixture_ino(fixture, "/me/drive/dir"), "0",
                          outcome_note, &outcome);
    while (outcome.calls == 0)
        (void)sync_fixture_step(fixture);
    clock_advance(fixture->base->clock, APPLY_LATE_MS);
    while (sync_fixture_status(fixture).rounds == rounds)
        (void)sync_fixture_step(fixture);
    sync_fixture_assert_equal(fixture, true);
}

static void test_failed_check_is_repeated_and_survives_a_kill(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 3);

    sync_fixture_list(fixture, "/me/drive/dir", 0);
    fake_write(fixture->model, dir + 1, 4711);
    fake_remote_fail(fixture->fake, FAKE_ASK_ITEMS, 0, 2, -ETIMEDOUT, 0);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_int_equal(sync_fixture_status(fixture).error.code, -ETIMEDOUT);
    assert_int_equal(sync_fixture_status(fixture).round, ROUND_APPLY);
    sync_fixture_reopen(fixture);
    sync_fixture_run(fixture, POLL_MS);
    sync_fixture_assert_equal(fixture, false);
    assert_int_equal(sync_fixture_status(fixture).error.code, 0);
}

/* ---- answers that don't settle the row ---- */

static void test_missing_item_that_has_another_id_now_keeps_its_row(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 10);
    ino_nr ino = sync_fixture_ino(fixture, "/me/drive/dir/0");

    hide_children(fixture, dir, 1);
    fake_set_id(fixture->model, dir + 1, "NEW");
    enumerate_again(fixture);
    /* By its former id at once, by the new one when all lag has passed. */
    sync_fixture_run(fixture, 60 * 60 * 1000);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 2);
    assert_int_equal(sync_fixture_ino(fixture, "/me/drive/dir/0"), ino);
    fixture->model->items.items[dir + 1].is_hidden = false;
    fake_write(fixture->model, dir + 1, 4711);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    sync_fixture_assert_equal(fixture, true);
}

/* Its row was made when delta told of the new id. */
static void test_missing_item_whose_new_id_has_a_row_goes_like_one_that_is_gone(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 10);

    fake_set_id(fixture->model, dir + 1, "NEW");
    fake_move(fixture->model, dir + 1, fixture->root, "elsewhere");
    enumerate_again(fixture);
    assert_true(sync_fixture_has(fixture, "/me/drive/dir/0"));
    assert_true(sync_fixture_has(fixture, "/me/drive/elsewhere"));
    sync_fixture_run(fixture, ABSENCE_INTERVAL_MS);
    sync_fixture_assert_equal(fixture, true);
}

static void test_refused_item_holds_up_no_other(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t other_root = fake_add_drive(fixture->model, "D2", false);
    size_t other = fake_create(fixture->model, other_root, "x", ITEM_FILE);
    size_t dir = open_and_fill(fixture, 10);

    sync_note_use(fixture->sync, 2);
    sync_fixture_settle(fixture);
    assert_true(sync_fixture_has(fixture, "/drives/D2/x"));
    fake_remote_reset_counts(fixture->fake);
    hide_children(fixture, dir, 1);
    fixture->model->items.items[dir + 1].get_status = 403;
    fake_delete(fixture->model, other);
    fake_remote_expire(fixture->fake, 410, "resyncRequired");
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS + ABSENCE_INTERVAL_MS);
    assert_false(sync_fixture_has(fixture, "/drives/D2/x"));
    assert_true(sync_fixture_has(fixture, "/me/drive/dir/0"));
    fake_remote_reset_counts(fixture->fake);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 12);
}

/* ---- what happens while a request is under way ---- */

static void enumerate_until_asking(struct sync_fixture *fixture)
{
    fake_remote_expire(fixture->fake, 410, "resyncRequired");
    sync_note_use(fixture->sync, 0);
    clock_advance(fixture->base->clock, POLL_MS);
    while (fake_remote_count(fixture->fake, FAKE_ASK_ITEMS) == 0)
        assert_true(sync_fixture_step(fixture));
}

static void test_removals_confirmed_during_a_request_are_not_held_again(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 40);

    delete_children(fixture, dir, 30);
    enumerate_until_asking(fixture);
    sync_confirm_removals(fixture->sync);
    (void)sync_turn(fixture->sync);
    sync_fixture_run(fixture, ABSENCE_INTERVAL_MS);
    assert_int_equal(sync_fixture_status(fixture).held, 0);
    sync_fixture_assert_equal(fixture, true);
}

/* Delta tells that it is back while the second GET, which still sees none, is under way. */
static void test_row_that_is_found_during_a_request_stays(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 10);
    struct fake_version *version = &fixture->model->items.items[dir + 1].versions.items[0];
    struct store_txn *txn;

    hide_children(fixture, dir, 1);
    version->visible_ms[FAKE_ITEM] = INT64_MAX;
    enumerate_again(fixture);
    clock_advance(fixture->base->clock, ABSENCE_INTERVAL_MS);
    (void)sync_turn(fixture->sync);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 2);
    assert_int_equal(store_begin(fixture->base->store, &txn, NULL), 0);
    assert_int_equal(absence_note_present(txn, 1, fixture->model->items.items[dir + 1].id), 0);
    assert_int_equal(store_commit(txn, NULL), 0);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    sync_fixture_assert_equal(fixture, true);
}

/* Delta's tombstone or change of an item that was asked for lately, and which can't be had. */
static void test_tombstone_of_an_item_that_is_refused_is_believed(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 3);

    sync_fixture_list(fixture, "/me/drive/dir", 0);
    delete_children(fixture, dir, 1);
    fixture->model->items.items[dir + 1].get_status = 403;
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 1);
    sync_fixture_assert_equal(fixture, false);
}

static void test_item_that_fails_for_ever_does_not_stop_its_drive(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 3);

    sync_fixture_list(fixture, "/me/drive/dir", 0);
    fake_write(fixture->model, dir + 1, 4711);
    fixture->model->items.items[dir + 1].get_status = 500;
    sync_fixture_run(fixture, 30 * 60 * 1000);
    assert_int_equal(sync_fixture_status(fixture).error.code, 0);
    (void)fake_create(fixture->model, fixture->root, "later", ITEM_FILE);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, 6 * 60 * 1000);
    sync_fixture_assert_equal(fixture, false);
    /* It stays in doubt: asked for now and then. */
    fake_remote_reset_counts(fixture->fake);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 12);
}

/* A folder moves out of one that is deleted; both were listed just now, so both are asked for, and
 * the item read model still has the one that moved in its old place. */
static void test_what_may_have_moved_out_outlives_a_deleted_folder(void **state)
{
    struct sync_fixture *fixture = *state;
    struct fake_model *model = fixture->model;
    size_t goal = fake_create(model, fixture->root, "goal", ITEM_FOLDER);
    size_t dir = open_and_fill(fixture, 3);
    size_t inner = fake_create(model, dir, "inner", ITEM_FOLDER);
    struct fake_versions *versions;
    ino_nr precious;

    (void)fake_create(model, inner, "precious", ITEM_FILE);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    sync_fixture_list(fixture, "/me/drive/dir", 0);
    sync_fixture_run(fixture, 1000);
    (void)sync_want_listing(fixture->sync, sync_fixture_ino(fixture, "/me/drive"), outcome_note,
                            &(struct outcome){ 0 });
    sync_fixture_settle(fixture);
    precious = sync_fixture_ino(fixture, "/me/drive/dir/inner/precious");
    fake_move(model, inner, goal, "inner");
    versions = &model->items.items[inner].versions;
    versions->items[versions->len - 1].visible_ms[FAKE_ITEM] += 2 * POLL_MS;
    fake_delete(model, dir);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_false(sync_fixture_has(fixture, "/me/drive/dir"));
    sync_fixture_run(fixture, APPLY_LATE_MS);
    assert_int_equal(sync_fixture_ino(fixture, "/me/drive/goal/inner/precious"), precious);
    sync_fixture_assert_equal(fixture, false);
}

/* Delta tells it, and the item's own read model has not heard of it yet. */
/* A folder's tombstone stands for those of what is below it, which are never told. */
static void test_what_was_deleted_before_a_folder_that_is_restored_does_not_stay(void **state)
{
    struct sync_fixture *fixture = *state;
    /* Delta comes to it before it comes to the folder. */
    size_t child = fake_create(fixture->model, fixture->root, "child", ITEM_FILE);
    size_t dir = open_and_fill(fixture, 3);
    unsigned asked;

    fake_move(fixture->model, child, dir, "child");
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    sync_fixture_list(fixture, "/me/drive", 0);
    fixture->settings->omits_tombstones = true;
    fake_delete(fixture->model, child);
    fake_delete(fixture->model, dir);
    asked = fake_remote_count(fixture->fake, FAKE_ASK_ITEMS);
    sync_note_use(fixture->sync, 0);
    clock_advance(fixture->base->clock, POLL_MS);
    while (fake_remote_count(fixture->fake, FAKE_ASK_ITEMS) == asked)
        assert_true(sync_fixture_step(fixture));
    /* After delta has told, and before the answer. */
    fake_restore(fixture->model, dir);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    assert_true(sync_fixture_has(fixture, "/me/drive/dir/0"));
    assert_false(sync_fixture_has(fixture, "/me/drive/dir/child"));
    sync_fixture_assert_equal(fixture, false);
}

static void test_restored_item_comes_back_although_its_answer_is_late(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 3);
    struct fake_versions *versions = &fixture->model->items.items[dir + 1].versions;

    delete_children(fixture, dir, 1);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_false(sync_fixture_has(fixture, "/me/drive/dir/0"));
    fake_restore(fixture->model, dir + 1);
    versions->items[versions->len - 1].visible_ms[FAKE_ITEM] += 2 * POLL_MS;
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    assert_true(sync_fixture_has(fixture, "/me/drive/dir/0"));
    sync_fixture_run(fixture, 30 * 60 * 1000);
    sync_fixture_assert_equal(fixture, true);
}

static void test_answer_that_calls_an_item_deleted_is_as_good_as_a_404(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t dir = open_and_fill(fixture, 3);

    sync_fixture_list(fixture, "/me/drive/dir", 0);
    delete_children(fixture, dir, 1);
    fixture->model->items.items[dir + 1].get_status = 200;
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
    sync_fixture_assert_equal(fixture, false);
    delete_children(fixture, dir + 1, 1);
    fixture->model->items.items[dir + 2].get_status = 200;
    enumerate_again(fixture);
    sync_fixture_run(fixture, ABSENCE_INTERVAL_MS);
    sync_fixture_assert_equal(fixture, false);
}

#define IN_FIXTURE(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, sync_fixture_setup, sync_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(test_missing_item_goes_after_two_404_five_minutes_apart),
        IN_FIXTURE(test_missing_item_that_is_found_stays),
        IN_FIXTURE(test_one_404_by_mistake_removes_nothing),
        IN_FIXTURE(test_topmost_missing_folder_is_asked_for_alone),
        IN_FIXTURE(test_absence_survives_a_kill),
        IN_FIXTURE(test_too_many_removals_are_held),
        IN_FIXTURE(test_held_items_that_are_found_are_not_held_any_more),
        IN_FIXTURE(test_some_removals_are_not_held),
        IN_FIXTURE(test_failing_requests_for_missing_items_are_few),
        IN_FIXTURE(test_row_that_only_a_listing_brought_is_confirmed),
        IN_FIXTURE(test_row_that_only_a_listing_brought_is_in_doubt_until_a_round_has_ended),
        IN_FIXTURE(test_row_that_an_enumeration_lacks_is_in_doubt_anew),
        IN_FIXTURE(test_row_that_delta_confirms_is_not_asked_for),
        IN_FIXTURE(test_late_tombstone_is_believed_when_the_item_is_gone_too),
        IN_FIXTURE(test_late_change_is_taken_from_the_item_itself),
        IN_FIXTURE(test_report_that_was_staged_long_ago_may_be_late),
        IN_FIXTURE(test_failed_check_is_repeated_and_survives_a_kill),
        IN_FIXTURE(test_missing_item_that_has_another_id_now_keeps_its_row),
        IN_FIXTURE(test_missing_item_whose_new_id_has_a_row_goes_like_one_that_is_gone),
        IN_FIXTURE(test_refused_item_holds_up_no_other),
        IN_FIXTURE(test_removals_confirmed_during_a_request_are_not_held_again),
        IN_FIXTURE(test_row_that_is_found_during_a_request_stays),
        IN_FIXTURE(test_tombstone_of_an_item_that_is_refused_is_believed),
        IN_FIXTURE(test_item_that_fails_for_ever_does_not_stop_its_drive),
        IN_FIXTURE(test_what_may_have_moved_out_outlives_a_deleted_folder),
        IN_FIXTURE(test_what_was_deleted_before_a_folder_that_is_restored_does_not_stay),
        IN_FIXTURE(test_restored_item_comes_back_although_its_answer_is_late),
        IN_FIXTURE(test_answer_that_calls_an_item_deleted_is_as_good_as_a_404),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
