/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "overlay_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "unit.h"

#define READ_PIECE (300 * KIB)

const struct overlay_place some_place = {
    .drive_id = "drive",
    .parent_id = "folder",
    .name = "file.txt",
    .path = "/folder/file.txt",
};

/* Of all that is pending. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* ---- the scene ---- */

void scene_start(struct scene *scene)
{
    struct err err = { 0 };

    assert_int_equal(overlays_new(&scene->conf, &scene->overlays, &err), 0);
}

void scene_stop(struct scene *scene)
{
    overlays_free(scene->overlays);
    scene->overlays = NULL;
}

void scene_restart(struct scene *scene)
{
    scene_stop(scene);
    scene_start(scene);
}

void scene_reboot(struct scene *scene)
{
    static const char *const boots[] = { "boot one", "boot two", "boot three", "boot four" };
    size_t next = 0;

    while (strcmp(boots[next], scene->conf.boot_id) != 0)
        next++;
    scene_stop(scene);
    scene->conf.boot_id = boots[(next + 1) % ROWS(boots)];
    scene_start(scene);
}

int scene_setup(void **state)
{
    struct scene *scene = x_calloc(1, sizeof *scene);
    void *fixture = NULL;

    if (fixture_setup(&fixture) != 0)
        return -1;
    scene->fixture = fixture;
    (void)snprintf(scene->directory, sizeof scene->directory, "%s/state/overlays",
                   scene->fixture->directory);
    (void)snprintf(scene->recovered, sizeof scene->recovered, "%s/state/recovered",
                   scene->fixture->directory);
    scene->conf = (struct overlays_conf){
        .directory = scene->directory,
        .content = scene->fixture->content,
        .pool = scene->fixture->pool,
        .clock = scene->fixture->clock,
        .boot_id = "boot one",
    };
    scene_start(scene);
    *state = scene;
    return 0;
}

int scene_teardown(void **state)
{
    struct scene *scene = *state;
    void *fixture = scene->fixture;

    log_close();
    scene_stop(scene);
    free(scene);
    return fixture_teardown(&fixture);
}

void scene_log_aside(struct scene *scene)
{
    cleanup_free char *path = x_asprintf("%s/log", scene->fixture->directory);
    struct err err = { 0 };

    assert_int_equal(log_open_file(path, SIZE_MAX / 4, &err), 0);
}

bool has_file(const char *directory, const char *name)
{
    cleanup_free char *path = x_asprintf("%s/%s", directory, name);

    return access(path, F_OK) == 0;
}

/* ---- models ---- */

void model_init(struct model *model)
{
    *model = (struct model){ .bytes = x_malloc(1), .capacity = 1 };
}

void model_clear(struct model *model)
{
    free(steal_ptr(&model->bytes));
}

void model_truncate(struct model *model, int64_t size)
{
    if (size > model->capacity) {
        model->bytes = x_reallocarray(model->bytes, (size_t)size, 1);
        model->capacity = size;
    }
    if (size > model->size)
        memset(model->bytes + model->size, 0, (size_t)(size - model->size));
    model->size = size;
}

void model_init_base(struct model *model, int64_t size, unsigned seed)
{
    model_init(model);
    model_truncate(model, size);
    for (int64_t i = 0; i < size; i++)
        model->bytes[i] = fake_byte(seed, i);
}

void model_copy(struct model *to, const struct model *from)
{
    model_init(to);
    model_truncate(to, from->size);
    memcpy(to->bytes, from->bytes, (size_t)from->size);
}

void model_write(struct model *model, const void *data, size_t size, int64_t offset)
{
    if (offset + (int64_t)size > model->size)
        model_truncate(model, offset + (int64_t)size);
    memcpy(model->bytes + offset, data, size);
}

void assert_shows(struct overlay *overlay, const struct model *model)
{
    assert_int_equal(overlay_size(overlay), model->size);
    for (int64_t offset = 0; offset <= model->size; offset += READ_PIECE) {
        struct overlay_reading reading;

        int64_t length = model->size - offset;

        if (length > READ_PIECE)
            length = READ_PIECE;
        reading_start(overlay, offset, (size_t)READ_PIECE, &reading);
        assert_int_equal(reading_await(&reading), 0);
        assert_int_equal(reading.length, length);
        assert_memory_equal(reading.data, model->bytes + offset, (size_t)length);
        free(reading.data);
    }
}

/* ---- overlays ---- */

struct overlay *scene_create(struct scene *scene, uint64_t generation, const char *id, int64_t size,
                             unsigned revision)
{
    cleanup_free char *etag = x_asprintf("\"{%s},%u\"", id, revision);
    cleanup_free char *ctag = x_asprintf("\"c:{%s},%u\"", id, revision);
    struct content_id base = {
        .generation = fixture_generation(id, revision),
        .drive_id = "drive",
        .item_id = id,
        .size = size,
        .etag = etag,
        .ctag = ctag,
    };
    struct overlay *overlay = NULL;
    struct err err = { 0 };

    fake_remote_put(scene->fixture->fake, id, size, revision, revision);
    assert_int_equal(
        overlay_create(scene->overlays, generation, &some_place, &base, &overlay, &err), 0);
    return overlay;
}

struct overlay *scene_create_empty(struct scene *scene, uint64_t generation)
{
    struct overlay *overlay = NULL;
    struct err err = { 0 };

    assert_int_equal(overlay_create(scene->overlays, generation, &some_place, NULL, &overlay, &err),
                     0);
    return overlay;
}

struct overlay *scene_get(struct scene *scene, uint64_t generation)
{
    struct overlay *overlay = overlay_get(scene->overlays, generation);

    assert_non_null(overlay);
    return overlay;
}

void scene_write(struct overlay *overlay, struct model *model, int64_t offset, size_t size,
                 unsigned seed)
{
    cleanup_free char *data = x_malloc(size + 1);

    for (size_t i = 0; i < size; i++)
        data[i] = fake_byte(seed + 1000, (int64_t)i);
    assert_int_equal(overlay_write(overlay, data, size, offset), 0);
    if (model)
        model_write(model, data, size, offset);
}

/* ---- reads ---- */

static void reading_done(int status, const char *data, size_t length, void *arg)
{
    struct overlay_reading *reading = arg;

    LOCKED(&lock);
    reading->status = status;
    reading->length = length;
    reading->data = x_malloc(length + 1);
    if (length > 0)
        memcpy(reading->data, data, length);
    reading->is_done = true;
    (void)pthread_cond_broadcast(&changed);
}

void reading_start(struct overlay *overlay, int64_t offset, size_t size,
                   struct overlay_reading *reading)
{
    *reading = (struct overlay_reading){ 0 };
    overlay_read(overlay, offset, size, reading_done, reading, &reading->wait);
}

int reading_await(struct overlay_reading *reading)
{
    LOCKED(&lock);
    while (!reading->is_done)
        (void)pthread_cond_wait(&changed, &lock);
    return reading->status;
}

void assert_reading_fails(struct overlay *overlay, int64_t offset, size_t size, int status)
{
    struct overlay_reading reading;

    reading_start(overlay, offset, size, &reading);
    assert_int_equal(reading_await(&reading), status);
    assert_int_equal(reading.length, 0);
    free(reading.data);
}

/* ---- filling ---- */

static void filling_done(int status, void *arg)
{
    struct filling *filling = arg;

    LOCKED(&lock);
    filling->status = status;
    filling->is_done = true;
    (void)pthread_cond_broadcast(&changed);
}

void filling_start(struct overlay *overlay, struct filling *filling)
{
    *filling = (struct filling){ 0 };
    overlay_fill(overlay, filling_done, filling);
}

int filling_await(struct filling *filling)
{
    LOCKED(&lock);
    while (!filling->is_done)
        (void)pthread_cond_wait(&changed, &lock);
    return filling->status;
}
