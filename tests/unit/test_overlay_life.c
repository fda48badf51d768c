/* SPDX-License-Identifier: MIT */
/* How overlays come, stay, and go: what a start finds, what is damaged, dropping, freezing, forks,
 * and the limits. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "overlay_fixture.h"
#include "unit.h"

#define DATA "0000000000000001.data"
#define MAP  "0000000000000001.map"

static char *path_in(const char *directory, const char *name)
{
    return x_asprintf("%s/%s", directory, name);
}

/* ---- being found ---- */

struct seen {
    unsigned count;
    struct overlay_info last;
    bool has_place;
};

static void see(const struct overlay_info *info, void *arg)
{
    struct seen *seen = arg;

    seen->count++;
    seen->last = *info;
    seen->has_place = strcmp(info->place.path, some_place.path) == 0 &&
                      strcmp(info->place.drive_id, some_place.drive_id) == 0 &&
                      strcmp(info->place.parent_id, some_place.parent_id) == 0 &&
                      strcmp(info->place.name, some_place.name) == 0;
}

static void test_a_start_finds_what_there_is(void **state)
{
    struct scene *scene = *state;
    struct seen seen = { 0 };
    struct overlay *overlay;

    overlay_unref(scene_create_empty(scene, 3));
    overlay_unref(scene_create(scene, UINT64_C(0xfedcba9876543210), "f1", 1000, 5));
    overlay = scene_create(scene, 20, "f1", 2000, 6);
    assert_int_equal(overlay_set_mtime(overlay, 12345), 0);
    overlay_unref(overlay);
    for (int i = 0; i < 2; i++) {
        seen = (struct seen){ 0 };
        assert_int_equal(overlays_list(scene->overlays, see, &seen), 0);
        assert_int_equal(seen.count, 3);
        assert_true(seen.has_place);
        assert_true(seen.last.generation == UINT64_C(0xfedcba9876543210));
        assert_int_equal(seen.last.size, 1000);
        assert_false(seen.last.is_full);
        overlay = scene_get(scene, 20);
        assert_int_equal(overlay_size(overlay), 2000);
        assert_int_equal(overlay_mtime_ns(overlay), 12345);
        overlay_unref(overlay);
        assert_null(overlay_get(scene->overlays, 4));
        scene_restart(scene);
    }
}

static void test_there_is_one_of_a_generation(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create_empty(scene, 1), *other;
    struct err err = { 0 };

    scene_write(overlay, NULL, 0, 10, 1);
    assert_int_equal(overlay_create(scene->overlays, 1, &some_place, NULL, &other, &err), -EEXIST);
    assert_int_equal(overlay_fork(overlay, 1, &other, &err), -EEXIST);
    other = scene_get(scene, 1);
    assert_ptr_equal(other, overlay);
    overlay_unref(other);
    overlay_unref(overlay);
    scene_restart(scene);
    overlay = scene_get(scene, 1);
    assert_int_equal(overlay_size(overlay), 10);
    overlay_unref(overlay);
}

static void test_an_impossible_base_is_refused(void **state)
{
    struct scene *scene = *state;
    struct content_id base = { .generation = 7, .drive_id = "d", .item_id = "i" };
    struct overlay *overlay;
    struct err err = { 0 };

    base.size = -1;
    assert_int_equal(overlay_create(scene->overlays, 1, &some_place, &base, &overlay, &err),
                     -EFBIG);
    base.size = CONTENT_MAX_SIZE + 1;
    assert_int_equal(overlay_create(scene->overlays, 1, &some_place, &base, &overlay, &err),
                     -EFBIG);
    assert_false(has_file(scene->directory, DATA));
}

/* ---- damage ---- */

static void damage_map(const char *directory)
{
    cleanup_free char *path = path_in(directory, MAP);
    cleanup_close int fd = open(path, O_RDWR);
    char byte;

    assert_int_equal(pread(fd, &byte, 1, 40), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 40), 1);
}

static void truncate_map(const char *directory)
{
    cleanup_free char *path = path_in(directory, MAP);

    assert_int_equal(truncate(path, 30), 0);
}

static void empty_map(const char *directory)
{
    cleanup_free char *path = path_in(directory, MAP);

    assert_int_equal(truncate(path, 0), 0);
}

static void remove_map(const char *directory)
{
    cleanup_free char *path = path_in(directory, MAP);

    assert_int_equal(unlink(path), 0);
}

static void remove_data(const char *directory)
{
    cleanup_free char *path = path_in(directory, DATA);

    assert_int_equal(unlink(path), 0);
}

/* A kill in the middle of making it. */
static void unname_map(const char *directory)
{
    cleanup_free char *path = path_in(directory, MAP);
    cleanup_free char *made = path_in(directory, "0000000000000001.new");

    assert_int_equal(rename(path, made), 0);
}

static void test_what_is_damaged_is_set_aside(void **state)
{
    static const struct {
        void (*damage)(const char *directory);
        const char *left[2];
    } rows[] = {
        { damage_map, { "0000000000000001.data", "0000000000000001.map" } },
        { truncate_map, { "0000000000000001.1.data", "0000000000000001.1.map" } },
        { empty_map, { "0000000000000001.2.data", "0000000000000001.2.map" } },
        { remove_map, { "0000000000000001.3.data" } },
        { remove_data, { "0000000000000001.4.map" } },
        { unname_map, { "0000000000000001.5.data", "0000000000000001.5.new" } },
    };
    struct scene *scene = *state;

    scene_log_aside(scene);
    overlay_unref(scene_create(scene, 2, "f1", 1000, 5));
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct overlay *overlay = scene_create(scene, 1, "f1", 1000, 5);
        struct overlays_status status;

        scene_write(overlay, NULL, 0, 100, 1);
        overlay_unref(overlay);
        scene_stop(scene);
        rows[i].damage(scene->directory);
        scene_start(scene);
        assert_null(overlay_get(scene->overlays, 1));
        for (size_t n = 0; n < 2 && rows[i].left[n]; n++)
            assert_true(has_file(scene->recovered, rows[i].left[n]));
        assert_false(has_file(scene->directory, DATA));
        assert_false(has_file(scene->directory, MAP));
        overlay = scene_get(scene, 2);
        assert_int_equal(overlay_size(overlay), 1000);
        overlay_unref(overlay);
        overlays_get_status(scene->overlays, &status);
        assert_int_equal(status.files, 1);
        assert_int_equal(status.missing_bytes, 1000);
    }
}

static void test_files_of_others_stay_where_they_are(void **state)
{
    static const char *const names[] = { "note.txt", "000000000000000g.data",
                                         "0000000000000001.other", "00000000000000001.map" };
    struct scene *scene = *state;

    for (size_t i = 0; i < ROWS(names); i++) {
        cleanup_free char *path = path_in(scene->directory, names[i]);
        cleanup_close int fd = open(path, O_CREAT | O_WRONLY, 0600);

        assert_true(fd >= 0);
    }
    scene_restart(scene);
    for (size_t i = 0; i < ROWS(names); i++)
        assert_true(has_file(scene->directory, names[i]));
}

static void test_a_directory_that_is_none_is_an_error(void **state)
{
    struct scene *scene = *state;
    cleanup_free char *path = path_in(scene->directory, "file");
    cleanup_close int fd = open(path, O_CREAT | O_WRONLY, 0600);
    struct overlays_conf conf = scene->conf;
    struct overlays *overlays;
    struct err err = { 0 };

    assert_true(fd >= 0);
    conf.directory = path;
    assert_int_equal(overlays_new(&conf, &overlays, &err), -ENOTDIR);
    assert_true(strlen(err.msg) > 0);
}

/* ---- the end ---- */

static void test_what_is_dropped_goes_with_the_last_reference(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", 1000, 5), *other;
    struct overlays_status status;
    struct model model;

    model_init_base(&model, 1000, 5);
    other = scene_get(scene, 1);
    overlay_drop(overlay);
    overlay_unref(overlay);
    scene_write(other, &model, 10, 2000, 1);
    assert_shows(other, &model);
    overlay_ref(other);
    overlay_unref(other);
    assert_true(has_file(scene->directory, DATA));
    fixture_await_jobs(scene->fixture); /* reads have given up their references */
    overlay_unref(other);
    /* A read that was answered has a reference for a moment more. */
    while (has_file(scene->directory, DATA) || has_file(scene->directory, MAP))
        (void)usleep(1000);
    assert_null(overlay_get(scene->overlays, 1));
    do
        overlays_get_status(scene->overlays, &status);
    while (status.used_bytes > 0);
    assert_int_equal(status.files, 0);
    assert_int_equal(status.used_bytes, 0);
    assert_int_equal(status.missing_bytes, 0);
    overlay_unref(scene_create_empty(scene, 1));
    model_clear(&model);
}

static void test_what_has_lost_its_row_can_be_set_aside(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", 1000, 5);

    overlay_set_aside(overlay);
    overlay_unref(overlay);
    assert_null(overlay_get(scene->overlays, 1));
    assert_true(has_file(scene->recovered, DATA));
    assert_true(has_file(scene->recovered, MAP));
}

/* ---- one state of it ---- */

static void test_what_is_frozen_does_not_change(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", 1000, 5);
    struct filling filling;
    char bytes[1000];

    assert_int_equal(overlay_freeze(overlay), -EAGAIN);
    filling_start(overlay, &filling);
    assert_int_equal(filling_await(&filling), 0);
    assert_int_equal(overlay_freeze(overlay), 0);
    assert_int_equal(overlay_freeze(overlay), 0);
    assert_int_equal(pread(overlay_fd(overlay), bytes, sizeof bytes, 0), sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        assert_int_equal(bytes[i], fake_byte(5, (int64_t)i));
    overlay_thaw(overlay);
    assert_int_equal(overlay_write(overlay, "x", 1, 0), -EBUSY);
    assert_int_equal(overlay_truncate(overlay, 1), -EBUSY);
    assert_int_equal(overlay_allocate(overlay, 0, 10000, true), -EBUSY);
    assert_int_equal(overlay_set_mtime(overlay, 5), 0);
    overlay_thaw(overlay);
    assert_int_equal(overlay_write(overlay, "x", 1, 0), 0);
    overlay_unref(overlay);
}

static void test_a_fork_goes_its_own_way(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create_empty(scene, 1), *fork;
    struct err err = { 0 };
    struct model model, forked;
    struct seen seen = { 0 };
    struct stat st;
    cleanup_free char *path = NULL;

    model_init(&model);
    scene_write(overlay, &model, 0, 100000, 1);
    scene_write(overlay, &model, 50 * MIB, 5000, 2);
    assert_int_equal(overlay_truncate(overlay, 60 * MIB), 0);
    model_truncate(&model, 60 * MIB);
    assert_int_equal(overlay_set_mtime(overlay, 12345), 0);
    assert_int_equal(overlay_freeze(overlay), 0);
    assert_int_equal(overlay_fork(overlay, 2, &fork, &err), 0);
    assert_int_equal(overlay_mtime_ns(fork), 12345);
    model_copy(&forked, &model);
    scene_write(fork, &forked, 500, 100, 3);
    assert_shows(fork, &forked);
    assert_shows(overlay, &model);
    path = overlay_path(fork);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_blocks * 512 < MIB);
    overlay_thaw(overlay);
    overlay_drop(overlay);
    overlay_unref(overlay);
    overlay_unref(fork);
    scene_restart(scene);
    fork = scene_get(scene, 2);
    assert_shows(fork, &forked);
    assert_int_equal(overlays_list(scene->overlays, see, &seen), 0);
    assert_int_equal(seen.count, 1);
    assert_true(seen.has_place);
    overlay_unref(fork);
    model_clear(&model);
    model_clear(&forked);
}

/* As content_adopt() makes of it, while somebody goes on with it. */
static void test_a_fork_ends_where_the_overlay_does(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create_empty(scene, 1), *fork;
    struct err err = { 0 };
    struct model model;
    struct stat st;
    cleanup_free char *path = NULL, *forked = NULL;
    cleanup_close int fd = -1;

    model_init(&model);
    scene_write(overlay, &model, 0, 8720, 1);
    path = overlay_path(overlay);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(overlay_freeze(overlay), 0);
    assert_int_equal(pwrite(fd, "trailer", 7, 16384), 7);
    assert_int_equal(overlay_fork(overlay, 2, &fork, &err), 0);
    forked = overlay_path(fork);
    assert_int_equal(stat(forked, &st), 0);
    assert_int_equal(st.st_size, 8720);
    assert_shows(fork, &model);
    assert_int_equal(overlay_generation(fork), 2);
    assert_int_equal(overlay_truncate(fork, 20000), 0);
    model_truncate(&model, 20000);
    assert_shows(fork, &model);
    overlay_thaw(overlay);
    overlay_unref(overlay);
    overlay_unref(fork);
    model_clear(&model);
}

static void test_a_fork_of_what_had_a_base_needs_none(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", 10000, 5), *fork;
    struct filling filling;
    struct err err = { 0 };
    struct model model;

    model_init_base(&model, 10000, 5);
    scene_write(overlay, &model, 100, 200, 1);
    assert_int_equal(overlay_fork(overlay, 2, &fork, &err), -EAGAIN);
    filling_start(overlay, &filling);
    assert_int_equal(filling_await(&filling), 0);
    assert_int_equal(overlay_fork(overlay, 2, &fork, &err), 0);
    assert_true(overlay_is_full(fork));
    assert_int_equal(overlay_sync(fork, false), 0);
    overlay_unref(fork);
    overlay_unref(overlay);
    scene_reboot(scene);
    /* Nothing of the one was synced, all of the other. */
    overlay = scene_get(scene, 1);
    assert_false(overlay_is_full(overlay));
    overlay_unref(overlay);
    fork = scene_get(scene, 2);
    assert_true(overlay_is_full(fork));
    assert_shows(fork, &model);
    overlay_unref(fork);
    model_clear(&model);
}

static void test_another_boot_believes_what_was_synced(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create(scene, 1, "f1", 10000, 5);
    struct model synced;

    model_init_base(&synced, 10000, 5);
    scene_write(overlay, &synced, 100, 200, 1);
    assert_int_equal(overlay_sync(overlay, true), 0);
    assert_int_equal(overlay_sync(overlay, false), 0);
    scene_write(overlay, NULL, 300, 500, 2);
    overlay_unref(overlay);
    scene_reboot(scene);
    overlay = scene_get(scene, 1);
    assert_shows(overlay, &synced);
    scene_write(overlay, &synced, 9000, 500, 3);
    assert_int_equal(overlay_sync(overlay, false), 0);
    overlay_unref(overlay);
    scene_reboot(scene);
    overlay = scene_get(scene, 1);
    assert_shows(overlay, &synced);
    overlay_unref(overlay);
    model_clear(&synced);
}

/* ---- limits ---- */

static void limit(struct scene *scene, int64_t limit_bytes, int64_t min_free_bytes)
{
    scene_stop(scene);
    scene->conf.limit_bytes = limit_bytes;
    scene->conf.min_free_bytes = min_free_bytes;
    scene_start(scene);
}

static void test_the_limit_holds_for_all_together(void **state)
{
    struct scene *scene = *state;
    struct overlay *one, *other;
    static char bytes[MIB];
    struct overlays_status status;

    limit(scene, 3 * MIB, 0);
    one = scene_create_empty(scene, 1);
    other = scene_create_empty(scene, 2);
    memset(bytes, 'x', sizeof bytes);
    assert_int_equal(overlay_write(one, bytes, sizeof bytes, 0), 0);
    assert_int_equal(overlay_write(other, bytes, sizeof bytes, 0), 0);
    assert_int_equal(overlay_write(one, bytes, sizeof bytes, MIB), 0);
    assert_int_equal(overlay_write(other, bytes, sizeof bytes, MIB), -EDQUOT);
    assert_int_equal(overlay_size(other), MIB);
    /* What has its room can be written again, and be given back. */
    assert_int_equal(overlay_write(other, bytes, sizeof bytes, 0), 0);
    assert_int_equal(overlay_truncate(other, 64 * MIB), 0);
    assert_int_equal(overlay_allocate(other, MIB, MIB, true), -EDQUOT);
    assert_int_equal(overlay_truncate(one, 0), 0);
    assert_int_equal(overlay_write(other, bytes, sizeof bytes, MIB), 0);
    overlays_get_status(scene->overlays, &status);
    assert_int_equal(status.limit_bytes, 3 * MIB);
    assert_true(status.used_bytes >= 2 * MIB && status.used_bytes <= 3 * MIB);
    assert_int_equal(status.files, 2);
    overlay_unref(one);
    overlay_unref(other);
    /* After a restart it is known what there is. */
    scene_restart(scene);
    one = scene_get(scene, 1);
    assert_int_equal(overlay_write(one, bytes, sizeof bytes, 0), 0);
    assert_int_equal(overlay_write(one, bytes, sizeof bytes, MIB), -EDQUOT);
    overlay_unref(one);
}

static void test_room_that_was_had_ahead_can_be_used(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay;
    static char bytes[MIB];

    limit(scene, 3 * MIB, 0);
    overlay = scene_create_empty(scene, 1);
    if (overlay_allocate(overlay, 0, 5 * MIB / 2, false) == 0)
        assert_int_equal(overlay_write(overlay, bytes, sizeof bytes, MIB), 0);
    overlay_unref(overlay);
}

static void test_the_first_writer_learns_that_there_is_no_room_for_the_base(void **state)
{
    struct scene *scene = *state;
    struct content_id base = { .generation = 7, .drive_id = "d", .item_id = "i", .size = 4 * MIB };
    struct overlay *overlay;
    struct overlays_status status;
    struct filling filling;
    struct err err = { 0 };

    limit(scene, 3 * MIB, 0);
    assert_int_equal(overlay_create(scene->overlays, 1, &some_place, &base, &overlay, &err),
                     -EDQUOT);
    assert_false(has_file(scene->directory, DATA));
    overlay = scene_create(scene, 1, "f1", 2 * MIB, 5);
    overlays_get_status(scene->overlays, &status);
    assert_int_equal(status.missing_bytes, 2 * MIB);
    /* What is the base's takes nothing more. */
    for (int64_t at = 0; at < 2 * MIB; at += 1000 * KIB)
        scene_write(overlay, NULL, at, 5000, 1);
    filling_start(overlay, &filling);
    assert_int_equal(filling_await(&filling), 0);
    overlays_get_status(scene->overlays, &status);
    assert_int_equal(status.missing_bytes, 0);
    overlay_unref(overlay);
}

static void test_the_floor_of_free_space_is_kept(void **state)
{
    struct scene *scene = *state;
    struct overlay *overlay = scene_create_empty(scene, 1);
    struct statvfs disk;

    scene_write(overlay, NULL, 0, 5000, 1);
    overlay_unref(overlay);
    assert_int_equal(statvfs(scene->directory, &disk), 0);
    limit(scene, 0, (int64_t)(disk.f_blocks * disk.f_frsize));
    overlay = scene_get(scene, 1);
    assert_int_equal(overlay_write(overlay, "x", 1, 100000), -ENOSPC);
    assert_int_equal(overlay_size(overlay), 5000);
    assert_int_equal(overlay_truncate(overlay, 100), 0);
    overlay_unref(overlay);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_start_finds_what_there_is),
        TEST(test_there_is_one_of_a_generation),
        TEST(test_an_impossible_base_is_refused),
        TEST(test_what_is_damaged_is_set_aside),
        TEST(test_files_of_others_stay_where_they_are),
        TEST(test_a_directory_that_is_none_is_an_error),
        TEST(test_what_is_dropped_goes_with_the_last_reference),
        TEST(test_what_has_lost_its_row_can_be_set_aside),
        TEST(test_what_is_frozen_does_not_change),
        TEST(test_a_fork_goes_its_own_way),
        TEST(test_a_fork_ends_where_the_overlay_does),
        TEST(test_a_fork_of_what_had_a_base_needs_none),
        TEST(test_another_boot_believes_what_was_synced),
        TEST(test_the_limit_holds_for_all_together),
        TEST(test_room_that_was_had_ahead_can_be_used),
        TEST(test_the_first_writer_learns_that_there_is_no_room_for_the_base),
        TEST(test_the_floor_of_free_space_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
