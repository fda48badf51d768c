/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_OWNER_H
#define GRAPHFS_GRAPH_OWNER_H

/*
 * What the strings of a decoded answer live in: copies, in large pieces of memory.
 *
 * Copies, because a decoded answer travels to other threads and the JSON must not: json-c's
 * reference counts are not atomic as Debian builds it, so an object that two threads release, each
 * its own reference, is freed twice or never. Not thread safe; one owner at a time.
 */

struct owner;

/* An empty owner. */
struct owner *owner_new(void);

/* Frees all. NULL is allowed. */
void owner_free(struct owner *owner);

/* A copy of text, which lives as long as the owner. NULL for NULL. */
const char *owner_copy(struct owner *owner, const char *text);

#endif
