/* SPDX-License-Identifier: MIT */
/*
 * One report and its row.
 *
 * A report for an id that is not known makes a row, unless the id, or its parent's, was deleted
 * lately: then the report may be older than that, and the item is asked for. For a known row the
 * decision is made in apply_decide.c and carried out in apply_parts.c. An item that changes its
 * kind, or a shortcut that changes its target, is another thing under the same id: the row goes,
 * with all below it, and a new one is made, because an inode never changes its type.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sync/apply_i.h"

static enum node_kind kind_of(const struct item *report)
{
    switch (report->kind) {
    case ITEM_FOLDER:
        return NODE_FOLDER;
    case ITEM_PACKAGE:
        return NODE_PACKAGE;
    case ITEM_FILE:
    case ITEM_UNKNOWN:
        break;
    }
    return NODE_FILE;
}

/* ---- which reports, which row ---- */

bool apply_is_usable(const struct apply_context *context, const struct item *report)
{
    const struct drive_row *drive = context->drive;

    if (report->drive_id && drive->drive_id && strcmp(report->drive_id, drive->drive_id) != 0)
        return false; /* items of other drives appear in delta; they can't be had from here */
    if (report->flags & (ITEM_DELETED | ITEM_ROOT))
        return true;
    if (report->name && report->kind != ITEM_UNKNOWN)
        return true;
    log_warn("sync", "item %s: a report without name or kind is left out", report->id);
    return false;
}

static bool is_root(const struct apply_context *context, const struct item *report)
{
    const struct drive_row *drive = context->drive;

    return report->flags & ITEM_ROOT ||
           (drive->root_rid && strcmp(drive->root_rid, report->id) == 0);
}

int apply_find_row(struct applying *applying, const struct item *report, struct node *ret)
{
    if (is_root(applying->context, report))
        return txn_get_node(applying->txn, applying->context->drive->root, ret);
    return txn_find_node(applying->txn, applying->context->drive->id, report->id, ret);
}

/* A direct answer about the item itself: not from a collection that may lag behind it. */
static bool is_direct(const struct apply_context *context)
{
    return context->source == APPLY_ITEM ||
           (context->source == APPLY_NO_DELTA && context->listed == STORE_INO_NONE);
}

/* Does the source say what is now, so that other reports that differ are late for a while? */
static bool confirms(enum apply_source source)
{
    return source == APPLY_ITEM || source == APPLY_NO_DELTA || source == APPLY_LISTING;
}

struct apply_view apply_view_of(const struct item *report, ino_nr parent, char *name)
{
    bool is_file = kind_of(report) == NODE_FILE;
    struct apply_view view = {
        .state = { .parent = parent,
                   .name = name,
                   .size = is_file ? report->size : 0,
                   .mtime_ns = report->mtime_ns,
                   .hash_kind = is_file ? report->hash_kind : HASH_NONE,
                   .server_mtime_ns = report->server_mtime_ns },
        .has_size = report->flags & ITEM_HAS_SIZE,
        .has_mtime = report->flags & ITEM_HAS_MTIME,
        .is_pending = report->flags & ITEM_PENDING,
    };

    /* Borrowed: a view is never written to or freed. */
    memcpy(&view.state.etag, &report->etag, sizeof view.state.etag);
    memcpy(&view.state.ctag, &report->ctag, sizeof view.state.ctag);
    if (is_file)
        memcpy(&view.state.hash, &report->hash, sizeof view.state.hash);
    return view;
}

/* What one side doesn't know is no difference: delta often leaves the drive of a target out. */
static bool is_other(const char *known, const char *told)
{
    return known && told && strcmp(known, told) != 0;
}

bool apply_is_another_thing(const struct node *node, const struct item *report)
{
    bool is_shortcut = report->flags & ITEM_SHORTCUT;

    if (node->attr.kind != kind_of(report) || is_shortcut != !!(node->attr.flags & NODE_SHORTCUT))
        return true;
    return is_shortcut && (is_other(node->target_drive_id, report->target_drive_id) ||
                           is_other(node->target_rid, report->target_id));
}

/* ---- a known row ---- */

static bool is_malware_news(const struct node *node, const struct item *report)
{
    return !(report->flags & ITEM_MALWARE) != !(node->attr.flags & NODE_MALWARE);
}

static bool take_malware(struct node *node, const struct item *report)
{
    bool is_news = is_malware_news(node, report);

    if (is_news)
        node->attr.flags ^= NODE_MALWARE;
    return is_news;
}

static bool is_settled(const struct apply_decision *decision)
{
    return decision->place == ACT_NONE && decision->content == ACT_NONE;
}

/* A listing of a place with delta changes no row that has a place; see apply_decide.c. */
static int apply_listed(struct applying *applying, const struct node *node,
                        const struct apply_view *view)
{
    const struct apply_context *context = applying->context;
    struct apply_decision decision = apply_decide(node, view, APPLY_ITEM, context->now_ms);

    if (!is_settled(&decision) || decision.is_outdated)
        return 0;
    return txn_confirm_node(applying->txn, node->attr.ino, context->now_ms);
}

static int add_shortcut_drive(struct applying *applying, const struct node *node)
{
    struct drive_row drive = {
        .kind = DRIVE_SHARED,
        .drive_id = node->target_drive_id,
        .name = node->base.name,
        .root = node->attr.ino,
        .root_rid = node->target_rid,
    };

    return txn_put_drive(applying->txn, &drive);
}

/* Which drive, and which item there, if no report has said so before. */
static int learn_target(struct applying *applying, struct node *node, const struct item *report,
                        bool *ret_changed)
{
    bool had_drive = node->target_drive_id;

    if (!(node->attr.flags & NODE_SHORTCUT))
        return 0;
    if (!had_drive && report->target_drive_id)
        *ret_changed |= parts_take_text(&node->target_drive_id, report->target_drive_id);
    if (!node->target_rid && report->target_id)
        *ret_changed |= parts_take_text(&node->target_rid, report->target_id);
    if (had_drive || !node->target_drive_id || node->attr.kind != NODE_FOLDER)
        return 0;
    return add_shortcut_drive(applying, node);
}

/* Who has it open for writing goes on with the content that he opened: another one waits beside it
 * until the file is closed. */
static void spare_writers(struct applying *applying, const struct node *node,
                          struct apply_decision *decision)
{
    if (decision->content == ACT_FOLLOW && decision->is_new_content &&
        txn_is_being_written(applying->txn, node->attr.ino))
        decision->content = ACT_KEEP_BESIDE;
}

static int put_known(struct applying *applying, struct node *node, const struct apply_view *view,
                     const struct item *report, enum apply_outcome *ret)
{
    const struct apply_context *context = applying->context;
    int64_t told_ms = apply_told_ms(context, node);
    struct apply_decision decision = apply_decide(node, view, context->source, told_ms);
    bool has_news = !parts_are_elsewhere(node) && is_malware_news(node, report);
    bool is_late = apply_is_late(node, context->source, told_ms);
    bool checks;
    bool changed;
    int r;

    *ret = APPLY_NOTHING;
    if (decision.is_outdated)
        return 0;
    spare_writers(applying, node, &decision);
    checks = decision.place == ACT_CHECK || decision.content == ACT_CHECK || (has_news && is_late);
    r = parts_carry_out(applying, node, view, &decision, &changed);
    if (r == 0)
        r = learn_target(applying, node, report, &changed);
    if (r < 0)
        return r;
    if (has_news && !is_late)
        changed |= take_malware(node, report);
    *ret = checks ? APPLY_CHECK : changed ? APPLY_CHANGED : APPLY_NOTHING;
    if (changed) {
        if (confirms(context->source) && !checks)
            node->confirmed_ms = context->now_ms;
        return txn_put_node(applying->txn, node);
    }
    if (confirms(context->source) && !checks)
        return txn_confirm_node(applying->txn, node->attr.ino, context->now_ms);
    return 0;
}

static int apply_known(struct applying *applying, struct node *node, const struct item *report,
                       enum apply_outcome *ret)
{
    bool is_listing = applying->context->source == APPLY_LISTING;
    cleanup_free char *name = place_decode_name(report->name);
    ino_nr parent = node->base.parent;
    struct apply_view view;
    int r = 0;

    if (report->parent_id)
        r = place_find_parent(applying, report->parent_id, &parent);
    if (r < 0)
        return r;
    view = apply_view_of(report, parent, name);
    if (is_listing && node->attr.parent != STORE_INO_NONE) {
        *ret = APPLY_NOTHING;
        return apply_listed(applying, node, &view);
    }
    return put_known(applying, node, &view, report, ret);
}

int apply_target(struct store_txn *txn, const struct apply_context *context, ino_nr shortcut,
                 const struct item *target, struct err *err)
{
    struct applying applying = { .txn = txn, .context = context };
    struct node node = { 0 };
    bool changed = false;
    int r = txn_get_node(txn, shortcut, &node);

    if (r == 0 && parts_are_elsewhere(&node) && node.attr.parent != STORE_INO_NONE &&
        target->kind == ITEM_FILE) {
        struct apply_view view = apply_view_of(target, node.base.parent, node.base.name);
        struct apply_decision decision;

        view.is_target = true;
        decision = apply_decide(&node, &view, APPLY_ITEM, context->now_ms);
        r = parts_carry_out(&applying, &node, &view, &decision, &changed);
        changed |= take_malware(&node, target);
    }
    if (r == 0 && changed)
        r = txn_put_node(txn, &node);
    if (r == 0)
        r = txn_set_listed(txn, shortcut, context->now_ms);
    node_clear(&node);
    r = place_settle(&applying, r == -ENOENT ? 0 : r);
    return r < 0 ? err_set_errno(err, r, "storing what a shortcut leads to") : 0;
}

/* ---- a new row ---- */

static int add_row(struct applying *applying, const struct item *report, ino_nr parent)
{
    const struct apply_context *context = applying->context;
    cleanup_free char *name = place_decode_name(report->name);
    struct apply_view view = apply_view_of(report, parent, name);
    bool is_shortcut = report->flags & ITEM_SHORTCUT;
    struct node node = {
        .attr = { .kind = kind_of(report),
                  .flags = NODE_LOCAL | NODE_BASE | (is_shortcut ? NODE_SHORTCUT : 0u),
                  .drive = context->drive->id },
        .rid = x_strdup(report->id),
        .local = { .name = x_strdup("") },
        .base = { .name = x_strdup("") },
        .target_drive_id = x_strdup(report->target_drive_id),
        .target_rid = x_strdup(report->target_id),
        .confirmed_ms = confirms(context->source) ? context->now_ms : 0,
    };
    int r = 0;

    (void)take_malware(&node, report);
    /* What isn't settled yet, or is another item's, has no tags: a report that has will differ. */
    if (view.is_pending || parts_are_elsewhere(&node))
        view.state.etag = view.state.ctag = view.state.hash = NULL;
    (void)parts_take_text(&node.base.etag, view.state.etag);
    if (node.attr.kind == NODE_FILE) {
        r = parts_take_content(applying->txn, &node, &view);
    } else {
        node.local.mtime_ns = node.base.mtime_ns = report->mtime_ns;
        (void)parts_take_content_tags(&node, &view.state);
    }
    if (r == 0)
        r = place_follow(applying, &node, parent, name);
    if (r == 0)
        r = txn_put_node(applying->txn, &node);
    if (r == 0 && is_shortcut && node.attr.kind == NODE_FOLDER && node.target_drive_id)
        r = add_shortcut_drive(applying, &node);
    node_clear(&node);
    return r;
}

/* An item that is said to be its own parent has a row now, as such. */
static int fill_in(struct applying *applying, ino_nr placeholder, const struct item *report,
                   enum apply_outcome *ret)
{
    struct node node;
    int r = txn_get_node(applying->txn, placeholder, &node);

    if (r < 0)
        return r;
    *ret = APPLY_LEFT_OUT;
    if (!apply_is_another_thing(&node, report))
        r = apply_known(applying, &node, report, ret);
    node_clear(&node);
    return r;
}

/* The parts of a notebook can't be shown: nobody may enter it. */
static int is_in_package(struct store_txn *txn, ino_nr parent, bool *ret)
{
    struct node_attr attr;
    int r = txn_getattr(txn, parent, &attr);

    *ret = r == 0 && attr.kind == NODE_PACKAGE;
    return r;
}

static int apply_new(struct applying *applying, const struct item *report, enum apply_outcome *ret)
{
    ino_nr parent = applying->context->listed;
    bool is_inside = false;
    int r = 0;

    if (!report->parent_id && parent == STORE_INO_NONE) {
        *ret = is_direct(applying->context) ? APPLY_LEFT_OUT : APPLY_CHECK;
        return 0;
    }
    if (report->parent_id)
        r = place_find_parent(applying, report->parent_id, &parent);
    if (r == 0 && report->parent_id && strcmp(report->parent_id, report->id) == 0)
        return fill_in(applying, parent, report, ret);
    if (r == 0)
        r = is_in_package(applying->txn, parent, &is_inside);
    if (r == 0 && is_inside) {
        *ret = APPLY_LEFT_OUT;
        return 0;
    }
    if (r == 0)
        r = add_row(applying, report, parent);
    if (r == 0)
        *ret = APPLY_CHANGED;
    return r;
}

/* ---- the root, another kind, a tombstone ---- */

/* Only attributes: the root has the place that this program gave it. That of a shortcut's target is
 * the shortcut's row, whose own report comes with the drive that it is in. */
static int apply_root(struct applying *applying, struct node *root, const struct item *report,
                      enum apply_outcome *ret)
{
    bool has_moved = report->flags & ITEM_HAS_MTIME && report->mtime_ns != root->base.mtime_ns;
    bool changed = has_moved;
    int r = 0;

    *ret = APPLY_NOTHING;
    if (applying->context->drive->kind == DRIVE_SHARED)
        return 0;
    if (!text_is_same(root->rid, report->id)) {
        r = identity_take_root(applying, root, report->id);
        changed = true;
    }
    if (has_moved)
        root->base.mtime_ns = root->local.mtime_ns = report->mtime_ns;
    if (report->etag)
        changed |= parts_take_text(&root->base.etag, report->etag);
    if (r == 0 && changed)
        r = txn_put_node(applying->txn, root);
    if (r == 0 && changed)
        *ret = APPLY_CHANGED;
    return r;
}

static int apply_replacement(struct applying *applying, const struct node *node,
                             const struct item *report, enum apply_outcome *ret)
{
    const struct apply_context *context = applying->context;
    int r;

    *ret = APPLY_NOTHING;
    if (context->source == APPLY_LISTING && node->attr.parent != STORE_INO_NONE)
        return 0;
    *ret = APPLY_CHECK;
    if (apply_is_late(node, context->source, apply_told_ms(context, node)) || !report->parent_id)
        return 0;
    r = delete_tree(applying, node->attr.ino);
    if (r == 0)
        r = txn_remove_tombstone(applying->txn, context->drive->id, report->id);
    return r < 0 ? r : apply_new(applying, report, ret);
}

static int apply_tombstone(struct applying *applying, struct node *node, enum apply_outcome *ret)
{
    const struct apply_context *context = applying->context;
    const struct apply_view gone = { .deleted = true };
    enum apply_action action =
        apply_decide(node, &gone, context->source, apply_told_ms(context, node)).existence;

    int r = 0;

    *ret = action == ACT_CHECK ? APPLY_CHECK : action == ACT_NONE ? APPLY_NOTHING : APPLY_CHANGED;
    /* In a round that came before, see apply_order.c. */
    if (context->source != APPLY_DELTA && (action == ACT_FOLLOW || action == ACT_AGREE))
        r = order_spare_below(applying, node->attr.ino);
    return r < 0 ? r : apply_existence(applying, node, action);
}

/* ---- all together ---- */

/* Was what is to be shown anew deleted so lately that this report may be older? `known` is its row,
 * if it has one. A direct answer ends the doubt. */
static int is_maybe_deleted(struct applying *applying, const struct node *known,
                            const struct item *report, bool *ret)
{
    int64_t drive = applying->context->drive->id;
    int r;

    *ret = false;
    if (is_direct(applying->context))
        return txn_remove_tombstone(applying->txn, drive, report->id);
    if (known && known->attr.parent != STORE_INO_NONE)
        return 0;
    r = txn_has_tombstone(applying->txn, drive, report->id, ret);
    if (r == 0 && !*ret && !known && report->parent_id)
        r = txn_has_tombstone(applying->txn, drive, report->parent_id, ret);
    return r;
}

static int apply_live(struct applying *applying, struct node *known, const struct item *report,
                      enum apply_outcome *ret)
{
    bool maybe_deleted, is_taken;
    int r = is_maybe_deleted(applying, known, report, &maybe_deleted);

    if (r < 0)
        return r;
    if (maybe_deleted) {
        *ret = APPLY_CHECK;
        return 0;
    }
    r = apply_own(applying, known, report, &is_taken);
    if (r < 0 || is_taken) {
        *ret = APPLY_CHANGED;
        return r;
    }
    if (!known)
        return apply_new(applying, report, ret);
    if (apply_is_another_thing(known, report))
        return apply_replacement(applying, known, report, ret);
    return apply_known(applying, known, report, ret);
}

int apply_one(struct applying *applying, const struct item *report, enum apply_outcome *ret)
{
    bool is_tombstone = report->flags & ITEM_DELETED;
    struct node node;
    int r;

    *ret = APPLY_LEFT_OUT;
    if (!apply_is_usable(applying->context, report))
        return 0;
    r = apply_find_row(applying, report, &node);
    if (r == -ENOENT) {
        *ret = APPLY_NOTHING;
        return is_tombstone ? 0 : apply_live(applying, NULL, report, ret);
    }
    if (r < 0)
        return r;
    if (is_root(applying->context, report))
        r = is_tombstone ? 0 : apply_root(applying, &node, report, ret);
    else if (is_tombstone)
        r = apply_tombstone(applying, &node, ret);
    else
        r = apply_live(applying, &node, report, ret);
    node_clear(&node);
    return r;
}

int apply_report(struct store_txn *txn, const struct apply_context *context,
                 const struct item *report, enum apply_outcome *ret, struct err *err)
{
    struct applying applying = { .txn = txn, .context = context };
    enum apply_outcome outcome = APPLY_NOTHING;
    int r = context->source == APPLY_DELTA ? order_apply(&applying, report, &outcome)
                                           : apply_one(&applying, report, &outcome);

    r = place_settle(&applying, r);
    if (r < 0)
        return err_set_errno(err, r, "storing item %s", report->id);
    if (ret)
        *ret = outcome;
    return 0;
}
