/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_ROUND_PLAN_H
#define GRAPHFS_SYNC_ROUND_PLAN_H

/* The next step of a round, decided from what the store holds or from what went wrong. Pure. */

#include <stdbool.h>

#include "base/err.h"
#include "graph/item.h"
#include "store/store.h"

enum round_step {
    STEP_ENUMERATE, /* ask for the first page of a full enumeration */
    STEP_FOLLOW,    /* ask for the page behind plan.link */
    STEP_APPLY,     /* staging is whole */
};

struct round_plan {
    enum round_kind round; /* that the step belongs to */
    enum round_step step;
    bool is_new;      /* the step begins the round */
    const char *link; /* STEP_FOLLOW; borrowed from the drive */
};

/* The next step of a drive, from its row alone: so a restart goes on where the last one was. */
struct round_plan round_plan_next(const struct drive_row *drive);

enum round_remedy {
    REMEDY_RETRY,         /* the same step again, after a pause */
    REMEDY_RESTART,       /* the link is dead: enumerate from the beginning, at once */
    REMEDY_RESTART_LATER, /* the same after a pause: it didn't help so far */
};

/* What went wrong, and what went wrong before in the same round. */
struct round_failure {
    const struct err *err;
    bool followed_link;    /* the step was STEP_FOLLOW */
    unsigned broken_links; /* pages that led nowhere or in circles */
    unsigned lost_links;   /* 404 in a row */
    unsigned restarts;
};

/* What to do about it. Pure. */
enum round_remedy round_plan_remedy(const struct round_failure *failure);

/* What a round becomes that starts again from the beginning: the very first one only as long as
 * nothing was applied, because what was may be gone by now, and that takes a full one to see. */
enum round_kind round_plan_restarted(const struct drive_row *drive);

/* Exactly one link must be there: -EPROTO. */
int round_plan_check_links(const struct item_page *page, struct err *err);

#endif
