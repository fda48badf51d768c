/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_BATCH_H
#define EMULATOR_BATCH_H

struct request;
struct response;

/* POST /$batch: up to twenty requests in one, answered in any order. */
void batch_post(struct request *request, struct response *response);

#endif
