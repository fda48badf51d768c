/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_LOCAL_SCENE_H
#define GRAPHFS_TESTS_LOCAL_SCENE_H

/* A store with a drive at /me/drive whose folders are all known, and calls of src/local, each in a
 * transaction of its own that the kernel asked for. */

#include "local/local.h"
#include "store_fixture.h"

#define SCENE_NOW_NS INT64_C(1700000123456789012)

struct scene {
    struct fixture *fixture;
    int64_t drive;
    ino_nr root;
};

/* For cmocka: *state is a struct scene. */
int scene_setup(void **state);
int scene_teardown(void **state);

/* What both sides agree on; a folder is complete. */
ino_nr scene_add(struct scene *scene, ino_nr parent, const char *name, enum node_kind kind);

/* The calls, with what they return. After a refusal nothing may have been told. */
int scene_create(struct scene *scene, ino_nr parent, const char *name, enum node_kind kind);
int scene_remove(struct scene *scene, ino_nr parent, const char *name, bool wants_directory);
int scene_rename(struct scene *scene, ino_nr parent, const char *name, ino_nr new_parent,
                 const char *new_name, unsigned flags);

/* The same, for those that must work; gives the number of what was made. */
ino_nr scene_make(struct scene *scene, ino_nr parent, const char *name, enum node_kind kind);

/* Edits a row behind the user's back: `edit` is given the row, which is then put. */
void scene_edit(struct scene *scene, ino_nr ino, void (*edit)(struct node *node));

/* Some edits. */
void edit_agree(struct node *node);      /* the service has it as it is here */
void edit_incomplete(struct node *node); /* not all of the folder's children are known */

void scene_put_intent(struct scene *scene, ino_nr ino, uint64_t generation);

/* The whole row; clear it. Fails the test if there is none. */
struct node scene_get(struct scene *scene, ino_nr ino);
bool scene_has_row(struct scene *scene, ino_nr ino);

/* Where a path below /me/drive leads; 0: nowhere. */
ino_nr scene_find(struct scene *scene, const char *path);

/* All that was told since the last call is own. */
void scene_assert_all_own(struct scene *scene);

#endif
