/* SPDX-License-Identifier: MIT */
/* push_plan.h: the next step of a row, as a table. */
#include "config.h"

#include "sync/apply.h"
#include "sync/push_plan.h"
#include "unit.h"

#define BOTH   (NODE_LOCAL | NODE_BASE)
#define SECOND INT64_C(1000000000)

static char name_a[] = "a", name_b[] = "b";

/* A row that the server has at (1, "a") and the user at (parent, name). */
static struct node row(enum node_kind kind, unsigned flags, ino_nr parent, char *name,
                       uint64_t generation, int64_t mtime_ns)
{
    return (struct node){
        .attr = { .ino = 100, .kind = kind, .flags = flags },
        .local = { .parent = parent, .name = name, .generation = generation, .mtime_ns = mtime_ns },
        .base = { .parent = 1, .name = name_a, .generation = 7 },
    };
}

/* Everything is as it should be. */
static const struct push_facts ready = {
    .parent_is_there = true,
    .is_resting = true,
    .has_content = true,
};

static struct push_step plan(struct node node, struct push_facts facts)
{
    return push_plan(&node, &facts, APPLY_MTIME_GRANULARITY_NS);
}

static void assert_step(struct push_step step, enum push_action action, bool with_place,
                        bool with_mtime)
{
    assert_int_equal(step.action, action);
    assert_int_equal(step.with_place, with_place);
    assert_int_equal(step.with_mtime, with_mtime);
    assert_false(step.is_detour);
}

static void test_each_difference_has_its_request(void **state)
{
    static const struct {
        enum node_kind kind;
        unsigned flags;
        ino_nr parent;
        char *name;
        uint64_t generation;
        int64_t mtime_ns;
        enum push_action action;
        bool with_place, with_mtime;
    } rows[] = {
        { NODE_FILE, BOTH, 1, name_a, 7, 0, PUSH_NOTHING, false, false },
        { NODE_FILE, BOTH, 1, name_a, 7, SECOND - 1, PUSH_NOTHING, false, false },
        { NODE_FOLDER, BOTH, 1, name_a, 7, 9 * SECOND, PUSH_NOTHING, false, false },
        { NODE_FILE, 0, 1, name_a, 7, 0, PUSH_FORGET, false, false },
        { NODE_FILE, NODE_LOCAL, 1, name_b, 8, 0, PUSH_CREATE, false, false },
        { NODE_FOLDER, NODE_LOCAL, 1, name_b, 0, 0, PUSH_MAKE_FOLDER, false, false },
        { NODE_FILE, NODE_LOCAL | NODE_LOCAL_ONLY, 1, name_b, 8, 0, PUSH_NOTHING, false, false },
        { NODE_FILE, NODE_BASE, 1, name_a, 7, 0, PUSH_DELETE, false, false },
        { NODE_FOLDER, NODE_BASE, 1, name_a, 7, 0, PUSH_DELETE, false, false },
        { NODE_FILE, BOTH, 2, name_a, 7, 0, PUSH_CHANGE, true, false },
        { NODE_FILE, BOTH, 1, name_b, 7, 0, PUSH_CHANGE, true, false },
        { NODE_FOLDER, BOTH, 2, name_b, 7, 0, PUSH_CHANGE, true, false },
        { NODE_FILE, BOTH, 1, name_a, 7, SECOND, PUSH_CHANGE, false, true },
        { NODE_FILE, BOTH, 1, name_b, 7, SECOND, PUSH_CHANGE, true, true },
        { NODE_FILE, BOTH, 1, name_a, 8, 0, PUSH_UPLOAD, false, false },
        { NODE_FILE, BOTH, 1, name_a, 8, SECOND, PUSH_UPLOAD, false, false },
        { NODE_FILE, BOTH, 1, name_b, 8, SECOND, PUSH_CHANGE, true, false },
        { NODE_FILE, BOTH | NODE_REMOTE, 1, name_a, 8, 0, PUSH_SETTLE, false, false },
        { NODE_FILE, BOTH | NODE_SAFE_NAME, 1, name_b, 7, 0, PUSH_NOTHING, false, false },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_step(plan(row(rows[i].kind, rows[i].flags, rows[i].parent, rows[i].name,
                             rows[i].generation, rows[i].mtime_ns),
                         ready),
                    rows[i].action, rows[i].with_place, rows[i].with_mtime);
}

static void test_what_is_needed_comes_first(void **state)
{
    struct node created = row(NODE_FILE, NODE_LOCAL, 1, name_b, 8, 0);
    struct node folder = row(NODE_FOLDER, NODE_LOCAL, 1, name_b, 0, 0);
    struct node moved = row(NODE_FILE, BOTH, 1, name_b, 7, 0);
    struct push_facts no_parent = ready, no_name = ready, no_content = ready;

    (void)state;
    no_parent.parent_is_there = false;
    no_name.name_is_taken = true;
    no_content.has_content = false;
    assert_step(plan(created, no_parent), PUSH_WAIT, false, false);
    assert_step(plan(created, no_name), PUSH_WAIT, false, false);
    assert_step(plan(created, no_content), PUSH_WAIT, false, false);
    assert_step(plan(folder, no_parent), PUSH_WAIT, false, false);
    assert_step(plan(folder, no_name), PUSH_WAIT, false, false);
    assert_step(plan(folder, no_content), PUSH_MAKE_FOLDER, false, false);
    assert_step(plan(moved, no_parent), PUSH_WAIT, false, false);
    assert_step(plan(moved, no_name), PUSH_WAIT, false, false);
    assert_step(plan(moved, no_content), PUSH_CHANGE, true, false);
}

static void test_a_file_that_was_saved_anew_takes_over_its_item_before_it_is_sent(void **state)
{
    struct node created = row(NODE_FILE, NODE_LOCAL, 1, name_a, 8, 0);
    struct node gone = row(NODE_FILE, NODE_BASE, 1, name_a, 7, 0);
    struct push_facts partner = ready, busy;

    (void)state;
    partner.partner = 101;
    partner.name_is_taken = true;
    busy = partner;
    busy.partner_is_busy = true;
    assert_step(plan(created, partner), PUSH_TAKE_OVER, false, false);
    assert_step(plan(gone, partner), PUSH_TAKE_OVER, false, false);
    assert_step(plan(created, busy), PUSH_WAIT, false, false);
    assert_step(plan(gone, busy), PUSH_WAIT, false, false);
    gone.attr.flags |= NODE_REMOTE;
    assert_step(plan(gone, partner), PUSH_TAKE_OVER, false, false);
    assert_step(plan(gone, ready), PUSH_SETTLE, false, false);
}

static void test_a_backup_has_a_content_of_its_own_before_it_gives_up_its_item(void **state)
{
    struct node backup = row(NODE_FILE, BOTH, 1, name_b, 7, 0);
    struct node own = row(NODE_FILE, BOTH, 1, name_b, 8, 0);
    struct push_facts facts = ready, incomplete;

    (void)state;
    facts.partner = 101;
    facts.is_backup = true;
    incomplete = facts;
    incomplete.has_content = false;
    assert_step(plan(backup, incomplete), PUSH_OWN, false, false);
    assert_step(plan(own, incomplete), PUSH_WAIT, false, false);
    assert_step(plan(own, facts), PUSH_TAKE_OVER, false, false);
}

static void test_what_is_open_for_writing_changes_its_place_alone(void **state)
{
    struct node news = row(NODE_FILE, BOTH | NODE_REMOTE, 1, name_a, 7, 0);
    struct push_facts held = ready;

    (void)state;
    held.is_open = true;
    assert_step(plan(row(NODE_FILE, NODE_LOCAL, 1, name_b, 8, 0), held), PUSH_WAIT, false, false);
    assert_step(plan(row(NODE_FILE, BOTH, 1, name_a, 8, 0), held), PUSH_WAIT, false, false);
    assert_step(plan(row(NODE_FILE, BOTH, 1, name_a, 7, SECOND), held), PUSH_WAIT, false, false);
    assert_step(plan(row(NODE_FILE, BOTH, 1, name_b, 8, SECOND), held), PUSH_CHANGE, true, false);
    assert_step(plan(row(NODE_FILE, BOTH, 1, name_b, 7, SECOND), held), PUSH_CHANGE, true, false);
    assert_step(plan(row(NODE_FILE, NODE_BASE, 1, name_a, 7, 0), held), PUSH_DELETE, false, false);

    /* Another content of the server's waits, unless there is one of ours. */
    news.remote.generation = 9;
    assert_step(plan(news, held), PUSH_WAIT, false, false);
    news.remote.generation = 7;
    assert_step(plan(news, held), PUSH_SETTLE, false, false);
    news.remote_deleted = true;
    assert_step(plan(news, held), PUSH_WAIT, false, false);
    news.local.generation = 8;
    assert_step(plan(news, held), PUSH_SETTLE, false, false);
}

static void test_a_time_and_a_content_do_not_wait_for_a_place(void **state)
{
    struct push_facts no_name = ready, nothing = ready;

    (void)state;
    no_name.name_is_taken = true;
    nothing.name_is_taken = true;
    nothing.has_content = false;
    assert_step(plan(row(NODE_FILE, BOTH, 1, name_b, 7, SECOND), no_name), PUSH_CHANGE, false,
                true);
    assert_step(plan(row(NODE_FILE, BOTH, 1, name_b, 8, SECOND), no_name), PUSH_UPLOAD, false,
                false);
    assert_step(plan(row(NODE_FILE, BOTH, 1, name_b, 8, SECOND), nothing), PUSH_WAIT, false, false);
}

static void test_a_cycle_of_names_is_opened_by_a_detour(void **state)
{
    struct push_facts facts = ready;
    struct push_step step;

    (void)state;
    facts.name_is_taken = facts.takes_detour = true;
    step = plan(row(NODE_FILE, BOTH, 1, name_b, 7, 0), facts);
    assert_int_equal(step.action, PUSH_CHANGE);
    assert_true(step.with_place && step.is_detour);
    facts.name_is_taken = facts.parent_is_there = false;
    step = plan(row(NODE_FILE, BOTH, 1, name_b, 7, 0), facts);
    assert_true(step.with_place && step.is_detour);
    facts.takes_detour = false;
    assert_step(plan(row(NODE_FILE, BOTH, 1, name_b, 7, 0), facts), PUSH_WAIT, false, false);
}

static void test_a_session_that_nothing_stands_in_the_way_of_is_gone_around(void **state)
{
    struct push_facts facts = ready;
    struct push_step step;

    (void)state;
    facts.name_is_refused = true;
    step = plan(row(NODE_FILE, NODE_LOCAL, 1, name_b, 8, 0), facts);
    assert_int_equal(step.action, PUSH_CREATE);
    assert_true(step.is_detour);
    assert_step(plan(row(NODE_FOLDER, NODE_LOCAL, 1, name_b, 0, 0), facts), PUSH_MAKE_FOLDER, false,
                false);
    assert_step(plan(row(NODE_FILE, BOTH, 1, name_b, 7, 0), facts), PUSH_CHANGE, true, false);
    assert_true(plan(row(NODE_FILE, BOTH, 1, name_a, 8, 0), facts).is_whole);
    assert_false(plan(row(NODE_FILE, BOTH, 1, name_a, 8, 0), ready).is_whole);
}

static void test_nothing_is_sent_before_it_rests_or_is_settled(void **state)
{
    struct push_facts restless = ready, rival = ready;
    const unsigned flags[] = { NODE_LOCAL, NODE_BASE, BOTH };

    (void)state;
    restless.is_resting = false;
    rival.has_rival = true;
    for (size_t i = 0; i < ROWS(flags); i++) {
        struct node node = row(NODE_FILE, flags[i], 1, name_b, 8, 0);

        assert_step(plan(node, restless), PUSH_WAIT, false, false);
        assert_step(plan(node, rival), PUSH_SETTLE, false, false);
    }
    /* What is clean has no rival: it is shown under the other name itself. */
    assert_step(plan(row(NODE_FILE, BOTH, 1, name_a, 7, 0), rival), PUSH_NOTHING, false, false);
}

static void test_a_folder_goes_after_what_was_deleted_in_it(void **state)
{
    struct push_facts facts = ready;

    (void)state;
    facts.has_deleted_below = true;
    assert_step(plan(row(NODE_FOLDER, NODE_BASE, 1, name_a, 7, 0), facts), PUSH_WAIT, false, false);
}

static void test_what_is_held_is_not_deleted_and_all_else_goes_on(void **state)
{
    struct push_facts facts = ready;

    (void)state;
    facts.is_held = true;
    assert_step(plan(row(NODE_FILE, NODE_BASE, 1, name_a, 7, 0), facts), PUSH_WAIT, false, false);
    assert_step(plan(row(NODE_FILE, BOTH, 1, name_a, 8, 0), facts), PUSH_UPLOAD, false, false);
    assert_step(plan(row(NODE_FILE, BOTH, 1, name_b, 7, 0), facts), PUSH_CHANGE, true, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_difference_has_its_request),
        cmocka_unit_test(test_what_is_needed_comes_first),
        cmocka_unit_test(test_a_file_that_was_saved_anew_takes_over_its_item_before_it_is_sent),
        cmocka_unit_test(test_a_backup_has_a_content_of_its_own_before_it_gives_up_its_item),
        cmocka_unit_test(test_what_is_open_for_writing_changes_its_place_alone),
        cmocka_unit_test(test_a_time_and_a_content_do_not_wait_for_a_place),
        cmocka_unit_test(test_a_cycle_of_names_is_opened_by_a_detour),
        cmocka_unit_test(test_a_session_that_nothing_stands_in_the_way_of_is_gone_around),
        cmocka_unit_test(test_nothing_is_sent_before_it_rests_or_is_settled),
        cmocka_unit_test(test_a_folder_goes_after_what_was_deleted_in_it),
        cmocka_unit_test(test_what_is_held_is_not_deleted_and_all_else_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
