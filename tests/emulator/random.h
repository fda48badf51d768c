/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_RANDOM_H
#define EMULATOR_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seeded pseudo-random numbers: the same seed and requests give the same answers. */
struct random {
    uint64_t state;
};

/* A good mix of the bits of `x`; a bijection. */
uint64_t random_mix(uint64_t x);

uint64_t random_next(struct random *random);

/* A number in 0 .. limit - 1, and 0 for a limit of 0. */
uint64_t random_below(struct random *random, uint64_t limit);

/* True once in `n` times. */
bool random_one_in(struct random *random, uint64_t n);

/* Fills `out` with `length` lower-case hex digits and a NUL. */
void random_hex(struct random *random, char *out, size_t length);

/* A random UUID as 36 characters and a NUL. */
void random_uuid(struct random *random, char out[37]);

#endif
