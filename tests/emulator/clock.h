/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_CLOCK_H
#define EMULATOR_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIME_TEXT_SIZE = 40 };

/* The first and the last moment that RFC 3339 can name. */
#define TIME_MIN_MS (INT64_C(-62135596800) * 1000)
#define TIME_MAX_MS (INT64_C(253402300799) * 1000)

/* The service's clock: real time plus what a control request moved it by. It never goes back.
 * Guarded by the world lock. */
struct clock {
    int64_t offset_ms;
};

/* Milliseconds since 1970. */
int64_t clock_now_ms(const struct clock *clock);

/* RFC 3339 in UTC. With `has_fraction` milliseconds follow, without their trailing zeros. */
void time_format(int64_t time_ms, bool has_fraction, char ret_text[TIME_TEXT_SIZE]);

/* The form of the HTTP Date header. */
void time_format_http(int64_t time_ms, char ret_text[TIME_TEXT_SIZE]);

/* Reads "2026-01-02T03:04:05[.678]Z" (a 'Z' or nothing at the end). 0 or -1. */
int time_parse(const char *text, int64_t *ret_ms);

#endif
