/* SPDX-License-Identifier: MIT */
/* The policy of waiting, apart from what waits, so that it can be tested as tables. */
#include "config.h"

#include "sync/timing.h"

#include <errno.h>

#define BACKOFF_FIRST_MS 5000
#define BACKOFF_MAX_MS   (5 * 60 * 1000)

/* Someone who isn't allowed is not let in seconds later. A 404 may be: a new folder is unknown to
 * the read model of children for a while. */
#define REFUSED_MS (60 * 1000)
#define FAILED_MS  (5 * 1000)

/* What a round may remove without asking: this many, or this part. */
#define REMOVAL_ALWAYS  25
#define REMOVAL_PERCENT 20

int64_t poll_delay_ms(int64_t poll, int64_t poll_idle, int64_t unused_for)
{
    int64_t delay = poll;

    for (int64_t idle = unused_for; idle >= IN_USE_MS && delay < poll_idle; idle -= IN_USE_MS)
        delay *= 2;
    return delay < poll_idle || poll_idle < poll ? delay : poll_idle;
}

int64_t backoff_ms(unsigned failures, int64_t retry_after, uint32_t random)
{
    int64_t pause = BACKOFF_FIRST_MS;

    for (unsigned i = 1; i < failures && pause < BACKOFF_MAX_MS; i++)
        pause *= 2;
    if (pause > BACKOFF_MAX_MS)
        pause = BACKOFF_MAX_MS;
    pause = pause / 2 + (int64_t)(random % (uint32_t)(pause / 2 + 1));
    return pause > retry_after ? pause : retry_after;
}

int64_t refusal_ms(const struct err *err)
{
    return err->code == -EACCES ? REFUSED_MS : FAILED_MS;
}

bool removal_is_too_big(int64_t removed, int64_t total)
{
    return removed > REMOVAL_ALWAYS &&
           removed > total / 100 * REMOVAL_PERCENT + total % 100 * REMOVAL_PERCENT / 100;
}
