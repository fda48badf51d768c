/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_NUMBERS_H
#define GRAPHFS_TESTS_NUMBERS_H

/* The items of a world by the numbers that steps name them by. One that no step has made, or whose
 * step was left out, is nothing. */

#include "world.h"

/* One that is made. */
const struct fake_item *number_item(const struct world *world, unsigned number);
/* The number of an item of the model; world->next_item: it has none. */
unsigned number_find(const struct world *world, size_t item);

/* All but the first and is_deleted are of items that are there, in truth. */
bool number_is_made(const struct world *world, unsigned number);
bool number_is_live(const struct world *world, unsigned number);
bool number_is_deleted(const struct world *world, unsigned number);
bool number_is_folder(const struct world *world, unsigned number);
bool number_is_file(const struct world *world, unsigned number);
bool number_is_movable(const struct world *world, unsigned number); /* and can be deleted */
bool number_is_shortcut(const struct world *world, unsigned number);
/* In the user's drive, or in the other one. */
bool number_is_own(const struct world *world, unsigned number);
bool number_is_own_folder(const struct world *world, unsigned number);
bool number_is_shared(const struct world *world, unsigned number);
bool number_is_shared_folder(const struct world *world, unsigned number);

/* Whether the folder has another item than `but` with this name; case is no difference. Both are
 * items of the model. */
bool number_is_taken(const struct world *world, size_t folder, const char *name, size_t but);

#endif
