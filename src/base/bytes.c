/* SPDX-License-Identifier: MIT */
/* What the formats of our own files have in common. */
#include "config.h"

#include "base/bytes.h"

void bytes_put_u64(uint8_t *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

uint64_t bytes_get_u64(const uint8_t *at)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

uint64_t bytes_checksum(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    uint64_t sum = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    return sum;
}
