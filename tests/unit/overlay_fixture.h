/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_OVERLAY_FIXTURE_H
#define GRAPHFS_TESTS_OVERLAY_FIXTURE_H

/* Overlays over content over the fake remote, and what they should show. */

#include "content_fixture.h"
#include "overlay/overlay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scene {
    struct fixture *fixture; /* its directory holds all */
    char directory[96];      /* of the overlays */
    char recovered[96];
    struct overlays_conf conf;
    struct overlays *overlays;
};

/* cmocka's setup and teardown: *state is a struct scene. */
int scene_setup(void **state);
int scene_teardown(void **state);

/* Ends the overlays and begins again; in between conf may be changed. */
void scene_stop(struct scene *scene);
void scene_start(struct scene *scene);
void scene_restart(struct scene *scene);

/* Another boot: what was not synced doesn't count. */
void scene_reboot(struct scene *scene);

/* For a test that gives much to tell: the log goes into a file. */
void scene_log_aside(struct scene *scene);

/* ---- what an overlay should show ---- */

struct model {
    char *bytes;
    int64_t size;
    int64_t capacity;
};

/* Empty; or the bytes of the remote's item of that seed. */
void model_init(struct model *model);
void model_init_base(struct model *model, int64_t size, unsigned seed);
void model_clear(struct model *model);
void model_copy(struct model *to, const struct model *from);
void model_write(struct model *model, const void *data, size_t size, int64_t offset);
void model_truncate(struct model *model, int64_t size);

/* Reads all of it, in pieces, and compares. */
void assert_shows(struct overlay *overlay, const struct model *model);

/* ---- doing ---- */

extern const struct overlay_place some_place;

/* Makes one over what fixture_put_open() calls ${id}, which is put on the remote; generation 1. */
struct overlay *scene_create(struct scene *scene, uint64_t generation, const char *id, int64_t size,
                             unsigned revision);

/* Makes an empty one. */
struct overlay *scene_create_empty(struct scene *scene, uint64_t generation);

/* The one of that generation, which there is. */
struct overlay *scene_get(struct scene *scene, uint64_t generation);

/* A read in progress. */
struct overlay_reading {
    struct overlay_wait *wait;
    bool is_done;
    int status;
    size_t length;
    char *data; /* for the caller to free */
};

void reading_start(struct overlay *overlay, int64_t offset, size_t size,
                   struct overlay_reading *reading);

/* Waits until it is done. Returns its status. */
int reading_await(struct overlay_reading *reading);

/* Reads, and fails with that status. */
void assert_reading_fails(struct overlay *overlay, int64_t offset, size_t size, int status);

/* Writes so many bytes that are drawn from ${seed}, into both. */
void scene_write(struct overlay *overlay, struct model *model, int64_t offset, size_t size,
                 unsigned seed);

struct filling {
    bool is_done;
    int status;
};

void filling_start(struct overlay *overlay, struct filling *filling);
int filling_await(struct filling *filling);

/* Whether there is a file of that name in the directory. */
bool has_file(const char *directory, const char *name);

#endif
