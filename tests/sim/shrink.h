/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_SHRINK_H
#define GRAPHFS_TESTS_SHRINK_H

/* The shortest trace: what is left of the steps of a run that fails when none of them can be left
 * out any more. */

#include "run.h"

struct trace {
    struct step steps[RUN_STEPS_MAX];
    size_t numbers[RUN_STEPS_MAX]; /* which of the run's steps they are */
    size_t len;
    char failure[512]; /* how it fails */
    size_t runs;       /* that were tried */
};

/* False: the seed doesn't fail. */
bool shrink_seed(enum plant plant, uint64_t seed, struct trace *ret);

/* In words, and how to do it again. */
void trace_print(const struct trace *trace, enum plant plant, uint64_t seed);

/* Those of the seed's steps that are named, "3,5-9"; false: there is no such step. */
bool trace_pick(enum plant plant, uint64_t seed, const char *numbers, struct trace *ret);

#endif
