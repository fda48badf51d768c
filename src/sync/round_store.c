/* SPDX-License-Identifier: MIT */
/*
 * The transactions of a round. The drive's row is read, changed and written inside each, never
 * kept: apply writes it too (the root's id).
 *
 * The very first round applies its pages at once, so that a mount fills up as it runs. What apply
 * can't decide there is staged, and settled when the enumeration has ended, like the rest of any
 * other round.
 *
 * A row that only a listing brought is noted as missing (listing.c) until delta reports it: the
 * item may go before delta has told of it.
 */
#include "config.h"

#include "sync/round_store.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sync/round_guard.h"
#include "sync/round_plan.h"

/* ---- a transaction with the drive ---- */

static bool note_any(const struct missing_row *row, void *arg)
{
    (void)row;
    *(bool *)arg = true;
    return false;
}

/* Saves looking up each item when nothing is missing, as is usual. */
static bool has_missing(struct sync *sync, int64_t drive)
{
    bool has_any = false;

    (void)store_list_missing(sync->conf.store, drive, note_any, &has_any);
    return has_any;
}

struct round_txn {
    struct store_txn *txn;
    bool has_missing; /* rows of this drive, when it began */
    struct drive_row drive;
    struct apply_context context;
};

#define cleanup_round_txn __attribute__((cleanup(round_txn_end)))

static void round_txn_end(struct round_txn *round)
{
    store_rollback(round->txn);
    drive_row_clear(&round->drive);
}

/* ret must stay where it is: its context points to its drive. */
static int round_txn_begin(struct sync *sync, int64_t drive, enum apply_source source,
                           struct round_txn *ret, struct err *err)
{
    int r = store_begin(sync->conf.store, &ret->txn, err);

    if (r < 0)
        return r;
    r = txn_get_drive(ret->txn, drive, &ret->drive);
    if (r < 0)
        return sync_explain(err, r, "reading the state of a drive");
    ret->context = (struct apply_context){
        .drive = &ret->drive,
        .source = source,
        .now_ms = clock_real_ms(sync->conf.clock),
        .staged_since_ms = source == APPLY_DELTA ? ret->drive.round_started_ms : 0,
    };
    ret->has_missing = has_missing(sync, drive);
    return 0;
}

/* Writes the drive's row and commits. */
static int round_txn_commit(struct round_txn *round, struct follow *follow, struct err *err)
{
    const struct drive_row *drive = &round->drive;
    int r = txn_put_drive(round->txn, &round->drive);

    if (r < 0)
        return sync_explain(err, r, "writing the state of a drive");
    r = sync_commit(&round->txn, err);
    if (r < 0)
        return r;
    follow->status.round = drive->round;
    follow->status.items_seen = drive->items_seen;
    follow->status.last_round_ms = drive->round_ended_ms;
    return 0;
}

static void replace(char **string, const char *value)
{
    char *copy = x_strdup(value);

    free(*string);
    *string = copy;
}

/* The root's row knows its id from the root's own report; the drive's row follows. */
static int take_root(struct round_txn *round)
{
    struct node root;
    int r = txn_get_node(round->txn, round->drive.root, &root);

    if (r < 0)
        return r;
    if (root.rid)
        replace(&round->drive.root_rid, root.rid);
    node_clear(&root);
    return 0;
}

/* ---- the end of a round ---- */

static int end_round(struct round_txn *round)
{
    struct drive_row *drive = &round->drive;
    int64_t forget_ms = round->context.now_ms - TOMBSTONE_MS;
    int r = 0;

    if (drive->round_started_ms < forget_ms)
        forget_ms = drive->round_started_ms;
    /* It has named all children of the folders that it named, and of no others. */
    if (drive->round_was_full)
        r = txn_set_all_complete(round->txn, drive->id, drive->round_started_ms);
    if (r == 0)
        r = txn_purge_tombstones(round->txn, drive->id, forget_ms);
    drive->round = ROUND_NONE;
    drive->round_was_full = false;
    drive->round_ended_ms = round->context.now_ms;
    return r;
}

/* ---- a page ---- */

static int apply_page(struct round_txn *round, const struct item_page *page, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < page->count && r == 0; i++) {
        const struct item *item = &page->items[i];
        enum apply_outcome outcome = APPLY_NOTHING;

        r = apply_report(round->txn, &round->context, item, &outcome, err);
        /* What was staged of it before is an older word. */
        if (r == 0 && outcome == APPLY_CHECK)
            r = txn_stage(round->txn, round->drive.id, item);
        else if (r == 0)
            r = txn_unstage(round->txn, round->drive.id, item->id);
        if (r == 0 && round->has_missing)
            r = absence_note_present(round->txn, round->drive.id, item->id);
    }
    return r < 0 ? r : take_root(round);
}

static int stage_page(struct round_txn *round, const struct item_page *page)
{
    int r = 0;

    for (size_t i = 0; i < page->count && r == 0; i++)
        r = txn_stage(round->txn, round->drive.id, &page->items[i]);
    return r;
}

/* What the enumeration lacks, under any id, is missing, and what was in doubt before is so anew:
 * the feed may not know it, and then won't tell that it goes. Too much of that is held. */
static int note_missing(struct round_txn *round, struct err *err)
{
    const struct drive_row *drive = &round->drive;
    int64_t count = 0;
    int r = 0;

    if (drive->round == ROUND_FULL)
        r = apply_match_ids(round->txn, &round->context, err);
    if (r == 0)
        r = take_root(round);
    if (r == 0)
        r = txn_renew_missing(round->txn, drive->id);
    if (r == 0 && drive->round == ROUND_FULL)
        r = txn_note_missing(round->txn, drive->id, &count);
    if (r == 0)
        r = txn_count_missing(round->txn, drive->id, &count);
    if (r < 0 || !removal_is_too_big(count, drive->items_seen + count))
        return r;
    log_warn("sync",
             "%lld items are missing on the server, where there are %lld: they are kept "
             "until their removal is confirmed",
             (long long)count, (long long)drive->items_seen);
    return txn_hold_missing(round->txn, drive->id, true);
}

/* The last page: staging is whole. */
static int end_pages(struct sync *sync, struct round_txn *round, const char *delta_link,
                     struct err *err)
{
    struct drive_row *drive = &round->drive;
    int64_t staged = 0;
    int r;

    if (drive->round == ROUND_DELTA)
        r = guard_hold_pinned(sync->conf.store, round->txn, &round->context);
    else
        r = note_missing(round, err);

    drive->round_was_full = drive->round != ROUND_DELTA;
    drive->round = ROUND_APPLY;
    replace(&drive->next_link, NULL);
    replace(&drive->delta_link, delta_link);
    if (r == 0)
        r = txn_count_staged(round->txn, drive->id, &staged);
    if (r == 0 && staged == 0 && !drive->round_was_full)
        r = end_round(round);
    return r;
}

int round_store_page(struct sync *sync, struct follow *follow, const struct item_page *page,
                     struct err *err)
{
    bool is_first = follow->status.round == ROUND_FIRST;
    cleanup_round_txn struct round_txn round = { 0 };
    struct drive_row *drive = &round.drive;
    int r = round_txn_begin(sync, follow->drive, APPLY_FIRST, &round, err);

    if (r < 0)
        return r;
    if (follow->round_is_new) {
        drive->round_started_ms = round.context.now_ms;
        drive->items_seen = 0;
    }
    drive->round = follow->status.round;
    drive->items_seen += (int64_t)page->count;
    r = is_first ? apply_page(&round, page, err) : stage_page(&round, page);
    if (r == 0 && page->next_link)
        replace(&drive->next_link, page->next_link);
    else if (r == 0)
        r = end_pages(sync, &round, page->delta_link, err);
    if (r < 0)
        return sync_explain(err, r, "storing a page of changes");
    return round_txn_commit(&round, follow, err);
}

int round_store_restart(struct sync *sync, struct follow *follow, struct err *err)
{
    cleanup_round_txn struct round_txn round = { 0 };
    int r = round_txn_begin(sync, follow->drive, APPLY_DELTA, &round, err);

    if (r == 0)
        r = txn_clear_staging(round.txn, follow->drive);
    if (r < 0)
        return sync_explain(err, r, "starting a round again");
    round.drive.round = round_plan_restarted(&round.drive);
    replace(&round.drive.next_link, NULL);
    replace(&round.drive.delta_link, NULL);
    return round_txn_commit(&round, follow, err);
}

/* ---- applying what was staged ---- */

static int add_id(struct store_txn *txn, const struct item *item, void *arg)
{
    (void)txn;
    (void)strset_add(arg, item->id);
    return 0;
}

/* One staged item on its way through apply. */
struct staged_apply {
    const struct apply_context *context;
    enum apply_outcome outcome;
    struct err *err;
};

static int apply_staged(struct store_txn *txn, const struct item *item, void *arg)
{
    struct staged_apply *staged = arg;

    return apply_report(txn, staged->context, item, &staged->outcome, staged->err);
}

/* An item that went with another one, which depended on it, is not staged any more. */
static int apply_one(struct round_txn *round, struct strset *undecided, const char *id,
                     struct err *err)
{
    struct staged_apply staged = { .context = &round->context, .err = err };
    int r = txn_get_staged(round->txn, round->drive.id, id, apply_staged, &staged);

    if (r < 0 && r != -ENOENT)
        return r;
    if (r == 0 && staged.outcome == APPLY_CHECK) {
        (void)strset_add(undecided, id);
        return 0;
    }
    if (r == 0)
        r = txn_unstage(round->txn, round->drive.id, id);
    else
        r = 0;
    return r == 0 && round->has_missing ? absence_note_present(round->txn, round->drive.id, id) : r;
}

static int apply_ids(struct round_txn *round, const struct strset *ids, struct strset *undecided,
                     size_t *ret_tried, struct err *err)
{
    size_t tried = 0;
    int r = 0;

    for (size_t i = 0; i < ids->len && r == 0; i++) {
        if (strset_has(undecided, ids->items[i]))
            continue;
        tried++;
        r = apply_one(round, undecided, ids->items[i], err);
    }
    *ret_tried = tried;
    return r < 0 ? r : take_root(round);
}

enum round_apply_result round_store_apply(struct sync *sync, struct follow *follow, struct err *err)
{
    cleanup_round_txn struct round_txn round = { 0 };
    struct strset ids = { 0 };
    size_t tried = 0;
    bool is_done;
    int r = round_txn_begin(sync, follow->drive, APPLY_DELTA, &round, err);

    if (r < 0)
        return ROUND_APPLY_FAILED;
    r = txn_each_staged(round.txn, follow->drive, ITEMS_PER_STEP + follow->undecided.len, add_id,
                        &ids);
    is_done = ids.len == 0;
    if (r == 0)
        r = apply_ids(&round, &ids, &follow->undecided, &tried, err);
    strset_clear(&ids);
    if (r == 0 && is_done)
        r = end_round(&round);
    if (r < 0) {
        (void)sync_explain(err, r, "applying changes");
        return ROUND_APPLY_FAILED;
    }
    if (round_txn_commit(&round, follow, err) < 0)
        return ROUND_APPLY_FAILED;
    if (is_done)
        return ROUND_APPLY_DONE;
    return tried > 0 ? ROUND_APPLY_MORE : ROUND_APPLY_UNDECIDED;
}
