/* SPDX-License-Identifier: MIT */
/*
 * The state machine of rounds, without what it drives:
 *
 *     NONE ──no delta link──► FIRST ──last page──► APPLY ──staging empty──► NONE
 *     NONE ──delta link─────► DELTA ──last page──► APPLY
 *     DELTA, FIRST, FULL ──dead link──► FULL (FIRST if nothing was applied) ──last page──► APPLY
 *
 * FIRST applies its pages as they come; APPLY then settles the few reports that it could not
 * decide.
 */
#include "config.h"

#include "sync/round_plan.h"

#include <errno.h>

/* So many pages that lead nowhere, and the round is tried from its beginning instead. */
#define BROKEN_LINKS_MAX 3
/* The same for so many 404 in a row. */
#define LOST_LINKS_MAX 4

struct round_plan round_plan_next(const struct drive_row *drive)
{
    struct round_plan plan = { .round = drive->round, .step = STEP_FOLLOW };

    switch (drive->round) {
    case ROUND_NONE:
        plan.is_new = true;
        plan.round = drive->delta_link ? ROUND_DELTA : ROUND_FIRST;
        plan.link = drive->delta_link;
        break;
    case ROUND_FIRST:
    case ROUND_FULL:
        plan.link = drive->next_link;
        plan.is_new = !plan.link;
        break;
    case ROUND_DELTA:
        plan.link = drive->next_link ? drive->next_link : drive->delta_link;
        plan.is_new = !drive->next_link;
        break;
    case ROUND_APPLY:
        plan.step = STEP_APPLY;
        return plan;
    }
    if (!plan.link)
        plan.step = STEP_ENUMERATE;
    return plan;
}

/* 410 in any spelling; 400 for a malformed token; 404 for one whose folder or drive has gone, if it
 * goes on: folders that are there are a 404 now and then. The last two mean something else when no
 * token was sent. */
static bool is_dead_link(const struct round_failure *failure)
{
    long status = failure->err->http_status;

    if (status == 404)
        return failure->followed_link && failure->lost_links + 1 >= LOST_LINKS_MAX;
    return status == 410 || (status == 400 && failure->followed_link);
}

static bool is_stuck(const struct round_failure *failure)
{
    return failure->err->code == -EPROTO && failure->followed_link &&
           failure->broken_links + 1 >= BROKEN_LINKS_MAX;
}

enum round_remedy round_plan_remedy(const struct round_failure *failure)
{
    if (is_stuck(failure))
        return REMEDY_RESTART_LATER;
    if (!is_dead_link(failure))
        return REMEDY_RETRY;
    return failure->restarts == 0 ? REMEDY_RESTART : REMEDY_RESTART_LATER;
}

enum round_kind round_plan_restarted(const struct drive_row *drive)
{
    bool is_untouched = drive->round_ended_ms == 0 &&
                        (drive->round == ROUND_NONE || drive->round == ROUND_FIRST) &&
                        drive->items_seen == 0;

    return is_untouched ? ROUND_FIRST : ROUND_FULL;
}

int round_plan_check_links(const struct item_page *page, struct err *err)
{
    if (page->next_link && page->delta_link)
        return err_set(err, -EPROTO, "a page of changes leads on and ends at once");
    if (!page->next_link && !page->delta_link)
        return err_set(err, -EPROTO, "a page of changes leads nowhere");
    return 0;
}
