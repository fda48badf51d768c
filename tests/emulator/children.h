/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_CHILDREN_H
#define EMULATOR_CHILDREN_H

#include <stdint.h>

struct drive;
struct json_writer;
struct request;
struct response;

/* GET of a folder's children, a page of them. */
void children_get(struct request *request, struct response *response);

/* Writes the property "children" of an item that was asked for with $expand=children. */
void children_write_expanded(struct json_writer *json, const struct request *request,
                             struct drive *drive, uint32_t folder);

#endif
