/* SPDX-License-Identifier: MIT */
/*
 * quickXorHash: byte i is XORed into a 160-bit ring at bit 11*i. The place depends on i modulo 160
 * alone, so the bytes are first folded into 160 columns, which is a plain XOR of long runs, and
 * only the columns are spread over the ring at the end. The length is XORed into the last 8 bytes.
 */
#include "quickxor.h"

#include <string.h>

enum { COLUMNS = 160, SHIFT = 11, RING_BITS = QUICKXOR_SIZE * 8 };

static void fold(uint8_t *columns, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        columns[i] = (uint8_t)(columns[i] ^ bytes[i]);
}

/* The same for one whole turn of the columns, a word at a time. */
static void fold_turn(uint8_t *columns, const uint8_t *bytes)
{
    for (size_t i = 0; i < COLUMNS; i += sizeof(uint64_t)) {
        uint64_t sum, added;

        memcpy(&sum, columns + i, sizeof sum);
        memcpy(&added, bytes + i, sizeof added);
        sum ^= added;
        memcpy(columns + i, &sum, sizeof sum);
    }
}

void quickxor_update(struct quickxor *hash, const void *bytes, size_t length)
{
    const uint8_t *next = bytes;
    size_t column = (size_t)(hash->length % COLUMNS);

    hash->length += length;
    while (length) {
        size_t run = COLUMNS - column < length ? COLUMNS - column : length;

        if (run == COLUMNS)
            fold_turn(hash->columns, next);
        else
            fold(hash->columns + column, next, run);
        next += run;
        length -= run;
        column = 0;
    }
}

void quickxor_final(const struct quickxor *hash, uint8_t ret_digest[QUICKXOR_SIZE])
{
    uint8_t ring[QUICKXOR_SIZE] = { 0 };

    for (size_t i = 0; i < COLUMNS; i++) {
        size_t bit = i * SHIFT % RING_BITS;
        size_t byte = bit / 8;
        unsigned wide = (unsigned)hash->columns[i] << (bit % 8);

        ring[byte] = (uint8_t)(ring[byte] ^ (wide & 0xff));
        byte = (byte + 1) % QUICKXOR_SIZE;
        ring[byte] = (uint8_t)(ring[byte] ^ (wide >> 8));
    }
    for (size_t i = 0; i < 8; i++)
        ring[QUICKXOR_SIZE - 8 + i] =
            (uint8_t)(ring[QUICKXOR_SIZE - 8 + i] ^ (uint8_t)(hash->length >> (8 * i)));
    memcpy(ret_digest, ring, sizeof ring);
}
