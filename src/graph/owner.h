/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_OWNER_H
#define GRAPHFS_GRAPH_OWNER_H

/* What the strings of a decoded answer live in: the JSON itself, and copies where a string had to
 * be changed. Not thread safe. */

#include <json-c/json_object.h>

struct owner;

/* An empty owner. */
struct owner *owner_new(void);

/* Frees all. NULL is allowed. */
void owner_free(struct owner *owner);

/* Keeps json alive, by a reference of its own. */
void owner_keep_json(struct owner *owner, struct json_object *json);

/* Takes a string over, and returns it. */
const char *owner_keep_string(struct owner *owner, char *text);

#endif
