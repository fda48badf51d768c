/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_OVERLAY_RANGES_H
#define GRAPHFS_OVERLAY_RANGES_H

/*
 * A set of bytes, as ranges in order that neither meet nor touch. It begins as one range, and bytes
 * are only ever taken out of it: each taking away makes at most one range more. Not thread safe.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

/* The bytes from first up to, not including, end; empty if first >= end. */
struct range {
    int64_t first;
    int64_t end;
};

DEFINE_VEC(range_list, struct range);

struct ranges {
    struct range_list list;
    int64_t total; /* bytes in all of them */
};

/* ${ranges}, which is { 0 } or cleared, becomes [0, size). */
void ranges_fill(struct ranges *ranges, int64_t size);

/* Frees the memory; no bytes are left. */
void ranges_clear(struct ranges *ranges);

/* Takes out whatever there is of ${range}. */
void ranges_remove(struct ranges *ranges, struct range range);

/* Gives the parts in ${range} one after the other: the first one that ends behind ${from}, cut to
 * the range; empty at the end. For the next one, ${from} is its end. */
struct range ranges_next(const struct ranges *ranges, struct range range, int64_t from);

/* The shortest range that holds all that there is of ${range}; empty if that is nothing. */
struct range ranges_hull(const struct ranges *ranges, struct range range);

/* How many bytes there are in ${range}. */
int64_t ranges_count(const struct ranges *ranges, struct range range);

/* The end of the last one; 0: there is none. */
int64_t ranges_end(const struct ranges *ranges);

/* Whether there is no byte in it; and what two of them have in common, which may be empty. */
bool range_is_empty(struct range range);
struct range range_meet(struct range one, struct range other);

#endif
