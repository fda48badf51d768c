/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_QUICKXOR_H
#define EMULATOR_QUICKXOR_H

#include <stddef.h>
#include <stdint.h>

enum { QUICKXOR_SIZE = 20 };

/* The running state of a quickXorHash. A zeroed struct is the hash of no bytes. */
struct quickxor {
    uint8_t columns[160]; /* the XOR of all bytes whose position is i modulo 160 */
    uint64_t length;
};

void quickxor_update(struct quickxor *hash, const void *bytes, size_t length);
void quickxor_final(const struct quickxor *hash, uint8_t ret_digest[QUICKXOR_SIZE]);

#endif
