/* SPDX-License-Identifier: MIT */
/* Time passes, and graphfs begins and dies. */
#include "config.h"

#include "step_i.h"

bool life_make_writable(struct world *world, const struct step *step)
{
    (void)step;
    if (!world->is_writable)
        world_make_writable(world);
    return true;
}

bool time_turn(struct world *world, const struct step *step)
{
    (void)step;
    (void)world_turn(world);
    return true;
}

bool time_wait(struct world *world, const struct step *step)
{
    clock_advance(world->clock, step->a);
    return true;
}

bool time_next(struct world *world, const struct step *step)
{
    int64_t now_ms = clock_mono_ms(world->clock), next_ms = world_turn(world);

    (void)step;
    if (next_ms <= now_ms || next_ms > now_ms + (int64_t)10 * STEP_LAG_MAX_MS)
        return false;
    clock_advance(world->clock, next_ms - now_ms);
    (void)world_turn(world);
    return true;
}

bool time_run(struct world *world, const struct step *step)
{
    world_run(world, step->a);
    return true;
}

bool time_calm(struct world *world, const struct step *step)
{
    (void)step;
    world_calm(world);
    return true;
}

bool death_kill(struct world *world, const struct step *step)
{
    (void)step;
    world_kill(world, false);
    return true;
}

bool death_cut_power(struct world *world, const struct step *step)
{
    (void)step;
    world_kill(world, true);
    return true;
}

bool death_kill_later(struct world *world, const struct step *step)
{
    memory_disk_fall_after(world->bench->disk, step->a, false);
    return true;
}

bool death_cut_power_later(struct world *world, const struct step *step)
{
    memory_disk_fall_after(world->bench->disk, step->a, true);
    return true;
}
