/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CONTENT_BLOCK_H
#define GRAPHFS_CONTENT_BLOCK_H

/*
 * Content is cut into blocks of one size; the last one may be shorter. A bitmap has a bit per
 * block, the lowest bit of the first byte for block 0. Pure functions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SIZE (INT64_C(256) * 1024)

/* The blocks from first up to, not including, end; empty if first >= end. */
struct block_range {
    size_t first;
    size_t end;
};

/* How many blocks content of ${size} bytes has. */
size_t block_count(int64_t size);

/* The blocks that hold any byte of [offset, offset + length); length > 0. */
struct block_range block_range_of(int64_t offset, int64_t length);

/* The bytes in ${range} of content of ${size} bytes. */
int64_t block_range_bytes(struct block_range range, int64_t size);

/* Whether the two have a block in common. */
bool block_ranges_meet(struct block_range one, struct block_range other);

/* The bytes that a bitmap for ${blocks} blocks takes; at least 1. */
size_t bitmap_size(size_t blocks);

/* Whether the block's bit is set. */
bool bitmap_get(const uint8_t *bitmap, size_t block);

/* Sets (or with is_set false, clears) the bits of ${range}. */
void bitmap_fill(uint8_t *bitmap, struct block_range range, bool is_set);

/* The first block of ${range} whose bit is ${is_set}, or range.end if there is none. */
size_t bitmap_find(const uint8_t *bitmap, struct block_range range, bool is_set);

/* How many bits of ${range} are set. */
size_t bitmap_count(const uint8_t *bitmap, struct block_range range);

#endif
