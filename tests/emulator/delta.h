/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_DELTA_H
#define EMULATOR_DELTA_H

#include <stdbool.h>

struct request;
struct response;

/* GET of a drive's changes, a page of them. */
void delta_get(struct request *request, struct response *response);

/* True if `name` is one that delta_answer_gone() takes: a code that real answers have had, outside
 * or inside, or the short "apply" and "upload". */
bool delta_is_gone_code(const char *name);

/* The answer to an expired token. */
void delta_answer_gone(struct request *request, struct response *response, const char *name,
                       bool has_location);

#endif
