/* SPDX-License-Identifier: MIT */
/*
 * A kill between any two changes of the disk. The directory is copied before each of them, as a
 * kill would leave it; when the call has returned every copy is started on: it must show what the
 * overlay showed before the call or what it shows after it.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/xalloc.h"
#include "overlay_disk.h"
#include "overlay_fixture.h"
#include "unit.h"

#define SEEDS     40
#define STEPS     25
#define COPIES    64
#define BASE_SIZE 70000
#define MAX_SIZE  100000

/* What the hook looks at: only one test runs at a time. */
static struct {
    pthread_mutex_t lock;
    const char *directory;
    unsigned copies;
} spy = { .lock = PTHREAD_MUTEX_INITIALIZER };

static char *copy_path(unsigned number)
{
    return x_asprintf("%s-%u", spy.directory, number);
}

static int copy_before_change(enum disk_call call, int fd)
{
    cleanup_free char *path = NULL;

    (void)fd;
    if (call != DISK_CHANGE)
        return 0;
    LOCKED(&spy.lock);
    assert_true(spy.copies < COPIES);
    path = copy_path(spy.copies++);
    disk_snapshot(spy.directory, path);
    return 0;
}

static void watch(const struct scene *scene)
{
    spy.directory = scene->directory;
    disk_set_hook(copy_before_change, spy.directory);
}

/* ---- what it should be ---- */

struct state {
    bool exists;
    struct model model;
    int64_t mtime_ns;
};

static void state_take(struct state *state, struct overlay *overlay, const struct model *model)
{
    *state = (struct state){ .exists = overlay != NULL };
    if (!overlay)
        return;
    model_copy(&state->model, model);
    state->mtime_ns = overlay_mtime_ns(overlay);
}

static bool has_byte(const struct state *state, int64_t at, char byte)
{
    return at < state->model.size && state->model.bytes[at] == byte;
}

static void assert_bytes(const struct overlay_reading *reading, const struct state *before,
                         const struct state *after)
{
    for (int64_t at = 0; at < (int64_t)reading->length; at++)
        if (!has_byte(before, at, reading->data[at]) && !has_byte(after, at, reading->data[at]))
            fail_msg("byte %lld is of nobody", (long long)at);
}

static void assert_between(struct overlay *overlay, const struct state *before,
                           const struct state *after)
{
    struct overlay_reading reading;
    int64_t size;

    if (!overlay) {
        assert_true(!before->exists || !after->exists);
        return;
    }
    size = overlay_size(overlay);
    assert_true((before->exists && size == before->model.size) ||
                (after->exists && size == after->model.size));
    reading_start(overlay, 0, MAX_SIZE * 2, &reading);
    assert_int_equal(reading_await(&reading), 0);
    assert_int_equal(reading.length, size);
    assert_bytes(&reading, before, after);
    free(reading.data);
    /* What doesn't change the time keeps it at every moment. */
    if (before->exists && after->exists && before->mtime_ns == after->mtime_ns)
        assert_int_equal(overlay_mtime_ns(overlay), before->mtime_ns);
}

/* Starts on one copy. */
static void check_copy(const struct scene *scene, unsigned number, uint64_t generation,
                       const struct state *before, const struct state *after)
{
    cleanup_free char *path = copy_path(number);
    struct overlays_conf conf = scene->conf;
    struct overlays *overlays;
    struct overlay *overlay;
    struct err err = { 0 };

    conf.directory = path;
    assert_int_equal(overlays_new(&conf, &overlays, &err), 0);
    overlay = overlay_get(overlays, generation);
    assert_between(overlay, before, after);
    overlay_unref(overlay);
    overlays_free(overlays);
    disk_remove(path);
}

/* The call has returned: all copies since the last one, and the present state. */
static void check(const struct scene *scene, uint64_t generation, const struct state *before,
                  const struct state *after)
{
    disk_set_hook(NULL, NULL);
    {
        LOCKED(&spy.lock);
        assert_true(spy.copies < COPIES);
        spy.copies++;
    }
    {
        cleanup_free char *path = copy_path(spy.copies - 1);

        disk_snapshot(spy.directory, path);
    }
    for (unsigned i = 0; i + 1 < spy.copies; i++)
        check_copy(scene, i, generation, before, after);
    check_copy(scene, spy.copies - 1, generation, after, after);
    spy.copies = 0;
    disk_set_hook(copy_before_change, spy.directory);
}

/* ---- what is done ---- */

struct run {
    struct scene *scene;
    struct overlay *overlay;
    struct model model;
    unsigned seed;
    uint64_t generation;
};

static int64_t draw(struct run *run, int64_t below)
{
    return rand_r(&run->seed) % below;
}

static void do_write(struct run *run)
{
    int64_t offset = draw(run, MAX_SIZE / 2), size = draw(run, draw(run, 3) ? 3000 : 50000) + 1;

    clock_advance(run->scene->fixture->clock, 1000);
    scene_write(run->overlay, &run->model, offset, (size_t)size, (unsigned)draw(run, 1000));
}

/* Where the last one ended. */
static void do_append(struct run *run)
{
    clock_advance(run->scene->fixture->clock, 1000);
    if (run->model.size < MAX_SIZE)
        scene_write(run->overlay, &run->model, run->model.size, (size_t)draw(run, 5000) + 1,
                    (unsigned)draw(run, 1000));
}

static void do_truncate(struct run *run)
{
    int64_t size = draw(run, 4) ? draw(run, MAX_SIZE) : 0;

    clock_advance(run->scene->fixture->clock, 1000);
    assert_int_equal(overlay_truncate(run->overlay, size), 0);
    model_truncate(&run->model, size);
}

static void do_allocate(struct run *run)
{
    int64_t offset = draw(run, MAX_SIZE / 2), length = draw(run, MAX_SIZE / 2) + 1;
    bool keep_size = draw(run, 2);

    clock_advance(run->scene->fixture->clock, 1000);
    assert_int_equal(overlay_allocate(run->overlay, offset, length, keep_size), 0);
    if (!keep_size && offset + length > run->model.size)
        model_truncate(&run->model, offset + length);
}

static void do_set_time(struct run *run)
{
    assert_int_equal(overlay_set_mtime(run->overlay, draw(run, 1000000)), 0);
}

static void do_fill(struct run *run)
{
    struct filling filling;

    filling_start(run->overlay, &filling);
    assert_int_equal(filling_await(&filling), 0);
    fixture_await_jobs(run->scene->fixture); /* its reference is given up */
}

static void do_sync(struct run *run)
{
    assert_int_equal(overlay_sync(run->overlay, draw(run, 2)), 0);
}

static void do_reopen(struct run *run)
{
    overlay_unref(run->overlay);
    run->overlay = scene_get(run->scene, run->generation);
}

static void do_restart(struct run *run)
{
    overlay_unref(run->overlay);
    scene_restart(run->scene);
    run->overlay = scene_get(run->scene, run->generation);
}

static void (*const actions[])(struct run *run) = {
    do_write,    do_write,    do_write, do_append, do_append, do_truncate,
    do_allocate, do_set_time, do_fill,  do_sync,   do_reopen, do_restart,
};

static void step(struct run *run)
{
    struct state before, after;

    state_take(&before, run->overlay, &run->model);
    actions[draw(run, ROWS(actions))](run);
    state_take(&after, run->overlay, &run->model);
    check(run->scene, run->generation, &before, &after);
    model_clear(&before.model);
    model_clear(&after.model);
}

static void begin(struct run *run)
{
    struct state none = { .exists = false }, made;

    if (run->seed % 4 == 0) {
        model_init(&run->model);
        run->overlay = scene_create_empty(run->scene, run->generation);
    } else {
        model_init_base(&run->model, BASE_SIZE, 5);
        run->overlay = scene_create(run->scene, run->generation, "f1", BASE_SIZE, 5);
    }
    state_take(&made, run->overlay, &run->model);
    check(run->scene, run->generation, &none, &made);
    model_clear(&made.model);
}

/* A fork is there whole or not at all, and so is what is dropped. */
static void end(struct run *run)
{
    struct state none = { .exists = false }, last;
    struct overlay *fork;
    struct err err = { 0 };

    if (!overlay_is_full(run->overlay))
        do_fill(run);
    state_take(&last, run->overlay, &run->model);
    check(run->scene, run->generation, &last, &last);
    assert_int_equal(overlay_fork(run->overlay, run->generation + 1, &fork, &err), 0);
    check(run->scene, run->generation + 1, &none, &last);
    overlay_drop(run->overlay);
    overlay_unref(run->overlay);
    check(run->scene, run->generation, &last, &none);
    overlay_drop(fork);
    overlay_unref(fork);
    check(run->scene, run->generation + 1, &last, &none);
    model_clear(&last.model);
    model_clear(&run->model);
}

static unsigned seed_now;

static void test_a_kill_at_any_moment_loses_no_write_and_shows_no_part_of_one(void **state)
{
    struct scene *scene = *state;

    scene_log_aside(scene);
    watch(scene);
    for (unsigned seed = 1; seed <= unit_seeds(SEEDS); seed++) {
        struct run run = { .scene = scene, .seed = seed, .generation = seed * UINT64_C(10) };

        seed_now = seed;
        begin(&run);
        for (unsigned i = 0; i < STEPS; i++)
            step(&run);
        end(&run);
    }
    disk_set_hook(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_kill_at_any_moment_loses_no_write_and_shows_no_part_of_one, scene_setup,
            scene_teardown),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (failed != 0)
        print_message("seed %u\n", seed_now);
    return failed;
}
