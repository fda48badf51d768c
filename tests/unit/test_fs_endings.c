/* SPDX-License-Identifier: MIT */
/* fs/endings.h: an overlay goes after the commit that made it unneeded has come to the disk. The
 * store is in memory here; what a power cut leaves of it is looked at when an overlay is dropped.
 */
#include "config.h"

#include <stdlib.h>

#include "../sim/memory_disk.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "fs/endings.h"
#include "store_fixture.h"
#include "unit.h"

#define MANY 50

struct scene {
    struct fixture *fixture;
    struct memory_disk *disk;
    struct pool *pool;
    struct overlays *overlays;
    struct endings *endings;
    struct memory_image *image; /* what a power cut left when the first one was dropped */
    unsigned dropped;
};

static struct scene scene;

void __real_overlay_drop(struct overlay *overlay); /* NOLINT */
void __wrap_overlay_drop(struct overlay *overlay); /* NOLINT */

void __wrap_overlay_drop(struct overlay *overlay) /* NOLINT */
{
    if (scene.dropped++ == 0)
        scene.image = memory_disk_save(scene.disk, true);
    __real_overlay_drop(overlay);
}

static int setup(void **state)
{
    char *directory;
    void *fixture;
    struct overlays_conf conf = { .limit_bytes = 0 };

    scene = (struct scene){ .disk = memory_disk_new() };
    assert_int_equal(fixture_setup(&fixture), 0);
    scene.fixture = fixture;
    scene.pool = pool_new("test", 1);
    directory = x_asprintf("%s/overlays", scene.fixture->dir);
    conf.directory = directory;
    conf.pool = scene.pool;
    conf.clock = scene.fixture->clock;
    assert_int_equal(overlays_new(&conf, &scene.overlays, NULL), 0);
    free(directory);
    scene.endings = endings_new(&(struct endings_conf){
        .store = scene.fixture->store,
        .overlays = scene.overlays,
        .pool = scene.pool,
    });
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    void *fixture = scene.fixture;
    int r;

    (void)state;
    endings_finish(scene.endings);
    overlays_free(scene.overlays);
    pool_free(scene.pool);
    endings_free(scene.endings);
    memory_image_free(scene.image);
    r = fixture_teardown(&fixture);
    memory_disk_free(scene.disk);
    return r;
}

static void make_overlay(uint64_t generation)
{
    const struct overlay_place place = {
        .drive_id = "D", .parent_id = "P", .name = "n", .path = "/"
    };
    struct overlay *overlay;

    assert_int_equal(overlay_create(scene.overlays, generation, &place, NULL, &overlay, NULL), 0);
    overlay_unref(overlay);
}

static bool is_there(uint64_t generation)
{
    struct overlay *overlay = overlay_get(scene.overlays, generation);

    overlay_unref(overlay);
    return overlay;
}

static bool has_row(const char *path)
{
    struct node_attr attr;

    return fixture_find(scene.fixture, path, &attr) == 0;
}

/* Goes back to what was on the disk when the first overlay was dropped. */
static void cut_power_then(void)
{
    store_close(scene.fixture->store);
    scene.fixture->store = NULL;
    memory_disk_restore(scene.disk, scene.image);
    fixture_reopen(scene.fixture);
}

static void test_an_overlay_goes_when_the_commits_before_are_on_the_disk(void **state)
{
    (void)state;
    make_overlay(7);
    (void)fixture_add(scene.fixture, STORE_INO_ME, "committed", NODE_FILE, 1, "C");
    endings_drop(scene.endings, 7);
    endings_finish(scene.endings);
    assert_false(is_there(7));
    assert_int_equal(scene.dropped, 1);
    cut_power_then();
    assert_true(has_row("/me/committed"));
}

static void test_what_comes_while_the_disk_is_busy_goes_too(void **state)
{
    (void)state;
    for (uint64_t generation = 1; generation <= MANY; generation++) {
        make_overlay(generation);
        endings_drop(scene.endings, generation);
    }
    endings_finish(scene.endings);
    assert_false(endings_are_busy(scene.endings));
    assert_int_equal(scene.dropped, MANY);
    for (uint64_t generation = 1; generation <= MANY; generation++)
        assert_false(is_there(generation));
}

static void test_what_was_written_on_is_not_kept_as_what_was_sent(void **state)
{
    ino_nr ino = fixture_add(scene.fixture, STORE_INO_ME, "file", NODE_FILE, 1, "F");

    (void)state;
    make_overlay(7); /* the row has another content by now */
    endings_keep(scene.endings, ino, 7);
    endings_finish(scene.endings);
    assert_false(is_there(7));
}

static void note_done(void *arg)
{
    bool *is_done = arg;

    *is_done = true;
}

static void test_who_waits_is_told_of_the_end(void **state)
{
    bool is_done = false;

    (void)state;
    endings_set_on_done(scene.endings, note_done, &is_done);
    endings_drop(scene.endings, 7); /* there is none */
    endings_finish(scene.endings);
    endings_set_on_done(scene.endings, NULL, NULL);
    assert_true(is_done);
}

int main(void)
{
#define ENDINGS_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        ENDINGS_TEST(test_an_overlay_goes_when_the_commits_before_are_on_the_disk),
        ENDINGS_TEST(test_what_comes_while_the_disk_is_busy_goes_too),
        ENDINGS_TEST(test_what_was_written_on_is_not_kept_as_what_was_sent),
        ENDINGS_TEST(test_who_waits_is_told_of_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
