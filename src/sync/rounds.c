/* SPDX-License-Identifier: MIT */
/*
 * Rounds: the drives that are followed, and what each does next.
 *
 * A drive rests until its time has come, then fetches pages one after the other (each while the one
 * before is taken in), then applies what was staged in steps, and rests again. What the round has
 * come to is in the store (struct drive_row) and changes only together with what it stands for, in
 * one transaction (round_store.c); nothing here is needed to go on after a kill. A failure puts the
 * drive to rest for a while; others go on.
 */
#include "config.h"

#include "sync/round_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "sync/round_plan.h"
#include "sync/sync_i.h"

/* How long `graphfs sync` waits for a page that doesn't come. */
#define PULL_DEADLINE_MS (30 * INT64_C(1000))

/* So many checks failed because an item could not be had: the drive goes on without it. */
#define FAILED_CHECKS_MAX 4

static void proceed(struct sync *sync, struct follow *follow);

static void abandon_page(struct sync *sync, struct follow *follow)
{
    request_abandon(sync, follow->request);
    follow->request = NULL;
}

/* ---- the drives that are followed ---- */

struct follow *rounds_find(struct sync *sync, int64_t drive)
{
    struct follow *follow;

    LIST_FOREACH (follow, &sync->follows, link) {
        if (follow->drive == drive)
            return follow;
    }
    return NULL;
}

/* The drive is known under another id: what was asked for under the former one is void. */
static void take_drive_id(struct sync *sync, struct follow *follow, const struct drive_row *drive)
{
    if (strcmp(follow->drive_id, drive->drive_id) == 0)
        return;
    free(follow->drive_id);
    follow->drive_id = x_strdup(drive->drive_id);
    follow->status.round = drive->round;
    follow->phase = FOLLOW_RESTING;
    follow->failures = follow->restarts = follow->broken_links = 0;
    follow->ended_ms = 0;
    abandon_page(sync, follow);
    check_abandon(sync, follow->check);
    follow->check = NULL;
    strset_clear(&follow->links);
    strset_clear(&follow->undecided);
}

static void follow_row(struct sync *sync, const struct drive_row *drive)
{
    struct follow *follow;

    if (drive->kind != DRIVE_OWN)
        return;
    follow = rounds_find(sync, drive->id);
    if (follow) {
        take_drive_id(sync, follow, drive);
        return;
    }
    follow = x_calloc(1, sizeof *follow);
    follow->drive = drive->id;
    follow->drive_id = x_strdup(drive->drive_id);
    follow->status = (struct sync_drive_status){
        .drive = drive->id,
        .round = drive->round,
        .items_seen = drive->items_seen,
        .last_round_ms = drive->round_ended_ms,
    };
    LIST_INSERT_HEAD(&sync->follows, follow, link);
}

void rounds_follow(struct sync *sync, int64_t drive)
{
    struct drive_row row;

    if (store_get_drive(sync->conf.store, drive, &row) < 0)
        return;
    follow_row(sync, &row);
    drive_row_clear(&row);
}

/* The default drive, and those whose rows must be kept up because they were followed before. */
static bool follow_if_known(const struct drive_row *drive, void *arg)
{
    if (drive->is_default || drive->delta_link || drive->round != ROUND_NONE)
        follow_row(arg, drive);
    return true;
}

void rounds_follow_known(struct sync *sync)
{
    (void)store_list_drives(sync->conf.store, follow_if_known, sync);
}

/* ---- failures ---- */

static void rest_after_failure(struct sync *sync, struct follow *follow, const struct err *err)
{
    follow->phase = FOLLOW_RESTING;
    follow->failures++;
    follow->waits_for_wake = sync_waits_for_wake(err);
    follow->due_ms = clock_mono_ms(sync->conf.clock) + sync_backoff_ms(follow->failures, err);
    follow->status.error = *err;
    /* A page asked for again is no loop. */
    strset_clear(&follow->links);
    log_info("sync", "drive %s: %s", follow->drive_id, err->msg);
    pull_fail(sync, err);
}

static void fail(struct sync *sync, struct follow *follow, const struct err *err)
{
    struct err restart_err = { 0 };
    enum round_remedy remedy = round_plan_remedy(&(struct round_failure){
        .err = err,
        .followed_link = follow->followed_link,
        .broken_links = follow->broken_links,
        .lost_links = follow->lost_links,
        .restarts = follow->restarts,
    });

    abandon_page(sync, follow); /* the next one, if this one could not be taken in */
    if (err->code == -EPROTO)
        follow->broken_links++;
    follow->lost_links = err->http_status == 404 ? follow->lost_links + 1 : 0;
    if (remedy == REMEDY_RETRY) {
        rest_after_failure(sync, follow, err);
        return;
    }
    log_info("sync", "drive %s: enumerated again from the beginning: %s", follow->drive_id,
             err->msg);
    follow->restarts++;
    strset_clear(&follow->links);
    if (round_store_restart(sync, follow, &restart_err) < 0)
        rest_after_failure(sync, follow, &restart_err);
    else if (remedy == REMEDY_RESTART)
        proceed(sync, follow);
    else
        rest_after_failure(sync, follow, err);
}

/* ---- fetching ---- */

static void finish(struct sync *sync, struct follow *follow)
{
    follow->phase = FOLLOW_RESTING;
    follow->ended_ms = clock_mono_ms(sync->conf.clock);
    follow->failures = follow->restarts = follow->broken_links = 0;
    follow->waits_for_wake = false;
    follow->done_pull = follow->began_pull;
    follow->status.rounds++;
    err_clear(&follow->status.error);
    strset_clear(&follow->links);
    listing_note_round(sync, follow->drive);
    ahead_note_round(sync, follow->drive);
    absence_poke(sync);
    push_poke(sync); /* what is known now may be what a row had to wait for */
    pull_finish_done(sync);
}

/* A link that came before would lead round in circles; and what never repeats must end too. */
static int check_next_link(struct follow *follow, const char *link, struct err *err)
{
    if (link && follow->links.len >= PAGES_MAX)
        return err_set(err, -EPROTO, "more than %d pages of changes", PAGES_MAX);
    if (link && !strset_add(&follow->links, link))
        return err_set(err, -EPROTO, "the pages of changes go round in circles");
    return 0;
}

static void on_page(struct sync *sync, struct answer *answer, void *owner);

static void request_next(struct sync *sync, struct follow *follow, const char *link)
{
    follow->request = request_page(sync,
                                   &(struct page_query){
                                       .kind = link ? PAGE_LINK : PAGE_DELTA,
                                       .drive_id = follow->drive_id,
                                       .link = link,
                                       .priority = REMOTE_BACKGROUND,
                                       .deadline_ms = sync->pulls.len > 0 ? PULL_DEADLINE_MS : 0,
                                   },
                                   on_page, follow);
}

/* The next page is on its way while this one is taken in: their times don't add up. Nothing of it
 * is looked at before this one is in the store. */
static int take_page(struct sync *sync, struct follow *follow, const struct item_page *page,
                     struct err *err)
{
    int r = round_plan_check_links(page, err);

    if (r == 0)
        r = check_next_link(follow, page->next_link, err);
    if (r == 0 && page->next_link)
        request_next(sync, follow, page->next_link);
    if (r == 0)
        r = round_store_page(sync, follow, page, err);
    return r;
}

static void on_page(struct sync *sync, struct answer *answer, void *owner)
{
    struct follow *follow = owner;

    follow->request = NULL;
    if (answer->err.code == 0)
        (void)take_page(sync, follow, answer->page, &answer->err);
    if (answer->err.code != 0) {
        fail(sync, follow, &answer->err);
        return;
    }
    follow->lost_links = 0;
    if (follow->restarts == 0 && follow->broken_links == 0)
        follow->failures = 0;
    if (follow->status.round == ROUND_NONE)
        finish(sync, follow);
    else
        proceed(sync, follow);
}

static void fetch(struct sync *sync, struct follow *follow, const struct round_plan *plan)
{
    follow->phase = FOLLOW_FETCHING;
    follow->status.round = plan->round;
    follow->round_is_new = plan->is_new;
    follow->followed_link = plan->step == STEP_FOLLOW;
    if (plan->is_new)
        follow->began_pull = sync->pulls_asked;
    if (!follow->request) /* take_page() has asked for the link that it stored */
        request_next(sync, follow, plan->link);
}

/* The next step, from what the store says. */
static void proceed(struct sync *sync, struct follow *follow)
{
    struct drive_row drive;
    struct round_plan plan;
    struct err err = { 0 };
    int r = store_get_drive(sync->conf.store, follow->drive, &drive);

    if (r < 0) {
        (void)sync_explain(&err, r, "reading the state of a drive");
        abandon_page(sync, follow);
        rest_after_failure(sync, follow, &err);
        return;
    }
    plan = round_plan_next(&drive);
    if (plan.step == STEP_APPLY)
        follow->phase = FOLLOW_APPLYING;
    else
        fetch(sync, follow, &plan);
    drive_row_clear(&drive);
}

/* ---- applying ---- */

static void on_checked(struct sync *sync, const struct err *err, bool has_left, void *owner)
{
    struct follow *follow = owner;

    follow->check = NULL;
    follow->failed_checks = err ? follow->failed_checks + has_left : 0;
    strset_clear(&follow->undecided);
    if (err)
        rest_after_failure(sync, follow, err);
    else
        follow->phase = FOLLOW_APPLYING;
}

/* All is applied that could be; what could not is asked for. */
static void check(struct sync *sync, struct follow *follow)
{
    follow->phase = FOLLOW_CHECKING;
    follow->check = check_new(sync,
                              &(struct check_query){
                                  .drive = follow->drive,
                                  .drive_id = follow->drive_id,
                                  .ids = &follow->undecided,
                                  .is_staged = true,
                                  .gives_up = follow->failed_checks >= FAILED_CHECKS_MAX,
                                  .priority = REMOTE_BACKGROUND,
                              },
                              on_checked, follow);
}

static void apply_step(struct sync *sync, struct follow *follow)
{
    struct err err = { 0 };

    switch (round_store_apply(sync, follow, &err)) {
    case ROUND_APPLY_MORE:
        break;
    case ROUND_APPLY_UNDECIDED:
        check(sync, follow);
        break;
    case ROUND_APPLY_DONE:
        finish(sync, follow);
        break;
    case ROUND_APPLY_FAILED:
        strset_clear(&follow->undecided);
        rest_after_failure(sync, follow, &err);
        break;
    }
}

/* ---- timers ---- */

static int64_t next_round_ms(struct sync *sync, const struct follow *follow, int64_t now_ms)
{
    if (follow->failures > 0)
        return follow->due_ms;
    if (follow->ended_ms == 0 || follow->done_pull < sync->pulls_asked)
        return 0;
    return follow->ended_ms + poll_delay_ms(sync->conf.poll_s * INT64_C(1000),
                                            sync->conf.poll_idle_s * INT64_C(1000),
                                            now_ms - atomic_load(&sync->used_ms));
}

static int64_t follow_turn(struct sync *sync, struct follow *follow, int64_t now_ms)
{
    if (follow->phase == FOLLOW_RESTING) {
        int64_t due_ms = next_round_ms(sync, follow, now_ms);

        if (due_ms > now_ms)
            return due_ms;
        proceed(sync, follow);
    } else if (follow->phase == FOLLOW_APPLYING) {
        apply_step(sync, follow);
    }
    return follow->phase == FOLLOW_FETCHING || follow->phase == FOLLOW_CHECKING ? TIME_NEVER : 0;
}

int64_t rounds_turn(struct sync *sync, int64_t now_ms)
{
    int64_t next_ms = TIME_NEVER;
    struct follow *follow;

    LIST_FOREACH (follow, &sync->follows, link) {
        int64_t due_ms = follow_turn(sync, follow, now_ms);

        if (due_ms < next_ms)
            next_ms = due_ms;
    }
    return next_ms;
}

void rounds_wake(struct sync *sync)
{
    struct follow *follow;

    LIST_FOREACH (follow, &sync->follows, link) {
        if (follow->waits_for_wake)
            follow->due_ms = 0;
    }
}

void rounds_free(struct sync *sync)
{
    struct follow *follow;

    while ((follow = LIST_FIRST(&sync->follows))) {
        LIST_REMOVE(follow, link);
        abandon_page(sync, follow);
        check_abandon(sync, follow->check);
        strset_clear(&follow->links);
        strset_clear(&follow->undecided);
        free(follow->drive_id);
        free(follow);
    }
}
