/* SPDX-License-Identifier: MIT */
/*
 * The power is cut at any moment. The disk has of each file what was synced, and of what was
 * written since any part: pages of the data, sectors of the map, lengths, and, before they were
 * synced, names. From that the next boot starts, goes on writing, and loses power again.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/vec.h"
#include "base/xalloc.h"
#include "overlay_disk.h"
#include "overlay_fixture.h"
#include "unit.h"

#define SEEDS      40
#define CUTS       12
#define BASE_SIZE  70000
#define MAX_SIZE   100000
#define PAGE       4096
#define SECTOR     512
#define GENERATION 1

static const char *const file_names[] = { "0000000000000001.data", "0000000000000001.map" };
static const size_t units[] = { PAGE, SECTOR };

/* The disk. */
static struct {
    pthread_mutex_t lock;
    const char *directory;
    char durable[160]; /* a directory: what was synced */
    char cut[160];     /* copies of both at the moment of the cut */
    char cut_durable[160];
    bool has_names; /* the directory was synced */
    bool cut_has_names;
    bool is_cut;
    unsigned left; /* calls before the cut */
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

DEFINE_VEC(model_list, struct model);

struct run {
    struct scene *scene;
    struct overlay *overlay;
    struct model model;
    struct model_list since; /* what it showed at the last sync and after each call since */
    int64_t written_to;
    int64_t base_from; /* what was cut off from here on may come back: no sync saw it gone */
    bool has_base;
    bool was_synced;
    unsigned seed;
};

static int64_t draw(struct run *run, int64_t below)
{
    return rand_r(&run->seed) % below;
}

/* ---- the disk ---- */

/* With the lock held: a file's bytes are on the disk. */
static void keep_synced(int fd)
{
    char path[256];

    disk_path(fd, path, sizeof path);
    if (strcmp(path, disk.directory) == 0)
        disk.has_names = true;
    else
        disk_copy_file(disk.directory, disk.durable, strrchr(path, '/') + 1);
}

static bool is_cut(void)
{
    LOCKED(&disk.lock);
    return disk.is_cut;
}

static int watch(enum disk_call call, int fd)
{
    LOCKED(&disk.lock);
    if (disk.is_cut)
        return 0;
    if (call == DISK_SYNC) {
        keep_synced(fd);
    } else if (disk.left-- == 0) {
        disk.is_cut = true;
        disk.cut_has_names = disk.has_names;
        disk_snapshot(disk.directory, disk.cut);
        disk_snapshot(disk.durable, disk.cut_durable);
    }
    return 0;
}

struct bytes {
    char *data;
    size_t size;
};

/* A file of a directory; empty if there is none. */
static struct bytes load(const char *directory, const char *name)
{
    cleanup_free char *path = x_asprintf("%s/%s", directory, name);
    cleanup_close int fd = open(path, O_RDONLY);
    struct bytes bytes = { .data = x_malloc(1) };
    struct stat st;

    if (fd < 0)
        return bytes;
    assert_int_equal(fstat(fd, &st), 0);
    bytes.size = (size_t)st.st_size;
    bytes.data = x_reallocarray(bytes.data, bytes.size + 1, 1);
    assert_int_equal(pread(fd, bytes.data, bytes.size, 0), bytes.size);
    return bytes;
}

/* What the disk has of one file. */
static void mix_file(struct run *run, const char *name, size_t unit)
{
    cleanup_free char *path = x_asprintf("%s/%s", disk.directory, name);
    struct bytes old = load(disk.cut_durable, name), new = load(disk.cut, name);
    size_t size = draw(run, 2) ? old.size : new.size;
    cleanup_close int fd = open(path, O_CREAT | O_WRONLY, 0600);
    cleanup_free char *mixed = x_calloc(1, size + 1);

    for (size_t at = 0; at < size; at += unit) {
        const struct bytes *from = draw(run, 2) ? &old : &new;
        size_t length = size - at < unit ? size - at : unit;

        if (at >= from->size)
            continue;
        if (length > from->size - at)
            length = from->size - at;
        memcpy(mixed + at, from->data + at, length);
    }
    assert_int_equal(pwrite(fd, mixed, size, 0), size);
    free(old.data);
    free(new.data);
}

/* Ends the boot: the directory is what the disk has. */
static void lose_power(struct run *run)
{
    static unsigned boot;
    static char boot_id[32];

    overlay_unref(run->overlay);
    scene_stop(run->scene);
    disk_set_hook(NULL, NULL);
    disk_remove(disk.directory);
    assert_int_equal(mkdir(disk.directory, 0700), 0);
    for (size_t i = 0; i < ROWS(file_names); i++)
        if (disk.cut_has_names || draw(run, 4))
            mix_file(run, file_names[i], units[i]);
    disk_remove(disk.cut);
    disk_remove(disk.cut_durable);
    (void)snprintf(boot_id, sizeof boot_id, "boot %u", ++boot);
    run->scene->conf.boot_id = boot_id;
    scene_start(run->scene);
}

/* What there is now is on the disk, and the next cut comes. */
static void begin_boot(struct run *run)
{
    disk_remove(disk.durable);
    disk_snapshot(disk.directory, disk.durable);
    disk.is_cut = false;
    disk.left = (unsigned)draw(run, 60);
    disk_set_hook(watch, disk.directory);
}

/* Of what was just made nothing is on the disk but, if its name is, the length of the data: file
 * systems keep such things in order. */
static void forget_map(void)
{
    cleanup_free char *path = x_asprintf("%s/%s", disk.durable, file_names[1]);

    assert_int_equal(unlink(path), 0);
}

/* ---- what it may show ---- */

static void clear_since(struct run *run)
{
    for (size_t i = 0; i < run->since.len; i++)
        model_clear(&run->since.items[i]);
    model_list_clear(&run->since);
}

static void note_state(struct run *run)
{
    model_copy(model_list_push(&run->since, (struct model){ 0 }), &run->model);
}

static bool may_show(const struct run *run, int64_t at, char byte)
{
    if (run->has_base && at >= run->base_from && at < BASE_SIZE && byte == fake_byte(5, at))
        return true;
    for (size_t i = 0; i < run->since.len; i++) {
        const struct model *model = &run->since.items[i];

        if (at < model->size ? model->bytes[at] == byte : byte == 0)
            return true;
    }
    return false;
}

static bool may_be_long(const struct run *run, int64_t size)
{
    for (size_t i = 0; i < run->since.len; i++)
        if (run->since.items[i].size == size)
            return true;
    return false;
}

/* Compares, and takes what it shows as what it is. */
static void check(struct run *run)
{
    struct overlay_reading reading;

    assert_true(may_be_long(run, overlay_size(run->overlay)));
    reading_start(run->overlay, 0, 2 * MAX_SIZE, &reading);
    assert_int_equal(reading_await(&reading), 0);
    assert_int_equal(reading.length, overlay_size(run->overlay));
    for (int64_t at = 0; at < (int64_t)reading.length; at++)
        if (!may_show(run, at, reading.data[at]))
            fail_msg("byte %lld is of nobody", (long long)at);
    model_truncate(&run->model, 0);
    model_write(&run->model, reading.data, reading.length, 0);
    free(reading.data);
    clear_since(run);
    note_state(run);
    run->base_from = run->model.size;
}

/* ---- what is done ---- */

static void do_write(struct run *run)
{
    int64_t offset = draw(run, MAX_SIZE / 2), size = draw(run, draw(run, 10) ? 3000 : 50000) + 1;

    scene_write(run->overlay, &run->model, offset, (size_t)size, (unsigned)draw(run, 1000));
}

/* Where the last one ended. */
static void do_write_on(struct run *run)
{
    int64_t size = draw(run, 2000) + 1;

    scene_write(run->overlay, &run->model, run->written_to, (size_t)size,
                (unsigned)draw(run, 1000));
    run->written_to = (run->written_to + size) % BASE_SIZE;
}

static void do_append(struct run *run)
{
    if (run->model.size < MAX_SIZE)
        scene_write(run->overlay, &run->model, run->model.size, (size_t)draw(run, 5000) + 1,
                    (unsigned)draw(run, 1000));
}

static void do_truncate(struct run *run)
{
    int64_t size = run->model.size - draw(run, 3000);

    if (draw(run, 10) == 0)
        size = draw(run, MAX_SIZE);
    if (size < 0)
        size = 0;
    assert_int_equal(overlay_truncate(run->overlay, size), 0);
    model_truncate(&run->model, size);
}

static void do_fill(struct run *run)
{
    struct filling filling;

    if (draw(run, 10) != 0)
        return; /* where it is full, little is left to go wrong */
    filling_start(run->overlay, &filling);
    assert_int_equal(filling_await(&filling), 0);
}

static void do_sync(struct run *run)
{
    assert_int_equal(overlay_sync(run->overlay, draw(run, 2)), 0);
    if (is_cut())
        return; /* in the middle of it, or before */
    clear_since(run);
    run->base_from = INT64_MAX;
    run->was_synced = true;
}

static void do_restart(struct run *run)
{
    overlay_unref(run->overlay);
    if (draw(run, 2))
        scene_restart(run->scene);
    run->overlay = scene_get(run->scene, GENERATION);
}

static void (*const actions[])(struct run *run) = {
    do_write,    do_write_on, do_write_on, do_write_on, do_append,  do_append,
    do_truncate, do_fill,     do_sync,     do_sync,     do_restart,
};

static void run_until_the_end(struct run *run)
{
    for (unsigned cut = 0; cut < CUTS; cut++) {
        while (!is_cut()) {
            actions[draw(run, ROWS(actions))](run);
            note_state(run);
        }
        lose_power(run);
        run->overlay = overlay_get(run->scene->overlays, GENERATION);
        if (!run->overlay) {
            assert_false(run->was_synced);
            return;
        }
        run->was_synced = disk.has_names = true;
        check(run);
        begin_boot(run);
    }
}

static unsigned seed_now;

static void run_seed(struct scene *scene, unsigned seed)
{
    struct run run = {
        .scene = scene, .seed = seed, .has_base = seed % 4 != 0, .base_from = INT64_MAX
    };

    seed_now = seed;
    disk.has_names = false;
    if (run.has_base) {
        model_init_base(&run.model, BASE_SIZE, 5);
        run.overlay = scene_create(scene, GENERATION, "f1", BASE_SIZE, 5);
    } else {
        model_init(&run.model);
        run.overlay = scene_create_empty(scene, GENERATION);
    }
    note_state(&run);
    begin_boot(&run);
    forget_map();
    run_until_the_end(&run);
    disk_set_hook(NULL, NULL);
    if (run.overlay)
        overlay_drop(run.overlay);
    overlay_unref(run.overlay);
    model_clear(&run.model);
    clear_since(&run);
}

static void test_after_a_power_cut_there_is_what_was_synced_and_nothing_of_nobody(void **state)
{
    struct scene *scene = *state;

    scene_log_aside(scene);
    disk.directory = scene->directory;
    (void)snprintf(disk.durable, sizeof disk.durable, "%s-durable", scene->directory);
    (void)snprintf(disk.cut, sizeof disk.cut, "%s-cut", scene->directory);
    (void)snprintf(disk.cut_durable, sizeof disk.cut_durable, "%s-cut-durable", scene->directory);
    for (unsigned seed = 1; seed <= unit_seeds(SEEDS); seed++)
        run_seed(scene, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_after_a_power_cut_there_is_what_was_synced_and_nothing_of_nobody, scene_setup,
            scene_teardown),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (failed != 0)
        print_message("seed %u\n", seed_now);
    return failed;
}
