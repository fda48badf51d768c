/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_TALLY_H
#define GRAPHFS_TESTS_TALLY_H

/* How often things came about over many runs: what never did was not tried. */

#include <stdint.h>

#include "step.h"

enum event {
    EVENT_FIRST_PAGE,
    EVENT_DELTA_PAGE,
    EVENT_FULL_PAGE,
    EVENT_REPEATED,         /* an item came again in the same round */
    EVENT_LATE,             /* a report wasn't believed, or couldn't be told */
    EVENT_RESTART,          /* a round from its beginning */
    EVENT_LOST,             /* rows that a full enumeration lacked */
    EVENT_LACKING,          /* a row that the listing of a place without delta lacked */
    EVENT_HELD,             /* removals wait for the user */
    EVENT_REFUSED_404,      /* an item that was asked for alone is said not to be there */
    EVENT_TARGET,           /* what a shortcut to a file leads to was taken */
    EVENT_LISTED_MID_ROUND, /* children arrived while a round was under way */
    EVENT_NAMED_MID_ROUND,  /* so did an item asked for by name */
    EVENT_OVERTAKEN,        /* an answer came before that of an earlier request */
    EVENT_AGED,             /* an answer came some time after it had been made */
    EVENT_TOO_LATE,         /* and one so late that it was given up */
    EVENT_DIED_FIRST,       /* in a first round */
    EVENT_DIED_DELTA,
    EVENT_DIED_FULL,
    EVENT_DIED_APPLYING,
    EVENT_DIED_COMMITTING, /* at a write of a transaction */
    EVENT_DIED_BETWEEN,    /* with more to commit in the same turn */
    EVENT_MOVED_CALMLY,    /* an account was moved, and each row and content had to stay */
    EVENT_SAME,            /* the store was compared with the server, and was the same */
    EVENTS
};

struct tally {
    uint64_t seeds;
    uint64_t steps[STEP_KINDS]; /* that did something */
    uint64_t events[EVENTS];
};

void tally_add(struct tally *tally, const struct tally *other);

/* Prints it, a line each: what can come about in runs of that sort (see dice.h). Returns how many
 * are 0. */
unsigned tally_print(const struct tally *tally, bool writes);

#endif
