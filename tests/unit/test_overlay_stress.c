/* SPDX-License-Identifier: MIT */
/*
 * Many threads on few overlays: each writes a range of its own, and what anybody reads of a range
 * must be one write of its owner, whole, or the base. Under ThreadSanitizer it also finds what is
 * not locked.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay_fixture.h"
#include "unit.h"

#define WRITERS  4
#define READERS  4
#define ROUNDS   60
#define OVERLAYS 3
#define PART     (40 * KIB)
#define SIZE     (WRITERS * PART + 5000)

struct worker {
    struct scene *scene;
    pthread_t thread;
    unsigned number;
    unsigned seed;
    unsigned wrong;
};

static unsigned revision_of(unsigned generation)
{
    return generation + 4;
}

/* One write of a part: each byte says which. A fork freezes for a moment. */
static void write_part(struct overlay *overlay, struct worker *worker, unsigned round)
{
    static _Thread_local char bytes[PART];
    int r;

    memset(bytes, (int)(round % 100) + 1, sizeof bytes);
    r = overlay_write(overlay, bytes, sizeof bytes, (int64_t)worker->number * PART);
    worker->wrong += r != 0 && r != -EBUSY;
}

static void *writer_run(void *arg)
{
    struct worker *worker = arg;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t generation = (unsigned)rand_r(&worker->seed) % OVERLAYS + 1;
        struct overlay *overlay = overlay_get(worker->scene->overlays, generation);

        write_part(overlay, worker, round);
        if (rand_r(&worker->seed) % 16 == 0)
            worker->wrong += overlay_sync(overlay, round % 2) != 0;
        worker->wrong += overlay_set_mtime(overlay, round) != 0;
        overlay_unref(overlay);
    }
    return NULL;
}

/* Whether it is one write, or the base. */
static bool is_whole(const char *data, int64_t offset, unsigned revision)
{
    bool is_base = true, is_write = true;

    for (int64_t i = 0; i < PART; i++) {
        is_base = is_base && data[i] == fake_byte(revision, offset + i);
        is_write = is_write && data[i] == data[0];
    }
    return is_base || is_write;
}

static void *reader_run(void *arg)
{
    struct worker *worker = arg;

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned generation = (unsigned)rand_r(&worker->seed) % OVERLAYS + 1;
        struct overlay *overlay = overlay_get(worker->scene->overlays, generation);
        int64_t offset = rand_r(&worker->seed) % WRITERS * PART;
        struct overlay_reading reading;

        reading_start(overlay, offset, (size_t)PART, &reading);
        worker->wrong += reading_await(&reading) != 0 || reading.length != (size_t)PART ||
                         !is_whole(reading.data, offset, revision_of(generation));
        free(reading.data);
        worker->wrong += overlay_size(overlay) < SIZE;
        (void)overlay_mtime_ns(overlay);
        (void)overlay_is_full(overlay);
        overlay_unref(overlay);
    }
    return NULL;
}

/* Makes the end move, behind what the others use. */
static void *changer_run(void *arg)
{
    struct worker *worker = arg;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t generation = (unsigned)rand_r(&worker->seed) % OVERLAYS + 1;
        struct overlay *overlay = overlay_get(worker->scene->overlays, generation), *fork;
        struct overlays_status status;
        struct filling filling;
        struct err err = { 0 };

        worker->wrong += overlay_truncate(overlay, SIZE + rand_r(&worker->seed) % 5000) != 0;
        if (round % 8 == 0) {
            filling_start(overlay, &filling);
            worker->wrong += filling_await(&filling) != 0;
        }
        if (round == ROUNDS - 1 && overlay_fork(overlay, 100, &fork, &err) == 0) {
            overlay_drop(fork);
            overlay_unref(fork);
        }
        overlays_get_status(worker->scene->overlays, &status);
        overlay_unref(overlay);
    }
    return NULL;
}

static void test_many_write_and_read_at_once(void **state)
{
    struct scene *scene = *state;
    static struct worker workers[WRITERS + READERS + 1];

    for (unsigned generation = 1; generation <= OVERLAYS; generation++) {
        char id[16];

        (void)snprintf(id, sizeof id, "f%u", generation);
        overlay_unref(scene_create(scene, generation, id, SIZE, revision_of(generation)));
    }
    for (unsigned i = 0; i < ROWS(workers); i++) {
        void *(*run)(void *) = i < WRITERS             ? writer_run
                               : i < WRITERS + READERS ? reader_run
                                                       : changer_run;

        workers[i] = (struct worker){ .scene = scene, .number = i, .seed = 1000 + i };
        assert_int_equal(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
    }
    for (unsigned i = 0; i < ROWS(workers); i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].wrong, 0);
    }
    scene_restart(scene);
    (void)reader_run(&workers[WRITERS]);
    assert_int_equal(workers[WRITERS].wrong, 0);
}

static void *drop_run(void *arg)
{
    struct worker *worker = arg;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t generation = worker->number * UINT64_C(1000) + round;
        struct overlay *overlay = scene_create(worker->scene, generation, "f1", 5000, 5);
        struct filling filling;

        worker->wrong += overlay_write(overlay, "x", 1, 10) != 0;
        filling_start(overlay, &filling);
        if (round % 2)
            overlay_drop(overlay);
        overlay_unref(overlay);
        (void)filling_await(&filling);
        overlay = overlay_get(worker->scene->overlays, generation);
        if (overlay)
            overlay_drop(overlay);
        overlay_unref(overlay);
    }
    return NULL;
}

static void test_many_come_and_go_at_once(void **state)
{
    struct scene *scene = *state;
    struct worker workers[4];
    struct overlays_status status;

    for (unsigned i = 0; i < ROWS(workers); i++) {
        workers[i] = (struct worker){ .scene = scene, .number = i + 1 };
        assert_int_equal(pthread_create(&workers[i].thread, NULL, drop_run, &workers[i]), 0);
    }
    for (unsigned i = 0; i < ROWS(workers); i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].wrong, 0);
    }
    fixture_await_jobs(scene->fixture);
    overlays_get_status(scene->overlays, &status);
    assert_int_equal(status.files, 0);
    assert_int_equal(status.used_bytes, 0);
    assert_int_equal(status.missing_bytes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_many_write_and_read_at_once),
        TEST(test_many_come_and_go_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
