/* SPDX-License-Identifier: MIT */
/*
 * What is next for a row. Dirty is a difference, so that nothing has to be remembered: a file that
 * was made, renamed and deleted within the quiet time has no step at all.
 *
 * What a thing needs comes first (its folder, a free name). A place and a content that both changed
 * go one after the other, the place first; but content doesn't wait for a place that has to wait:
 * the item's id is the same.
 *
 * What somebody has open for writing may change its place meanwhile; its content and time wait.
 */
#include "config.h"

#include "sync/push_plan.h"

static bool may_take_place(const struct push_facts *facts)
{
    return facts->parent_is_there && !facts->name_is_taken;
}

static struct push_step plan_created(const struct node *node, const struct push_facts *facts)
{
    bool is_folder = node->attr.kind == NODE_FOLDER;

    if (!may_take_place(facts) || (!is_folder && (facts->is_open || !facts->has_content)))
        return (struct push_step){ .action = PUSH_WAIT };
    return (struct push_step){
        .action = is_folder ? PUSH_MAKE_FOLDER : PUSH_CREATE,
        .is_detour = !is_folder && facts->name_is_refused,
    };
}

static struct push_step plan_deleted(const struct push_facts *facts)
{
    bool waits = facts->has_deleted_below || facts->is_held;

    return (struct push_step){ .action = waits ? PUSH_WAIT : PUSH_DELETE };
}

/* The item is handed over when that leaves a backup with all of its content. */
static struct push_step plan_take_over(unsigned dirty, const struct push_facts *facts)
{
    if (facts->is_backup && !(dirty & DIRTY_CONTENT))
        return (struct push_step){ .action = PUSH_OWN };
    if (facts->is_backup && !facts->has_content)
        return (struct push_step){ .action = PUSH_WAIT };
    return (struct push_step){ .action = PUSH_TAKE_OVER };
}

static struct push_step plan_changed(unsigned dirty, const struct push_facts *facts)
{
    bool is_detour = !may_take_place(facts) && facts->takes_detour;
    bool with_place = dirty & DIRTY_PLACE && (may_take_place(facts) || is_detour);
    bool with_mtime = dirty & DIRTY_MTIME && !(dirty & DIRTY_CONTENT) && !facts->is_open;

    if (with_place || with_mtime)
        return (struct push_step){
            .action = PUSH_CHANGE,
            .with_place = with_place,
            .with_mtime = with_mtime,
            .is_detour = with_place && is_detour,
        };
    if (dirty & DIRTY_CONTENT && facts->has_content && !facts->is_open)
        return (struct push_step){ .action = PUSH_UPLOAD, .is_whole = facts->name_is_refused };
    return (struct push_step){ .action = PUSH_WAIT };
}

/* One that is gone, and whose item will be another row's, doesn't come back. */
static bool is_saved_anew(unsigned dirty, const struct push_facts *facts)
{
    return dirty & DIRTY_DELETED && facts->partner != STORE_INO_NONE;
}

/* Who has it open goes on with what he opened, as long as nothing was written to that. */
static bool is_settled_later(const struct node *node, unsigned dirty,
                             const struct push_facts *facts)
{
    return facts->is_open && !(dirty & DIRTY_CONTENT) &&
           (node->remote_deleted || node->remote.generation != node->base.generation);
}

struct push_step push_plan(const struct node *node, const struct push_facts *facts,
                           int64_t granularity_ns)
{
    unsigned dirty = node_dirty(node, granularity_ns);

    if (!(node->attr.flags & (NODE_LOCAL | NODE_BASE)))
        return (struct push_step){ .action = PUSH_FORGET };
    if (node->attr.flags & NODE_REMOTE && !is_saved_anew(dirty, facts))
        return (struct push_step){
            .action = is_settled_later(node, dirty, facts) ? PUSH_WAIT : PUSH_SETTLE,
        };
    if (dirty == 0 || node->attr.flags & NODE_LOCAL_ONLY)
        return (struct push_step){ .action = PUSH_NOTHING };
    if (facts->has_rival)
        return (struct push_step){ .action = PUSH_SETTLE };
    if (!facts->is_resting || facts->partner_is_busy)
        return (struct push_step){ .action = PUSH_WAIT };
    if (facts->partner != STORE_INO_NONE)
        return plan_take_over(dirty, facts);
    if (dirty & DIRTY_CREATED)
        return plan_created(node, facts);
    if (dirty & DIRTY_DELETED)
        return plan_deleted(facts);
    return plan_changed(dirty, facts);
}
