/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_PUSH_FRAGMENT_H
#define GRAPHFS_SYNC_PUSH_FRAGMENT_H

/*
 * How much of a content goes in one request: what the line takes in some seconds. Small fragments
 * cost round trips, large ones memory, and much is to be sent again when one breaks off. Pure
 * functions; in units of REMOTE_FRAGMENT_UNIT.
 */

#include <stddef.h>
#include <stdint.h>

/* Before anything is known of the line. */
#define FRAGMENT_FIRST 16

/* What is next after a fragment of that many bytes, which took so long, when `units` was wanted. */
unsigned fragment_after(unsigned units, size_t length, int64_t took_ms);

/* The same after one that has failed. */
unsigned fragment_after_failure(unsigned units);

/* How many bytes the next one has if `uploads` are under way at a time: all of them together stay
 * below a bound. */
size_t fragment_length(unsigned units, size_t uploads, int64_t left);

#endif
