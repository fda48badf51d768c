/* SPDX-License-Identifier: MIT */
/*
 * What is next for one row: what the store says of it (push_facts.c), what is remembered in memory
 * (who rests, who is held, what is under way), and the plan that follows (push_plan.c).
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "sync/push_facts.h"
#include "sync/push_identity.h"
#include "sync/push_look.h"

/* A session that nothing stands in the way of is refused so often before the content goes another
 * way. */
#define NAME_REFUSALS 3

/* Whether it is left alone for now. */
static bool is_paused(struct push_look *look, ino_nr ino)
{
    int64_t until_ms = pauses_until(&look->sync->push.pauses, ino, push_now_ms(look->sync));

    if (until_ms != 0 && until_ms < look->next_ms)
        look->next_ms = until_ms;
    return until_ms != 0;
}

/* Until when the row's content waits for those who write to it; 0: it doesn't. */
static int64_t held_until_ms(struct push_look *look, ino_nr ino)
{
    int64_t until_ms = holds_until(&look->sync->push.holds, ino, push_now_ms(look->sync));

    if (until_ms != 0 && until_ms < look->next_ms)
        look->next_ms = until_ms;
    return until_ms;
}

/* ---- a file that was saved anew ---- */

/* Nothing is handed over of which something is under way, or may have been done. A backup gives up
 * its item when the new file has rested, too. */
static int is_busy(struct push_look *look, const struct push_facts *facts, bool *ret)
{
    struct intent intent;
    int r = txn_get_intent(look->txn, facts->partner, &intent);

    *ret = facts->partner_is_busy || r == 0 || push_has_job(look->sync, facts->partner) ||
           (facts->is_backup && is_paused(look, facts->partner));
    if (r == 0)
        intent_clear(&intent);
    return r == -ENOENT ? 0 : r;
}

/* Where a backup can't have a content of its own (there is no room) each goes its way. */
static bool goes_alone(struct push_look *look, ino_nr ino, const struct push_facts *facts)
{
    ino_nr backup = facts->is_backup ? ino : facts->partner;

    return pauses_count_refusals(&look->sync->push.pauses, backup) > 0;
}

static int find_partner(struct push_look *look, ino_nr ino, struct push_facts *facts)
{
    if (facts->partner != STORE_INO_NONE && goes_alone(look, ino, facts))
        facts->partner = STORE_INO_NONE;
    if (facts->partner != STORE_INO_NONE)
        return is_busy(look, facts, &facts->partner_is_busy);
    facts->partner_is_busy = false;
    return 0;
}

static int take_over(struct push_look *look, const struct node *node, ino_nr partner)
{
    look->has_changed = true;
    return identity_hand_over(look->txn, node->attr.ino, partner);
}

/* Whether a file that is being written, or was just now, has the name that the row had: it may turn
 * out to be what the row is from now on. */
static int find_heir(struct push_look *look, const struct node *node, bool *ret)
{
    struct node_attr heir;
    int r;

    *ret = false;
    if (node->attr.kind != NODE_FILE ||
        !(node_dirty(node, APPLY_MTIME_GRANULARITY_NS) & (DIRTY_PLACE | DIRTY_DELETED)))
        return 0;
    r = txn_lookup(look->txn, node->base.parent, node->base.name, &heir);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (heir.ino != node->attr.ino && heir.kind == NODE_FILE)
        *ret = held_until_ms(look, heir.ino) != 0 || is_paused(look, heir.ino);
    return 0;
}

/* ---- what is under way ---- */

/* What is asked for now may have the name by the time that the row asks for it. */
static bool is_name_asked_for(const struct push_job *job, const struct node *node, const char *name)
{
    const struct intent *intent = &job->intent;

    return job->ino != node->attr.ino && name && intent->name &&
           intent->parent == node->local.parent && strcmp(intent->name, name) == 0;
}

static bool is_name_under_way(const struct push_look *look, const struct node *node)
{
    cleanup_free char *name = NULL;
    const struct push_job *job;

    if (!(node->attr.flags & NODE_LOCAL) ||
        !(node_dirty(node, APPLY_MTIME_GRANULARITY_NS) & (DIRTY_CREATED | DIRTY_PLACE)))
        return false;
    name = begin_server_name(node);
    LIST_FOREACH (job, &look->sync->push.jobs, link) {
        if (is_name_asked_for(job, node, name))
            return true;
    }
    return false;
}

struct folder_use {
    ino_nr folder;
    bool is_found;
};

static bool note_use(const struct intent *intent, void *arg)
{
    struct folder_use *use = arg;

    use->is_found |= intent->parent == use->folder;
    return !use->is_found;
}

/* Whether something was asked for, or is about to be, that is made in the folder or goes there: it
 * would go with it. */
static int find_use(struct push_look *look, const struct node *node, bool *ret)
{
    struct folder_use use = { .folder = node->attr.ino };
    const struct push_job *job;
    int r = store_list_intents(look->sync->conf.store, 0, note_use, &use);

    LIST_FOREACH (job, &look->sync->push.jobs, link)
        (void)note_use(&job->intent, &use);
    *ret |= use.is_found;
    return r;
}

/* ---- the plan ---- */

static int find_facts(struct push_look *look, const struct node *node, struct push_facts *ret)
{
    struct push_pauses *pauses = &look->sync->push.pauses;
    bool has_heir = false;
    int r = push_find_facts(look->txn, node, ret);

    if (r == 0)
        r = find_heir(look, node, &has_heir);
    if (r == 0 && node->attr.kind == NODE_FOLDER && !(node->attr.flags & NODE_LOCAL))
        r = find_use(look, node, &ret->has_deleted_below);
    ret->is_resting = !has_heir; /* what isn't has a pause */
    ret->is_open = held_until_ms(look, node->attr.ino) != 0;
    ret->name_is_refused = pauses_count_refusals(pauses, node->attr.ino) >= NAME_REFUSALS;
    return r;
}

static int settle(struct push_look *look, const struct node *node)
{
    enum settle_outcome outcome = SETTLE_NOTHING;
    int r = push_settle_in(look->sync, look->txn, node->attr.ino, NULL, &outcome, &look->err);

    look->has_changed |= outcome == SETTLE_DONE;
    return r == 0 && outcome == SETTLE_NEEDS_HASH ? begin_conflict(look, node) : r;
}

static bool needs_content(const struct node *node)
{
    return node->attr.kind == NODE_FILE && node->attr.flags & NODE_LOCAL &&
           node_dirty(node, APPLY_MTIME_GRANULARITY_NS) & (DIRTY_CREATED | DIRTY_CONTENT);
}

static int act(struct push_look *look, const struct node *node, const struct push_step *step,
               ino_nr partner, struct bytes_file *file, int64_t size)
{
    switch (step->action) {
    case PUSH_NOTHING:
    case PUSH_WAIT:
        break;
    case PUSH_SETTLE:
        return settle(look, node);
    case PUSH_OWN:
        begin_owning(look, node);
        break;
    case PUSH_TAKE_OVER:
        return take_over(look, node, partner);
    case PUSH_FORGET:
        look->has_changed = true;
        return txn_remove_node(look->txn, node->attr.ino);
    case PUSH_CREATE:
    case PUSH_UPLOAD:
        return begin_step(look, node, step, file, size);
    case PUSH_MAKE_FOLDER:
    case PUSH_CHANGE:
    case PUSH_DELETE:
        return begin_step(look, node, step, NULL, 0);
    }
    return 0;
}

static bool sends_content(const struct push_step *step)
{
    return step->action == PUSH_CREATE || step->action == PUSH_UPLOAD;
}

/* Small files don't wait behind large ones, which leave them half of the line. */
static bool waits_for_small(const struct push_look *look, int64_t size)
{
    return size > PUSH_LARGE_BYTES && look->sync->push.large_count >= PUSH_LARGE_MAX;
}

static int plan_row(struct push_look *look, const struct node *node)
{
    struct sync *sync = look->sync;
    struct bytes_file *file = NULL;
    struct push_facts facts;
    struct push_step step;
    int64_t size = 0;
    bool is_lost = false;
    int r = find_facts(look, node, &facts);

    if (r == 0)
        r = find_partner(look, node->attr.ino, &facts);
    if (r < 0)
        return r;
    facts.name_is_taken |= is_name_under_way(look, node);
    facts.is_held = push_is_held(sync, node->attr.drive);
    look->hold_mark = holds_mark(&sync->push.holds, node->attr.ino);
    /* A backup that is being written needs all of it to become an item of its own. */
    if (needs_content(node) && (!facts.is_open || facts.is_backup)) {
        r = bytes_open(sync->conf.bytes, node->local.generation, &file, &size);
        facts.has_content = r == 0;
        is_lost = r == -ESTALE;
        sync->push.awaits_bytes |= r == -EAGAIN;
    }
    step = push_plan(node, &facts, APPLY_MTIME_GRANULARITY_NS);
    if (sends_content(&step) && waits_for_small(look, size))
        step.action = PUSH_WAIT;
    if (step.action == PUSH_WAIT && facts.is_held && !(node->attr.flags & NODE_LOCAL))
        push_held_note(sync, node->attr.ino);
    r = act(look, node, &step, facts.partner, file, size);
    if (step.action == PUSH_NOTHING || step.action == PUSH_FORGET)
        pauses_end(&sync->push.pauses, node->attr.ino);
    if (r == 0 && is_lost)
        r = push_note_lost(sync, look->txn, node->attr.ino);
    if (file && !sends_content(&step))
        bytes_close(sync->conf.bytes, file);
    return r;
}

/* A row whose intent was found is come to a second time if it is dirty: then it has a job. */
int row_consider(struct push_look *look, ino_nr ino)
{
    struct intent intent = { 0 };
    struct node node;
    int r;

    if (push_has_job(look->sync, ino) || is_paused(look, ino))
        return 0;
    r = txn_get_node(look->txn, ino, &node);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = txn_get_intent(look->txn, ino, &intent);
    if (r == 0)
        r = begin_resumed(look, &node, &intent);
    else if (r == -ENOENT)
        r = plan_row(look, &node);
    intent_clear(&intent);
    node_clear(&node);
    return r;
}
