/* SPDX-License-Identifier: MIT */
/*
 * Checks: items that apply could not decide about are asked for, and the answers are applied as the
 * best word there is. A check takes its items a chunk at a time, each chunk in one request and one
 * transaction, and ends with the first error that is worth another attempt.
 *
 * All read models of the service lag, and delta reports a change once. So no answer ends the matter
 * that contradicts what is staged: the row is noted as missing, and absence.c asks again later.
 * Neither is a 404 alone believed here, but together with delta's tombstone it is; of an item that
 * nobody knew, delta's report is taken first; and so it is of one that can't be had. One that was
 * deleted before the round began has been restored, as delta doesn't go back. Only a report that
 * contradicts a deletion confirmed since then, and a 404, is dropped.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sync/sync_i.h"

struct check {
    int64_t drive;
    char *drive_id;
    struct strset ids;
    size_t begin, end; /* of ids: the chunk under way */
    bool is_staged, gives_up;
    bool has_left; /* items that could not be had */
    enum remote_priority priority;
    struct request *request;
    check_done_fn *done;
    void *owner;
};

static void check_free(struct check *check)
{
    strset_clear(&check->ids);
    free(check->drive_id);
    free(check);
}

static void finish(struct sync *sync, struct check *check, const struct err *err)
{
    check_done_fn *done = check->done;
    void *owner = check->owner;
    bool has_left = check->has_left;

    check_free(check);
    done(sync, err, has_left, owner);
}

/* ---- one answer ---- */

static bool is_worth_retrying(const struct err *err)
{
    return err->code != 0 && err->http_status != 404 && err->retry != ERR_RETRY_NEVER;
}

static void warn_if_undecided(const struct item *item, enum apply_outcome outcome)
{
    if (outcome == APPLY_CHECK)
        log_warn("sync", "item %s: what the service says of it can't be told apart, left as it is",
                 item->id);
}

static int apply_item(struct store_txn *txn, const struct apply_context *context,
                      const struct item *item, struct err *err)
{
    enum apply_outcome outcome = APPLY_NOTHING;
    int r = apply_report(txn, context, item, &outcome, err);

    warn_if_undecided(item, outcome);
    return r;
}

/* Of what a listing brought. */
static int settle_unreported(struct store_txn *txn, const struct apply_context *context,
                             const struct item *item, struct err *err)
{
    enum apply_outcome outcome = APPLY_NOTHING;
    int r = absence_apply_unreported(txn, context, item, &outcome, err);

    warn_if_undecided(item, outcome);
    return r;
}

struct staged_apply {
    const struct apply_context *context;
    struct err *err;
};

static int apply_staged_item(struct store_txn *txn, const struct item *item, void *arg)
{
    const struct staged_apply *staged = arg;

    return apply_item(txn, staged->context, item, staged->err);
}

/* Takes the staged report for true, a tombstone too. */
static int believe_staged(struct store_txn *txn, const struct apply_context *context,
                          const char *id, struct err *err)
{
    struct staged_apply staged = { .context = context, .err = err };
    int r = txn_get_staged(txn, context->drive->id, id, apply_staged_item, &staged);

    return r == -ENOENT ? 0 : r;
}

static int apply_staged_tombstone(struct store_txn *txn, const struct item *item, void *arg)
{
    const struct staged_apply *staged = arg;

    if (!(item->flags & ITEM_DELETED))
        return -ENOENT;
    return apply_item(txn, staged->context, item, staged->err);
}

/* Two read models say that the item is gone: -ENOENT, and nothing done, if delta isn't one of them.
 */
static int believe_tombstone(struct store_txn *txn, const struct apply_context *context,
                             const char *id, struct err *err)
{
    struct staged_apply staged = { .context = context, .err = err };

    return txn_get_staged(txn, context->drive->id, id, apply_staged_tombstone, &staged);
}

/* Unless delta tells of the deletion, too, absence.c is to confirm it some minutes from now. */
static int settle_absent(struct store_txn *txn, const struct apply_context *context, const char *id,
                         struct err *err)
{
    struct node node;
    bool is_known;
    int64_t deleted_ms;
    int r = txn_get_tombstone(txn, context->drive->id, id, &deleted_ms);

    if (r < 0 && r != -ENOENT)
        return r;
    if (r == 0 && deleted_ms >= context->drive->round_started_ms)
        return 0;
    is_known = txn_find_node(txn, context->drive->id, id, &node) == 0;
    if (is_known)
        node_clear(&node);
    r = is_known ? believe_tombstone(txn, context, id, err) : believe_staged(txn, context, id, err);
    if (is_known && r != -ENOENT)
        return r;
    return r < 0 && !is_known ? r : absence_note(txn, context, id, true);
}

/* Refused, or failing time and again: delta's word is all there is. If asking may help later,
 * absence.c goes on with it. */
static int settle_unanswered(struct store_txn *txn, const struct apply_context *context,
                             const char *id, const struct err *item_err, struct err *err)
{
    int r = believe_staged(txn, context, id, err);

    return r == 0 && is_worth_retrying(item_err) ? absence_note(txn, context, id, false) : r;
}

struct comparison {
    const struct item *found;
    bool is_same;
    bool is_told_gone;
};

static int compare_staged(struct store_txn *txn, const struct item *staged, void *arg)
{
    struct comparison *comparison = arg;

    (void)txn;
    comparison->is_told_gone = staged->flags & ITEM_DELETED;
    comparison->is_same = !(staged->flags & ITEM_DELETED) && staged->etag &&
                          comparison->found->etag &&
                          strcmp(staged->etag, comparison->found->etag) == 0;
    return 0;
}

/* The item is there; is it as delta tells? If not, either may be late. The tombstone of a folder
 * may have stood for those of what had been deleted in it before. */
static int settle_present(struct store_txn *txn, const struct apply_context *context,
                          const struct item *item, struct err *err)
{
    struct comparison comparison = { .found = item };
    int64_t drive = context->drive->id;
    int r = txn_get_staged(txn, drive, item->id, compare_staged, &comparison);

    if (r == 0 || r == -ENOENT)
        r = apply_item(txn, context, item, err);
    if (r == 0 && comparison.is_told_gone)
        r = absence_note_below(txn, context, item->id);
    if (r < 0)
        return r;
    return comparison.is_same ? absence_note_present(txn, drive, item->id)
                              : absence_note(txn, context, item->id, false);
}

/* The service has given the item a new id, which its row takes, and nothing else; if that has a row
 * already, this one stands for nothing. absence.c goes on with either. */
static int settle_new_id(struct store_txn *txn, const struct apply_context *context, const char *id,
                         const char *new_id, struct err *err)
{
    struct node node;
    int r = txn_find_node(txn, context->drive->id, id, &node);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = apply_take_id(txn, context, node.attr.ino, new_id, err);
    node_clear(&node);
    if (r < 0 && r != -EEXIST)
        return r;
    return absence_note(txn, context, r == 0 ? new_id : id, false);
}

/* What was learnt of one item, asked for by this id, enters the store. */
static int settle(struct store_txn *txn, const struct check *check,
                  const struct apply_context *context, const char *id, const struct item *item,
                  const struct err *item_err, struct err *err)
{
    bool is_gone =
        item_err->http_status == 404 || (item_err->code == 0 && item->flags & ITEM_DELETED);
    bool is_found = item_err->code == 0 && !is_gone;
    int r = 0;

    if (is_found && strcmp(item->id, id) != 0)
        r = settle_new_id(txn, context, id, item->id, err);
    else if (is_found && check->is_staged)
        r = settle_present(txn, context, item, err);
    else if (is_found)
        r = settle_unreported(txn, context, item, err);
    else if (check->is_staged && is_gone)
        r = settle_absent(txn, context, id, err);
    else if (check->is_staged)
        r = settle_unanswered(txn, context, id, item_err, err);
    if (r == 0 && check->is_staged)
        r = txn_unstage(txn, check->drive, id);
    return r;
}

/* ---- a chunk ---- */

/* Settles what can be; *ret_failed is the first error of an item that is worth another attempt. */
static int settle_chunk(struct sync *sync, struct check *check, const struct answer *answer,
                        struct err *ret_failed, struct err *err)
{
    const struct err *errors = answer->errors;
    struct drive_row drive = { 0 };
    cleanup_txn struct store_txn *txn = NULL;
    struct apply_context context = {
        .drive = &drive,
        .source = APPLY_ITEM,
        .now_ms = clock_real_ms(sync->conf.clock),
    };
    int r = store_begin(sync->conf.store, &txn, err);

    if (r == 0) {
        r = txn_get_drive(txn, check->drive, &drive);
        (void)sync_explain(err, r, "reading a drive");
    }
    for (size_t i = 0; i < answer->page->count && r == 0; i++) {
        check->has_left |= errors[i].code != 0 && errors[i].http_status != 404;
        if (!is_worth_retrying(&errors[i]) || check->gives_up)
            r = settle(txn, check, &context, check->ids.items[check->begin + i],
                       &answer->page->items[i], &errors[i], err);
        else if (ret_failed->code == 0)
            *ret_failed = errors[i];
    }
    drive_row_clear(&drive);
    return r < 0 ? sync_explain(err, r, "settling items") : sync_commit(&txn, err);
}

static void ask_next(struct sync *sync, struct check *check);

static void on_items(struct sync *sync, struct answer *answer, void *owner)
{
    struct check *check = owner;
    struct err err = { 0 }, failed = { 0 };
    size_t expected = check->end - check->begin;

    check->request = NULL;
    if (answer->err.code != 0) {
        finish(sync, check, &answer->err);
        return;
    }
    if (answer->page->count != expected || (expected > 0 && !answer->errors))
        (void)err_set(&failed, -EPROTO, "asked for %zu items, got %zu", expected,
                      answer->page->count);
    else if (settle_chunk(sync, check, answer, &failed, &err) < 0)
        failed = err;
    if (failed.code != 0)
        finish(sync, check, &failed);
    else if (check->end == check->ids.len)
        finish(sync, check, NULL);
    else
        ask_next(sync, check);
    absence_poke(sync);
}

static void ask_next(struct sync *sync, struct check *check)
{
    size_t left = check->ids.len - check->end;

    check->begin = check->end;
    check->end += left < ITEMS_PER_ASK ? left : ITEMS_PER_ASK;
    check->request = request_items(sync,
                                   &(struct item_query){
                                       .drive_id = check->drive_id,
                                       .ids = (const char *const *)check->ids.items + check->begin,
                                       .count = check->end - check->begin,
                                       .priority = check->priority,
                                   },
                                   on_items, check);
}

struct check *check_new(struct sync *sync, const struct check_query *query, check_done_fn *done,
                        void *owner)
{
    struct check *check = x_calloc(1, sizeof *check);

    check->drive = query->drive;
    check->drive_id = x_strdup(query->drive_id);
    for (size_t i = 0; i < query->ids->len; i++)
        (void)strset_add(&check->ids, query->ids->items[i]);
    check->is_staged = query->is_staged;
    check->gives_up = query->gives_up;
    check->priority = query->priority;
    check->done = done;
    check->owner = owner;
    ask_next(sync, check);
    return check;
}

void check_abandon(struct sync *sync, struct check *check)
{
    if (!check)
        return;
    request_abandon(sync, check->request);
    check_free(check);
}
