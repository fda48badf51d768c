/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_UPLOAD_H
#define EMULATOR_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

struct blob;
struct emulator;
struct request;
struct response;
struct target;
struct times;

/* PUT of a whole content, to an item or to a path. */
void upload_put_content(struct request *request, struct response *response);

/* Makes the content that of the target's item, or of a new one, which `target` then names. The name
 * must have been claimed. */
void upload_store(const struct request *request, struct target *target, struct blob *blob,
                  const struct times *times);

/* The largest content that comes in one request. */
int64_t upload_limit(const struct emulator *emulator);

#endif
