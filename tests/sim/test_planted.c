/* SPDX-License-Identifier: MIT */
/* Each mistake that is planted (plant.h) is found, and what is printed then is short enough to be
 * understood. */
#include "config.h"

#include "../unit/unit.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "dice.h"
#include "seeds.h"
#include "shrink.h"

/* As many as `make check-sim` tries without a mistake. */
#define SEEDS_MAX 10000

/* Of some seventy that a run has at least. */
#define STEPS_MAX 25

static void find_from(enum plant plant, uint64_t first)
{
    cleanup_free struct trace *trace = x_calloc(1, sizeof *trace);
    struct seeds seeds;

    seeds_run(plant, first, SEEDS_MAX, &seeds);
    if (!seeds.has_failed)
        fail_msg("%s was not found in %d seeds", plant_names[plant], SEEDS_MAX);
    assert_true(shrink_seed(plant, seeds.failed, trace));
    trace_print(trace, plant, seeds.failed);
    assert_in_range(trace->len, 1, STEPS_MAX);
}

static void find(enum plant plant)
{
    find_from(plant, 1);
}

static void test_link_that_is_saved_before_its_page_is_found(void **state)
{
    (void)state;
    find(PLANT_LINK_FIRST);
}

static void test_late_report_that_is_believed_is_found(void **state)
{
    (void)state;
    find(PLANT_LATE_BELIEVED);
}

static void test_absence_that_is_taken_for_deletion_is_found(void **state)
{
    (void)state;
    find(PLANT_ABSENT_DELETED);
}

static void test_absence_from_a_listing_that_is_taken_for_deletion_is_found(void **state)
{
    (void)state;
    find(PLANT_LACKING_DELETED);
}

static void test_first_word_of_a_round_that_wins_is_found(void **state)
{
    (void)state;
    find(PLANT_FIRST_WORD);
}

static void test_tree_that_is_discarded_with_a_dead_link_is_found(void **state)
{
    (void)state;
    find(PLANT_RESYNC_DISCARDS);
}

static void test_change_without_its_guard_is_found(void **state)
{
    (void)state;
    find_from(PLANT_UNGUARDED, DICE_WRITING);
}

static void test_lost_answer_after_which_the_change_is_repeated_is_found(void **state)
{
    (void)state;
    find_from(PLANT_REPEATED, DICE_WRITING);
}

static void test_doubt_that_is_forgotten_is_found(void **state)
{
    (void)state;
    find_from(PLANT_DOUBT_FORGOTTEN, DICE_WRITING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_that_is_saved_before_its_page_is_found),
        cmocka_unit_test(test_late_report_that_is_believed_is_found),
        cmocka_unit_test(test_absence_that_is_taken_for_deletion_is_found),
        cmocka_unit_test(test_absence_from_a_listing_that_is_taken_for_deletion_is_found),
        cmocka_unit_test(test_first_word_of_a_round_that_wins_is_found),
        cmocka_unit_test(test_tree_that_is_discarded_with_a_dead_link_is_found),
        cmocka_unit_test(test_change_without_its_guard_is_found),
        cmocka_unit_test(test_lost_answer_after_which_the_change_is_repeated_is_found),
        cmocka_unit_test(test_doubt_that_is_forgotten_is_found),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
