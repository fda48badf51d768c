/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_SEEDS_H
#define GRAPHFS_TESTS_SEEDS_H

/* Many seeds, over all processors. */

#include "plant.h"
#include "tally.h"

struct seeds {
    struct tally tally; /* of those that were run */
    bool has_failed;
    uint64_t failed; /* the seed */
};

/* Seeds from `first` on, until one fails. */
void seeds_run(enum plant plant, uint64_t first, uint64_t count, struct seeds *ret);

/* The same to the end: each that fails is printed, with its reason, in a line. */
void seeds_survey(enum plant plant, uint64_t first, uint64_t count, struct seeds *ret);

#endif
