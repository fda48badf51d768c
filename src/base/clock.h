/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_CLOCK_H
#define GRAPHFS_BASE_CLOCK_H

#include <stdint.h>

/*
 * Where the daemon gets its time from, so that tests of expiry, retry and polling move a clock
 * instead of sleeping. Everything that compares times asks the same clock. Thread safe.
 */
struct clock;

/* clock_system(): The system's clock, plus what clock_advance added. Never freed. */
struct clock *clock_system(void);

/*
 * clock_new_manual(start_real_ms):
 * A clock that stands still unless advanced. For the caller to clock_free.
 */
struct clock *clock_new_manual(int64_t start_real_ms);

/* clock_free(clock): Takes NULL; for the system's clock it does nothing. */
void clock_free(struct clock *clock);

/* clock_mono_ms(clock): For durations and deadlines: never goes back, starts anywhere above 0. */
int64_t clock_mono_ms(struct clock *clock);

/* clock_real_ms(clock): Milliseconds since 1970, UTC; may jump when the administrator sets it. */
int64_t clock_real_ms(struct clock *clock);

/*
 * clock_advance(clock, ms):
 * Moves both times forward by ${ms}, which is not negative. Wakes nobody: whoever sleeps until a
 * time of this clock has to be woken by the caller.
 */
void clock_advance(struct clock *clock, int64_t ms);

#endif
