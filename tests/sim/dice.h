/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_DICE_H
#define GRAPHFS_TESTS_DICE_H

/* Draws the steps of a run from its seed. */

#include "step.h"

struct world;

/* Seeds from here on are of runs in which users here change things. */
#define DICE_WRITING UINT64_C(1000000000)

/* A generator of numbers for one run. */
struct dice {
    uint64_t state;
    bool writes;                  /* users here change things in this run */
    unsigned last;                /* the item that was drawn last; 0: none */
    unsigned last_path;           /* the same of what is here */
    unsigned weights[STEP_KINDS]; /* some kinds are frequent in one run and rare in another */
};

void dice_init(struct dice *dice, uint64_t seed);

/* Whether the kind is drawn in runs of that sort. */
bool dice_draws(enum step_kind kind, bool writes);

/* The next step of a run, fit for the world as it is. The first ones set the service up. */
struct step dice_draw_step(struct dice *dice, struct world *world, size_t number);

#endif
