/* SPDX-License-Identifier: MIT */
/* Somebody changes the drive. */
#include "config.h"

#include <stdio.h>

#include "numbers.h"
#include "step_i.h"

#define FILL_COUNT 30 /* more than may go without asking */

static bool make(struct world *world, unsigned number, unsigned parent, const char *name,
                 enum item_kind kind)
{
    if (number >= WORLD_ITEMS || number_is_made(world, number) ||
        !number_is_folder(world, parent) ||
        number_is_taken(world, world->items[parent], name, SIZE_MAX))
        return false;
    world->items[number] = fake_create(world->model, world->items[parent], name, kind);
    if (world->next_item <= number)
        world->next_item = number + 1;
    world_note_edit(world);
    return true;
}

bool edit_create_file(struct world *world, const struct step *step)
{
    return make(world, step->a, step->b, step_names[step->c], ITEM_FILE);
}

bool edit_create_folder(struct world *world, const struct step *step)
{
    return make(world, step->a, step->b, step_names[step->c], ITEM_FOLDER);
}

bool edit_fill(struct world *world, const struct step *step)
{
    bool has_made = false;

    for (unsigned i = 0; i < FILL_COUNT; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "f%u", i);
        has_made |= make(world, step->a + i, step->b, name, ITEM_FILE);
    }
    return has_made;
}

bool edit_create_shortcut(struct world *world, const struct step *step)
{
    const char *name = step_names[step->c % (STEP_NAMES)];

    if (number_is_made(world, step->a) || step->a >= WORLD_ITEMS ||
        !number_is_own_folder(world, step->b) || !number_is_shared(world, step->d) ||
        number_is_taken(world, world->items[step->b], name, SIZE_MAX))
        return false;
    world->items[step->a] =
        fake_create_shortcut(world->model, world->items[step->b], name, world->items[step->d]);
    if (world->next_item <= step->a)
        world->next_item = step->a + 1;
    world_note_edit(world);
    return true;
}

static bool move_to(struct world *world, unsigned number, size_t parent, const char *name)
{
    size_t item = world->items[number];

    if (fake_is_below(world->model, parent, item) || number_is_taken(world, parent, name, item))
        return false;
    fake_move(world->model, item, parent, name);
    world_note_edit(world);
    return true;
}

bool edit_move(struct world *world, const struct step *step)
{
    return number_is_movable(world, step->a) && number_is_folder(world, step->b) &&
           number_item(world, step->a)->drive == number_item(world, step->b)->drive &&
           move_to(world, step->a, world->items[step->b], step_names[step->c]);
}

bool edit_rename(struct world *world, const struct step *step)
{
    return number_is_movable(world, step->a) &&
           move_to(world, step->a, fake_truth(world->model, world->items[step->a])->parent,
                   step_names[step->c]);
}

bool edit_swap(struct world *world, const struct step *step)
{
    struct fake_model *model = world->model;
    struct fake_version first, second;
    size_t one, other;

    if (!number_is_movable(world, step->a) || !number_is_movable(world, step->b) ||
        step->a == step->b ||
        number_item(world, step->a)->drive != number_item(world, step->b)->drive)
        return false;
    one = world->items[step->a];
    other = world->items[step->b];
    if (fake_is_below(model, one, other) || fake_is_below(model, other, one))
        return false;
    first = *fake_truth(model, one);
    second = *fake_truth(model, other);
    fake_move(model, one, second.parent, "swapping");
    fake_move(model, other, first.parent, first.name);
    fake_move(model, one, second.parent, second.name);
    world_note_edit(world);
    return true;
}

bool edit_delete(struct world *world, const struct step *step)
{
    if (!number_is_movable(world, step->a))
        return false;
    fake_delete(world->model, world->items[step->a]);
    world_note_edit(world);
    return true;
}

/* Another item of the same name, of either kind. */
bool edit_replace(struct world *world, const struct step *step)
{
    struct fake_version old;

    if (!number_is_movable(world, step->a) || number_is_made(world, step->b) ||
        step->b >= WORLD_ITEMS)
        return false;
    old = *fake_truth(world->model, world->items[step->a]);
    fake_delete(world->model, world->items[step->a]);
    world->items[step->b] =
        fake_create(world->model, old.parent, old.name, step->c % 2 ? ITEM_FOLDER : ITEM_FILE);
    if (world->next_item <= step->b)
        world->next_item = step->b + 1;
    world_note_edit(world);
    return true;
}

bool edit_write(struct world *world, const struct step *step)
{
    if (!number_is_file(world, step->a))
        return false;
    fake_write(world->model, world->items[step->a], step->b);
    world_note_edit(world);
    return true;
}

bool edit_touch(struct world *world, const struct step *step)
{
    if (!number_is_live(world, step->a) || number_item(world, step->a)->target != SIZE_MAX)
        return false;
    fake_touch(world->model, world->items[step->a], (int64_t)step->b * 1000000000);
    world_note_edit(world);
    return true;
}

bool edit_restore(struct world *world, const struct step *step)
{
    const struct fake_version *truth;

    if (!number_is_deleted(world, step->a))
        return false;
    truth = fake_truth(world->model, world->items[step->a]);
    if (fake_truth(world->model, truth->parent)->is_deleted ||
        number_is_taken(world, truth->parent, truth->name, world->items[step->a]))
        return false;
    fake_restore(world->model, world->items[step->a]);
    world_note_edit(world);
    return true;
}

/* All items of the user's drive have other ids and tags. */
bool edit_migrate(struct world *world, const struct step *step)
{
    (void)step;
    world->model->back_end++;
    for (size_t i = 0; i < world->model->items.len; i++) {
        char id[32];

        if (world->model->items.items[i].drive != 0)
            continue;
        (void)snprintf(id, sizeof id, "M%u-%zu", world->model->back_end, i);
        fake_set_id(world->model, i, id);
    }
    fake_remote_expire(world->fake, 410, "resyncRequired");
    world->is_moving |= !world->is_calm;
    world->moved_calmly = true;
    return true;
}

bool edit_migrate_drive(struct world *world, const struct step *step)
{
    struct fake_drive *drive = &world->model->drives.items[0];

    (void)edit_migrate(world, step);
    (void)snprintf(drive->id, sizeof drive->id, "D%u", world->model->back_end + 1);
    return true;
}

bool edit_retag(struct world *world, const struct step *step)
{
    if (!number_is_movable(world, step->a))
        return false;
    (void)fake_change(world->model, world->items[step->a]);
    world_note_edit(world);
    return true;
}
