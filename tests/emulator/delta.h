/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_DELTA_H
#define EMULATOR_DELTA_H

#include <stdbool.h>

struct request;
struct response;

/* GET of a drive's changes, a page of them. */
void delta_get(struct request *request, struct response *response);

/* The answer to an expired token. `code`: "apply", "upload" or "resyncRequired". */
void delta_answer_gone(struct request *request, struct response *response, const char *code,
                       bool has_location);

#endif
