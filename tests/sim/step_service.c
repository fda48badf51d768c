/* SPDX-License-Identifier: MIT */
/* How the service behaves, and what becomes of requests. */
#include "config.h"

#include <errno.h>

#include "numbers.h"
#include "step_i.h"

bool service_lag(struct world *world, const struct step *step)
{
    world->model->lag_ms = step->a;
    return true;
}

bool service_shuffle(struct world *world, const struct step *step)
{
    (void)step;
    world->settings->is_shuffled = true;
    return true;
}

bool service_repeat(struct world *world, const struct step *step)
{
    world->settings->repeat_percent = step->a;
    return true;
}

bool service_omit_tombstones(struct world *world, const struct step *step)
{
    (void)step;
    world->settings->omits_tombstones = true;
    return true;
}

bool service_omit_ctags(struct world *world, const struct step *step)
{
    (void)step;
    world->settings->omits_ctag = true;
    return true;
}

bool service_page_size(struct world *world, const struct step *step)
{
    world->settings->page_size = step->a;
    return true;
}

bool service_children_page_size(struct world *world, const struct step *step)
{
    world->settings->children_page_size = step->a;
    return true;
}

bool service_expire(struct world *world, const struct step *step)
{
    static const struct {
        long status;
        const char *code;
    } deaths[] = {
        { 410, "resyncRequired" },
        { 410, "resyncChangesApplyDifferences" },
        { 410, "resyncChangesUploadDifferences" },
        { 400, "invalidRequest" },
    };

    size_t i = step->a % (sizeof deaths / sizeof *deaths);

    fake_remote_expire(world->fake, deaths[i].status, deaths[i].code);
    return true;
}

bool service_lose(struct world *world, const struct step *step)
{
    if (!number_is_own(world, step->a) || !number_is_movable(world, step->a))
        return false;
    world->model->items.items[world->items[step->a]].hidden_until_ms =
        clock_real_ms(world->clock) + step->b;
    world_note_edit(world);
    return true;
}

bool service_serve(struct world *world, const struct step *step)
{
    size_t waiting = fake_remote_waiting(world->fake);

    return waiting > 0 && fake_remote_serve(world->fake, step->a % waiting);
}

static bool is_mid_round(struct world *world)
{
    struct follow *follow = LIST_FIRST(&world->sync->follows);

    return follow && follow->status.round != ROUND_NONE;
}

static void note_answer(struct world *world, size_t index)
{
    enum fake_request kind = fake_remote_kind(world->fake, index);

    if (index > 0)
        world_note(world, EVENT_OVERTAKEN);
    if (fake_remote_is_served(world->fake, index))
        world_note(world,
                   fake_remote_is_too_late(world->fake, index) ? EVENT_TOO_LATE : EVENT_AGED);
    if (kind == FAKE_ASK_CHILDREN && is_mid_round(world))
        world_note(world, EVENT_LISTED_MID_ROUND);
    if (kind == FAKE_ASK_CHILD && is_mid_round(world))
        world_note(world, EVENT_NAMED_MID_ROUND);
}

bool service_deliver(struct world *world, const struct step *step)
{
    size_t waiting = fake_remote_waiting(world->fake);

    if (waiting == 0)
        return false;
    note_answer(world, step->a % waiting);
    fake_remote_deliver(world->fake, step->a % waiting, NULL);
    return true;
}

bool service_fail(struct world *world, const struct step *step)
{
    static const struct {
        int code;
        long status;
        enum err_retry retry;
        int64_t retry_after_ms;
    } failures[] = {
        { -ETIMEDOUT, 0, ERR_RETRY_LATER, 0 },      { -ENETDOWN, 0, ERR_RETRY_LATER, 0 },
        { -EIO, 503, ERR_RETRY_LATER, 0 },          { -EIO, 429, ERR_RETRY_LATER, 60000 },
        { -ENOENT, 404, ERR_RETRY_NEVER, 0 },       { -EACCES, 403, ERR_RETRY_NEVER, 0 },
        { -EACCES, 401, ERR_RETRY_AFTER_LOGIN, 0 },
    };

    size_t waiting = fake_remote_waiting(world->fake);
    size_t i = step->b % (sizeof failures / sizeof *failures);
    struct err err;

    if (waiting == 0)
        return false;
    (void)err_set(&err, failures[i].code, "made to fail");
    err.http_status = failures[i].status;
    err.retry = failures[i].retry;
    err.retry_after_ms = failures[i].retry_after_ms;
    fake_remote_deliver(world->fake, step->a % waiting, &err);
    return true;
}
