/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_RETRY_H
#define GRAPHFS_GRAPH_RETRY_H

/* When to ask again. Pure functions. */

#include <stdint.h>

/* How long a Retry-After header says to wait, in ms: seconds, or an HTTP date compared with now_ms
 * (wall clock). At most a day; 0 for a date in the past; -1 for NULL and for what is neither. */
int64_t retry_after_ms(const char *value, int64_t now_ms);

/* Why an attempt failed, as far as the next pause depends on it. */
enum retry_cause {
    RETRY_FAILED,    /* 5xx, a cut answer: from half a second up to half a minute */
    RETRY_THROTTLED, /* 429 and its like without Retry-After: from 2 s up to 5 min */
    RETRY_OFFLINE,   /* no connection: from 2 s up to a minute, each attempt is a probe */
};

/* The pause before attempt number `attempt` + 1 (the first attempt is 1), in ms: doubled each time
 * up to the limit of the cause, and then anything between half of it and all of it, as `random`
 * says, so that many clients don't come back together. */
int64_t retry_pause_ms(enum retry_cause cause, unsigned attempt, uint32_t random);

/* How long a throttled answer of that status holds up all calls of the account, in ms: for what
 * Retry-After says (wanted_ms, -1: nothing), and without it a moment where the status speaks of too
 * many requests. Anything else may be the trouble of one call alone, which just pauses. */
int64_t retry_hold_ms(long status, int64_t wanted_ms);

#endif
