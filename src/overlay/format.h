/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_OVERLAY_FORMAT_H
#define GRAPHFS_OVERLAY_FORMAT_H

/*
 * The bytes of a map, see overlay/map.h:
 *
 *     0                  the head: its length, whose overlay this is, where the file was, its base;
 *                        its strings can be read by a person (`strings`)
 *     the head's length  the time, UNIT bytes, written in place
 *     + UNIT             records, UNIT bytes each
 *
 * Each of these has a checksum. UNIT divides the sectors of all disks and lengths are multiples of
 * it, so that one that is written in place is never torn: the disk has it as it was or as it is.
 * Integers are little-endian. Pure functions.
 */

#include "base/strbuf.h"
#include "overlay/overlay.h"
#include "overlay/ranges.h"

#include <stdint.h>

#define UNIT 64
/* The longest head. */
#define HEAD_MAX 65536
/* As much of a head as is needed to know how long it is. */
#define HEAD_BEGIN 32

struct head {
    uint64_t generation;
    struct overlay_place place;
    bool has_base;
    struct content_id base; /* all 0 if there is none */
};

/* Appends the head to ${out}; -ENAMETOOLONG if it would be longer than HEAD_MAX. */
int head_encode(const struct head *head, struct strbuf *out);

/* The length of the head that begins so, or -EBADMSG. */
int64_t head_length(const uint8_t in[HEAD_BEGIN]);

/* Returns 0, or -EBADMSG for anything that head_encode() doesn't write. The strings point into
 * ${in}. */
int head_decode(const uint8_t *in, size_t length, struct head *ret_head);

enum record_kind {
    RECORD_NONE,   /* zeros: what has not reached the disk */
    RECORD_OURS,   /* nothing of the base shows in ${range} any more */
    RECORD_SYNCED, /* the first range.end records of this boot, and all data, are on the disk */
};

struct record {
    enum record_kind kind;
    uint64_t boot;
    struct range range;
};

/* ${generation} goes into the checksum: a record of another overlay is none of ours. */
void record_encode(const struct record *record, uint64_t generation, uint8_t out[UNIT]);

/* Returns 0, or -EBADMSG for anything that record_encode() doesn't write, but zeros. */
int record_decode(const uint8_t in[UNIT], uint64_t generation, struct record *ret_record);

/* The time of an overlay in its map, while the file's own can't be relied on. */
void time_encode(bool is_set, int64_t mtime_ns, uint64_t generation, uint8_t out[UNIT]);

/* False: it is not set, or was never written. */
bool time_decode(const uint8_t in[UNIT], uint64_t generation, int64_t *ret_mtime_ns);

#endif
