/* SPDX-License-Identifier: MIT */
/*
 * Random histories against a model in memory: with and without a base, which comes at once, late,
 * or not for now; with restarts, and filling and forks in between. Reads that wait go on through
 * all of that: what they bring must have been there at some time while they waited.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "base/xalloc.h"
#include "overlay_fixture.h"
#include "unit.h"

#define SEEDS    120
#define STEPS    60
#define MAX_SIZE (2 * MIB)
#define READS    4

DEFINE_VEC(model_list, struct model);

/* A read that waits, and all that there was to be read since it began. */
struct pending {
    struct overlay_reading reading;
    struct model_list seen;
    int64_t offset;
    size_t size;
    bool is_used;
};

struct run {
    struct scene *scene;
    struct overlay *overlay;
    struct model model;
    struct pending pending[READS];
    struct filling filling;
    uint64_t generation;
    unsigned seed;
    bool is_held;
    bool is_filling;
};

static int64_t draw(struct run *run, int64_t below)
{
    return ((int64_t)rand_r(&run->seed) * 65536 + rand_r(&run->seed) % 65536) % below;
}

static size_t draw_size(struct run *run)
{
    static const int64_t sizes[] = { 1, 100, 5000, 300000 };

    return (size_t)draw(run, sizes[draw(run, ROWS(sizes))]) + 1;
}

/* ---- reads that wait ---- */

static bool was_seen(const struct pending *pending, size_t at, char byte)
{
    int64_t place = pending->offset + (int64_t)at;

    for (size_t i = 0; i < pending->seen.len; i++)
        if (place < pending->seen.items[i].size && pending->seen.items[i].bytes[place] == byte)
            return true;
    return false;
}

static bool was_length(const struct pending *pending)
{
    for (size_t i = 0; i < pending->seen.len; i++) {
        int64_t length = pending->seen.items[i].size - pending->offset;

        if (length < 0)
            length = 0;
        if ((size_t)length > pending->size)
            length = (int64_t)pending->size;
        if ((size_t)length == pending->reading.length)
            return true;
    }
    return false;
}

static void pending_end(struct pending *pending)
{
    assert_int_equal(reading_await(&pending->reading), 0);
    assert_true(was_length(pending));
    for (size_t at = 0; at < pending->reading.length; at++)
        if (!was_seen(pending, at, pending->reading.data[at]))
            fail_msg("byte %zu of a read was never there", at);
    free(pending->reading.data);
    for (size_t i = 0; i < pending->seen.len; i++)
        model_clear(&pending->seen.items[i]);
    model_list_clear(&pending->seen);
    pending->is_used = false;
}

static void note_change(struct run *run)
{
    for (size_t i = 0; i < READS; i++)
        if (run->pending[i].is_used)
            model_copy(model_list_push(&run->pending[i].seen, (struct model){ 0 }), &run->model);
}

static void end_reads(struct run *run)
{
    for (size_t i = 0; i < READS; i++)
        if (run->pending[i].is_used)
            pending_end(&run->pending[i]);
}

/* ---- what is done ---- */

static void do_hold(struct run *run)
{
    fake_remote_hold(run->scene->fixture->fake);
    run->is_held = true;
}

static void do_release(struct run *run)
{
    fake_remote_release(run->scene->fixture->fake);
    run->is_held = false;
    end_reads(run);
    if (run->is_filling) {
        assert_int_equal(filling_await(&run->filling), 0);
        assert_true(overlay_is_full(run->overlay));
        run->is_filling = false;
    }
}

static void do_write(struct run *run)
{
    int64_t offset = draw(run, 3) ? draw(run, MAX_SIZE / 2) : run->model.size;

    if (offset < MAX_SIZE)
        scene_write(run->overlay, &run->model, offset, draw_size(run), (unsigned)draw(run, 1000));
}

static void do_truncate(struct run *run)
{
    int64_t size = draw(run, 3) ? run->model.size - draw(run, 10000) : draw(run, MAX_SIZE);

    if (size < 0)
        size = 0;
    assert_int_equal(overlay_truncate(run->overlay, size), 0);
    model_truncate(&run->model, size);
}

static void do_allocate(struct run *run)
{
    int64_t offset = draw(run, MAX_SIZE / 2);
    size_t length = draw_size(run);
    bool keep_size = draw(run, 2);

    assert_int_equal(overlay_allocate(run->overlay, offset, (int64_t)length, keep_size), 0);
    if (!keep_size && offset + (int64_t)length > run->model.size)
        model_truncate(&run->model, offset + (int64_t)length);
}

static void do_read(struct run *run)
{
    struct pending *pending = &run->pending[draw(run, READS)];

    if (pending->is_used)
        return;
    *pending = (struct pending){ .offset = draw(run, run->model.size + 1),
                                 .size = draw_size(run),
                                 .is_used = true };
    model_copy(model_list_push(&pending->seen, (struct model){ 0 }), &run->model);
    reading_start(run->overlay, pending->offset, pending->size, &pending->reading);
    if (!run->is_held || !pending->reading.wait)
        pending_end(pending);
    else if (draw(run, 4) == 0 && overlay_cancel(pending->reading.wait))
        pending->is_used = false;
    if (!pending->is_used && pending->seen.len > 0) {
        model_clear(&pending->seen.items[0]);
        model_list_clear(&pending->seen);
    }
}

static void do_compare(struct run *run)
{
    if (!run->is_held)
        assert_shows(run->overlay, &run->model);
}

static void do_fill(struct run *run)
{
    if (run->is_filling || draw(run, 3) != 0)
        return;
    filling_start(run->overlay, &run->filling);
    run->is_filling = true;
    if (!run->is_held)
        do_release(run);
}

/* Goes on with the copy. */
static void do_fork(struct run *run)
{
    struct overlay *fork = NULL;
    struct err err = { 0 };
    int r = overlay_fork(run->overlay, run->generation + 1, &fork, &err);

    if (r != 0) {
        assert_int_equal(r, -EAGAIN);
        assert_false(overlay_is_full(run->overlay));
        return;
    }
    do_release(run);
    overlay_drop(run->overlay);
    overlay_unref(run->overlay);
    run->overlay = fork;
    run->generation++;
}

static void do_sync(struct run *run)
{
    if (draw(run, 4) == 0)
        assert_int_equal(overlay_sync(run->overlay, draw(run, 2)), 0);
}

static void do_reopen(struct run *run)
{
    overlay_unref(run->overlay);
    run->overlay = scene_get(run->scene, run->generation);
}

static void do_restart(struct run *run)
{
    do_release(run);
    overlay_unref(run->overlay);
    scene_restart(run->scene);
    run->overlay = scene_get(run->scene, run->generation);
    assert_int_equal(overlay_size(run->overlay), run->model.size);
}

static void (*const actions[])(struct run *run) = {
    do_write, do_write, do_write, do_write,  do_truncate, do_allocate,
    do_read,  do_read,  do_read,  do_hold,   do_release,  do_compare,
    do_fill,  do_fork,  do_sync,  do_reopen, do_restart,
};

static unsigned seed_now;

static void run_seed(struct scene *scene, unsigned seed)
{
    struct run run = { .scene = scene, .seed = seed, .generation = seed * UINT64_C(1000) };
    char id[16];

    seed_now = seed;
    (void)snprintf(id, sizeof id, "f%u", seed % 100 + 1);
    if (seed % 4 == 0) {
        model_init(&run.model);
        run.overlay = scene_create_empty(scene, run.generation);
    } else {
        int64_t size = draw(&run, seed % 2 ? MAX_SIZE : 5000) + 1;

        model_init_base(&run.model, size, seed);
        run.overlay = scene_create(scene, run.generation, id, size, seed);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        actions[draw(&run, ROWS(actions))](&run);
        assert_int_equal(overlay_size(run.overlay), run.model.size);
        note_change(&run);
    }
    do_release(&run);
    assert_shows(run.overlay, &run.model);
    overlay_drop(run.overlay);
    overlay_unref(run.overlay);
    model_clear(&run.model);
}

static void test_an_overlay_shows_what_a_file_would(void **state)
{
    struct scene *scene = *state;
    struct overlays_status status;

    for (unsigned seed = 1; seed <= unit_seeds(SEEDS); seed++)
        run_seed(scene, seed);
    fixture_await_jobs(scene->fixture);
    overlays_get_status(scene->overlays, &status);
    assert_int_equal(status.files, 0);
    assert_int_equal(status.used_bytes, 0);
    assert_int_equal(status.missing_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_overlay_shows_what_a_file_would, scene_setup,
                                        scene_teardown),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (failed != 0)
        print_message("seed %u\n", seed_now);
    return failed;
}
