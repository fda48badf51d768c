/* SPDX-License-Identifier: MIT */
/*
 * Carrying out a decision on a known row, part by part.
 *
 * Tags follow silently: an eTag moves with every change of anything. They stay, as all of base
 * does, while a part of the report is kept beside: they are the guard of the request that settles
 * the conflict; and while a part waits for a check, so that the report goes on to differ.
 *
 * A new content takes a new generation. Content that the service hasn't settled (pendingOperations)
 * is taken only for a new row, and neither are its tags, so that the settled report will differ.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "sync/apply_i.h"

bool parts_take_text(char **variable, const char *text)
{
    char *copy;

    if (text_is_same(*variable, text))
        return false;
    copy = x_strdup(text);
    free(*variable);
    *variable = copy;
    return true;
}

/* ---- taking ---- */

static void take_hash(struct node *node, const struct node_state *state)
{
    (void)parts_take_text(&node->base.hash, state->hash);
    node->base.hash_kind = state->hash ? state->hash_kind : HASH_NONE;
    node->attr.flags &= ~(unsigned)NODE_HAS_HASH;
    if (state->hash)
        node->attr.flags |= NODE_HAS_HASH;
}

int parts_take_content(struct store_txn *txn, struct node *node, const struct apply_view *view)
{
    struct node_state *base = &node->base;
    int r = txn_next_generation(txn, &base->generation);

    if (r < 0)
        return r;
    base->size = view->state.size;
    if (view->has_mtime)
        base->mtime_ns = view->state.mtime_ns;
    base->server_mtime_ns = view->state.server_mtime_ns;
    (void)parts_take_text(&base->ctag, view->state.ctag);
    take_hash(node, &view->state);
    node->local.size = base->size;
    node->local.mtime_ns = base->mtime_ns;
    node->local.generation = base->generation;
    return 0;
}

bool parts_take_content_tags(struct node *node, const struct node_state *state)
{
    bool changed = state->ctag && parts_take_text(&node->base.ctag, state->ctag);

    if (state->hash &&
        (!text_is_same(node->base.hash, state->hash) || node->base.hash_kind != state->hash_kind)) {
        take_hash(node, state);
        changed = true;
    }
    if (state->server_mtime_ns && state->server_mtime_ns != node->base.server_mtime_ns) {
        node->base.server_mtime_ns = state->server_mtime_ns;
        changed = true;
    }
    return changed;
}

/* The same content that is kept there already keeps its generation. */
static int keep_beside(struct store_txn *txn, struct node *node, const struct apply_view *view,
                       bool is_new_content)
{
    struct node_state *remote = &node->remote;
    bool is_known = node->attr.flags & NODE_REMOTE && view->state.etag &&
                    text_is_same(remote->etag, view->state.etag);

    node->attr.flags |= NODE_REMOTE;
    node->remote_deleted = false;
    remote->parent = view->state.parent;
    remote->size = view->has_size ? view->state.size : node->base.size;
    remote->mtime_ns = view->has_mtime ? view->state.mtime_ns : node->base.mtime_ns;
    remote->server_mtime_ns = view->state.server_mtime_ns;
    remote->hash_kind = view->state.hash_kind;
    (void)parts_take_text(&remote->name, view->state.name);
    (void)parts_take_text(&remote->etag, view->state.etag);
    (void)parts_take_text(&remote->ctag, view->state.ctag);
    (void)parts_take_text(&remote->hash, view->state.hash);
    if (!is_new_content)
        remote->generation = node->base.generation;
    else if (!is_known)
        return txn_next_generation(txn, &remote->generation);
    return 0;
}

/* ---- carrying out ---- */

static int carry_out_place(struct applying *applying, struct node *node,
                           const struct apply_view *view, enum apply_action action)
{
    switch (action) {
    case ACT_FOLLOW:
        return place_follow(applying, node, view->state.parent, view->state.name);
    case ACT_AGREE:
        node->base.parent = view->state.parent;
        (void)parts_take_text(&node->base.name, view->state.name);
        node->attr.flags &= ~(unsigned)NODE_SAFE_NAME;
        return 0;
    case ACT_NONE:
    case ACT_KEEP_BESIDE:
    case ACT_CHECK:
        break;
    }
    return 0;
}

static int carry_out_content(struct applying *applying, struct node *node,
                             const struct apply_view *view, const struct apply_decision *decision)
{
    switch (decision->content) {
    case ACT_FOLLOW:
        if (decision->is_new_content)
            return parts_take_content(applying->txn, node, view);
        node->base.mtime_ns = node->local.mtime_ns = view->state.mtime_ns;
        return 0;
    case ACT_AGREE:
        node->base.mtime_ns = view->state.mtime_ns;
        return 0;
    case ACT_NONE:
    case ACT_KEEP_BESIDE:
    case ACT_CHECK:
        break;
    }
    return 0;
}

/* Does a part of the report wait, for a check or for a conflict to be settled? */
static bool is_waiting(enum apply_action action)
{
    return action == ACT_KEEP_BESIDE || action == ACT_CHECK;
}

/* All tags that may follow. True if anything changed. */
static bool take_tags(struct node *node, const struct apply_view *view,
                      const struct apply_decision *decision)
{
    bool changed = false;

    if (view->is_pending || is_waiting(decision->content) ||
        (parts_are_elsewhere(node) && !view->is_target))
        return false;
    if (!decision->is_new_content)
        changed = parts_take_content_tags(node, &view->state);
    if (view->state.etag && !is_waiting(decision->place))
        changed |= parts_take_text(&node->base.etag, view->state.etag);
    return changed;
}

/* A row that was made here, and whose id an answer has told: where both say the same, that is base.
 */
static int carry_out_unbased(struct applying *applying, struct node *node,
                             const struct apply_view *view, const struct apply_decision *decision)
{
    if (decision->place != ACT_AGREE || decision->content != ACT_AGREE)
        return keep_beside(applying->txn, node, view, decision->is_new_content);
    node->attr.flags |= NODE_BASE;
    node->attr.flags &= ~(unsigned)NODE_REMOTE;
    node->base.parent = view->state.parent;
    node->base.mtime_ns = view->has_mtime ? view->state.mtime_ns : node->local.mtime_ns;
    (void)parts_take_text(&node->base.name, view->state.name);
    (void)parts_take_text(&node->base.etag, view->state.etag);
    (void)parts_take_content_tags(node, &view->state);
    return 0;
}

int parts_carry_out(struct applying *applying, struct node *node, const struct apply_view *view,
                    const struct apply_decision *decision, bool *ret_changed)
{
    bool keeps = decision->place == ACT_KEEP_BESIDE || decision->content == ACT_KEEP_BESIDE;
    bool checks = decision->place == ACT_CHECK || decision->content == ACT_CHECK;
    bool acts = keeps || decision->place == ACT_FOLLOW || decision->place == ACT_AGREE ||
                decision->content == ACT_FOLLOW || decision->content == ACT_AGREE;
    int r = 0;

    *ret_changed = acts;
    if (decision->is_outdated)
        return 0;
    if (acts && !(node->attr.flags & NODE_BASE))
        return carry_out_unbased(applying, node, view, decision);
    *ret_changed |= take_tags(node, view, decision);
    if (keeps) {
        r = keep_beside(applying->txn, node, view, decision->is_new_content);
    } else if (!checks && node->attr.flags & NODE_REMOTE) {
        node->attr.flags &= ~(unsigned)NODE_REMOTE;
        *ret_changed = true;
    }
    if (r == 0)
        r = carry_out_content(applying, node, view, decision);
    return r < 0 ? r : carry_out_place(applying, node, view, decision->place);
}
