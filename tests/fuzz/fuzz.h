/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_FUZZ_H
#define GRAPHFS_TESTS_FUZZ_H

/* A fuzzer takes what libFuzzer makes up, and must neither crash nor leak, nor break a promise that
 * it checks by must(). */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Unlike assert(): never compiled out. */
#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

/* What libFuzzer calls. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
