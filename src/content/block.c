/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic of blocks and their bitmaps. A bitmap is stored on disk as it is here: bytes, not
 * words, so that its meaning doesn't depend on the machine. Long equal runs, which are the usual
 * case, are searched and counted a byte at a time.
 */
#include "config.h"

#include "content/block.h"

size_t block_count(int64_t size)
{
    return (size_t)((size + BLOCK_SIZE - 1) / BLOCK_SIZE);
}

struct block_range block_range_of(int64_t offset, int64_t length)
{
    return (struct block_range){
        .first = (size_t)(offset / BLOCK_SIZE),
        .end = block_count(offset + length),
    };
}

int64_t block_range_bytes(struct block_range range, int64_t size)
{
    int64_t from = (int64_t)range.first * BLOCK_SIZE;
    int64_t to = (int64_t)range.end * BLOCK_SIZE;

    if (to > size)
        to = size;
    return to > from ? to - from : 0;
}

bool block_ranges_meet(struct block_range one, struct block_range other)
{
    return one.first < other.end && other.first < one.end;
}

size_t bitmap_size(size_t blocks)
{
    return blocks ? (blocks + 7) / 8 : 1;
}

bool bitmap_get(const uint8_t *bitmap, size_t block)
{
    return bitmap[block / 8] >> (block % 8) & 1;
}

void bitmap_fill(uint8_t *bitmap, struct block_range range, bool is_set)
{
    for (size_t block = range.first; block < range.end; block++) {
        uint8_t bit = (uint8_t)(1U << (block % 8));

        if (is_set)
            bitmap[block / 8] |= bit;
        else
            bitmap[block / 8] &= (uint8_t)~bit;
    }
}

size_t bitmap_find(const uint8_t *bitmap, struct block_range range, bool is_set)
{
    uint8_t boring = is_set ? 0x00 : 0xff;
    size_t block = range.first;

    while (block < range.end) {
        if (block % 8 == 0 && bitmap[block / 8] == boring)
            block += 8;
        else if (bitmap_get(bitmap, block) == is_set)
            return block;
        else
            block++;
    }
    return range.end;
}

size_t bitmap_count(const uint8_t *bitmap, struct block_range range)
{
    size_t count = 0, block = range.first;

    while (block < range.end) {
        if (block % 8 == 0 && range.end - block >= 8) {
            count += (size_t)__builtin_popcount(bitmap[block / 8]);
            block += 8;
        } else {
            count += bitmap_get(bitmap, block++);
        }
    }
    return count;
}
