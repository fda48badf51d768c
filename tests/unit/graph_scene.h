/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_GRAPH_SCENE_H
#define GRAPHFS_TESTS_GRAPH_SCENE_H

/* An emulator, a service that is signed in to it, and what tests of changes do all the time. */

#include "graph_fixture.h"

struct scene {
    struct emulator *emulator;
    struct service *service;
    struct remote *remote; /* the service's */
    char *drive_id;
    char *root_id;
};

/* Starts both; args as for emulator_start(). */
struct scene *scene_new(const char *const *args);

void scene_free(struct scene *scene);

/* A change that somebody else makes: one operation of the emulator's `edit`, as JSON. */
void scene_edit(const struct scene *scene, const char *operation);

/* Adds a fault, and counts requests from here on. */
void scene_fault(const struct scene *scene, const char *fault);

/* How many requests to Graph and to content hosts have come since then. Removes the faults. */
int64_t scene_requests(const struct scene *scene);

/* Looks for a name in a folder. Returns answer->err.code; the caller clears the answer, whatever it
 * is. */
int scene_child(const struct scene *scene, const char *parent_id, const char *name,
                struct answer *answer);

/* The same in the root, where it has to be. Returns its only item. */
const struct item *scene_item(const struct scene *scene, const char *name, struct answer *answer);

bool scene_has(const struct scene *scene, const char *name);

/* What a file in the root has in it, for the caller to free; it is ended by a NUL. */
char *scene_content(const struct scene *scene, const char *name, size_t *ret_length);

/* Changes, as the remote makes them, while time passes. They return answer->err.code; the caller
 * clears the answer, whatever it is. scene_change() and scene_put() fill in the
 * drive, the latter also the root where there is no item. */
int scene_make_folder(const struct scene *scene, const char *parent_id, const char *name,
                      struct answer *answer);
int scene_change(const struct scene *scene, struct change_query query, struct answer *answer);
int scene_delete(const struct scene *scene, const char *item_id, const char *if_match,
                 struct answer *answer);
int scene_put(const struct scene *scene, struct upload_target target, const char *data,
              size_t length, struct answer *answer);

#endif
