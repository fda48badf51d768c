/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_CHILDREN_H
#define EMULATOR_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>

struct drive;
struct json_writer;
struct request;
struct response;

/* GET of a folder's children, a page of them. */
void children_get(struct request *request, struct response *response);

/* False if the request has $expand=children with options that can't be. */
bool children_check_expand(const struct request *request);

/* Writes the property "children" of an item that was asked for with $expand=children, and where
 * they go on. Without it, writes nothing. */
void children_write_expanded(struct json_writer *json, const struct request *request,
                             struct drive *drive, uint32_t folder);

#endif
