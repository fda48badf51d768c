/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_RANGE_H
#define GRAPHFS_GRAPH_RANGE_H

/* What a Content-Range header says. Pure functions. */

#include <stdbool.h>
#include <stdint.h>

struct content_range {
    bool has_range; /* first and last are told; not so in the answer to an unsatisfiable range */
    int64_t first;  /* bytes, inclusive */
    int64_t last;   /* bytes, inclusive */
    int64_t total;  /* size of the whole; -1: unknown */
};

/* Reads `bytes FIRST-LAST/TOTAL` (TOTAL may be `*`) or, of a 416, `bytes * / TOTAL` without the
 * blanks. Returns false for NULL and for anything that isn't well-formed or contradicts itself. */
bool content_range_parse(const char *value, struct content_range *ret_range);

#endif
