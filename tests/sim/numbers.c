/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "numbers.h"

const struct fake_item *number_item(const struct world *world, unsigned number)
{
    return &world->model->items.items[world->items[number]];
}

bool number_is_made(const struct world *world, unsigned number)
{
    return number < WORLD_ITEMS + WORLD_UPLOADS_MAX && world->items[number] != SIZE_MAX;
}

bool number_is_live(const struct world *world, unsigned number)
{
    return number_is_made(world, number) &&
           !fake_truth(world->model, world->items[number])->is_deleted;
}

bool number_is_folder(const struct world *world, unsigned number)
{
    return number_is_live(world, number) && number_item(world, number)->kind == ITEM_FOLDER &&
           number_item(world, number)->target == SIZE_MAX;
}

bool number_is_file(const struct world *world, unsigned number)
{
    return number_is_live(world, number) && number_item(world, number)->kind == ITEM_FILE &&
           number_item(world, number)->target == SIZE_MAX;
}

/* One that can be moved and deleted. */
bool number_is_movable(const struct world *world, unsigned number)
{
    return number_is_live(world, number) && !number_item(world, number)->is_root;
}

bool number_is_deleted(const struct world *world, unsigned number)
{
    return number_is_made(world, number) && !number_is_live(world, number);
}

bool number_is_own(const struct world *world, unsigned number)
{
    return number_is_live(world, number) && number_item(world, number)->drive == 0;
}

bool number_is_own_folder(const struct world *world, unsigned number)
{
    return number_is_own(world, number) && number_is_folder(world, number);
}

bool number_is_shared(const struct world *world, unsigned number)
{
    return number_is_live(world, number) && number_item(world, number)->drive != 0;
}

bool number_is_shared_folder(const struct world *world, unsigned number)
{
    return number_is_shared(world, number) && number_is_folder(world, number);
}

bool number_is_shortcut(const struct world *world, unsigned number)
{
    return number_is_live(world, number) && number_item(world, number)->target != SIZE_MAX;
}

unsigned number_find(const struct world *world, size_t item)
{
    unsigned number = 0;

    while (number < world->next_item && world->items[number] != item)
        number++;
    for (unsigned i = 0; number == world->next_item && i < world->uploads; i++) {
        if (world->items[WORLD_UPLOADS + i] == item)
            return WORLD_UPLOADS + i;
    }
    return number;
}

bool number_is_taken(const struct world *world, size_t folder, const char *name, size_t but)
{
    return fake_is_taken(world->model, folder, name, but);
}
