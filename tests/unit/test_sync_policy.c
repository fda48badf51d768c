/* SPDX-License-Identifier: MIT */
/* timing.h and round_plan.h as tables; strset.h and waiters.h */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sync/round_plan.h"
#include "sync/strset.h"
#include "sync/timing.h"
#include "sync/waiters.h"
#include "unit.h"

#define MINUTE (60 * INT64_C(1000))

static void test_pause_between_rounds_grows_without_use(void **state)
{
    static const struct {
        int64_t poll, poll_idle, unused_for, expected;
    } rows[] = {
        { 30000, 300000, 0, 30000 },           { 30000, 300000, 2 * MINUTE - 1, 30000 },
        { 30000, 300000, 2 * MINUTE, 60000 },  { 30000, 300000, 4 * MINUTE, 120000 },
        { 30000, 300000, 8 * MINUTE, 300000 }, { 30000, 300000, INT64_MAX / 2, 300000 },
        { 30000, 10000, 60 * MINUTE, 30000 }, /* idle is never faster */
        { 1000, 1000, 60 * MINUTE, 1000 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(poll_delay_ms(rows[i].poll, rows[i].poll_idle, rows[i].unused_for),
                         rows[i].expected);
}

static void test_pause_after_failures_doubles_up_to_a_limit(void **state)
{
    static const struct {
        unsigned failures;
        int64_t retry_after;
        uint32_t random;
        int64_t expected;
    } rows[] = {
        { 1, 0, 0, 2500 },          { 1, 0, 2500, 5000 },   { 2, 0, 0, 5000 },
        { 4, 0, 0, 20000 },         { 7, 0, 0, 150000 },    { 100, 0, 0, 150000 },
        { 100, 0, 150000, 300000 }, { 1, 60000, 0, 60000 }, { 100, 1000, 0, 150000 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(backoff_ms(rows[i].failures, rows[i].retry_after, rows[i].random),
                         rows[i].expected);
}

static void test_refusal_is_remembered_longer_than_a_failure(void **state)
{
    const struct err refused = { .code = -EACCES }, failed = { .code = -ETIMEDOUT };

    (void)state;
    assert_int_equal(refusal_ms(&refused), MINUTE);
    assert_int_equal(refusal_ms(&failed), 5000);
}

static void test_removals_are_too_many_above_25_and_a_fifth(void **state)
{
    static const struct {
        int64_t removed, total;
        bool expected;
    } rows[] = {
        { 0, 0, false },    { 25, 25, false },    { 26, 26, true },    { 26, 129, true },
        { 26, 130, false }, { 200, 1000, false }, { 201, 1000, true }, { 200001, 1000000, true },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(removal_is_too_big(rows[i].removed, rows[i].total), rows[i].expected);
}

/* ---- rounds ---- */

/* Links as a test writes them: "" for none. */
static char *link_or_null(const char *text)
{
    return *text ? (char *)(uintptr_t)text : NULL;
}

static void test_next_step_follows_from_what_the_store_holds(void **state)
{
    static const struct {
        enum round_kind round;
        const char *next_link, *delta_link;
        struct round_plan expected;
    } rows[] = {
        { ROUND_NONE, "", "", { ROUND_FIRST, STEP_ENUMERATE, true, "" } },
        { ROUND_NONE, "", "d", { ROUND_DELTA, STEP_FOLLOW, true, "d" } },
        { ROUND_FIRST, "n", "", { ROUND_FIRST, STEP_FOLLOW, false, "n" } },
        { ROUND_FIRST, "", "", { ROUND_FIRST, STEP_ENUMERATE, true, "" } },
        { ROUND_DELTA, "n", "d", { ROUND_DELTA, STEP_FOLLOW, false, "n" } },
        { ROUND_DELTA, "", "d", { ROUND_DELTA, STEP_FOLLOW, true, "d" } },
        { ROUND_FULL, "", "", { ROUND_FULL, STEP_ENUMERATE, true, "" } },
        { ROUND_FULL, "n", "", { ROUND_FULL, STEP_FOLLOW, false, "n" } },
        { ROUND_APPLY, "", "d", { ROUND_APPLY, STEP_APPLY, false, "" } },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct drive_row drive = {
            .round = rows[i].round,
            .next_link = link_or_null(rows[i].next_link),
            .delta_link = link_or_null(rows[i].delta_link),
        };
        const struct round_plan plan = round_plan_next(&drive);

        assert_int_equal(plan.round, rows[i].expected.round);
        assert_int_equal(plan.step, rows[i].expected.step);
        assert_int_equal(plan.is_new, rows[i].expected.is_new);
        assert_string_equal(plan.link ? plan.link : "", rows[i].expected.link);
    }
}

static void test_remedy_depends_on_what_went_wrong_before(void **state)
{
    static const struct {
        int code;
        long http_status;
        bool followed_link;
        unsigned broken_links, restarts, lost_links;
        enum round_remedy expected;
    } rows[] = {
        { -ENETDOWN, 0, true, 0, 0, 0, REMEDY_RETRY },
        { -EIO, 503, true, 0, 0, 0, REMEDY_RETRY },
        { -EPROTO, 410, true, 0, 0, 0, REMEDY_RESTART },
        { -EPROTO, 410, false, 0, 0, 0, REMEDY_RESTART },
        { -EPROTO, 410, true, 0, 1, 0, REMEDY_RESTART_LATER },
        { -EINVAL, 400, true, 0, 0, 0, REMEDY_RESTART },
        { -EINVAL, 400, false, 0, 0, 0, REMEDY_RETRY },
        { -ENOENT, 404, true, 0, 0, 0, REMEDY_RETRY }, /* now and then there is one */
        { -ENOENT, 404, true, 0, 0, 3, REMEDY_RESTART },
        { -ENOENT, 404, false, 0, 0, 3, REMEDY_RETRY }, /* the drive itself */
        { -EACCES, 403, true, 0, 0, 0, REMEDY_RETRY },
        { -EPROTO, 0, true, 0, 0, 0, REMEDY_RETRY },
        { -EPROTO, 0, true, 1, 0, 0, REMEDY_RETRY },
        { -EPROTO, 0, true, 2, 0, 0, REMEDY_RESTART_LATER },
        { -EPROTO, 0, false, 9, 0, 0, REMEDY_RETRY },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct err err = { .code = rows[i].code, .http_status = rows[i].http_status };

        assert_int_equal(round_plan_remedy(&(struct round_failure){
                             .err = &err,
                             .followed_link = rows[i].followed_link,
                             .broken_links = rows[i].broken_links,
                             .restarts = rows[i].restarts,
                             .lost_links = rows[i].lost_links,
                         }),
                         rows[i].expected);
    }
}

static void test_round_that_starts_again_is_full_once_anything_was_applied(void **state)
{
    static const struct {
        enum round_kind round;
        int64_t round_ended_ms, items_seen;
        enum round_kind expected;
    } rows[] = {
        { ROUND_NONE, 0, 0, ROUND_FIRST }, { ROUND_FIRST, 0, 0, ROUND_FIRST },
        { ROUND_FIRST, 0, 3, ROUND_FULL }, { ROUND_NONE, 7, 3, ROUND_FULL },
        { ROUND_DELTA, 7, 0, ROUND_FULL }, { ROUND_FULL, 0, 0, ROUND_FULL },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct drive_row drive = {
            .round = rows[i].round,
            .round_ended_ms = rows[i].round_ended_ms,
            .items_seen = rows[i].items_seen,
        };

        assert_int_equal(round_plan_restarted(&drive), rows[i].expected);
    }
}

static void test_page_of_changes_has_exactly_one_link(void **state)
{
    const struct item_page both = { .next_link = "n", .delta_link = "d" }, none = { 0 };
    const struct item_page next = { .next_link = "n" }, last = { .delta_link = "d" };

    (void)state;
    assert_int_equal(round_plan_check_links(&both, NULL), -EPROTO);
    assert_int_equal(round_plan_check_links(&none, NULL), -EPROTO);
    assert_int_equal(round_plan_check_links(&next, NULL), 0);
    assert_int_equal(round_plan_check_links(&last, NULL), 0);
}

/* ---- tools ---- */

static void test_set_holds_each_string_once_in_order(void **state)
{
    struct strset set = { 0 };
    char text[16];

    (void)state;
    assert_false(strset_has(&set, "0"));
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 1000; i++) {
            (void)snprintf(text, sizeof text, "%d", i);
            assert_int_equal(strset_add(&set, text), pass == 0);
        }
    }
    assert_int_equal(set.len, 1000);
    assert_string_equal(set.items[999], "999");
    assert_true(strset_has(&set, "500"));
    assert_false(strset_has(&set, "1000"));
    strset_clear(&set);
    assert_int_equal(set.len, 0);
}

static void count_call(const struct err *err, void *arg)
{
    (void)err;
    ++*(int *)arg;
}

static void test_forgotten_waiter_is_not_called(void **state)
{
    struct waiters waiters;
    struct waiter_ids ids = { 0 };
    int first = 0, second = 0, third = 0;
    uint64_t forgotten;

    (void)state;
    waiters_init(&waiters);
    (void)waiter_ids_push(&ids, waiters_add(&waiters, count_call, &first));
    forgotten = waiters_add(&waiters, count_call, &second);
    (void)waiter_ids_push(&ids, forgotten);
    assert_true(waiters_forget(&waiters, forgotten));
    assert_false(waiters_forget(&waiters, forgotten));
    waiters_finish_each(&waiters, &ids, NULL);
    assert_int_equal(ids.len, 0);
    assert_int_equal(first, 1);
    assert_int_equal(second, 0);
    (void)waiters_add(&waiters, count_call, &third);
    waiters_finish_all(&waiters, NULL);
    waiters_finish_all(&waiters, NULL);
    assert_int_equal(third, 1);
    waiters_clear(&waiters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pause_between_rounds_grows_without_use),
        cmocka_unit_test(test_pause_after_failures_doubles_up_to_a_limit),
        cmocka_unit_test(test_refusal_is_remembered_longer_than_a_failure),
        cmocka_unit_test(test_removals_are_too_many_above_25_and_a_fifth),
        cmocka_unit_test(test_next_step_follows_from_what_the_store_holds),
        cmocka_unit_test(test_remedy_depends_on_what_went_wrong_before),
        cmocka_unit_test(test_round_that_starts_again_is_full_once_anything_was_applied),
        cmocka_unit_test(test_page_of_changes_has_exactly_one_link),
        cmocka_unit_test(test_set_holds_each_string_once_in_order),
        cmocka_unit_test(test_forgotten_waiter_is_not_called),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
