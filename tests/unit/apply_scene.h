/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_APPLY_SCENE_H
#define GRAPHFS_TESTS_APPLY_SCENE_H

/* What the tests of apply work on: a store with one drive, and reports of the server about it. What
 * goes wrong here fails the test. */

#include "store_fixture.h"
#include "sync/apply.h"

/* One drive "D" at /me/drive; reports are applied as of `now_ms`. */
struct scene {
    struct fixture *fixture;
    struct drive_row drive;
    int64_t now_ms;
};

/* For cmocka: *state is a struct scene. */
int scene_setup(void **state);
int scene_teardown(void **state);

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

/* Reports. The parent "root" is the drive's. */
struct item scene_folder(const char *id, const char *parent_id, const char *name);
struct item scene_file(const char *id, const char *parent_id, const char *name);
struct item scene_tombstone(const char *id);

struct store_txn *scene_begin(struct scene *scene);
void scene_commit(struct store_txn *txn);
struct apply_context scene_context(struct scene *scene, enum apply_source source);

/* Each in a transaction of its own. */
enum apply_outcome scene_apply(struct scene *scene, enum apply_source source, struct item report);
void scene_delete(struct scene *scene, ino_nr ino);
void scene_stage(struct scene *scene, struct item report);
int64_t scene_count_staged(struct scene *scene);

/* The number of what is at a path below the drive's root; 0 if nothing is. */
ino_nr scene_at(struct scene *scene, const char *path);

/* The row of an item, to be cleared; zeroed if there is none. */
struct node scene_row(struct scene *scene, const char *rid);

#endif
