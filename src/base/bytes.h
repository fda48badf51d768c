/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_BYTES_H
#define GRAPHFS_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Numbers as bytes of a file: little-endian, so that their meaning doesn't depend on the machine.
 * Pure functions.
 */

/* bytes_put_u64(at, value), bytes_get_u64(at): 8 bytes at ${at}, however it is aligned. */
void bytes_put_u64(uint8_t *at, uint64_t value);
uint64_t bytes_get_u64(const uint8_t *at);

/* bytes_checksum(data, len): FNV-1a, 64 bits. It finds damage, not malice. */
uint64_t bytes_checksum(const void *data, size_t len);

#endif
