/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_RUN_H
#define GRAPHFS_TESTS_RUN_H

/* Runs: the steps that a seed draws, or those of a list; in this process, or in one that may die of
 * them. */

#include "plant.h"
#include "step.h"
#include "world.h"

#define RUN_STEPS_MAX 256

/* What came of it. Holds no pointers, so that processes can share it. */
struct outcome {
    bool has_failed;
    char failure[512];
    size_t len; /* steps that were begun */
    struct step steps[RUN_STEPS_MAX];
};

/* The run of a seed. */
void run_seed(struct bench *bench, struct tally *tally, uint64_t seed, struct outcome *ret);

/* These steps, and then all must be calm. */
void run_steps(struct bench *bench, struct tally *tally, const struct step *steps, size_t len,
               struct outcome *ret);

/* The same in a child, whose death is a failure, too. */
void run_seed_apart(enum plant plant, uint64_t seed, struct outcome *ret);
void run_steps_apart(enum plant plant, const struct step *steps, size_t len, struct outcome *ret);

#endif
