/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_BIN_H
#define EMULATOR_BIN_H

#include <stdbool.h>

struct request;
struct response;

/* True if the request's special folder is the recycle bin, which is no item. */
bool bin_is_meant(const struct request *request);

/* GET of what is in the bin. */
void bin_get(struct request *request, struct response *response);

#endif
