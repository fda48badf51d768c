/* SPDX-License-Identifier: MIT */
/*
 * Answers to our own changes, see push_store.h.
 *
 * base moves to what the server says, which for content may differ from what was sent: SharePoint
 * rewrites what Office files hold. It is the same generation all the same, so that the row is
 * clean, and the bytes here stay what the user wrote.
 *
 * Of a change of place or time nothing but that is taken so: somebody else may have written to the
 * item before or after, and what the answer says of the content is a report like any other.
 */
#include "config.h"

#include "sync/push_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "graph/tag.h"
#include "sync/apply_i.h"

static bool is_upload(const struct intent *intent)
{
    return intent->verb == INTENT_UPLOAD;
}

static bool is_change(const struct intent *intent)
{
    return intent->verb == INTENT_CHANGE;
}

/* ---- the row that delta made ---- */

/* Another row of this item, in which nothing was changed here. */
static int remove_double(struct applying *applying, const char *rid, ino_nr ours, bool *ret_is_free)
{
    struct node other;
    int r = txn_find_node(applying->txn, applying->context->drive->id, rid, &other);

    *ret_is_free = true;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (other.attr.ino != ours) {
        *ret_is_free = node_dirty(&other, APPLY_MTIME_GRANULARITY_NS) == 0;
        if (*ret_is_free) {
            place_note_freed(applying, &other);
            r = identity_take_doubt(applying->txn, other.attr.ino, ours);
            if (r == 0)
                r = txn_remove_node(applying->txn, other.attr.ino);
            if (r == 0)
                r = place_take_children(applying, other.attr.ino, ours);
        }
    }
    node_clear(&other);
    return r;
}

/* ---- base ---- */

static void take_place(struct node *node, ino_nr parent, const char *name)
{
    node->base.parent = parent;
    (void)parts_take_text(&node->base.name, name);
    if (text_is_same(node->local.name, name))
        node->attr.flags &= ~(unsigned)NODE_SAFE_NAME;
}

static void take_tags(struct node *node, const struct apply_view *view)
{
    (void)parts_take_text(&node->base.etag, view->state.etag);
    (void)parts_take_content_tags(node, &view->state);
    if (view->has_mtime)
        node->base.mtime_ns = view->state.mtime_ns;
}

static void take_content(struct node *node, const struct apply_view *view,
                         const struct intent *intent)
{
    node->base.generation = intent->generation;
    node->base.size = view->has_size ? view->state.size : intent->size;
    if (!view->has_mtime)
        node->base.mtime_ns = intent->mtime_ns;
    /* It was frozen at that size, which the row may not have learnt yet. */
    if (node->local.generation == intent->generation)
        node->local.size = intent->size;
}

/* What was kept beside has been told before by delta, or is an older state of the item. */
static void drop_old_remote(struct node *node)
{
    const char *remote = node->remote.etag, *base = node->base.etag;

    if (node->attr.flags & NODE_REMOTE && !node->remote_deleted &&
        (text_is_same(remote, base) || tag_compare(remote, base) == TAG_BEFORE))
        node->attr.flags &= ~(unsigned)NODE_REMOTE;
}

static int take(struct applying *applying, struct node *node, const struct intent *intent,
                const struct item *item)
{
    cleanup_free char *name = place_decode_name(item->name ? item->name : intent->name);
    ino_nr parent = intent->parent;
    struct apply_view view;
    bool was_own;
    int r = item->parent_id ? place_look_up_parent(applying, item->parent_id, &parent) : 0;

    if (r < 0 && r != -ENOENT)
        return r;
    view = apply_view_of(item, parent, name);
    free(node->rid);
    node->rid = x_strdup(item->id);
    /* Of a place that it wasn't asked for, delta tells: the user may have moved the row, too. */
    if (intent->name)
        take_place(node, parent, name);
    if (!is_change(intent))
        take_tags(node, &view);
    else if (intent->mtime_ns != 0 && view.has_mtime)
        node->base.mtime_ns = view.state.mtime_ns;
    if (is_upload(intent))
        take_content(node, &view, intent);
    if (!is_change(intent))
        drop_old_remote(node);
    node->attr.flags |= NODE_BASE;
    node->confirmed_ms = applying->context->now_ms;
    /* What is shown was made here: the kernel has it. */
    was_own = txn_set_own(applying->txn, true);
    r = txn_put_node(applying->txn, node);
    (void)txn_set_own(applying->txn, was_own);
    return r;
}

int push_take_item(struct store_txn *txn, const struct apply_context *context,
                   const struct intent *intent, const struct item *item, struct err *err)
{
    struct applying applying = { .txn = txn, .context = context };
    enum apply_outcome outcome;
    struct node node;
    bool is_free = false;
    int r = txn_get_node(txn, intent->ino, &node);

    if (r == 0) {
        r = remove_double(&applying, item->id, intent->ino, &is_free);
        if (r == 0 && is_free)
            r = take(&applying, &node, intent, item);
        if (r == 0)
            r = txn_remove_tombstone(txn, context->drive->id, item->id);
        if (r == 0)
            r = txn_clear_intent(txn, intent->ino);
        if (r == 0 && is_change(intent))
            r = apply_one(&applying, item, &outcome); /* it looks for an intent */
        node_clear(&node);
    }
    applying.folder_moved |= !intent->rid;
    r = place_settle(&applying, r);
    return r < 0 ? err_set_errno(err, r, "storing what was sent") : 0;
}

int push_forget(struct store_txn *txn, const struct apply_context *context, struct err *err)
{
    struct applying applying = { .txn = txn, .context = context, .folder_moved = true };
    int r = place_settle(&applying, 0);

    return r < 0 ? err_set_errno(err, r, "storing what wasn't sent") : 0;
}

int push_take_deletion(struct store_txn *txn, const struct apply_context *context,
                       const struct intent *intent, struct err *err)
{
    struct applying applying = { .txn = txn, .context = context };
    struct node_attr attr;
    int r = txn_put_tombstone(txn, context->drive->id, intent->rid, context->now_ms);

    if (r == 0)
        r = txn_clear_intent(txn, intent->ino);
    if (r == 0)
        r = txn_getattr(txn, intent->ino, &attr);
    /* Nobody can have made it anew: that would be another row. But of a folder something may have
     * been told meanwhile that came to be in it, and went with it. */
    if (r == 0)
        r = delete_tree(&applying, intent->ino);
    else if (r == -ENOENT)
        r = 0;
    r = place_settle(&applying, r);
    return r < 0 ? err_set_errno(err, r, "storing a deletion") : 0;
}

/* ---- what a lost answer had been ---- */

static bool is_same_name(const struct intent *intent, const struct item *item)
{
    return !intent->name || text_is_same(intent->name, item->name);
}

static bool is_same_parent(const struct intent *intent, const struct item *item)
{
    return !intent->parent_rid || !item->parent_id ||
           strcmp(intent->parent_rid, item->parent_id) == 0;
}

/* A hash decides where both sides have one of a kind; else the size with the time. */
static bool is_same_content(const struct intent *intent, const struct item *item)
{
    if (intent->hash && item->hash && intent->hash_kind == item->hash_kind)
        return strcmp(intent->hash, item->hash) == 0;
    return item->flags & ITEM_HAS_SIZE && item->size == intent->size &&
           item->flags & ITEM_HAS_MTIME && apply_is_same_mtime(item->mtime_ns, intent->mtime_ns);
}

/* What SharePoint puts its properties into. Of another file, other bytes are another content. */
static bool is_rewritable(const char *name)
{
    static const char *const endings[] = {
        ".docx", ".xlsx", ".pptx", ".docm", ".xlsm", ".pptm", ".doc",  ".xls",
        ".ppt",  ".pdf",  ".html", ".htm",  ".aspx", ".jpg",  ".jpeg",
    };
    const char *dot = name ? strrchr(name, '.') : NULL;

    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

bool push_is_rewritten(const struct intent *intent, const struct item *item, const char *user,
                       const struct node_state *former)
{
    if (intent->verb != INTENT_UPLOAD || item->kind != ITEM_FILE || intent->mtime_ns == 0 ||
        !(item->flags & ITEM_HAS_MTIME) || !user || !item->modified_by_id ||
        !is_rewritable(item->name))
        return false;
    return strcmp(user, item->modified_by_id) == 0 &&
           apply_is_same_mtime(item->mtime_ns, intent->mtime_ns) &&
           !(former && apply_is_same_mtime(former->mtime_ns, intent->mtime_ns));
}

bool push_is_done(const struct intent *intent, const struct item *item)
{
    if (item->flags & ITEM_DELETED)
        return intent->verb == INTENT_DELETE;
    switch (intent->verb) {
    case INTENT_DELETE:
        return false;
    case INTENT_CREATE_FOLDER:
        return item->kind == ITEM_FOLDER && is_same_name(intent, item) &&
               is_same_parent(intent, item);
    case INTENT_UPLOAD:
        return item->kind == ITEM_FILE && is_same_content(intent, item);
    case INTENT_CHANGE:
        return is_same_name(intent, item) && is_same_parent(intent, item) &&
               (intent->mtime_ns == 0 || apply_is_same_mtime(item->mtime_ns, intent->mtime_ns));
    }
    return false;
}
