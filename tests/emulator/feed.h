/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_FEED_H
#define EMULATOR_FEED_H

#include <stddef.h>
#include <stdint.h>

struct pending {
    int64_t due_ms;
    uint32_t item;
};

/* The order in which delta tells of changes. `published` only grows, so that a position in it is
 * all that a delta token needs. */
struct feed {
    uint32_t *published; /* item numbers */
    size_t count;
    size_t capacity;
    struct pending *pending; /* latest first; of equal ones the newer first */
    size_t pending_count;
    size_t pending_capacity;
    uint32_t epoch; /* tokens of an older one have expired */
};

/* Tells of a change of `item` at `due_ms`. */
void feed_add(struct feed *feed, uint32_t item, int64_t due_ms);

/* Takes the next change that is due. Returns 0 when there is none, else 1 with *ret_item,
 * which is then the last one published. */
int feed_take_due(struct feed *feed, int64_t now_ms, uint32_t *ret_item);

/* Tells of `item` at once. */
void feed_publish(struct feed *feed, uint32_t item);

void feed_clear(struct feed *feed);

#endif
