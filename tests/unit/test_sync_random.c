/* SPDX-License-Identifier: MIT */
/*
 * Somebody changes the drive at random while sync follows it: with lag in every reader, repeated
 * and late reports, failing requests, expired tokens, moved accounts, listings, and kills. Once all
 * lag has passed, the store is as the server. The seed of a run that fails is printed;
 * SYNC_TEST_SEED repeats it alone.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "sync_fixture.h"
#include "unit.h"

#define SEEDS 150

/* Steps between changes, and changes. */
#define ROUNDS 30
#define LAG_MS 60000

struct run {
    struct sync_fixture *fixture;
    struct fake_model *model;
    struct outcome listed;
    uint64_t random;
};

/* Apart from the model's own numbers, so that both don't follow each other. */
static unsigned pick(struct run *run, unsigned bound)
{
    run->random = run->random * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(run->random >> 33) % bound;
}

/* A live item of the drive, its root included; the root if there is no luck. */
static size_t pick_item(struct run *run)
{
    for (int i = 0; i < 20; i++) {
        size_t item = pick(run, (unsigned)run->model->items.len);

        if (!fake_truth(run->model, item)->is_deleted)
            return item;
    }
    return run->fixture->root;
}

static size_t pick_folder(struct run *run)
{
    size_t item = pick_item(run);

    return run->model->items.items[item].kind == ITEM_FOLDER ? item : run->fixture->root;
}

static const char *pick_name(struct run *run)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f" };

    return names[pick(run, ROWS(names))];
}

static void create(struct run *run)
{
    size_t parent = pick_folder(run);
    const char *name = pick_name(run);

    if (fake_child(run->model, parent, name) == SIZE_MAX)
        (void)fake_create(run->model, parent, name, pick(run, 2) ? ITEM_FILE : ITEM_FOLDER);
}

static void move(struct run *run)
{
    size_t item = pick_item(run), parent = pick_folder(run);
    const char *name = pick_name(run);

    if (item != run->fixture->root && !fake_is_below(run->model, parent, item) &&
        fake_child(run->model, parent, name) == SIZE_MAX)
        fake_move(run->model, item, parent, name);
}

static void swap(struct run *run)
{
    size_t one = pick_item(run), other = pick_item(run);
    struct fake_version first = *fake_truth(run->model, one);
    struct fake_version second = *fake_truth(run->model, other);

    if (fake_is_below(run->model, one, other) || fake_is_below(run->model, other, one))
        return;
    fake_move(run->model, one, second.parent, "swapping");
    fake_move(run->model, other, first.parent, first.name);
    fake_move(run->model, one, second.parent, second.name);
}

static void write_file(struct run *run)
{
    size_t item = pick_item(run);

    if (run->model->items.items[item].kind == ITEM_FILE)
        fake_write(run->model, item, pick(run, 100000));
}

static void delete_item(struct run *run)
{
    size_t item = pick_item(run);

    if (item != run->fixture->root)
        fake_delete(run->model, item);
}

static void list_something(struct run *run)
{
    struct node_attr attr;
    ino_nr ino = pick(run, 100) + STORE_INO_FIRST;

    if (store_getattr(run->fixture->base->store, ino, &attr) == 0 && attr.kind == NODE_FOLDER)
        (void)sync_want_listing(run->fixture->sync, ino, outcome_note, &run->listed);
}

static void look_up_something(struct run *run)
{
    struct node_attr attr;
    ino_nr ino = pick(run, 100) + STORE_INO_FIRST;

    if (store_getattr(run->fixture->base->store, ino, &attr) == 0 && attr.kind == NODE_FOLDER)
        (void)sync_want_child(run->fixture->sync, ino, pick_name(run), outcome_note, &run->listed);
}

static void expire(struct run *run)
{
    if (pick(run, 4) == 0)
        fake_remote_expire(run->fixture->fake, pick(run, 2) ? 410 : 400, "resyncRequired");
}

/* The account is moved: all items have other ids and tags. */
static void migrate(struct run *run)
{
    if (pick(run, 4) != 0)
        return;
    run->model->back_end++;
    for (size_t i = 0; i < run->model->items.len; i++) {
        char id[32];

        (void)snprintf(id, sizeof id, "M%u-%u", run->model->back_end, pick(run, 1 << 30));
        fake_set_id(run->model, i, id);
    }
    fake_remote_expire(run->fixture->fake, 410, "resyncRequired");
}

static void fail_something(struct run *run)
{
    fake_remote_fail(run->fixture->fake, (enum fake_request)pick(run, FAKE_REQUESTS), pick(run, 3),
                     pick(run, 3), -ETIMEDOUT, 0);
}

static void kill_and_reopen(struct run *run)
{
    sync_fixture_reopen(run->fixture);
}

static void (*const actions[])(struct run *run) = {
    create,         create,         create,
    create,         create,         move,
    move,           swap,           write_file,
    delete_item,    delete_item,    expire,
    list_something, list_something, look_up_something,
    expire,         fail_something, kill_and_reopen,
    migrate,
};

static void let_time_pass(struct run *run)
{
    switch (pick(run, 3)) {
    case 0:
        for (unsigned i = pick(run, 6); i > 0; i--)
            (void)sync_fixture_step(run->fixture);
        break;
    case 1:
        clock_advance(run->fixture->base->clock, pick(run, LAG_MS));
        break;
    case 2:
        sync_note_use(run->fixture->sync, 0);
        sync_fixture_run(run->fixture, pick(run, LAG_MS));
        break;
    default:
        break;
    }
}

/* Nothing is left to be settled: only polls, and the drives now and then. */
static void assert_is_quiet(struct sync_fixture *fixture)
{
    fake_remote_reset_counts(fixture->fake);
    sync_fixture_run(fixture, 60 * 60 * 1000);
    assert_in_range(fake_remote_total(fixture->fake), 10, 25);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_DELTA), 0);
    assert_int_equal(fake_remote_count(fixture->fake, FAKE_ASK_ITEMS), 0);
}

static void run_seed(uint64_t seed)
{
    struct sync_fixture *fixture = sync_fixture_new(seed);
    struct run run = { .fixture = fixture, .model = fixture->model, .random = seed };

    fixture->model->lag_ms = LAG_MS;
    fixture->settings->is_shuffled = true;
    fixture->settings->repeat_percent = 20;
    fixture->settings->omits_tombstones = seed % 2 == 0;
    fixture->settings->omits_ctag = seed % 3 == 0;
    fixture->settings->page_size = 1 + pick(&run, 6);
    for (int i = 0; i < 20; i++)
        create(&run);
    sync_fixture_open(fixture);
    for (int i = 0; i < ROUNDS; i++) {
        actions[pick(&run, ROWS(actions))](&run);
        let_time_pass(&run);
    }
    sync_confirm_removals(fixture->sync);
    /* Lag, failures with their pauses, a full round, and two 404. */
    sync_fixture_run(fixture, 30 * 60 * 1000);
    sync_confirm_removals(fixture->sync);
    sync_fixture_run(fixture, 10 * 60 * 1000);
    sync_fixture_assert_equal(fixture, false);
    assert_is_quiet(fixture);
    sync_fixture_free(fixture);
}

static void test_store_equals_the_server_when_all_lag_has_passed(void **state)
{
    const char *only = getenv("GRAPHFS_TEST_SEED");

    (void)state;
    if (only) {
        run_seed(strtoull(only, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= unit_seeds(SEEDS); seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        run_seed(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_equals_the_server_when_all_lag_has_passed),
    };

    log_set_level(LOG_LEVEL_WARN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
