/* SPDX-License-Identifier: MIT */
/* A sliding window: the ring remembers when each of the last `limit` requests came, so the oldest
 * of them tells whether this one is too many. */
#include "throttle.h"

#include <stdlib.h>

#include "memory.h"

int64_t throttle_count(struct throttle *throttle, int64_t limit, int64_t window_ms, int64_t now_ms)
{
    if (!throttle->times_ms)
        throttle->times_ms = mem_alloc((size_t)limit * sizeof *throttle->times_ms);

    int64_t wait_ms = 0;

    if (throttle->count == (size_t)limit) {
        wait_ms = throttle->times_ms[throttle->next] + window_ms - now_ms;
        if (wait_ms < 0)
            wait_ms = 0;
    } else {
        throttle->count++;
    }
    throttle->times_ms[throttle->next] = now_ms;
    throttle->next = (throttle->next + 1) % (size_t)limit;
    return wait_ms;
}

void throttle_clear(struct throttle *throttle)
{
    free(throttle->times_ms);
    *throttle = (struct throttle){ 0 };
}
