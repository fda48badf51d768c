/* SPDX-License-Identifier: MIT */
/* Rounds of delta against the fake remote: first, later, after a kill, after a dead token. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "sync_fixture.h"
#include "unit.h"

#define POLL_MS (FIXTURE_POLL_S * INT64_C(1000))

/* a/ (a1 a2 b/ (b1)) c/ f, more than one page of it */
static void fill(struct sync_fixture *fixture)
{
    struct fake_model *model = fixture->model;
    size_t a = fake_create(model, fixture->root, "a", ITEM_FOLDER);
    size_t b = fake_create(model, a, "b", ITEM_FOLDER);

    (void)fake_create(model, a, "a1", ITEM_FILE);
    (void)fake_create(model, a, "a2", ITEM_FILE);
    (void)fake_create(model, b, "b1", ITEM_FILE);
    (void)fake_create(model, fixture->root, "c", ITEM_FOLDER);
    (void)fake_create(model, fixture->root, "f", ITEM_FILE);
}

static void open_and_fill(struct sync_fixture *fixture)
{
    fill(fixture);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    sync_fixture_assert_equal(fixture, true);
    fake_remote_reset_counts(fixture->fake);
}

/* Waits for the next round, and no longer. */
static void poll_once(struct sync_fixture *fixture)
{
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, POLL_MS);
}

static size_t child(struct sync_fixture *fixture, const char *name)
{
    return fake_child(fixture->model, fixture->root, name);
}

static void test_first_round_fills_the_drive_and_completes_it(void **state)
{
    struct sync_fixture *fixture = *state;
    struct sync_drive_status status;

    fill(fixture);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_DRIVES), 1);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_DELTA), 1);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_LINK), 2); /* 8 items by 3 */
    assert_int_equal(fake_remote_total(fixture->fake), 4);
    status = sync_fixture_status(fixture);
    assert_int_equal(status.rounds, 1);
    assert_int_equal(status.round, ROUND_NONE);
    assert_int_equal(status.items_seen, 8);
    assert_int_equal(status.last_round_ms, FIXTURE_START_MS);
    assert_int_equal(status.error.code, 0);
}

static void test_first_round_shows_each_page_at_once(void **state)
{
    struct sync_fixture *fixture = *state;

    fill(fixture);
    sync_fixture_open(fixture);
    while (fake_remote_count(fixture->fake, FAKE_ASK_LINK) == 0)
        assert_true(sync_fixture_step(fixture));
    assert_true(sync_fixture_has(fixture, "/me/drive/a/b"));
    assert_false(sync_fixture_has(fixture, "/me/drive/f"));
    assert_int_equal(sync_fixture_status(fixture).round, ROUND_FIRST);
    assert_int_equal(sync_fixture_status(fixture).items_seen, 3);
}

/* How many items were in the store when each link was asked for. */
static int64_t items_seen_then[8];
static unsigned asked_links;

static bool note_items_seen(const struct drive_row *drive, void *arg)
{
    (void)arg;
    if (drive->is_default)
        items_seen_then[asked_links++] = drive->items_seen;
    return true;
}

static void note_link(enum fake_request kind, void *arg)
{
    struct sync_fixture *fixture = arg;

    if (kind == FAKE_ASK_LINK)
        assert_int_equal(store_list_drives(fixture->base->store, note_items_seen, NULL), 0);
}

static void test_next_page_is_asked_for_while_one_is_taken_in(void **state)
{
    struct sync_fixture *fixture = *state;

    asked_links = 0;
    fixture->settings->on_request = note_link;
    fixture->settings->on_request_arg = fixture;
    fill(fixture);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(asked_links, 2);
    assert_int_equal(items_seen_then[0], 0);
    assert_int_equal(items_seen_then[1], 3);
}

/* What is written from now on does not fit on the disk. */
static void fill_disk_at_link(enum fake_request kind, void *arg)
{
    (void)arg;
    if (kind == FAKE_ASK_LINK)
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, RLIM_INFINITY }), 0);
}

static void test_a_page_that_the_disk_could_not_take_is_not_passed_over(void **state)
{
    struct sync_fixture *fixture = *state;
    const struct rlimit no_limit = { RLIM_INFINITY, RLIM_INFINITY };

    (void)signal(SIGXFSZ, SIG_IGN);
    fill(fixture);
    sync_fixture_open(fixture);
    fixture->settings->on_request = fill_disk_at_link;
    while (sync_fixture_status(fixture).error.code == 0)
        assert_true(sync_fixture_step(fixture));
    fixture->settings->on_request = NULL;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &no_limit), 0);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_LINK), 1);
    assert_int_equal(sync_fixture_status(fixture).items_seen, 0);

    sync_fixture_run(fixture, POLL_MS);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_DELTA), 2);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_LINK), 3);
}

static void test_first_round_goes_on_after_a_kill_at_any_step(void **state)
{
    (void)state;
    for (int steps = 0; steps < 12; steps++) {
        struct sync_fixture *fixture = sync_fixture_new(1);

        fill(fixture);
        sync_fixture_open(fixture);
        for (int i = 0; i < steps; i++)
            (void)sync_fixture_step(fixture);
        sync_fixture_reopen(fixture);
        sync_fixture_settle(fixture);
        sync_fixture_assert_equal(fixture, true);
        /* No page is asked for again that had been applied; the one on the way is. */
        assert_in_range(fake_remote_count(fixture->fake, FAKE_ASK_DELTA) +
                            fake_remote_count(fixture->fake, FAKE_ASK_LINK),
                        3, 5);
        sync_fixture_free(fixture);
    }
}

static void test_known_drive_is_shown_without_a_request(void **state)
{
    struct sync_fixture *fixture = *state;

    open_and_fill(fixture);
    fixture->settings->is_offline = true;
    sync_fixture_reopen(fixture);
    sync_fixture_settle(fixture);
    sync_fixture_assert_equal(fixture, true);
}

static void test_poll_of_an_unchanged_drive_is_one_request(void **state)
{
    struct sync_fixture *fixture = *state;

    open_and_fill(fixture);
    poll_once(fixture);
    assert_int_equal(fake_remote_total(fixture->fake), 1);
    assert_int_equal(sync_fixture_status(fixture).rounds, 2);
}

static void test_poll_slows_down_when_nobody_uses_the_mount(void **state)
{
    struct sync_fixture *fixture = *state;
    unsigned in_use;

    open_and_fill(fixture);
    for (int i = 0; i < 10; i++)
        poll_once(fixture);
    in_use = fake_remote_count(fixture->fake, FAKE_ASK_LINK);
    assert_int_equal(in_use, 10);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    /* 4 in the first two minutes, then fewer and fewer, then one each five minutes. */
    assert_in_range(fake_remote_count(fixture->fake, FAKE_ASK_LINK) - in_use, 15, 20);
}

static void test_use_after_a_pause_polls_at_once(void **state)
{
    struct sync_fixture *fixture = *state;

    open_and_fill(fixture);
    sync_fixture_run(fixture, 40 * 60 * 1000);
    (void)fake_create(fixture->model, fixture->root, "new", ITEM_FILE);
    clock_advance(fixture->base->clock, POLL_MS);
    sync_note_use(fixture->sync, 0);
    sync_fixture_settle(fixture);
    sync_fixture_assert_equal(fixture, false);
}

static void test_pull_ends_when_a_later_round_was_applied(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome pull = { 0 };

    open_and_fill(fixture);
    (void)fake_create(fixture->model, fixture->root, "new", ITEM_FILE);
    (void)sync_pull_now(fixture->sync, outcome_note, &pull);
    assert_int_equal(pull.calls, 0);
    sync_fixture_settle(fixture);
    assert_int_equal(pull.calls, 1);
    assert_int_equal(pull.code, 0);
    sync_fixture_assert_equal(fixture, true);
}

static void test_pull_during_a_round_waits_for_the_next_one(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome pull = { 0 };

    fill(fixture);
    sync_fixture_open(fixture);
    while (fake_remote_count(fixture->fake, FAKE_ASK_LINK) == 0)
        (void)sync_fixture_step(fixture);
    (void)sync_pull_now(fixture->sync, outcome_note, &pull);
    sync_fixture_settle(fixture);
    assert_int_equal(pull.calls, 1);
    assert_int_equal(sync_fixture_status(fixture).rounds, 2);
}

static void test_pull_ends_when_there_is_no_drive_to_follow(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome pull = { 0 };

    fixture->model->drives.items[0].is_default = false; /* as when /me/drive is refused */
    fill(fixture);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    (void)sync_pull_now(fixture->sync, outcome_note, &pull);
    sync_fixture_settle(fixture);
    assert_int_equal(pull.calls, 1);
    assert_int_equal(pull.code, 0);
    /* The drives are asked for again soon, but not without end. */
    fake_remote_reset_counts(fixture->fake);
    fixture->model->drives.items[0].is_default = true;
    sync_fixture_run(fixture, 30 * 1000);
    sync_fixture_assert_equal(fixture, true);
    assert_in_range(fake_remote_count(fixture->fake, FAKE_ASK_DRIVES), 1, 2);
}

/* ---- changes ---- */

static void rename_file(struct sync_fixture *fixture)
{
    fake_move(fixture->model, child(fixture, "f"), fixture->root, "g");
}

static void swap_folders(struct sync_fixture *fixture)
{
    size_t a = child(fixture, "a"), c = child(fixture, "c");

    fake_move(fixture->model, a, fixture->root, "temporary");
    fake_move(fixture->model, c, fixture->root, "a");
    fake_move(fixture->model, a, fixture->root, "c");
}

static void move_out_of_a_deleted_folder(struct sync_fixture *fixture)
{
    size_t a = child(fixture, "a");

    fake_move(fixture->model, fake_child(fixture->model, a, "b"), fixture->root, "saved");
    fake_delete(fixture->model, a);
}

static void turn_parents_around(struct sync_fixture *fixture)
{
    size_t a = child(fixture, "a"), b = fake_child(fixture->model, a, "b");

    fake_move(fixture->model, b, fixture->root, "b");
    fake_move(fixture->model, a, b, "a");
}

static void replace_file(struct sync_fixture *fixture)
{
    fake_delete(fixture->model, child(fixture, "f"));
    (void)fake_create(fixture->model, fixture->root, "f", ITEM_FILE);
}

static void write_file(struct sync_fixture *fixture)
{
    fake_write(fixture->model, child(fixture, "f"), 4711);
}

static void file_becomes_folder(struct sync_fixture *fixture)
{
    size_t f;

    fake_delete(fixture->model, child(fixture, "f"));
    f = fake_create(fixture->model, fixture->root, "f", ITEM_FOLDER);
    (void)fake_create(fixture->model, f, "inside", ITEM_FILE);
}

static void delete_tree(struct sync_fixture *fixture)
{
    fake_delete(fixture->model, child(fixture, "a"));
}

static void create_and_delete(struct sync_fixture *fixture)
{
    fake_delete(fixture->model, fake_create(fixture->model, fixture->root, "short", ITEM_FOLDER));
}

static const struct change_case {
    const char *name;
    void (*change)(struct sync_fixture *fixture);
} changes[] = {
    { "rename", rename_file },
    { "swap", swap_folders },
    { "move out of a deleted folder", move_out_of_a_deleted_folder },
    { "turn parents around", turn_parents_around },
    { "replace a file", replace_file },
    { "write a file", write_file },
    { "a file becomes a folder", file_becomes_folder },
    { "delete a tree", delete_tree },
    { "create and delete", create_and_delete },
};

/* With a kill after so many steps of the round; none: -1. */
static void check_change(const struct change_case *test, unsigned seed, int kill_after)
{
    struct sync_fixture *fixture = sync_fixture_new(seed);

    fixture->settings->page_size = 2;
    fixture->settings->is_shuffled = seed > 1;
    fixture->settings->omits_tombstones = seed % 2 == 0;
    open_and_fill(fixture);
    test->change(fixture);
    if (kill_after >= 0) {
        clock_advance(fixture->base->clock, POLL_MS);
        for (int i = 0; i < kill_after; i++)
            (void)sync_fixture_step(fixture);
        sync_fixture_reopen(fixture);
        sync_fixture_settle(fixture);
    } else {
        poll_once(fixture);
    }
    sync_fixture_assert_equal(fixture, false);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_CHILDREN), 0);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 0);
    sync_fixture_free(fixture);
}

static void test_each_change_is_shown_after_one_round(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(changes); i++) {
        for (unsigned seed = 1; seed <= 8; seed++)
            check_change(&changes[i], seed, -1);
    }
}

static void test_round_goes_on_after_a_kill_at_any_step(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(changes); i++) {
        for (int steps = 0; steps < 8; steps++)
            check_change(&changes[i], 3, steps);
    }
}

static void test_folder_of_a_later_round_is_not_complete(void **state)
{
    struct sync_fixture *fixture = *state;
    struct node_attr attr;

    open_and_fill(fixture);
    (void)fake_create(fixture->model, fixture->root, "new", ITEM_FOLDER);
    poll_once(fixture);
    assert_int_equal(fixture_find(fixture->base, "/me/drive/new", &attr), 0);
    assert_false(attr.flags & NODE_COMPLETE);
    assert_true(sync_needs_listing(fixture->sync, &attr));
}

/* An item comes in its old state, which waits for a check because the item was listed just now, and
 * minutes later in its new one. */
static void test_older_report_of_the_first_round_does_not_override_a_newer_one(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome outcome = { 0 };
    size_t file;

    (void)fake_create(fixture->model, fixture->root, "other", ITEM_FILE);
    file = fake_create(fixture->model, fixture->root, "old", ITEM_FILE);
    fake_move(fixture->model, file, fixture->root, "new");
    fixture->settings->page_size = 1;
    fixture->settings->children_page_size = 1000;
    fixture->settings->repeat_percent = 100;
    sync_fixture_open(fixture);
    while (!sync_fixture_has(fixture, "/me/drive"))
        (void)sync_fixture_step(fixture);
    (void)sync_want_listing(fixture->sync, sync_fixture_ino(fixture, "/me/drive"), outcome_note,
                            &outcome);
    while (sync_fixture_status(fixture).items_seen < 3)
        assert_true(sync_fixture_step(fixture));
    assert_int_equal(outcome.calls, 1);
    assert_true(sync_fixture_has(fixture, "/me/drive/new"));
    assert_int_equal(sync_fixture_status(fixture).round, ROUND_FIRST);
    clock_advance(fixture->base->clock, APPLY_LATE_MS);
    sync_fixture_settle(fixture);
    sync_fixture_assert_equal(fixture, true);
}

/* ---- dead tokens ---- */

static const struct dead_link {
    long http_status;
    const char *graph_code;
} dead_links[] = {
    { 410, "resyncRequired" },
    { 410, "resyncChangesApplyDifferences" },
    { 400, "invalidRequest" },
};

static void test_dead_token_is_followed_by_a_full_round(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(dead_links); i++) {
        struct sync_fixture *fixture = sync_fixture_new(1);

        open_and_fill(fixture);
        rename_file(fixture);
        fake_remote_expire(fixture->fake, dead_links[i].http_status, dead_links[i].graph_code);
        poll_once(fixture);
        sync_fixture_assert_equal(fixture, true);
        assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_DELTA), 1);
        assert_int_equal(sync_fixture_status(fixture).error.code, 0);
        sync_fixture_free(fixture);
    }
}

/* One that comes now and then is no reason to enumerate all. */
static void test_link_is_dead_after_several_404_in_a_row(void **state)
{
    struct sync_fixture *fixture = *state;

    open_and_fill(fixture);
    rename_file(fixture);
    fake_remote_fail(fixture->fake, FAKE_ASK_LINK, 0, 3, -ENOENT, 404);
    poll_once(fixture);
    sync_fixture_run(fixture, 60 * 1000);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_DELTA), 0);
    fake_remote_expire(fixture->fake, 404, "itemNotFound");
    poll_once(fixture);
    sync_fixture_run(fixture, 60 * 1000);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_DELTA), 1);
    assert_int_equal(sync_fixture_status(fixture).error.code, 0);
}

static void test_first_round_whose_link_dies_starts_again(void **state)
{
    struct sync_fixture *fixture = *state;

    fill(fixture);
    sync_fixture_open(fixture);
    while (fake_remote_count(fixture->fake, FAKE_ASK_LINK) == 0)
        (void)sync_fixture_step(fixture);
    fake_remote_expire(fixture->fake, 410, "resyncRequired");
    sync_fixture_settle(fixture);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_DELTA), 2);
    sync_fixture_assert_equal(fixture, true);
}

/* ---- failures ---- */

static void test_looping_link_fails_and_recovers(void **state)
{
    struct sync_fixture *fixture = *state;

    open_and_fill(fixture);
    rename_file(fixture);
    fixture->settings->is_looping = true;
    poll_once(fixture);
    assert_int_equal(sync_fixture_status(fixture).error.code, -EPROTO);
    /* A loop costs a few requests a minute, not more. */
    fake_remote_reset_counts(fixture->fake);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    assert_in_range(fake_remote_total(fixture->fake), 10, 150);
    fixture->settings->is_looping = false;
    sync_fixture_run(fixture, 5 * 60 * 1000);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(sync_fixture_status(fixture).error.code, 0);
}

static void test_round_offline_goes_on_when_woken(void **state)
{
    struct sync_fixture *fixture = *state;

    open_and_fill(fixture);
    rename_file(fixture);
    fixture->settings->is_offline = true;
    poll_once(fixture);
    assert_int_equal(sync_fixture_status(fixture).error.code, -ENETDOWN);
    fixture->settings->is_offline = false;
    sync_fixture_settle(fixture);
    assert_int_equal(sync_fixture_status(fixture).error.code, -ENETDOWN);
    sync_wake(fixture->sync);
    sync_fixture_settle(fixture);
    sync_fixture_assert_equal(fixture, true);
}

static void test_refused_drive_holds_up_no_other(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t other_root = fake_add_drive(fixture->model, "D2", false);
    struct node_attr attr;

    fill(fixture);
    (void)fake_create(fixture->model, other_root, "x", ITEM_FILE);
    fake_remote_fail(fixture->fake, FAKE_ASK_DELTA, 0, 1000, -EACCES, 403);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    assert_int_equal(sync_fixture_status(fixture).error.code, -EACCES);
    assert_int_equal(fixture_find(fixture->base, "/drives/D2", &attr), 0);
    /* The next round of the first drive is far away by then. */
    sync_fixture_run(fixture, 60 * 60 * 1000);
    fake_remote_reset_counts(fixture->fake);
    fake_remote_fail(fixture->fake, FAKE_ASK_DELTA, 0, 0, 0, 0);
    sync_note_use(fixture->sync, attr.drive);
    (void)sync_fixture_step(fixture);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_DELTA), 1);
}

static void test_failed_pull_is_told_so(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome pull = { 0 };

    open_and_fill(fixture);
    fixture->settings->is_offline = true;
    (void)sync_pull_now(fixture->sync, outcome_note, &pull);
    sync_fixture_settle(fixture);
    assert_int_equal(pull.calls, 1);
    assert_int_equal(pull.code, -ENETDOWN);
}

#define IN_FIXTURE(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, sync_fixture_setup, sync_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(test_first_round_fills_the_drive_and_completes_it),
        IN_FIXTURE(test_first_round_shows_each_page_at_once),
        IN_FIXTURE(test_next_page_is_asked_for_while_one_is_taken_in),
        IN_FIXTURE(test_a_page_that_the_disk_could_not_take_is_not_passed_over),
        cmocka_unit_test(test_first_round_goes_on_after_a_kill_at_any_step),
        IN_FIXTURE(test_known_drive_is_shown_without_a_request),
        IN_FIXTURE(test_poll_of_an_unchanged_drive_is_one_request),
        IN_FIXTURE(test_poll_slows_down_when_nobody_uses_the_mount),
        IN_FIXTURE(test_use_after_a_pause_polls_at_once),
        IN_FIXTURE(test_pull_ends_when_a_later_round_was_applied),
        IN_FIXTURE(test_pull_during_a_round_waits_for_the_next_one),
        cmocka_unit_test(test_each_change_is_shown_after_one_round),
        cmocka_unit_test(test_round_goes_on_after_a_kill_at_any_step),
        IN_FIXTURE(test_folder_of_a_later_round_is_not_complete),
        cmocka_unit_test(test_dead_token_is_followed_by_a_full_round),
        IN_FIXTURE(test_link_is_dead_after_several_404_in_a_row),
        IN_FIXTURE(test_first_round_whose_link_dies_starts_again),
        IN_FIXTURE(test_looping_link_fails_and_recovers),
        IN_FIXTURE(test_round_offline_goes_on_when_woken),
        IN_FIXTURE(test_refused_drive_holds_up_no_other),
        IN_FIXTURE(test_failed_pull_is_told_so),
        IN_FIXTURE(test_older_report_of_the_first_round_does_not_override_a_newer_one),
        IN_FIXTURE(test_pull_ends_when_there_is_no_drive_to_follow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
