/* SPDX-License-Identifier: MIT */
/*
 * What to do with each part of a report: a pure function, tested over the whole table of (base,
 * local, remote) x (place, content).
 *
 * Where local equals base, both follow. Where local differs, base stays: it is the merge ancestor,
 * and the report is kept beside it, even if only the other end of the row changed there. A local
 * change of mtime alone yields to new content.
 *
 * Content is the same if the cTag is, or the hash; and if its size is. The size is looked at even
 * under an equal tag or hash: the service reports wrong sizes for some types and corrects them
 * later, and the size of an inode must never change without a new generation. The price is one
 * download more. Where neither tag nor hash can be compared, another size is another content; an
 * equal eTag is none, since it moves with everything; and if all that fails the item is asked for.
 * If the answer is no clearer, an equal mtime decides.
 *
 * The content of a shortcut to a file is its target's, and what is told of either is half of the
 * row.
 *
 * A listing adds. Of a row that has a place it may agree (that confirms it), but where it differs
 * it is either older than what delta told, and applying it would move things back, or newer, and
 * then delta brings it too. Delta is right in the end, so a listing's difference is left to it.
 */
#include "config.h"

#include <string.h>

#include "graph/tag.h"
#include "sync/apply_i.h"

enum comparison { CONTENT_SAME, CONTENT_OTHER, CONTENT_UNKNOWN };

static bool is_same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static int64_t whole_seconds(int64_t time_ns)
{
    int64_t rest = time_ns % APPLY_MTIME_GRANULARITY_NS;

    return time_ns - (rest < 0 ? rest + APPLY_MTIME_GRANULARITY_NS : rest);
}

bool apply_is_same_mtime(int64_t a_ns, int64_t b_ns)
{
    return whole_seconds(a_ns) == whole_seconds(b_ns);
}

static enum comparison compare_content(const struct node_state *base,
                                       const struct apply_view *report)
{
    const struct node_state *state = &report->state;
    bool is_same_size = !report->has_size || state->size == base->size;
    bool has_tags = base->ctag && state->ctag;

    if (!is_same_size)
        return CONTENT_OTHER;
    if (is_same_text(base->ctag, state->ctag))
        return CONTENT_SAME;
    if (base->hash && state->hash && base->hash_kind == state->hash_kind)
        return strcmp(base->hash, state->hash) == 0 ? CONTENT_SAME : CONTENT_OTHER;
    if (has_tags)
        return CONTENT_OTHER;
    return is_same_text(base->etag, state->etag) ? CONTENT_SAME : CONTENT_UNKNOWN;
}

/* Is the source one whose word needs no check? */
static bool is_trusted(enum apply_source source)
{
    switch (source) {
    case APPLY_FIRST:
    case APPLY_DELTA:
    case APPLY_LISTING:
        return false;
    case APPLY_ITEM:
    case APPLY_NO_DELTA:
        return true;
    }
    return false;
}

static enum apply_action decide_place(const struct node *node, const struct node_state *report)
{
    unsigned dirty = node_dirty(node, APPLY_MTIME_GRANULARITY_NS);
    bool is_local =
        node->local.parent == report->parent && is_same_text(node->local.name, report->name);

    if (dirty & DIRTY_CREATED)
        return is_local ? ACT_AGREE : ACT_KEEP_BESIDE;
    if (node->base.parent == report->parent && is_same_text(node->base.name, report->name))
        return ACT_NONE;
    if (dirty & DIRTY_PLACE && is_local)
        return ACT_AGREE;
    return dirty & (DIRTY_PLACE | DIRTY_DELETED) ? ACT_KEEP_BESIDE : ACT_FOLLOW;
}

/* The bytes are the same: what of the mtime? */
static enum apply_action decide_mtime(const struct node *node, const struct apply_view *report)
{
    unsigned dirty = node_dirty(node, APPLY_MTIME_GRANULARITY_NS);
    int64_t mtime_ns = report->state.mtime_ns;

    if (!report->has_mtime || apply_is_same_mtime(mtime_ns, node->base.mtime_ns))
        return ACT_NONE;
    if (node->attr.kind != NODE_FILE)
        return ACT_FOLLOW;
    if (dirty & (DIRTY_CONTENT | DIRTY_DELETED))
        return ACT_KEEP_BESIDE;
    if (dirty & DIRTY_MTIME)
        return apply_is_same_mtime(mtime_ns, node->local.mtime_ns) ? ACT_AGREE : ACT_KEEP_BESIDE;
    return ACT_FOLLOW;
}

static enum apply_action decide_content(const struct node *node, const struct apply_view *report,
                                        bool trusted, bool *ret_is_new)
{
    unsigned dirty = node_dirty(node, APPLY_MTIME_GRANULARITY_NS);
    bool is_file = node->attr.kind == NODE_FILE;
    enum comparison comparison;

    if (dirty & DIRTY_CREATED) {
        *ret_is_new = is_file;
        return is_file ? ACT_KEEP_BESIDE : ACT_AGREE;
    }
    if (!is_file)
        return decide_mtime(node, report);
    if (report->is_pending)
        return ACT_NONE;
    comparison = compare_content(&node->base, report);
    if (comparison == CONTENT_UNKNOWN && !trusted)
        return ACT_CHECK;
    if (comparison == CONTENT_UNKNOWN)
        comparison =
            report->has_mtime && apply_is_same_mtime(report->state.mtime_ns, node->base.mtime_ns)
                ? CONTENT_SAME
                : CONTENT_OTHER;
    if (comparison == CONTENT_SAME)
        return decide_mtime(node, report);
    *ret_is_new = true;
    return dirty & (DIRTY_CONTENT | DIRTY_DELETED) ? ACT_KEEP_BESIDE : ACT_FOLLOW;
}

/* A touch alone brings nothing back; what was moved or written here does. */
static enum apply_action decide_existence(const struct node *node)
{
    unsigned dirty = node_dirty(node, APPLY_MTIME_GRANULARITY_NS);

    if (dirty & DIRTY_CREATED)
        return ACT_NONE;
    if (dirty & DIRTY_DELETED)
        return ACT_AGREE;
    return dirty & (DIRTY_PLACE | DIRTY_CONTENT) ? ACT_KEEP_BESIDE : ACT_FOLLOW;
}

static enum apply_action unless_late(enum apply_action action, bool is_late)
{
    return action != ACT_NONE && is_late ? ACT_CHECK : action;
}

int64_t apply_told_ms(const struct apply_context *context, const struct node *node)
{
    int64_t since_ms = context->staged_since_ms;

    if (since_ms < node->confirmed_ms)
        since_ms = node->confirmed_ms;
    return context->staged_since_ms != 0 && since_ms < context->now_ms ? since_ms : context->now_ms;
}

bool apply_is_fresh(const struct node *node, int64_t now_ms)
{
    /* The clock may have been set back: then nobody knows how old the answer is. It is as good as
     * fresh until the next one. */
    return node->confirmed_ms != 0 && now_ms - node->confirmed_ms < APPLY_LATE_MS;
}

bool apply_is_late(const struct node *node, enum apply_source source, int64_t now_ms)
{
    return !is_trusted(source) && apply_is_fresh(node, now_ms);
}

/* The item itself can be read from where it lags. Of one that was told of lately, what is older
 * than that by the counter in its tag says nothing. */
static bool is_outdated(const struct node *node, const struct apply_view *report, int64_t now_ms)
{
    return node->attr.flags & NODE_BASE && apply_is_fresh(node, now_ms) && !report->deleted &&
           tag_compare(report->state.etag, node->base.etag) == TAG_BEFORE;
}

struct apply_decision apply_decide(const struct node *node, const struct apply_view *report,
                                   enum apply_source source, int64_t now_ms)
{
    bool is_late = apply_is_late(node, source, now_ms);
    bool has_place = node->local.parent != STORE_INO_NONE || !(node->attr.flags & NODE_LOCAL);
    struct apply_decision decision = { 0 };

    decision.is_outdated = is_trusted(source) && is_outdated(node, report, now_ms);
    if (decision.is_outdated)
        return decision;
    if (report->deleted) {
        decision.existence = unless_late(decide_existence(node), is_late);
        return decision;
    }
    if (source == APPLY_LISTING && has_place)
        return decision;
    if (!report->is_target)
        decision.place = unless_late(decide_place(node, &report->state), is_late);
    if (!report->is_target && parts_are_elsewhere(node))
        return decision;
    decision.content = unless_late(
        decide_content(node, report, is_trusted(source), &decision.is_new_content), is_late);
    return decision;
}
