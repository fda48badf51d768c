/* SPDX-License-Identifier: MIT */
/* What is written shows, and elsewhere the base; what is read while the base is on its way. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "overlay_fixture.h"
#include "unit.h"

#define NS_PER_MS INT64_C(1000000)
#define SIZE      (3 * MIB + 123)

static void test_a_new_file_shows_what_is_written(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create_empty(scene, 1);
    struct model model;

    model_init(&model);
    assert_true(overlay_is_full(overlay));
    assert_shows(overlay, &model);
    scene_write(overlay, &model, 10, 100, 1);
    scene_write(overlay, &model, 5000, 300, 2);
    scene_write(overlay, &model, 50, 10, 3);
    assert_shows(overlay, &model);
    overlay_unref(overlay);
    scene_restart(scene);
    overlay = scene_get(scene, 1);
    assert_true(overlay_is_full(overlay));
    assert_shows(overlay, &model);
    overlay_unref(overlay);
    model_clear(&model);
}

static void test_the_base_shows_where_nothing_was_written(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct model model;

    model_init_base(&model, SIZE, 5);
    assert_false(overlay_is_full(overlay));
    assert_shows(overlay, &model);
    scene_write(overlay, &model, 1000, 5000, 1);
    scene_write(overlay, &model, SIZE - 10, 100, 2);
    assert_shows(overlay, &model);
    overlay_unref(overlay);
    scene_restart(scene);
    overlay = scene_get(scene, 1);
    assert_shows(overlay, &model);
    overlay_unref(overlay);
    model_clear(&model);
}

static void test_reads_and_writes_end_where_they_should(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create_empty(scene, 1);
    struct overlay_reading reading;

    assert_int_equal(overlay_write(overlay, "x", 1, -1), -EINVAL);
    assert_int_equal(overlay_write(overlay, "x", 1, CONTENT_MAX_SIZE), -EFBIG);
    assert_int_equal(overlay_write(overlay, "x", 1, INT64_MAX), -EFBIG);
    assert_int_equal(overlay_write(overlay, "x", 0, 100), 0);
    assert_int_equal(overlay_truncate(overlay, -1), -EINVAL);
    assert_int_equal(overlay_truncate(overlay, CONTENT_MAX_SIZE + 1), -EFBIG);
    assert_int_equal(overlay_allocate(overlay, 0, 0, false), -EINVAL);
    assert_int_equal(overlay_size(overlay), 0);
    scene_write(overlay, NULL, 0, 10, 1);

    static const struct {
        int64_t offset;
        size_t size, length;
    } rows[] = { { -1, 5, 0 },          { 0, 0, 0 },  { 0, 5, 5 },
                 { 5, 100, 5 },         { 10, 5, 0 }, { INT64_MAX, SIZE_MAX, 0 },
                 { 1, SIZE_MAX / 2, 9 } };

    for (size_t i = 0; i < ROWS(rows); i++) {
        reading_start(overlay, rows[i].offset, rows[i].size, &reading);
        assert_int_equal(reading_await(&reading), 0);
        assert_null(reading.wait);
        assert_int_equal(reading.length, rows[i].length);
        free(reading.data);
    }
    overlay_unref(overlay);
}

static void test_bytes_that_were_cut_off_do_not_come_back(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct model model;

    model_init_base(&model, SIZE, 5);
    for (int is_restarted = 0; is_restarted < 2; is_restarted++) {
        int64_t cut = is_restarted ? 700 : MIB;

        assert_int_equal(overlay_truncate(overlay, cut), 0);
        model_truncate(&model, cut);
        if (is_restarted) {
            overlay_unref(overlay);
            scene_restart(scene);
            overlay = scene_get(scene, 1);
        }
        assert_shows(overlay, &model);
        scene_write(overlay, &model, cut + 500, 10, 1);
        assert_shows(overlay, &model);
        assert_int_equal(overlay_truncate(overlay, 2 * MIB), 0);
        model_truncate(&model, 2 * MIB);
        assert_shows(overlay, &model);
        overlay_unref(overlay);
        scene_restart(scene);
        overlay = scene_get(scene, 1);
        assert_shows(overlay, &model);
    }
    overlay_unref(overlay);
    model_clear(&model);
}

static void test_what_is_cut_to_nothing_asks_for_nothing(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct model model;

    model_init(&model);
    assert_int_equal(overlay_truncate(overlay, 0), 0);
    assert_true(overlay_is_full(overlay));
    scene_write(overlay, &model, 0, SIZE, 1);
    assert_shows(overlay, &model);
    assert_int_equal(fake_remote_counts(scene->fixture->fake).fetches, 0);
    /* The base is let go. */
    assert_int_equal(
        content_evict(scene->fixture->content, fixture_generation("f1", 5), SIZE, &(int64_t){ 0 }),
        0);
    overlay_unref(overlay);
    model_clear(&model);
}

static void test_room_can_be_had_ahead(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", 1000, 5);
    struct model model;

    model_init_base(&model, 1000, 5);
    assert_int_equal(overlay_allocate(overlay, 500, 100000, true), 0);
    assert_shows(overlay, &model);
    assert_int_equal(overlay_truncate(overlay, 100), 0);
    assert_int_equal(overlay_allocate(overlay, 50, 2000, false), 0);
    model_truncate(&model, 100);
    model_truncate(&model, 2050);
    assert_shows(overlay, &model);
    overlay_unref(overlay);
    scene_restart(scene);
    overlay = scene_get(scene, 1);
    assert_shows(overlay, &model);
    overlay_unref(overlay);
    model_clear(&model);
}

/* ---- while the base is on its way ---- */

static void test_a_read_shows_what_was_written_while_it_waited(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct overlay_reading reading;
    struct model model;

    model_init_base(&model, SIZE, 5);
    fake_remote_hold(scene->fixture->fake);
    reading_start(overlay, 1000, 100000, &reading);
    fake_remote_await_held(scene->fixture->fake, 1);
    assert_non_null(reading.wait);
    assert_false(reading.is_done);
    scene_write(overlay, &model, 2000, 3000, 1);
    fake_remote_release(scene->fixture->fake);
    assert_int_equal(reading_await(&reading), 0);
    assert_int_equal(reading.length, 100000);
    assert_memory_equal(reading.data, model.bytes + 1000, 100000);
    free(reading.data);
    overlay_unref(overlay);
    model_clear(&model);
}

static void test_a_read_that_waited_tells_nothing_behind_the_new_end(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct overlay_reading readings[3];
    struct model model;

    model_init_base(&model, SIZE, 5);
    fake_remote_hold(scene->fixture->fake);
    reading_start(overlay, 1000, 100000, &readings[0]);
    reading_start(overlay, 60000, 1000, &readings[1]);
    reading_start(overlay, 40000, 20000, &readings[2]);
    assert_int_equal(overlay_truncate(overlay, 50000), 0);
    assert_int_equal(overlay_truncate(overlay, 55000), 0);
    model_truncate(&model, 50000);
    model_truncate(&model, 55000);
    fake_remote_release(scene->fixture->fake);
    assert_int_equal(reading_await(&readings[0]), 0);
    assert_int_equal(readings[0].length, 54000);
    assert_memory_equal(readings[0].data, model.bytes + 1000, 54000);
    assert_int_equal(reading_await(&readings[1]), 0);
    assert_int_equal(readings[1].length, 0);
    assert_int_equal(reading_await(&readings[2]), 0);
    assert_int_equal(readings[2].length, 15000);
    assert_memory_equal(readings[2].data, model.bytes + 40000, 15000);
    for (size_t i = 0; i < ROWS(readings); i++)
        free(readings[i].data);
    overlay_unref(overlay);
    model_clear(&model);
}

static void test_our_own_bytes_are_read_at_once_while_the_base_is_slow(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct overlay_reading slow, quick;

    fake_remote_hold(scene->fixture->fake);
    scene_write(overlay, NULL, 5000, 1000, 1);
    reading_start(overlay, 4000, 2000, &slow);
    reading_start(overlay, 5100, 900, &quick);
    assert_true(quick.is_done);
    assert_null(quick.wait);
    assert_int_equal(quick.length, 900);
    fake_remote_release(scene->fixture->fake);
    assert_int_equal(reading_await(&slow), 0);
    free(slow.data);
    free(quick.data);
    overlay_unref(overlay);
}

static void test_a_read_that_is_cancelled_is_not_answered(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct overlay_reading reading;

    fake_remote_hold(scene->fixture->fake);
    reading_start(overlay, 4000, 2000, &reading);
    assert_true(overlay_cancel(reading.wait));
    overlay_unref(overlay);
    fake_remote_release(scene->fixture->fake);
    scene_stop(scene);
    assert_false(reading.is_done);
}

static void test_all_can_be_let_go_while_a_read_waits(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct overlay_reading reading;

    fake_remote_hold(scene->fixture->fake);
    reading_start(overlay, 4000, 2000, &reading);
    overlay_drop(overlay);
    overlay_unref(overlay);
    assert_true(has_file(scene->directory, "0000000000000001.data"));
    fake_remote_release(scene->fixture->fake);
    assert_int_equal(reading_await(&reading), 0);
    free(reading.data);
    scene_stop(scene);
    assert_false(has_file(scene->directory, "0000000000000001.data"));
    assert_false(has_file(scene->directory, "0000000000000001.map"));
}

static void test_when_the_base_is_gone_ours_stays_readable(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct overlay_reading reading;
    struct model model;
    struct filling filling;

    model_init_base(&model, SIZE, 5);
    scene_write(overlay, &model, MIB, MIB, 1);
    fake_remote_put(scene->fixture->fake, "f1", SIZE, 6, 6);
    assert_reading_fails(overlay, 0, 1000, -ESTALE);
    assert_reading_fails(overlay, MIB - 10, 1000, -ESTALE);
    reading_start(overlay, MIB, (size_t)MIB, &reading);
    assert_int_equal(reading_await(&reading), 0);
    assert_memory_equal(reading.data, model.bytes + MIB, (size_t)MIB);
    free(reading.data);
    filling_start(overlay, &filling);
    assert_int_equal(filling_await(&filling), -ESTALE);
    assert_false(overlay_is_full(overlay));
    /* Who writes the rest needs it no more. */
    scene_write(overlay, &model, 0, (size_t)MIB, 2);
    assert_int_equal(overlay_truncate(overlay, 2 * MIB), 0);
    model_truncate(&model, 2 * MIB);
    assert_true(overlay_is_full(overlay));
    assert_shows(overlay, &model);
    filling_start(overlay, &filling);
    assert_int_equal(filling_await(&filling), 0);
    overlay_unref(overlay);
    model_clear(&model);
}

/* ---- time ---- */

static int64_t time_of_file(const struct overlay *overlay)
{
    cleanup_free char *path = overlay_path(overlay);
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static void test_the_time_is_that_of_the_last_write_or_as_it_was_set(void **state)
{
    struct scene *scene = *state;
    struct clock *clock = scene->fixture->clock;
    struct overlay *overlay = scene_create_empty(scene, 1);
    const int64_t set_ns = -1500000001;

    assert_int_equal(overlay_mtime_ns(overlay), clock_real_ms(clock) * NS_PER_MS);
    clock_advance(clock, 5000);
    scene_write(overlay, NULL, 0, 10, 1);
    assert_int_equal(overlay_mtime_ns(overlay), clock_real_ms(clock) * NS_PER_MS);
    assert_int_equal(time_of_file(overlay), overlay_mtime_ns(overlay));
    clock_advance(clock, 5000);
    assert_int_equal(overlay_truncate(overlay, 5), 0);
    assert_int_equal(overlay_mtime_ns(overlay), clock_real_ms(clock) * NS_PER_MS);
    assert_int_equal(overlay_set_mtime(overlay, set_ns), 0);
    assert_int_equal(overlay_mtime_ns(overlay), set_ns);
    overlay_unref(overlay);
    scene_restart(scene);
    overlay = scene_get(scene, 1);
    assert_int_equal(overlay_mtime_ns(overlay), set_ns);
    assert_int_equal(overlay_size(overlay), 5);
    overlay_unref(overlay);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_file_shows_what_is_written),
        TEST(test_the_base_shows_where_nothing_was_written),
        TEST(test_reads_and_writes_end_where_they_should),
        TEST(test_bytes_that_were_cut_off_do_not_come_back),
        TEST(test_what_is_cut_to_nothing_asks_for_nothing),
        TEST(test_room_can_be_had_ahead),
        TEST(test_a_read_shows_what_was_written_while_it_waited),
        TEST(test_a_read_that_waited_tells_nothing_behind_the_new_end),
        TEST(test_our_own_bytes_are_read_at_once_while_the_base_is_slow),
        TEST(test_a_read_that_is_cancelled_is_not_answered),
        TEST(test_all_can_be_let_go_while_a_read_waits),
        TEST(test_when_the_base_is_gone_ours_stays_readable),
        TEST(test_the_time_is_that_of_the_last_write_or_as_it_was_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
