/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_THROTTLE_H
#define EMULATOR_THROTTLE_H

#include <stddef.h>
#include <stdint.h>

/* The requests of the last window, refused ones included: whoever goes on asking stays throttled.
 * Guarded by the world lock. */
struct throttle {
    int64_t *times_ms; /* a ring of as many as the limit */
    size_t count;
    size_t next;
};

/* Counts a request. Returns 0 if it may pass, else in how many milliseconds to try again. */
int64_t throttle_count(struct throttle *throttle, int64_t limit, int64_t window_ms, int64_t now_ms);
void throttle_clear(struct throttle *throttle);

#endif
