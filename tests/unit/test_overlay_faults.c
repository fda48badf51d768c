/* SPDX-License-Identifier: MIT */
/*
 * The disk fails. Whatever call fails, and in the middle of what: who called is told, what had been
 * written is not lost, nothing shows that was never written, and what is in memory is what a
 * restart finds.
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

#define SEEDS     60
#define STEPS     40
#define BASE_SIZE 70000
#define MAX_SIZE  100000

/* The call that fails, and those after it. */
static struct {
    pthread_mutex_t lock;
    unsigned before; /* calls that don't fail */
    unsigned count;  /* calls that do, then */
    unsigned failed;
    int code;
} fault = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int fail_call(enum disk_call call, int fd)
{
    (void)call;
    (void)fd;
    LOCKED(&fault.lock);
    if (fault.before > 0) {
        fault.before--;
        return 0;
    }
    if (fault.count == 0)
        return 0;
    fault.count--;
    fault.failed++;
    return fault.code;
}

static void set_fault(const struct scene *scene, unsigned before, unsigned count, int code)
{
    LOCKED(&fault.lock);
    fault.before = before;
    fault.count = count;
    fault.failed = 0;
    fault.code = code;
    disk_set_hook(fail_call, scene->directory);
}

/* Returns how many calls have failed. */
static unsigned end_fault(void)
{
    LOCKED(&fault.lock);
    disk_set_hook(NULL, NULL);
    return fault.failed;
}

struct run {
    struct scene *scene;
    struct overlay *overlay;
    struct model model;
    uint64_t generation;
    unsigned seed;
};

static int64_t draw(struct run *run, int64_t below)
{
    return rand_r(&run->seed) % below;
}

/* ---- what is done, to the overlay and to the model ---- */

static int do_write(struct run *run, struct model *model)
{
    int64_t offset = draw(run, 4) ? draw(run, MAX_SIZE / 2) : run->model.size;
    size_t size = (size_t)draw(run, draw(run, 3) ? 3000 : 50000) + 1;
    cleanup_free char *data = x_malloc(size);

    for (size_t i = 0; i < size; i++)
        data[i] = fake_byte(run->seed, (int64_t)i);
    if (offset > MAX_SIZE)
        offset = 0;
    model_write(model, data, size, offset);
    return overlay_write(run->overlay, data, size, offset);
}

static int do_truncate(struct run *run, struct model *model)
{
    int64_t size = draw(run, MAX_SIZE);

    model_truncate(model, size);
    return overlay_truncate(run->overlay, size);
}

static int do_allocate(struct run *run, struct model *model)
{
    int64_t offset = draw(run, MAX_SIZE / 2), length = draw(run, MAX_SIZE / 2) + 1;

    if (offset + length > model->size)
        model_truncate(model, offset + length);
    return overlay_allocate(run->overlay, offset, length, false);
}

static int do_fill(struct run *run, struct model *model)
{
    struct filling filling;

    (void)model;
    if (draw(run, 4) != 0)
        return 0;
    filling_start(run->overlay, &filling);
    return filling_await(&filling);
}

static int do_set_time(struct run *run, struct model *model)
{
    (void)model;
    return overlay_set_mtime(run->overlay, draw(run, 1000000));
}

static int (*const actions[])(struct run *run, struct model *model) = {
    do_write, do_write, do_write, do_truncate, do_allocate, do_fill, do_set_time,
};

/* ---- what shows then ---- */

static bool has_byte(const struct model *model, int64_t at, char byte)
{
    return at < model->size && model->bytes[at] == byte;
}

/* Takes what shows as what there is: what was before, or is to be. */
static void take_shown(struct run *run, const struct model *after)
{
    struct overlay_reading reading;

    reading_start(run->overlay, 0, 2 * MAX_SIZE, &reading);
    assert_int_equal(reading_await(&reading), 0);
    assert_int_equal(reading.length, overlay_size(run->overlay));
    for (int64_t at = 0; at < (int64_t)reading.length; at++)
        if (!has_byte(&run->model, at, reading.data[at]) && !has_byte(after, at, reading.data[at]))
            fail_msg("byte %lld is of nobody", (long long)at);
    model_truncate(&run->model, 0);
    model_write(&run->model, reading.data, reading.length, 0);
    free(reading.data);
}

static void step(struct run *run)
{
    int (*action)(struct run *, struct model *) = actions[draw(run, ROWS(actions))];
    struct model after;
    unsigned failed;
    int r;

    model_copy(&after, &run->model);
    set_fault(run->scene, (unsigned)draw(run, 6), (unsigned)draw(run, 2) + 1,
              draw(run, 2) ? ENOSPC : EIO);
    r = action(run, &after);
    failed = end_fault();
    assert_true(r == 0 || failed > 0);
    if (r == 0) {
        model_clear(&run->model);
        model_copy(&run->model, &after);
    } else {
        assert_true(r == -ENOSPC || r == -EIO);
        if (failed == 1)
            assert_int_equal(overlay_size(run->overlay), run->model.size);
        take_shown(run, &after);
    }
    assert_shows(run->overlay, &run->model);
    model_clear(&after);
    if (draw(run, 2)) {
        overlay_unref(run->overlay);
        scene_restart(run->scene);
        run->overlay = scene_get(run->scene, run->generation);
        assert_shows(run->overlay, &run->model);
    }
}

static unsigned seed_now;

static void test_what_fails_is_told_and_leaves_what_there_was(void **state)
{
    struct scene *scene = *state;

    for (unsigned seed = 1; seed <= unit_seeds(SEEDS); seed++) {
        struct run run = { .scene = scene, .generation = seed, .seed = seed };

        seed_now = seed;
        model_init_base(&run.model, BASE_SIZE, 5);
        run.overlay = scene_create(scene, seed, "f1", BASE_SIZE, 5);
        assert_shows(run.overlay, &run.model);
        for (unsigned i = 0; i < STEPS; i++)
            step(&run);
        overlay_drop(run.overlay);
        overlay_unref(run.overlay);
        model_clear(&run.model);
    }
}

static void test_what_can_not_be_made_leaves_nothing(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create_empty(scene, 2), *made = NULL;
    struct overlays_status status, before;
    struct err err = { 0 };
    unsigned tries = 0;
    int r;

    scene_write(overlay, NULL, 0, 5000, 1);
    overlays_get_status(scene->overlays, &before);
    for (int is_fork = 0; is_fork < 2; is_fork++) {
        for (unsigned n = 0;; n++) {
            set_fault(scene, n, 1, ENOSPC);
            if (is_fork)
                r = overlay_fork(overlay, 1, &made, &err);
            else
                r = overlay_create(scene->overlays, 1, &some_place, NULL, &made, &err);
            if (end_fault() == 0)
                break;
            tries++;
            assert_int_equal(r, -ENOSPC);
            assert_null(overlay_get(scene->overlays, 1));
            assert_false(has_file(scene->directory, "0000000000000001.data"));
            assert_false(has_file(scene->directory, "0000000000000001.map"));
            assert_false(has_file(scene->directory, "0000000000000001.new"));
            overlays_get_status(scene->overlays, &status);
            assert_memory_equal(&status, &before, sizeof status);
        }
        assert_int_equal(r, 0);
        overlay_drop(made);
        overlay_unref(made);
    }
    assert_true(tries > 6);
    overlay_unref(overlay);
}

static void test_a_sync_that_failed_goes_on_failing(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", BASE_SIZE, 5);
    struct model base;

    model_init_base(&base, BASE_SIZE, 5);
    scene_write(overlay, NULL, 0, 5000, 1);
    set_fault(scene, 0, 1, EIO);
    assert_int_equal(overlay_sync(overlay, false), -EIO);
    (void)end_fault();
    assert_int_equal(overlay_sync(overlay, false), -EIO);
    overlay_unref(overlay);
    /* It is not known which of the bytes the disk has. */
    scene_reboot(scene);
    overlay = scene_get(scene, 1);
    assert_shows(overlay, &base);
    assert_int_equal(overlay_sync(overlay, false), 0);
    overlay_unref(overlay);
    model_clear(&base);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_fails_is_told_and_leaves_what_there_was),
        TEST(test_what_can_not_be_made_leaves_nothing),
        TEST(test_a_sync_that_failed_goes_on_failing),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (failed != 0)
        print_message("seed %u\n", seed_now);
    return failed;
}
