/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_BATCH_H
#define EMULATOR_BATCH_H

struct request;
struct response;

/* POST /$batch: up to twenty GETs in one request, answered in any order. */
void batch_post(struct request *request, struct response *response);

#endif
