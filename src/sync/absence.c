/* SPDX-License-Identifier: MIT */
/*
 * Absence is not deletion. A row that is in doubt is noted as missing in the store:
 *
 * - a full enumeration, or a whole listing of a place without delta, did not bring it;
 * - a listing or a GET brought it before delta has told of it: the item may go before delta does,
 * and then it never will (round_store.c ends the doubt when it does);
 * - a GET changed it: the answer may be the late one, and delta has told all it had to tell;
 * - delta and a GET disagree (check.c): either may be the late one;
 * - it is in a folder of which delta says that it is gone, and a GET that it is there: of what was
 * deleted in it before, delta may have told nothing else.
 *
 * Here it is asked for, at once unless it was just seen, and then not more often than every five
 * minutes, whatever the answer was: so no row holds up others. A 404 is remembered with its time; a
 * second one, five minutes later or more, removes the row with all below it. An answer that finds
 * the item is applied, and ends the doubt only if it was made after a round that began five minutes
 * after that did: whatever lags has had its time then, and if the item goes now delta will tell.
 * Else it is asked for once more then. One that finds it under another id tells that the service
 * has given it a new one, which the row takes, and nothing else: its folder has a new one, too,
 * that nobody knows yet. If the new id has a row of its own, this one stands for nothing, as with a
 * 404.
 *
 * The topmost missing folder goes first (the store gives no others): what is below it waits for
 * what becomes of that. Too many at once are held: they are asked for (what is found is settled
 * then), and not removed before the user has agreed. While a drive is being enumerated its missing
 * rows are not yet what they will be, so they wait.
 *
 * One request at a time, of one drive; what is to be done next is worked out anew from the store
 * after each, so nothing is lost by a kill. While it is under way rounds, listings and the user may
 * have settled the row: the answer is held against the row as it is then.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sync/apply_i.h"
#include "sync/sync_i.h"
#include "tree/names.h"

static void clear_rows(struct missing_rows *rows)
{
    for (size_t i = 0; i < rows->len; i++)
        free(rows->items[i].rid);
    missing_rows_clear(rows);
}

static bool add_row(const struct missing_row *row, void *arg)
{
    struct missing_row copy = *row;

    copy.rid = x_strdup(row->rid);
    (void)missing_rows_push(arg, copy);
    return true;
}

/* ---- what is missing ---- */

/* The number of the item's row. */
static int find_row(struct store_txn *txn, int64_t drive, const char *rid, ino_nr *ret)
{
    struct node node;
    int r = txn_find_node(txn, drive, rid, &node);

    if (r < 0)
        return r;
    *ret = node.attr.ino;
    node_clear(&node);
    return 0;
}

/* One that was in doubt before stays held. */
int absence_note(struct store_txn *txn, const struct apply_context *context, const char *rid,
                 bool was_404)
{
    struct missing_row row = { .drive = context->drive->id, .since_ms = context->now_ms };
    int r = find_row(txn, row.drive, rid, &row.ino);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = txn_get_missing(txn, row.ino, &row);
    if (r < 0 && r != -ENOENT)
        return r;
    if (was_404) {
        row.asked_ms = context->now_ms;
        if (row.first_404_ms == 0)
            row.first_404_ms = context->now_ms;
    } else {
        row.since_ms = context->now_ms;
        row.first_404_ms = 0;
    }
    return txn_put_missing(txn, &row);
}

static int note_row(struct store_txn *txn, const struct apply_context *context, ino_nr ino)
{
    struct node node;
    int r = txn_get_node(txn, ino, &node);

    if (r < 0)
        return r;
    if (node.rid && node.attr.drive == context->drive->id)
        r = absence_note(txn, context, node.rid, false);
    node_clear(&node);
    return r;
}

int absence_note_below(struct store_txn *txn, const struct apply_context *context, const char *rid)
{
    struct node_numbers tree = { 0 };
    ino_nr top;
    int r = find_row(txn, context->drive->id, rid, &top);

    if (r == 0)
        r = delete_list_tree(txn, top, &tree);
    for (size_t i = 1; i < tree.len && r == 0; i++)
        r = note_row(txn, context, tree.items[i]);
    node_numbers_clear(&tree);
    return r == -ENOENT ? 0 : r;
}

int absence_note_present(struct store_txn *txn, int64_t drive, const char *rid)
{
    ino_nr ino;
    int r = find_row(txn, drive, rid, &ino);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return txn_clear_missing(txn, ino);
}

/* Whether somebody has told of the item, and not only of what is in it. */
static int is_item_known(struct store_txn *txn, int64_t drive, const char *rid, bool *ret)
{
    struct node node;
    int r = txn_find_node(txn, drive, rid, &node);

    *ret = r == 0 && (node.attr.parent != STORE_INO_NONE || *node.local.name);
    if (r == 0)
        node_clear(&node);
    return r == -ENOENT ? 0 : r;
}

/* Whether the item's place is another row's. Either that one is gone, or both are one, and the
 * service has given it a new id. */
static int is_place_taken(struct store_txn *txn, const struct apply_context *context,
                          const struct item *item, bool *ret)
{
    char name[NAME_SIZE];
    struct node_attr holder;
    ino_nr parent = context->listed;
    int r = 0;

    *ret = false;
    if (item->parent_id)
        r = find_row(txn, context->drive->id, item->parent_id, &parent);
    if (r == -ENOENT)
        r = 0;
    if (r < 0 || parent == STORE_INO_NONE || !item->name ||
        name_decode(item->name, name, sizeof name) < 0)
        return r;
    r = txn_lookup(txn, parent, name, &holder);
    *ret = r == 0 && holder.flags & NODE_BASE;
    return r == -ENOENT ? 0 : r;
}

int absence_apply_unreported(struct store_txn *txn, const struct apply_context *context,
                             const struct item *item, enum apply_outcome *ret, struct err *err)
{
    enum apply_outcome outcome = APPLY_NOTHING;
    bool is_known, is_taken = false;
    int r = is_item_known(txn, context->drive->id, item->id, &is_known);

    if (r == 0 && !is_known && context->drive->kind == DRIVE_OWN)
        r = is_place_taken(txn, context, item, &is_taken);
    if (r < 0)
        return err_set_errno(err, r, "looking for the place of item %s", item->id);
    if (!is_taken)
        r = apply_report(txn, context, item, &outcome, err);
    if (r == 0 && ret)
        *ret = outcome;
    if (r < 0 || is_taken || context->drive->kind != DRIVE_OWN)
        return r;
    return !is_known || outcome == APPLY_CHANGED ? absence_note(txn, context, item->id, false) : 0;
}

/* ---- what an answer means ---- */

static int settle_404(struct store_txn *txn, const struct apply_context *context,
                      struct missing_row *row, struct err *err)
{
    int64_t age_ms = context->now_ms - row->first_404_ms;
    int r;

    /* The clock may have been set back: then the first one counts from now. */
    if (row->first_404_ms == 0 || age_ms < 0)
        row->first_404_ms = context->now_ms;
    if (age_ms < ABSENCE_INTERVAL_MS || row->first_404_ms == context->now_ms || row->held)
        return txn_put_missing(txn, row);
    r = apply_delete(txn, context, row->ino, err);
    return r < 0 ? r : txn_clear_missing(txn, row->ino);
}

/* Whether delta has told by now of all that was there when the doubt began. */
static bool has_delta_caught_up(const struct drive_row *drive, const struct missing_row *row)
{
    return drive->kind != DRIVE_OWN ||
           (drive->round == ROUND_NONE && drive->round_started_ms - row->since_ms >= APPLY_LATE_MS);
}

static int settle_found(struct store_txn *txn, const struct apply_context *context,
                        const struct item *item, const char *asked_rid, struct missing_row *row,
                        struct err *err)
{
    bool has_new_id = strcmp(item->id, asked_rid) != 0;
    struct node_attr attr;
    int r = has_new_id ? apply_take_id(txn, context, row->ino, item->id, err) : 0;

    if (r == -EEXIST)
        return settle_404(txn, context, row, err);
    if (r == 0 && !has_new_id)
        r = apply_report(txn, context, item, NULL, err);
    if (r == 0 && !has_new_id && context->now_ms - row->since_ms >= APPLY_LATE_MS &&
        has_delta_caught_up(context->drive, row))
        return txn_clear_missing(txn, row->ino);
    row->first_404_ms = 0;
    if (r == 0)
        r = txn_getattr(txn, row->ino, &attr);
    if (r == -ENOENT)
        return 0; /* it is another thing now, with a row of its own */
    return r < 0 ? r : txn_put_missing(txn, row);
}

/* `asked` is the row as it was when it was asked for. */
static int settle_row(struct store_txn *txn, const struct apply_context *context,
                      const struct missing_row *asked, const struct item *item,
                      const struct err *item_err, struct err *err)
{
    bool is_gone =
        item_err->http_status == 404 || (item_err->code == 0 && item->flags & ITEM_DELETED);
    struct missing_row row;
    struct node node = { 0 };
    int r = txn_get_missing(txn, asked->ino, &row);

    if (r == 0)
        r = txn_get_node(txn, row.ino, &node);
    if (r < 0)
        return r == -ENOENT ? 0 : err_set(err, r, "reading a missing item");
    row.asked_ms = context->now_ms;
    if (!node.rid || strcmp(node.rid, asked->rid) != 0)
        r = 0; /* the answer is about its former id */
    else if (is_gone)
        r = settle_404(txn, context, &row, err);
    else if (item_err->code == 0)
        r = settle_found(txn, context, item, asked->rid, &row, err);
    else
        r = txn_put_missing(txn, &row);
    node_clear(&node);
    return r;
}

static int settle_answer(struct sync *sync, const struct answer *answer, struct err *err)
{
    struct missing_rows *rows = &sync->absence.asked;
    struct drive_row drive = { 0 };
    cleanup_txn struct store_txn *txn = NULL;
    struct apply_context context = {
        .drive = &drive,
        .source = APPLY_ITEM,
        .now_ms = clock_real_ms(sync->conf.clock),
    };
    int r;

    if (answer->page->count != rows->len || !answer->errors)
        return err_set(err, -EPROTO, "asked for %zu items, got %zu", rows->len,
                       answer->page->count);
    r = store_begin(sync->conf.store, &txn, err);
    if (r == 0)
        r = sync_explain(err, txn_get_drive(txn, rows->items[0].drive, &drive), "reading a drive");
    for (size_t i = 0; i < rows->len && r == 0; i++)
        r = settle_row(txn, &context, &rows->items[i], &answer->page->items[i], &answer->errors[i],
                       err);
    drive_row_clear(&drive);
    return r < 0 ? sync_explain(err, r, "settling missing items") : sync_commit(&txn, err);
}

static const struct err *first_item_error(const struct answer *answer)
{
    for (size_t i = 0; answer->errors && i < answer->page->count; i++) {
        if (answer->errors[i].code != 0 && answer->errors[i].http_status != 404)
            return &answer->errors[i];
    }
    return NULL;
}

static void on_items(struct sync *sync, struct answer *answer, void *owner)
{
    struct absence *absence = owner;
    struct err err = answer->err;
    const struct err *item_err = NULL;

    absence->request = NULL;
    if (err.code == 0)
        (void)settle_answer(sync, answer, &err);
    if (err.code == 0)
        item_err = first_item_error(answer);
    clear_rows(&absence->asked);
    if (err.code != 0)
        item_err = &err;
    if (item_err)
        log_info("sync", "asking for missing items: %s", item_err->msg);
    if (err.code == 0) {
        absence->failures = 0;
        absence->due_ms = 0;
        return;
    }
    absence->due_ms = clock_mono_ms(sync->conf.clock) + sync_backoff_ms(++absence->failures, &err);
}

/* ---- what to ask for ---- */

/* The state of one look through the drives. */
struct look {
    struct sync *sync;
    int64_t now_real_ms;
    int64_t wait_ms; /* until a row may be asked for again; TIME_NEVER: none waits */
};

/* How long until the interval has passed; a time that is to come is of a clock that was wrong. */
static int64_t time_left_ms(int64_t since_ms, int64_t interval_ms, int64_t now_ms)
{
    int64_t due_ms = since_ms + interval_ms;

    return since_ms <= now_ms && due_ms > now_ms ? due_ms - now_ms : 0;
}

/* Whether it was seen after it was noted. */
static bool was_seen(struct store *store, const struct missing_row *row)
{
    struct node node;
    bool result;

    if (store_get_node(store, row->ino, &node) < 0)
        return false;
    result = node.confirmed_ms >= row->since_ms;
    node_clear(&node);
    return result;
}

/* How long until this row may be asked for: 0 now, TIME_NEVER: it is held, or a round has to end.
 */
static int64_t row_wait_ms(const struct look *look, const struct drive_row *drive,
                           const struct missing_row *row)
{
    int64_t left_ms = time_left_ms(row->asked_ms, ABSENCE_INTERVAL_MS, look->now_real_ms);

    if (row->first_404_ms != 0 && row->held)
        return TIME_NEVER;
    if (left_ms > 0 || !was_seen(look->sync->conf.store, row))
        return left_ms;
    if (row->first_404_ms == 0 && row->asked_ms - row->since_ms >= APPLY_LATE_MS &&
        !has_delta_caught_up(drive, row))
        return TIME_NEVER;
    return time_left_ms(row->since_ms, APPLY_LATE_MS, look->now_real_ms);
}

/* Moves what can be asked for now to sync->absence.asked. */
static void choose(struct look *look, const struct drive_row *drive, struct missing_rows *rows)
{
    struct missing_rows *asked = &look->sync->absence.asked;

    for (size_t i = 0; i < rows->len && asked->len < ITEMS_PER_ASK; i++) {
        struct missing_row *row = &rows->items[i];
        int64_t wait = row_wait_ms(look, drive, row);

        if (wait == 0) {
            struct missing_row taken = *row;

            row->rid = NULL;
            (void)missing_rows_push(asked, taken);
        } else if (wait < look->wait_ms) {
            look->wait_ms = wait;
        }
    }
}

static bool is_being_enumerated(const struct drive_row *drive)
{
    return drive->round == ROUND_FIRST || drive->round == ROUND_FULL ||
           (drive->round == ROUND_APPLY && drive->round_was_full);
}

static void ask(struct sync *sync, const char *drive_id)
{
    struct absence *absence = &sync->absence;
    const char **ids = x_calloc(absence->asked.len, sizeof *ids);

    for (size_t i = 0; i < absence->asked.len; i++)
        ids[i] = absence->asked.items[i].rid;
    absence->request = request_items(sync,
                                     &(struct item_query){
                                         .drive_id = drive_id,
                                         .ids = ids,
                                         .count = absence->asked.len,
                                         .priority = REMOTE_BACKGROUND,
                                     },
                                     on_items, absence);
    free(ids);
}

/* For the status: what is held is told of the drive, if it is followed, else with all other. */
static bool count_held(const struct drive_row *drive, void *arg)
{
    struct sync *sync = arg;
    struct follow *follow = rounds_find(sync, drive->id);
    int64_t held = 0;

    (void)store_count_held(sync->conf.store, drive->id, &held);
    if (follow)
        follow->status.held = held;
    else
        sync->absence.held_elsewhere += held;
    return true;
}

/* Looks at one drive; false once something was asked for. */
static bool look_at_drive(const struct drive_row *drive, void *arg)
{
    struct look *look = arg;
    struct missing_rows rows = { 0 };

    if (is_being_enumerated(drive))
        return true;
    if (store_list_missing(look->sync->conf.store, drive->id, add_row, &rows) == 0)
        choose(look, drive, &rows);
    clear_rows(&rows);
    if (look->sync->absence.asked.len == 0)
        return true;
    ask(look->sync, drive->drive_id);
    return false;
}

int64_t absence_turn(struct sync *sync, int64_t now_ms)
{
    struct absence *absence = &sync->absence;
    struct look look = {
        .sync = sync,
        .now_real_ms = clock_real_ms(sync->conf.clock),
        .wait_ms = TIME_NEVER,
    };

    if (absence->request)
        return TIME_NEVER;
    if (now_ms < absence->due_ms)
        return absence->due_ms;
    absence->held_elsewhere = 0;
    (void)store_list_drives(sync->conf.store, count_held, sync);
    (void)store_list_drives(sync->conf.store, look_at_drive, &look);
    if (absence->request)
        return TIME_NEVER;
    absence->due_ms = look.wait_ms == TIME_NEVER ? TIME_NEVER : now_ms + look.wait_ms;
    return absence->due_ms;
}

void absence_poke(struct sync *sync)
{
    if (sync->absence.failures == 0)
        sync->absence.due_ms = 0;
}

void absence_wake(struct sync *sync)
{
    sync->absence.due_ms = 0;
}

static bool release(const struct drive_row *drive, void *arg)
{
    struct sync *sync = arg;
    cleanup_txn struct store_txn *txn = NULL;
    struct err err = { 0 };
    int r = store_begin(sync->conf.store, &txn, &err);

    if (r == 0)
        r = txn_hold_missing(txn, drive->id, false);
    if (r == 0)
        r = sync_commit(&txn, &err);
    if (sync_explain(&err, r, "letting held removals go") < 0)
        log_error("sync", "%s", err.msg);
    return r == 0;
}

void absence_confirm(struct sync *sync)
{
    (void)store_list_drives(sync->conf.store, release, sync);
    absence_wake(sync);
}

void absence_free(struct sync *sync)
{
    clear_rows(&sync->absence.asked);
}
