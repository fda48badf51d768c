/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_ITEM_JSON_H
#define EMULATOR_ITEM_JSON_H

#include <stdint.h>

#include "drive.h"
#include "json_writer.h"
#include "selection.h"

struct request;

/* Writes an item as `view` shows it, an object. `state` is what the view shows of it. In
 * VIEW_DELTA the answer has the form that delta gives, tombstones included. */
void item_json_write(struct json_writer *json, const struct request *request, struct drive *drive,
                     uint32_t item, const struct state *state, enum view view,
                     const struct selection *selection);

/* The same with its children inside, when the request has $expand=children; and the context first,
 * when it is the whole answer. */
void item_json_write_whole(struct json_writer *json, const struct request *request,
                           struct drive *drive, uint32_t item, const struct state *state,
                           enum view view, const struct selection *selection);

/* Writes the property `key` that says what the answer is about: the drive, the item unless it is
 * ITEM_NONE, and `rest`. */
void item_json_write_context(struct json_writer *json, const char *key,
                             const struct request *request, const struct drive *drive,
                             uint32_t item, const char *rest);

#endif
