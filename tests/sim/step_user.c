/* SPDX-License-Identifier: MIT */
/* What somebody at the mount does. */
#include "config.h"

#include "numbers.h"
#include "step_i.h"

bool user_list(struct world *world, const struct step *step)
{
    ino_nr ino = number_is_made(world, step->a) ? world_ino(world, world->items[step->a]) : 0;
    struct node_attr attr;

    if (store_getattr(world->store, ino, &attr) < 0 || attr.kind != NODE_FOLDER)
        return false;
    world->wants++;
    (void)sync_want_listing(world->sync, ino, world_note_done, world);
    return true;
}

bool user_look_up(struct world *world, const struct step *step)
{
    ino_nr ino = number_is_made(world, step->a) ? world_ino(world, world->items[step->a]) : 0;
    struct node_attr attr;

    if (store_getattr(world->store, ino, &attr) < 0 || attr.kind != NODE_FOLDER)
        return false;
    world->wants++;
    (void)sync_want_child(world->sync, ino, step_names[step->c], world_note_done, world);
    return true;
}

bool user_follow(struct world *world, const struct step *step)
{
    ino_nr ino = number_is_made(world, step->a) ? world_ino(world, world->items[step->a]) : 0;
    struct node_attr attr;

    if (store_getattr(world->store, ino, &attr) < 0 || attr.kind != NODE_FILE ||
        !(attr.flags & NODE_SHORTCUT))
        return false;
    world->wants++;
    (void)sync_want_target(world->sync, ino, world_note_done, world);
    return true;
}

bool user_pull(struct world *world, const struct step *step)
{
    (void)step;
    world->wants++;
    (void)sync_pull_now(world->sync, world_note_done, world);
    return true;
}

bool user_use(struct world *world, const struct step *step)
{
    (void)step;
    sync_note_use(world->sync, 0);
    return true;
}

bool user_confirm(struct world *world, const struct step *step)
{
    (void)step;
    sync_confirm_removals(world->sync);
    return true;
}

bool user_wake(struct world *world, const struct step *step)
{
    (void)step;
    sync_wake(world->sync);
    return true;
}
