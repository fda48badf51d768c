/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_FEED_H
#define EMULATOR_FEED_H

#include <stddef.h>
#include <stdint.h>

struct pending {
    int64_t due_ms;
    uint32_t item;
};

/* Where an item went from, so that the feed of a folder can tell who left it. */
struct departure {
    uint32_t item;
    uint32_t parent;
    uint32_t position; /* in `published`, of the move */
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
    struct departure *departures; /* oldest first */
    size_t departure_count;
    size_t departure_capacity;
    uint32_t epoch; /* tokens of an older one have expired */
};

/* Tells of a change of `item` at `due_ms`. */
void feed_add(struct feed *feed, uint32_t item, int64_t due_ms);

/* Takes the next change that is due. Returns 0 when there is none, else 1 with *ret_item,
 * which is then the last one published. */
int feed_take_due(struct feed *feed, int64_t now_ms, uint32_t *ret_item);

/* Notes that the newest published change took `item` out of the folder `parent`. */
void feed_note_departure(struct feed *feed, uint32_t item, uint32_t parent);

void feed_clear(struct feed *feed);

#endif
