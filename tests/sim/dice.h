/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_DICE_H
#define GRAPHFS_TESTS_DICE_H

/* Draws the steps of a run from its seed. */

#include "step.h"

struct world;

/* A generator of numbers for one run. */
struct dice {
    uint64_t state;
    unsigned last;                /* the item that was drawn last; 0: none */
    unsigned weights[STEP_KINDS]; /* some kinds are frequent in one run and rare in another */
};

void dice_init(struct dice *dice, uint64_t seed);

/* The next step of a run, fit for the world as it is. The first ones set the service up. */
struct step dice_draw_step(struct dice *dice, const struct world *world, size_t number);

#endif
