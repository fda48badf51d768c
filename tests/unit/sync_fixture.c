/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "sync_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fakes/fake_compare.h"
#include "base/cleanup.h"
#include "base/xalloc.h"
#include "unit.h"

/* More steps than this without end are a loop. */
#define STEPS_MAX 100000

struct sync_fixture *sync_fixture_new(uint64_t seed)
{
    struct sync_fixture *fixture = x_calloc(1, sizeof *fixture);

    if (fixture_setup((void **)&fixture->base) != 0)
        abort();
    fixture->fake = fake_remote_new(fixture->base->clock, seed);
    fixture->model = fake_remote_model(fixture->fake);
    fixture->settings = fake_remote_settings(fixture->fake);
    fixture->root = fake_add_drive(fixture->model, "D1", false);
    return fixture;
}

void sync_fixture_free(struct sync_fixture *fixture)
{
    sync_fixture_close(fixture);
    fake_remote_free(fixture->fake);
    (void)fixture_teardown((void **)&fixture->base);
    free(fixture);
}

int sync_fixture_setup(void **state)
{
    *state = sync_fixture_new(1);
    return 0;
}

int sync_fixture_teardown(void **state)
{
    sync_fixture_free(*state);
    return 0;
}

void sync_fixture_open(struct sync_fixture *fixture)
{
    const struct sync_conf conf = {
        .store = fixture->base->store,
        .remote = fake_remote_ops(fixture->fake),
        .clock = fixture->base->clock,
        .poll_s = FIXTURE_POLL_S,
        .poll_idle_s = FIXTURE_POLL_IDLE_S,
        .object_ttl_s = FIXTURE_TTL_S,
    };

    assert_int_equal(sync_new(&conf, &fixture->sync), 0);
    sync_begin(fixture->sync);
}

void sync_fixture_close(struct sync_fixture *fixture)
{
    sync_free(fixture->sync);
    fixture->sync = NULL;
}

void sync_fixture_reopen(struct sync_fixture *fixture)
{
    sync_fixture_close(fixture);
    (void)fake_remote_pump(fixture->fake);
    fixture_reopen(fixture->base);
    sync_fixture_open(fixture);
}

bool sync_fixture_step(struct sync_fixture *fixture)
{
    unsigned before = fake_remote_total(fixture->fake);
    size_t answered = fake_remote_pump(fixture->fake);
    int64_t next_ms = sync_turn(fixture->sync);

    return answered > 0 || next_ms <= clock_mono_ms(fixture->base->clock) ||
           fake_remote_total(fixture->fake) != before;
}

void sync_fixture_settle(struct sync_fixture *fixture)
{
    for (int i = 0; sync_fixture_step(fixture); i++)
        assert_true(i < STEPS_MAX);
}

void sync_fixture_run(struct sync_fixture *fixture, int64_t ms)
{
    struct clock *clock = fixture->base->clock;
    int64_t end_ms = clock_mono_ms(clock) + ms;

    sync_fixture_settle(fixture);
    for (int i = 0; clock_mono_ms(clock) < end_ms; i++) {
        int64_t now_ms = clock_mono_ms(clock);
        int64_t next_ms = sync_turn(fixture->sync);

        assert_true(i < STEPS_MAX);
        if (next_ms > end_ms)
            next_ms = end_ms;
        clock_advance(clock, next_ms > now_ms ? next_ms - now_ms : 0);
        sync_fixture_settle(fixture);
    }
}

/* ---- looking ---- */

void sync_fixture_assert_equal(struct sync_fixture *fixture, bool complete)
{
    const struct fake_comparison comparison = {
        .store = fixture->base->store,
        .model = fixture->model,
        .must_be_complete = complete,
    };
    struct node_attr root;
    cleanup_free char *difference = NULL;

    assert_int_equal(fixture_find(fixture->base, "/me/drive", &root), 0);
    if (complete)
        assert_true(root.flags & NODE_COMPLETE);
    difference = fake_compare(&comparison, root.ino, fixture->root);
    if (difference)
        fail_msg("%s", difference);
}

ino_nr sync_fixture_ino(struct sync_fixture *fixture, const char *path)
{
    struct node_attr attr;

    if (fixture_find(fixture->base, path, &attr) != 0)
        fail_msg("%s isn't there", path);
    return attr.ino;
}

bool sync_fixture_has(struct sync_fixture *fixture, const char *path)
{
    struct node_attr attr;

    return fixture_find(fixture->base, path, &attr) == 0;
}

static void take_status(const struct sync_drive_status *status, void *arg)
{
    struct sync_drive_status *ret = arg;

    if (ret->drive == 0)
        *ret = *status;
}

struct sync_drive_status sync_fixture_status(struct sync_fixture *fixture)
{
    struct sync_drive_status status = { 0 };

    sync_status(fixture->sync, take_status, &status);
    return status;
}

static struct node_attr attr_at(struct sync_fixture *fixture, const char *path)
{
    struct node_attr attr;

    assert_int_equal(fixture_find(fixture->base, path, &attr), 0);
    return attr;
}

bool sync_fixture_is_complete(struct sync_fixture *fixture, const char *path)
{
    return attr_at(fixture, path).flags & NODE_COMPLETE;
}

bool sync_fixture_needs_listing(struct sync_fixture *fixture, const char *path)
{
    const struct node_attr attr = attr_at(fixture, path);

    return sync_needs_listing(fixture->sync, &attr);
}

void sync_fixture_list(struct sync_fixture *fixture, const char *path, int expected)
{
    struct outcome outcome = { 0 };

    (void)sync_want_listing(fixture->sync, sync_fixture_ino(fixture, path), outcome_note, &outcome);
    sync_fixture_settle(fixture);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.code, expected);
}

void outcome_note(const struct err *err, void *arg)
{
    struct outcome *outcome = arg;

    outcome->calls++;
    outcome->code = err ? err->code : 0;
}
