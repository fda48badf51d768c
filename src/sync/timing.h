/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_TIMING_H
#define GRAPHFS_SYNC_TIMING_H

/* How long to wait, and how much is too much. Pure functions; all times in ms. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* No timer. */
#define TIME_NEVER INT64_MAX

/* A drive that was used this long ago counts as in use. */
#define IN_USE_MS (2 * 60 * INT64_C(1000))
/* Two 404 that are to confirm a deletion are this far apart. */
#define ABSENCE_INTERVAL_MS (5 * 60 * INT64_C(1000))
/* A confirmed delete is remembered at least this long. */
#define TOMBSTONE_MS (10 * 60 * INT64_C(1000))

/* The pause between two rounds: poll while in use, then doubled with each further two minutes
 * without use, up to poll_idle. */
int64_t poll_delay_ms(int64_t poll, int64_t poll_idle, int64_t unused_for);

/* The pause after the n-th failure in a row (n >= 1): 5 s doubled up to 5 min, of which `random`
 * picks something between half and all; never less than what the server asked for. */
int64_t backoff_ms(unsigned failures, int64_t retry_after, uint32_t random);

/* How long a failed listing is answered with the same error without asking again. */
int64_t refusal_ms(const struct err *err);

/* Whether so many of so many items may not be removed without asking the user. */
bool removal_is_too_big(int64_t removed, int64_t total);

#endif
