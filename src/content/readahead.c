/* SPDX-License-Identifier: MIT */
/*
 * The kernel sends the reads of its own read-ahead in parallel, so those of a reader in order
 * arrive a little out of order: whatever starts within REORDER of the expected place is taken as in
 * order. A run begins at offset 0, or with the second read of two that follow each other; a random
 * reader therefore causes no fetch but its own.
 *
 * The window doubles each time that more is asked for. The first is about the kernel's own
 * read-ahead, so that a reader of the first few kilobytes wastes little.
 */
#include "config.h"

#include "content/readahead.h"

#define KIB        INT64_C(1024)
#define MIB        (1024 * KIB)
#define REORDER    (512 * KIB)
#define WINDOW_MIN MIB
#define WINDOW_MAX (128 * MIB)
#define CHUNK_MIN  MIB
#define CHUNK_MAX  (16 * MIB)

static int64_t at_most(int64_t value, int64_t bound)
{
    return value < bound ? value : bound;
}

static int64_t at_least(int64_t value, int64_t bound)
{
    return value > bound ? value : bound;
}

static bool is_in_order(const struct readahead *readahead, int64_t offset)
{
    if (!readahead->has_read)
        return offset == 0;
    return offset >= readahead->next - REORDER && offset <= readahead->next + REORDER;
}

bool readahead_note(struct readahead *readahead, int64_t offset, int64_t length, int64_t size,
                    int64_t window_max, struct readahead_ask *ret_ask)
{
    bool in_order = is_in_order(readahead, offset);
    int64_t start, end, chunk;

    readahead->has_read = true;
    if (!in_order) {
        readahead->next = readahead->until = offset + length;
        readahead->window = 0;
        return false;
    }
    readahead->next = at_least(readahead->next, offset + length);
    if (readahead->window == 0)
        readahead->window = WINDOW_MIN;
    readahead->window = at_most(readahead->window, window_max);

    start = at_least(readahead->until, readahead->next);
    end = at_most(size, readahead->next + readahead->window);
    chunk = at_most(at_least(readahead->window / 4, CHUNK_MIN), CHUNK_MAX);
    /* Whole chunks, or the end: small steps would make small ranges. */
    if (end < size)
        end = start + (end - start) / chunk * chunk;
    if (end <= start)
        return false;
    *ret_ask = (struct readahead_ask){ .offset = start, .end = end, .chunk = chunk };
    readahead->until = end;
    readahead->window = at_most(2 * readahead->window, WINDOW_MAX);
    return true;
}
