/* SPDX-License-Identifier: MIT */
/* See retry.h. */
#include "config.h"

#include "graph/retry.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
/* What all calls wait when the service says "too many" and not for how long. */
#define UNTOLD_HOLD_MS 3000

static const struct {
    int64_t first_ms;
    int64_t limit_ms;
} pauses[] = {
    [RETRY_FAILED] = { 500, 30 * 1000 },
    [RETRY_THROTTLED] = { 2000, 5 * 60 * 1000 },
    [RETRY_OFFLINE] = { 2000, 60 * 1000 },
};

static int64_t clamp_to_day(int64_t ms)
{
    if (ms < 0)
        return 0;
    return ms > DAY_MS ? DAY_MS : ms;
}

int64_t retry_after_ms(const char *value, int64_t now_ms)
{
    if (!value)
        return -1;
    value += strspn(value, " \t");
    size_t digits = strspn(value, "0123456789");
    if (digits > 0 && value[digits + strspn(value + digits, " \t")] == '\0') {
        /* More digits than a day in seconds can have, leading zeros aside, means "long". */
        if (digits > 9)
            return DAY_MS;
        return clamp_to_day((int64_t)strtol(value, NULL, 10) * 1000);
    }
    time_t date = curl_getdate(value, NULL);
    if (digits > 0 || date == -1)
        return -1;
    return clamp_to_day((int64_t)date * 1000 - now_ms);
}

int64_t retry_pause_ms(enum retry_cause cause, unsigned attempt, uint32_t random)
{
    int64_t pause = pauses[cause].first_ms;
    for (unsigned i = 1; i < attempt && pause < pauses[cause].limit_ms; i++)
        pause *= 2;
    if (pause > pauses[cause].limit_ms)
        pause = pauses[cause].limit_ms;
    return pause / 2 + (int64_t)(random % (uint64_t)(pause / 2 + 1));
}

int64_t retry_hold_ms(long status, int64_t wanted_ms)
{
    if (wanted_ms >= 0)
        return wanted_ms;
    return status == 429 || status == 509 ? UNTOLD_HOLD_MS : 0;
}
