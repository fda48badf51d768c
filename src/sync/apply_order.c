/* SPDX-License-Identifier: MIT */
/*
 * The order in which staged reports are applied. A report goes after those it depends on, all in
 * one transaction, so that a swap of names or of folders is never seen half done:
 *
 * - its parent's, if that has no row or no place yet;
 * - that of a folder between its new parent and itself, if the move would close a cycle;
 * - of a tombstone: the live ones of what is below, which moves out; what is below and was seen
 * while it was in doubt (absence.c) has had its report, and is put to no place until it is settled;
 * - that of who holds its name and is deleted;
 * - who holds its name and is to leave it otherwise is put to no place at once, and its report is
 * applied after.
 *
 * A stack of ids, and the set of all that were ever on it: each report is taken up once in a call,
 * so this ends whatever the server says; a dependency that is on the stack already is a circle, and
 * the report is applied as things are then (apply_place.c holds back what can't be). Depth is a
 * list's length.
 *
 * A report whose outcome is APPLY_CHECK stays staged. The caller meets it again.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "sync/apply_i.h"
#include "sync/strset.h"

DEFINE_VEC(id_list, char *);

struct order {
    struct applying *applying;
    struct id_list stack;
    struct id_list vacated;     /* whose places were taken: to be applied next */
    struct strset seen;         /* all that were ever on the stack */
    const struct item *first;   /* the caller's report, the bottom of the stack */
    enum apply_outcome outcome; /* of `first` */
};

static void push(struct order *order, const char *id)
{
    if (strset_add(&order->seen, id))
        (void)id_list_push(&order->stack, x_strdup(id));
}

/* ---- looking at what is staged ---- */

static int note_live(struct store_txn *txn, const struct item *item, void *arg)
{
    bool *is_live = arg;

    (void)txn;
    *is_live = !(item->flags & ITEM_DELETED);
    return 0;
}

/* Is a live report of this id staged? */
static int is_staged_live(struct applying *applying, const char *id, bool *ret)
{
    int r;

    *ret = false;
    r = txn_get_staged(applying->txn, applying->context->drive->id, id, note_live, ret);
    return r == -ENOENT ? 0 : r;
}

/* Puts the id on the stack if a live report of it is staged. */
static int push_if_live(struct order *order, const char *id)
{
    bool is_live;
    int r;

    if (strset_has(&order->seen, id))
        return 0;
    r = is_staged_live(order->applying, id, &is_live);
    if (r == 0 && is_live)
        push(order, id);
    return r;
}

/* ---- what a live report depends on ---- */

static int push_parent(struct order *order, const struct item *report)
{
    struct applying *applying = order->applying;
    const struct item parent = { .id = report->parent_id };
    bool has_place = false;
    struct node node;
    int r;

    if (!report->parent_id)
        return 0;
    r = apply_find_row(applying, &parent, &node);
    if (r == 0) {
        has_place = node.attr.parent != STORE_INO_NONE;
        node_clear(&node);
    } else if (r != -ENOENT) {
        return r;
    }
    return has_place ? 0 : push_if_live(order, report->parent_id);
}

/* The folders from the new parent up to the node itself: one that moves away comes first. */
static int push_cycle(struct order *order, ino_nr ino, const char *parent_id)
{
    struct applying *applying = order->applying;
    size_t depth = order->stack.len;
    ino_nr above, parent;
    bool is_cycle = false;
    int r = place_look_up_parent(applying, parent_id, &parent);

    if (r == 0)
        r = place_is_above(applying->txn, ino, parent, &is_cycle);
    if (r < 0 || !is_cycle)
        return r == -ENOENT ? 0 : r;
    for (above = parent; r == 0 && above != ino && order->stack.len == depth;) {
        struct node node;

        r = txn_get_node(applying->txn, above, &node);
        if (r < 0)
            break;
        above = node.attr.parent;
        if (node.rid)
            r = push_if_live(order, node.rid);
        node_clear(&node);
    }
    return r;
}

static int push_needed(struct order *order, const struct item *report)
{
    size_t depth = order->stack.len;
    struct node node;
    int r = push_parent(order, report);

    if (r < 0 || order->stack.len > depth || !report->parent_id)
        return r;
    r = apply_find_row(order->applying, report, &node);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (node.attr.kind == NODE_FOLDER && !(report->flags & ITEM_ROOT))
        r = push_cycle(order, node.attr.ino, report->parent_id);
    node_clear(&node);
    return r;
}

/* ---- who holds the name ---- */

struct holder_query {
    struct order *order;
    const struct node *holder;
    const struct item *newcomer;
    bool leaves;
    bool is_deleted;
};

/* Will this report, when it is applied, take the holder away from its place? */
static int note_leaving(struct store_txn *txn, const struct item *report, void *arg)
{
    struct holder_query *query = arg;
    const struct apply_context *context = query->order->applying->context;
    const struct apply_view gone = { .deleted = true };
    int64_t told_ms = apply_told_ms(context, query->holder);
    struct apply_decision decision = apply_decide(query->holder, &gone, context->source, told_ms);

    (void)txn;
    if (!apply_is_usable(context, report))
        return 0;
    if (report->flags & ITEM_DELETED) {
        query->leaves = query->is_deleted = decision.existence == ACT_FOLLOW;
        return 0;
    }
    if (apply_is_late(query->holder, context->source, told_ms) || !report->parent_id)
        return 0;
    query->leaves = strcmp(report->parent_id, query->newcomer->parent_id) != 0 ||
                    strcmp(report->name, query->newcomer->name) != 0;
    return 0;
}

/* Is the newcomer in the holder now? Then it has to come out of it first. */
static int is_inside(struct applying *applying, const struct item *newcomer, ino_nr holder,
                     bool *ret)
{
    struct node node;
    int r = apply_find_row(applying, newcomer, &node);

    *ret = false;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = place_is_above(applying->txn, holder, node.attr.parent, ret);
    node_clear(&node);
    return r;
}

/* One that is deleted goes first: what was changed below it may have to stay, in its place. */
static int leave(struct order *order, struct node *holder, const struct holder_query *query)
{
    bool is_seen = strset_has(&order->seen, holder->rid), inside = false;
    int r = 0;

    if (query->is_deleted && !is_seen)
        r = is_inside(order->applying, query->newcomer, holder->attr.ino, &inside);
    if (r == 0 && query->is_deleted && !is_seen && !inside) {
        push(order, holder->rid);
        return 0;
    }
    if (r == 0 && !is_seen) /* else its turn comes anyway */
        (void)id_list_push(&order->vacated, x_strdup(holder->rid));
    return r < 0 ? r : place_vacate(order->applying, holder);
}

static int vacate_if_leaving(struct order *order, struct node *holder, const struct item *newcomer)
{
    const unsigned unsent = DIRTY_PLACE | DIRTY_CREATED | DIRTY_DELETED;
    struct applying *applying = order->applying;
    struct holder_query query = { .order = order, .holder = holder, .newcomer = newcomer };
    int r;

    if (!holder->rid || holder->attr.drive != applying->context->drive->id ||
        strcmp(holder->rid, newcomer->id) == 0 ||
        node_dirty(holder, APPLY_MTIME_GRANULARITY_NS) & unsent)
        return 0;
    r = txn_get_staged(applying->txn, holder->attr.drive, holder->rid, note_leaving, &query);
    if (r < 0 || !query.leaves)
        return r == -ENOENT ? 0 : r;
    return leave(order, holder, &query);
}

static int free_name(struct order *order, const struct item *report)
{
    struct applying *applying = order->applying;
    cleanup_free char *name = NULL;
    struct node_attr attr;
    struct node holder;
    ino_nr parent;
    int r;

    if (!report->parent_id || !report->name)
        return 0;
    r = place_look_up_parent(applying, report->parent_id, &parent);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    name = place_decode_name(report->name);
    r = txn_lookup(applying->txn, parent, name, &attr);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = txn_get_node(applying->txn, attr.ino, &holder);
    if (r < 0)
        return r;
    r = vacate_if_leaving(order, &holder, report);
    node_clear(&holder);
    return r;
}

/* ---- what a tombstone depends on ---- */

/* Is it in doubt where the row belongs, but not that it exists? Then it may have moved out: delta
 * and the item itself disagree on it, and delta won't tell again. */
static int is_doubted_alive(struct applying *applying, const struct node *node, bool *ret)
{
    struct missing_row row;
    int r = txn_get_missing(applying->txn, node->attr.ino, &row);

    *ret = r == 0 && row.first_404_ms == 0 && node->confirmed_ms >= row.since_ms;
    return r == -ENOENT ? 0 : r;
}

/* What is below and has a live report goes first, if it has not had its turn. If it had, or there
 * is no order to put it in (NULL), its report waits for a check: it is put to no place, so that its
 * row, with what is below it, outlives the folder. So is what is settled by absence.c. */
static int spare(struct applying *applying, struct order *order, ino_nr ino)
{
    struct node node;
    bool is_live = false, is_doubted = false;
    int r = txn_get_node(applying->txn, ino, &node);

    if (r < 0)
        return r;
    if (node.rid)
        r = is_staged_live(applying, node.rid, &is_live);
    if (r == 0 && !is_live)
        r = is_doubted_alive(applying, &node, &is_doubted);
    if (r == 0 && is_live && order && !strset_has(&order->seen, node.rid))
        push(order, node.rid);
    else if (r == 0 && (is_live || is_doubted) &&
             node_dirty(&node, APPLY_MTIME_GRANULARITY_NS) == 0)
        r = place_vacate(applying, &node);
    node_clear(&node);
    return r;
}

static int spare_below(struct applying *applying, struct order *order, ino_nr top)
{
    int64_t drive = applying->context->drive->id, missing = 0;
    struct node_numbers tree = { 0 };
    bool has_live;
    int r = txn_has_staged_live(applying->txn, drive, &has_live);

    if (r == 0 && !has_live)
        r = txn_count_missing(applying->txn, drive, &missing);
    if (r < 0 || (!has_live && missing == 0))
        return r;
    r = delete_list_tree(applying->txn, top, &tree);
    for (size_t i = 1; i < tree.len && r == 0; i++)
        r = spare(applying, order, tree.items[i]);
    node_numbers_clear(&tree);
    return r;
}

int order_spare_below(struct applying *applying, ino_nr top)
{
    return spare_below(applying, NULL, top);
}

static int push_below(struct order *order, const struct item *tombstone)
{
    const struct apply_context *context = order->applying->context;
    const struct apply_view gone = { .deleted = true };
    struct node node;
    int64_t told_ms;
    int r = apply_find_row(order->applying, tombstone, &node);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    told_ms = apply_told_ms(context, &node);
    switch (apply_decide(&node, &gone, context->source, told_ms).existence) {
    case ACT_FOLLOW:
    case ACT_AGREE:
        r = spare_below(order->applying, order, node.attr.ino);
        break;
    case ACT_NONE:
    case ACT_KEEP_BESIDE:
    case ACT_CHECK:
        break;
    }
    node_clear(&node);
    return r;
}

/* ---- the stack ---- */

/* Applies the report on top of the stack, or puts on it what has to come first. */
static int take_up(struct store_txn *txn, const struct item *report, void *arg)
{
    struct order *order = arg;
    struct applying *applying = order->applying;
    enum apply_outcome outcome = APPLY_NOTHING;
    size_t depth = order->stack.len;
    bool is_tombstone = report->flags & ITEM_DELETED;
    int r = 0;

    if (apply_is_usable(applying->context, report))
        r = is_tombstone ? push_below(order, report) : push_needed(order, report);
    if (r < 0 || order->stack.len > depth)
        return r;
    if (!is_tombstone && apply_is_usable(applying->context, report))
        r = free_name(order, report);
    if (r < 0 || order->stack.len > depth)
        return r;
    r = apply_one(applying, report, &outcome);
    if (r < 0)
        return r;
    free(order->stack.items[--order->stack.len]);
    if (depth == 1 && report == order->first)
        order->outcome = outcome;
    else if (outcome != APPLY_CHECK)
        r = txn_unstage(txn, applying->context->drive->id, report->id);
    return r;
}

static int take_up_top(struct order *order)
{
    struct applying *applying = order->applying;
    const char *id = order->stack.items[order->stack.len - 1];
    int r;

    if (strcmp(id, order->first->id) == 0)
        return take_up(applying->txn, order->first, order);
    r = txn_get_staged(applying->txn, applying->context->drive->id, id, take_up, order);
    if (r == -ENOENT) { /* applied already, as something that another one depended on */
        free(order->stack.items[--order->stack.len]);
        return 0;
    }
    return r;
}

static int work_off(struct order *order)
{
    int r = 0;

    while (r == 0 && (order->stack.len > 0 || order->vacated.len > 0)) {
        if (order->stack.len > 0) {
            r = take_up_top(order);
            continue;
        }
        char *id = order->vacated.items[--order->vacated.len];
        (void)strset_add(&order->seen, id);
        (void)id_list_push(&order->stack, id);
    }
    return r;
}

int order_apply(struct applying *applying, const struct item *report, enum apply_outcome *ret)
{
    struct order order = { .applying = applying, .first = report };
    int r;

    push(&order, report->id);
    r = work_off(&order);
    *ret = order.outcome;
    while (order.stack.len > 0)
        free(order.stack.items[--order.stack.len]);
    while (order.vacated.len > 0)
        free(order.vacated.items[--order.vacated.len]);
    id_list_clear(&order.stack);
    id_list_clear(&order.vacated);
    strset_clear(&order.seen);
    return r;
}
