/* SPDX-License-Identifier: MIT */
/*
 * The delta feed. A change waits in `pending` until it is due, and is then appended to
 * `published`. New changes are never due in the past, so what a reader was given stays a prefix of
 * `published`, and a change that was late for one reader comes to it later, never not at all.
 */
#include "feed.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

void feed_add(struct feed *feed, uint32_t item, int64_t due_ms)
{
    size_t place = 0, end = feed->pending_count;

    while (place < end) {
        size_t middle = (place + end) / 2;

        if (feed->pending[middle].due_ms > due_ms)
            place = middle + 1;
        else
            end = middle;
    }
    MEM_GROW(feed->pending, feed->pending_count, feed->pending_capacity);
    memmove(feed->pending + place + 1, feed->pending + place,
            (feed->pending_count - place) * sizeof *feed->pending);
    feed->pending[place] = (struct pending){ .due_ms = due_ms, .item = item };
    feed->pending_count++;
}

int feed_take_due(struct feed *feed, int64_t now_ms, uint32_t *ret_item)
{
    if (!feed->pending_count || feed->pending[feed->pending_count - 1].due_ms > now_ms)
        return 0;
    *ret_item = feed->pending[--feed->pending_count].item;
    MEM_GROW(feed->published, feed->count, feed->capacity);
    feed->published[feed->count++] = *ret_item;
    return 1;
}

void feed_note_departure(struct feed *feed, uint32_t item, uint32_t parent)
{
    MEM_GROW(feed->departures, feed->departure_count, feed->departure_capacity);
    feed->departures[feed->departure_count++] = (struct departure){
        .item = item,
        .parent = parent,
        .position = (uint32_t)feed->count - 1,
    };
}

void feed_clear(struct feed *feed)
{
    free(feed->published);
    free(feed->pending);
    free(feed->departures);
    *feed = (struct feed){ 0 };
}
