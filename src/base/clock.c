/* SPDX-License-Identifier: MIT */
/*
 * A clock is a source of time and an offset that only grows. The system's is the one object of its
 * kind; a manual one has no source, and its times are its start and the offset.
 */
#include "config.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/xalloc.h"

/* Where a manual clock's monotonic time starts: above 0, which callers use for "never". */
#define MANUAL_MONO_START_MS 1000

struct clock {
    bool is_manual;        /* const after init */
    int64_t start_real_ms; /* const after init; manual clocks only */
    _Atomic int64_t advanced_ms;
};

struct clock *clock_system(void)
{
    static struct clock system_clock;

    return &system_clock;
}

struct clock *clock_new_manual(int64_t start_real_ms)
{
    struct clock *clock = x_calloc(1, sizeof *clock);

    clock->is_manual = true;
    clock->start_real_ms = start_real_ms;
    return clock;
}

void clock_free(struct clock *clock)
{
    if (clock && clock->is_manual)
        free(clock);
}

static int64_t read_ms(clockid_t id)
{
    struct timespec now;

    if (clock_gettime(id, &now) != 0)
        abort();
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_mono_ms(struct clock *clock)
{
    int64_t base_ms = clock->is_manual ? MANUAL_MONO_START_MS : read_ms(CLOCK_MONOTONIC) + 1;

    return base_ms + atomic_load(&clock->advanced_ms);
}

int64_t clock_real_ms(struct clock *clock)
{
    int64_t base_ms = clock->is_manual ? clock->start_real_ms : read_ms(CLOCK_REALTIME);

    return base_ms + atomic_load(&clock->advanced_ms);
}

void clock_advance(struct clock *clock, int64_t ms)
{
    (void)atomic_fetch_add(&clock->advanced_ms, ms);
}
