/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "tally.h"

#include <stdio.h>

#include "dice.h"

static const char *const event_names[EVENTS] = {
    [EVENT_FIRST_PAGE] = "pages of a first round",
    [EVENT_DELTA_PAGE] = "pages of changes",
    [EVENT_FULL_PAGE] = "pages of a full enumeration",
    [EVENT_REPEATED] = "items told twice in a round",
    [EVENT_LATE] = "reports to be checked",
    [EVENT_RESTART] = "rounds begun anew",
    [EVENT_LOST] = "full enumerations that lacked rows",
    [EVENT_LACKING] = "rows lacking in a listing without delta",
    [EVENT_HELD] = "removals held",
    [EVENT_REFUSED_404] = "items asked for that were not there",
    [EVENT_TARGET] = "targets of shortcuts taken",
    [EVENT_LISTED_MID_ROUND] = "listings in the middle of a round",
    [EVENT_NAMED_MID_ROUND] = "names looked up in the middle of a round",
    [EVENT_OVERTAKEN] = "answers before that of an earlier request",
    [EVENT_AGED] = "answers long on their way",
    [EVENT_TOO_LATE] = "answers too late",
    [EVENT_DIED_FIRST] = "deaths in a first round",
    [EVENT_DIED_DELTA] = "deaths in a round of changes",
    [EVENT_DIED_FULL] = "deaths in a full enumeration",
    [EVENT_DIED_APPLYING] = "deaths while a round was applied",
    [EVENT_DIED_COMMITTING] = "deaths in a commit",
    [EVENT_DIED_BETWEEN] = "deaths between two commits of a turn",
    [EVENT_MOVED_CALMLY] = "accounts moved without a row lost",
    [EVENT_SAME] = "times the store was as the server",
};

void tally_add(struct tally *tally, const struct tally *other)
{
    tally->seeds += other->seeds;
    for (size_t i = 0; i < STEP_KINDS; i++)
        tally->steps[i] += other->steps[i];
    for (size_t i = 0; i < EVENTS; i++)
        tally->events[i] += other->events[i];
}

static unsigned print_count(uint64_t count, const char *name)
{
    printf("%10llu  %s\n", (unsigned long long)count, name);
    return count == 0;
}

/* There is one drive, with delta, and it stays where it is; many rows are seldom lost at once. */
static bool can_come_about(enum event event, bool writes)
{
    return !writes || (event != EVENT_TARGET && event != EVENT_LACKING &&
                       event != EVENT_MOVED_CALMLY && event != EVENT_HELD);
}

unsigned tally_print(const struct tally *tally, bool writes)
{
    unsigned missing = 0;

    for (int i = 0; i < STEP_KINDS; i++) {
        if (dice_draws((enum step_kind)i, writes))
            missing += print_count(tally->steps[i], step_name((enum step_kind)i));
    }
    for (size_t i = 0; i < EVENTS; i++) {
        if (can_come_about((enum event)i, writes))
            missing += print_count(tally->events[i], event_names[i]);
    }
    return missing;
}
