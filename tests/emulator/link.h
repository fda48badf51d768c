/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_LINK_H
#define EMULATOR_LINK_H

#include "buffer.h"

struct request;

/* Adds an opaque value to a link that clients are to follow as it is. `text` must need no escape.
 */
void link_add_value(struct buffer *link, const char *text);

/* The text of such a value at the beginning of `spelled`, which goes on after it with `end` (0: it
 * doesn't). NULL if it is not spelled as link_add_value() spells. The caller frees the result. */
char *link_read_value(const char *spelled, char end);

/* The text of the value under `name` in the query of the request, in the same way. */
char *link_read_option(const struct request *request, const char *name);

#endif
