/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_SELECTION_H
#define EMULATOR_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

struct request;

/* Which properties an answer has: bit i for row i of item_properties. */
struct selection {
    uint64_t properties;
    bool is_explicit; /* the client named them */
};

/* Reads the value of a $select, NULL: none. Returns NULL, or the name of a property that driveItem
 * has not, which is a part of `text`. */
const char *selection_parse_text(const char *text, struct selection *ret_selection);

/* Reads the request's $select. Returns NULL, or the name of a property that driveItem has not; that
 * lives until the request ends. */
const char *selection_parse(const struct request *request, struct selection *ret_selection);

#endif
