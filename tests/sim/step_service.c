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

bool service_wrong_412(struct world *world, const struct step *step)
{
    world->settings->wrong_412_percent = step->a;
    return true;
}

bool service_rewrite(struct world *world, const struct step *step)
{
    world->settings->rewrite_percent = step->a;
    return true;
}

bool service_move_etags(struct world *world, const struct step *step)
{
    (void)step;
    world->settings->moves_etag = true;
    return true;
}

bool service_lose_sessions(struct world *world, const struct step *step)
{
    (void)step;
    fake_remote_lose_sessions(world->fake);
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

/* How requests fail. */
struct failure {
    int code;
    long status;
    enum err_retry retry;
    int64_t retry_after_ms;
    bool leaves_doubt; /* whether a change was made */
};

static struct err failure_err(const struct failure *failure)
{
    struct err err;

    (void)err_set(&err, failure->code, "made to fail");
    err.http_status = failure->status;
    err.retry = failure->retry;
    err.retry_after_ms = failure->retry_after_ms;
    return err;
}

static struct err fail_reading(unsigned number)
{
    static const struct failure failures[] = {
        { -ETIMEDOUT, 0, ERR_RETRY_LATER, 0, true },
        { -ENETDOWN, 0, ERR_RETRY_LATER, 0, true },
        { -EIO, 503, ERR_RETRY_LATER, 0, true },
        { -EIO, 429, ERR_RETRY_LATER, 60000, false },
        { -ENOENT, 404, ERR_RETRY_NEVER, 0, false },
        { -EACCES, 403, ERR_RETRY_NEVER, 0, false },
        { -EACCES, 401, ERR_RETRY_AFTER_LOGIN, 0, false },
    };

    return failure_err(&failures[number % (sizeof failures / sizeof *failures)]);
}

static struct err fail_change(unsigned number)
{
    static const struct failure failures[] = {
        { -ETIMEDOUT, 0, ERR_RETRY_LATER, 0, true },
        { -ENETDOWN, 0, ERR_RETRY_LATER, 0, true },
        { -EIO, 500, ERR_RETRY_LATER, 0, true },
        { -EAGAIN, 503, ERR_RETRY_LATER, 0, true },
        { -EAGAIN, 429, ERR_RETRY_LATER, 60000, false },
        { -ENOENT, 404, ERR_RETRY_NEVER, 0, false },
        { -ESTALE, 412, ERR_RETRY_NEVER, 0, false },
        { -EEXIST, 409, ERR_RETRY_NEVER, 0, false },
        { -EBUSY, 423, ERR_RETRY_LATER, 0, false },
        { -ENOSPC, 507, ERR_RETRY_NEVER, 0, false },
        { -EACCES, 403, ERR_RETRY_NEVER, 0, false },
        { -EACCES, 401, ERR_RETRY_AFTER_LOGIN, 0, false },
    };

    const struct failure *failure = &failures[number % (sizeof failures / sizeof *failures)];
    struct err err = failure_err(failure);

    err.is_fate_unknown = failure->leaves_doubt;
    return err;
}

/* A change that was made before, and whose answer is lost so, leaves doubt in any case. */
bool service_fail(struct world *world, const struct step *step)
{
    size_t waiting = fake_remote_waiting(world->fake), index;
    struct err err;

    if (waiting == 0)
        return false;
    index = step->a % waiting;
    err = fake_remote_kind(world->fake, index) >= FAKE_MAKE_FOLDER ? fail_change(step->b)
                                                                   : fail_reading(step->b);
    fake_remote_deliver(world->fake, index, &err);
    return true;
}
