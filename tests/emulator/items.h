/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_ITEMS_H
#define EMULATOR_ITEMS_H

#include <stdbool.h>
#include <stdint.h>

#include "drive.h"

struct request;
struct response;

/* What a request's path leads to. */
struct place {
    struct drive *drive;
    uint32_t item;
    const struct state *state; /* as the view shows it; borrowed until the next change */
};

/* The drive that the request names; NULL after an error answer. Its views are brought up to date.
 */
struct drive *items_find_drive(struct request *request, struct response *response);

/* Finds the item by id in `view`, or by its path in the paths' own view; false after an error
 * answer. */
bool items_find(struct request *request, struct response *response, enum view view,
                struct place *ret_place);

/* True if this client gets to see the item in listings: shortcuts are shown only on request. */
bool items_is_listed(const struct request *request, const struct drive *drive, uint32_t item);

/* GET of one item. */
void items_get(struct request *request, struct response *response);

#endif
