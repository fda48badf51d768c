/* SPDX-License-Identifier: MIT */
/* Listings ahead of need, while the pages of the first round are held back. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "sync_fixture.h"
#include "unit.h"

/* Of the drive: folders in folders. */
#define FAN_OUT 10

static size_t make_folders(struct sync_fixture *fixture, size_t parent, unsigned count)
{
    size_t first = SIZE_MAX;

    for (unsigned i = 0; i < count; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "%03u", i);
        size_t folder = fake_create(fixture->model, parent, name, ITEM_FOLDER);
        if (i == 0)
            first = folder;
    }
    return first;
}

/* Answers all that waits but the next page of the round, again and again, until nothing comes of
 * it. */
static void go_on(struct sync_fixture *fixture)
{
    bool has_delivered = true;

    while (has_delivered) {
        has_delivered = false;
        for (size_t i = fake_remote_waiting(fixture->fake); i-- > 0;) {
            if (fake_remote_kind(fixture->fake, i) == FAKE_ASK_LINK)
                continue;
            fake_remote_deliver(fixture->fake, i, NULL);
            has_delivered = true;
        }
        (void)sync_turn(fixture->sync);
    }
}

/* The first page of the first round is there, and it tells of the root alone. */
static void open_round(struct sync_fixture *fixture)
{
    fixture->settings->page_size = 1;
    fixture->settings->children_page_size = 1000;
    sync_fixture_open(fixture);
    while (fake_remote_count(fixture->fake, FAKE_ASK_LINK) == 0)
        assert_true(sync_fixture_step(fixture));
    go_on(fixture);
    fake_remote_reset_counts(fixture->fake);
}

/* Begins to open a folder; nothing is answered yet. */
static void begin_opening(struct sync_fixture *fixture, const char *path, struct outcome *outcome)
{
    ino_nr ino = sync_fixture_ino(fixture, path);

    *outcome = (struct outcome){ 0 };
    if (sync_fixture_needs_listing(fixture, path))
        (void)sync_want_listing(fixture->sync, ino, outcome_note, outcome);
    else
        sync_note_opened(fixture->sync, ino);
    (void)sync_turn(fixture->sync);
}

static void open_folder(struct sync_fixture *fixture, const char *path)
{
    bool must_wait = sync_fixture_needs_listing(fixture, path);
    struct outcome outcome;

    begin_opening(fixture, path, &outcome);
    go_on(fixture);
    assert_int_equal(outcome.calls, must_wait);
    assert_int_equal(outcome.code, 0);
    assert_true(sync_fixture_is_complete(fixture, path));
}

static unsigned demanded(const struct sync_fixture *fixture)
{
    return fake_remote_count(fixture->fake, FAKE_ASK_CHILDREN);
}

static unsigned batches(const struct sync_fixture *fixture)
{
    return fake_remote_count(fixture->fake, FAKE_ASK_LISTINGS);
}

static unsigned listed_ahead(const struct sync_fixture *fixture)
{
    return fake_remote_count(fixture->fake, FAKE_ASK_LISTING);
}

/* The index of the first request of this kind that waits. */
static size_t find_waiting(struct sync_fixture *fixture, enum fake_request kind)
{
    size_t i = 0;

    while (i < fake_remote_waiting(fixture->fake) && fake_remote_kind(fixture->fake, i) != kind)
        i++;
    assert_true(i < fake_remote_waiting(fixture->fake));
    return i;
}

static void deliver(struct sync_fixture *fixture, enum fake_request kind, const struct err *failure)
{
    fake_remote_deliver(fixture->fake, find_waiting(fixture, kind), failure);
    (void)sync_turn(fixture->sync);
}

/* Opens every folder below a path, depth first. */
static void walk(struct sync_fixture *fixture, const char *path, unsigned depth)
{
    open_folder(fixture, path);
    for (unsigned i = 0; depth > 0 && i < FAN_OUT; i++) {
        char child[256];

        (void)snprintf(child, sizeof child, "%s/%03u", path, i);
        walk(fixture, child, depth - 1);
    }
}

/* ---- what is listed ahead ---- */

static void test_subfolders_of_an_opened_folder_are_listed_in_one_request(void **state)
{
    struct sync_fixture *fixture = *state;

    (void)make_folders(fixture, fixture->root, 5);
    open_round(fixture);
    open_folder(fixture, "/me/drive");
    assert_int_equal(demanded(fixture), 1);
    assert_int_equal(batches(fixture), 1);
    assert_int_equal(listed_ahead(fixture), 5);
    open_folder(fixture, "/me/drive/004");
    assert_int_equal(fake_remote_total(fixture->fake), 2);
}

static void test_one_look_at_many_folders_is_one_request_more(void **state)
{
    struct sync_fixture *fixture = *state;

    (void)make_folders(fixture, fixture->root, 500);
    open_round(fixture);
    open_folder(fixture, "/me/drive");
    open_folder(fixture, "/me/drive");
    assert_int_equal(batches(fixture), 1);
    assert_int_equal(listed_ahead(fixture), LISTINGS_MAX);
    assert_true(sync_fixture_is_complete(fixture, "/me/drive/019"));
    assert_false(sync_fixture_is_complete(fixture, "/me/drive/020"));
}

static void test_walk_lists_each_folder_once_in_few_requests(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t first = make_folders(fixture, fixture->root, FAN_OUT);

    for (size_t i = 0; i < FAN_OUT; i++) {
        size_t second = make_folders(fixture, first + i, FAN_OUT);

        for (size_t j = 0; j < FAN_OUT; j++)
            (void)make_folders(fixture, second + j, FAN_OUT);
    }
    open_round(fixture);
    walk(fixture, "/me/drive", 3);
    sync_fixture_assert_equal(fixture, true);
    assert_int_equal(demanded(fixture) + listed_ahead(fixture), 1 + 10 + 100 + 1000);
    assert_in_range(fake_remote_total(fixture->fake), 50, 150);
}

static void test_what_is_below_comes_before_what_is_beside(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t first = make_folders(fixture, fixture->root, 100);

    (void)make_folders(fixture, first, 100);
    open_round(fixture);
    open_folder(fixture, "/me/drive");
    for (unsigned i = 0; i < LISTINGS_MAX / 2; i++) {
        char path[32];

        (void)snprintf(path, sizeof path, "/me/drive/%03u", i);
        open_folder(fixture, path);
    }
    assert_true(listed_ahead(fixture) > LISTINGS_MAX);
    assert_true(sync_fixture_is_complete(fixture, "/me/drive/000/000"));
    assert_false(sync_fixture_is_complete(fixture, "/me/drive/020"));
}

static void test_who_goes_elsewhere_has_cost_little(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t first = make_folders(fixture, fixture->root, 60);

    for (size_t i = 0; i < 60; i++)
        (void)make_folders(fixture, first + i, 40);
    open_round(fixture);
    /* Known, and in no order: by the way of their names alone. */
    for (unsigned i = 0; i < 3; i++) {
        char path[32];
        unsigned before = listed_ahead(fixture);
        struct outcome outcome = { 0 };

        (void)snprintf(path, sizeof path, "%03u", 59 - 20 * i);
        (void)sync_want_child(fixture->sync, sync_fixture_ino(fixture, "/me/drive"), path,
                              outcome_note, &outcome);
        (void)sync_turn(fixture->sync);
        go_on(fixture);
        assert_int_equal(outcome.code, 0);
        (void)snprintf(path, sizeof path, "/me/drive/%03u", 59 - 20 * i);
        open_folder(fixture, path);
        assert_int_equal(listed_ahead(fixture), before + LISTINGS_MAX);
    }
}

static void test_name_that_is_looked_up_opens_nothing(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome outcome = { 0 };

    (void)make_folders(fixture, fixture->root, 5);
    open_round(fixture);
    (void)sync_want_child(fixture->sync, sync_fixture_ino(fixture, "/me/drive"), "003",
                          outcome_note, &outcome);
    (void)sync_turn(fixture->sync);
    go_on(fixture);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(listed_ahead(fixture), 0);
}

static void test_shortcuts_are_not_listed_ahead(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t shared = fake_add_drive(fixture->model, "S1", true);
    size_t target = fake_create(fixture->model, shared, "target", ITEM_FOLDER);

    (void)fake_create_shortcut(fixture->model, fixture->root, "shortcut", target);
    open_round(fixture);
    open_folder(fixture, "/me/drive");
    assert_true(sync_fixture_has(fixture, "/me/drive/shortcut"));
    assert_int_equal(listed_ahead(fixture), 0);
}

static void test_folder_of_many_pages_waits_for_who_needs_it(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t big = make_folders(fixture, fixture->root, 1);

    (void)make_folders(fixture, big, 9);
    open_round(fixture);
    fixture->settings->children_page_size = 4;
    open_folder(fixture, "/me/drive");
    assert_int_equal(listed_ahead(fixture), 1);
    assert_int_equal(demanded(fixture), 1);
    assert_false(sync_fixture_is_complete(fixture, "/me/drive/000"));
    open_folder(fixture, "/me/drive/000");
    assert_int_equal(demanded(fixture), 1 + 3);
}

/* ---- who waits ---- */

static void test_who_waits_for_a_folder_under_way_causes_no_request(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome root, child;

    (void)make_folders(fixture, fixture->root, 3);
    open_round(fixture);
    begin_opening(fixture, "/me/drive", &root);
    deliver(fixture, FAKE_ASK_CHILDREN, NULL);
    begin_opening(fixture, "/me/drive/001", &child);
    assert_int_equal(child.calls, 0);
    deliver(fixture, FAKE_ASK_LISTINGS, NULL);
    assert_int_equal(child.calls, 1);
    assert_int_equal(child.code, 0);
    assert_int_equal(demanded(fixture), 1);
}

/* It saw that the folder isn't complete, and its children came before it could say so. */
static void test_who_comes_too_late_to_wait_causes_no_request(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome outcome = { 0 };

    (void)make_folders(fixture, fixture->root, 3);
    open_round(fixture);
    open_folder(fixture, "/me/drive");
    (void)sync_want_listing(fixture->sync, sync_fixture_ino(fixture, "/me/drive/001"), outcome_note,
                            &outcome);
    (void)sync_turn(fixture->sync);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.code, 0);
    assert_int_equal(demanded(fixture), 1);
}

static void test_who_waits_for_another_folder_overtakes(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome root, child;

    (void)make_folders(fixture, fixture->root, 30);
    open_round(fixture);
    begin_opening(fixture, "/me/drive", &root);
    deliver(fixture, FAKE_ASK_CHILDREN, NULL);
    begin_opening(fixture, "/me/drive/025", &child);
    assert_int_equal(demanded(fixture), 2);
    deliver(fixture, FAKE_ASK_CHILDREN, NULL);
    assert_int_equal(child.calls, 1);
    assert_false(sync_fixture_is_complete(fixture, "/me/drive/000"));
}

static void test_who_waits_asks_for_what_failed_ahead(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome root, child;
    struct err err;

    (void)err_set(&err, -EIO, "broken off");
    (void)make_folders(fixture, fixture->root, 3);
    open_round(fixture);
    begin_opening(fixture, "/me/drive", &root);
    deliver(fixture, FAKE_ASK_CHILDREN, NULL);
    begin_opening(fixture, "/me/drive/001", &child);
    deliver(fixture, FAKE_ASK_LISTINGS, &err);
    assert_int_equal(child.calls, 0);
    deliver(fixture, FAKE_ASK_CHILDREN, NULL);
    assert_int_equal(child.calls, 1);
    assert_int_equal(child.code, 0);
}

static void test_refusal_ahead_is_nobodys(void **state)
{
    struct sync_fixture *fixture = *state;

    (void)make_folders(fixture, fixture->root, 3);
    open_round(fixture);
    fake_remote_fail(fixture->fake, FAKE_ASK_LISTING, 0, 1, -EACCES, 403);
    open_folder(fixture, "/me/drive");
    assert_false(sync_fixture_is_complete(fixture, "/me/drive/000"));
    assert_true(sync_fixture_is_complete(fixture, "/me/drive/001"));
    open_folder(fixture, "/me/drive/000");
}

/* ---- when nothing is listed ahead ---- */

static void test_nothing_is_listed_ahead_for_a_while_after_a_failure(void **state)
{
    static const struct {
        enum fake_request kind;
        int code;
        long http_status;
    } rows[] = {
        { FAKE_ASK_LISTING, -EAGAIN, 429 },
        { FAKE_ASK_LISTINGS, -ETIMEDOUT, 429 },
        { FAKE_ASK_LISTINGS, -ENETDOWN, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sync_fixture *fixture = sync_fixture_new(1);

        (void)make_folders(fixture, fixture->root, 100);
        open_round(fixture);
        fake_remote_fail(fixture->fake, rows[i].kind, 0, 1, rows[i].code, rows[i].http_status);
        open_folder(fixture, "/me/drive");
        open_folder(fixture, "/me/drive/050");
        open_folder(fixture, "/me/drive/051");
        assert_int_equal(batches(fixture), 1);
        clock_advance(fixture->base->clock, 5000);
        (void)sync_turn(fixture->sync);
        assert_true(batches(fixture) > 1);
        sync_fixture_free(fixture);
    }
}

static void test_nothing_is_listed_ahead_once_the_round_is_over(void **state)
{
    struct sync_fixture *fixture = *state;
    size_t new;

    (void)make_folders(fixture, fixture->root, 3);
    sync_fixture_open(fixture);
    sync_fixture_settle(fixture);
    new = fake_create(fixture->model, fixture->root, "new", ITEM_FOLDER);
    (void)make_folders(fixture, new, 3);
    sync_note_use(fixture->sync, 0);
    sync_fixture_run(fixture, FIXTURE_POLL_S * INT64_C(1000));
    open_folder(fixture, "/me/drive");
    open_folder(fixture, "/me/drive/new");
    assert_int_equal(listed_ahead(fixture), 0);
}

static void test_end_of_the_round_ends_what_is_under_way(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome root, child;

    (void)make_folders(fixture, fixture->root, 5);
    open_round(fixture);
    begin_opening(fixture, "/me/drive", &root);
    deliver(fixture, FAKE_ASK_CHILDREN, NULL);
    begin_opening(fixture, "/me/drive/001", &child);
    while (sync_fixture_status(fixture).rounds == 0)
        deliver(fixture, FAKE_ASK_LINK, NULL);
    assert_int_equal(child.calls, 1);
    assert_int_equal(child.code, 0);
    sync_fixture_settle(fixture);
    assert_int_equal(demanded(fixture), 1);
    sync_fixture_assert_equal(fixture, true);
}

static void test_stop_ends_who_waits_for_a_listing_ahead(void **state)
{
    struct sync_fixture *fixture = *state;
    struct outcome root, child;

    (void)make_folders(fixture, fixture->root, 3);
    open_round(fixture);
    begin_opening(fixture, "/me/drive", &root);
    deliver(fixture, FAKE_ASK_CHILDREN, NULL);
    begin_opening(fixture, "/me/drive/001", &child);
    sync_stop(fixture->sync);
    assert_int_equal(child.calls, 1);
    assert_int_equal(child.code, -ECANCELED);
}

#define IN_FIXTURE(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, sync_fixture_setup, sync_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(test_subfolders_of_an_opened_folder_are_listed_in_one_request),
        IN_FIXTURE(test_one_look_at_many_folders_is_one_request_more),
        IN_FIXTURE(test_walk_lists_each_folder_once_in_few_requests),
        IN_FIXTURE(test_what_is_below_comes_before_what_is_beside),
        IN_FIXTURE(test_who_goes_elsewhere_has_cost_little),
        IN_FIXTURE(test_name_that_is_looked_up_opens_nothing),
        IN_FIXTURE(test_shortcuts_are_not_listed_ahead),
        IN_FIXTURE(test_folder_of_many_pages_waits_for_who_needs_it),
        IN_FIXTURE(test_who_waits_for_a_folder_under_way_causes_no_request),
        IN_FIXTURE(test_who_comes_too_late_to_wait_causes_no_request),
        IN_FIXTURE(test_who_waits_for_another_folder_overtakes),
        IN_FIXTURE(test_who_waits_asks_for_what_failed_ahead),
        IN_FIXTURE(test_refusal_ahead_is_nobodys),
        cmocka_unit_test(test_nothing_is_listed_ahead_for_a_while_after_a_failure),
        IN_FIXTURE(test_nothing_is_listed_ahead_once_the_round_is_over),
        IN_FIXTURE(test_end_of_the_round_ends_what_is_under_way),
        IN_FIXTURE(test_stop_ends_who_waits_for_a_listing_ahead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
