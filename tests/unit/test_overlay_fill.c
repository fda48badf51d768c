/* SPDX-License-Identifier: MIT */
/* Overlays become full by what is fetched of their base. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "overlay_fixture.h"
#include "unit.h"

#define SIZE (11 * MIB + 77)

static void assert_base_is_closed(const struct scene *scene, bool is_closed)
{
    int64_t freed;

    assert_int_equal(
        content_evict(scene->fixture->content, fixture_generation("f1", 5), SIZE, &freed),
        is_closed ? 0 : -EBUSY);
}

static void test_what_is_missing_is_fetched_and_ours_stays(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct filling filling;
    struct model model;
    int64_t mtime_ns;

    model_init_base(&model, SIZE, 5);
    scene_write(overlay, &model, 5 * MIB, 1000, 1);
    scene_write(overlay, &model, 5 * MIB + 5000, 1000, 2);
    scene_write(overlay, &model, SIZE - 5, 10, 3);
    mtime_ns = overlay_mtime_ns(overlay);
    clock_advance(scene->fixture->clock, 1000);
    assert_base_is_closed(scene, false);
    filling_start(overlay, &filling);
    assert_int_equal(filling_await(&filling), 0);
    assert_true(overlay_is_full(overlay));
    assert_base_is_closed(scene, true);
    assert_int_equal(overlay_mtime_ns(overlay), mtime_ns);
    overlay_unref(overlay);
    scene_restart(scene);
    overlay = scene_get(scene, 1);
    assert_true(overlay_is_full(overlay));
    assert_int_equal(overlay_mtime_ns(overlay), mtime_ns);
    assert_shows(overlay, &model);
    assert_base_is_closed(scene, true);
    overlay_unref(overlay);
    model_clear(&model);
}

static void test_what_is_written_while_it_is_fetched_is_not_copied_over(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct filling filling;
    struct model model;

    model_init_base(&model, SIZE, 5);
    fake_remote_hold(scene->fixture->fake);
    filling_start(overlay, &filling);
    fake_remote_await_held(scene->fixture->fake, 1);
    scene_write(overlay, &model, MIB, 1000, 1);
    assert_int_equal(overlay_truncate(overlay, 9 * MIB), 0);
    model_truncate(&model, 9 * MIB);
    scene_write(overlay, &model, 10 * MIB, 1000, 2);
    clock_advance(scene->fixture->clock, 1000);
    assert_int_equal(overlay_set_mtime(overlay, 77), 0);
    fake_remote_release(scene->fixture->fake);
    assert_int_equal(filling_await(&filling), 0);
    assert_true(overlay_is_full(overlay));
    assert_int_equal(overlay_mtime_ns(overlay), 77);
    assert_shows(overlay, &model);
    overlay_unref(overlay);
    model_clear(&model);
}

static void test_who_asks_later_is_told_at_the_same_time(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", MIB, 5);
    struct filling fillings[3], full;

    fake_remote_hold(scene->fixture->fake);
    for (size_t i = 0; i < ROWS(fillings); i++)
        filling_start(overlay, &fillings[i]);
    fake_remote_await_held(scene->fixture->fake, 1);
    fake_remote_release(scene->fixture->fake);
    for (size_t i = 0; i < ROWS(fillings); i++)
        assert_int_equal(filling_await(&fillings[i]), 0);
    assert_int_equal(fake_remote_counts(scene->fixture->fake).fetches, 1);
    filling_start(overlay, &full);
    assert_int_equal(filling_await(&full), 0);
    overlay_unref(overlay);
}

static void test_it_goes_on_where_it_ended(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct fake_faults faults = { .fail_fetches = 100, .fail_code = -ENETDOWN };
    struct filling filling;
    struct model model;

    model_init_base(&model, SIZE, 5);
    fake_remote_set_faults(scene->fixture->fake, &faults);
    filling_start(overlay, &filling);
    assert_int_equal(filling_await(&filling), -ENETDOWN);
    assert_false(overlay_is_full(overlay));
    assert_base_is_closed(scene, false);
    faults.fail_fetches = 0;
    fake_remote_set_faults(scene->fixture->fake, &faults);
    filling_start(overlay, &filling);
    assert_int_equal(filling_await(&filling), 0);
    assert_shows(overlay, &model);
    assert_true(overlay_is_full(overlay));
    overlay_unref(overlay);
    model_clear(&model);
}

static void test_a_full_cache_is_no_obstacle(void **state)
{
    struct scene *scene = *state;
    struct fixture *fixture = scene->fixture;
    struct overlay *overlay;
    struct filling filling;
    struct model model;

    scene_stop(scene);
    fixture_stop(fixture);
    fixture->conf.limit_bytes = 100 * KIB;
    fixture_start(fixture);
    scene->conf.content = fixture->content;
    scene_start(scene);
    overlay = scene_create(scene, 1, "f1", SIZE, 5);
    model_init_base(&model, SIZE, 5);
    scene_write(overlay, &model, MIB, 1000, 1);
    filling_start(overlay, &filling);
    assert_int_equal(filling_await(&filling), 0);
    assert_shows(overlay, &model);
    assert_true(overlay_is_full(overlay));
    overlay_unref(overlay);
    model_clear(&model);
}

static void test_the_end_does_not_wait_for_the_network(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct filling filling;
    struct model model;

    model_init_base(&model, SIZE, 5);
    scene_write(overlay, &model, MIB, 1000, 1);
    for (unsigned round = 0; round < 20; round++) {
        fake_remote_hold(scene->fixture->fake);
        filling_start(overlay, &filling);
        overlay_unref(overlay);
        if (round % 2)
            fake_remote_await_held(scene->fixture->fake, 1);
        scene_restart(scene);
        assert_true(filling.is_done);
        assert_int_equal(filling.status, -ECANCELED);
        fake_remote_release(scene->fixture->fake);
        overlay = scene_get(scene, 1);
    }
    assert_shows(overlay, &model);
    overlay_unref(overlay);
    model_clear(&model);
}

static void test_what_is_dropped_is_not_filled(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", SIZE, 5);
    struct filling filling;

    fake_remote_hold(scene->fixture->fake);
    filling_start(overlay, &filling);
    fake_remote_await_held(scene->fixture->fake, 1);
    overlay_drop(overlay);
    overlay_unref(overlay);
    fake_remote_release(scene->fixture->fake);
    assert_int_equal(filling_await(&filling), -ECANCELED);
    scene_restart(scene);
    assert_null(overlay_get(scene->overlays, 1));
    assert_false(has_file(scene->directory, "0000000000000001.map"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_missing_is_fetched_and_ours_stays),
        TEST(test_what_is_written_while_it_is_fetched_is_not_copied_over),
        TEST(test_who_asks_later_is_told_at_the_same_time),
        TEST(test_it_goes_on_where_it_ended),
        TEST(test_a_full_cache_is_no_obstacle),
        TEST(test_the_end_does_not_wait_for_the_network),
        TEST(test_what_is_dropped_is_not_filled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
