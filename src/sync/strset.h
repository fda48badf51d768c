/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_STRSET_H
#define GRAPHFS_SYNC_STRSET_H

/* A set of strings, in the order in which they were added: item ids, links followed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Initialise with { 0 }. items may be read; it moves when the set grows. */
struct strset {
    char **items;
    size_t len;
    size_t capacity;
    uint32_t *slots;   /* index + 1 into items; 0: free */
    size_t slot_count; /* 0 or a power of two, more than 3/2 of len */
};

/* Adds a copy. False if it was there already. */
bool strset_add(struct strset *set, const char *string);
bool strset_has(const struct strset *set, const char *string);
void strset_clear(struct strset *set);

#endif
