/* SPDX-License-Identifier: MIT */
/*
 * Listings on demand: somebody opened a folder whose children aren't known.
 *
 * Requests for the same folder are joined, by its inode number. Pages are applied as they arrive,
 * each in a transaction of its own, the mark "complete" with the last; then those who wait are
 * told. What apply can't decide, as when an item that was deleted lately may have been restored
 * with its folder, of which alone delta tells, is asked for before that. A failure goes to all who
 * wait, and is remembered for a short while, so that a program that keeps trying costs nothing.
 *
 * In a drive with delta a listing only adds, and a row that it brought is noted as missing until
 * delta reports it (round_store.c). In a place without delta the listing is the only word there is:
 * children that it lacks are noted as missing, unless they are already, and those that it shows are
 * missing no more. Either way absence.c finds out.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sync/address.h"
#include "sync/sync_i.h"

struct listing {
    LIST_ENTRY(listing) link;
    ino_nr ino;
    struct address address; /* without rid: the root of a drive that was never enumerated */
    bool is_whole;          /* the last page has been applied */
    bool awaits_first;      /* ahead.c has asked for the first page */
    struct waiter_ids waiters;
    struct request *request;
    struct check *check;
    struct strset links;
    struct strset seen;      /* without delta: the items listed */
    struct strset undecided; /* items that apply wants to be asked for */
};

/* A failure that is remembered. */
struct refusal {
    LIST_ENTRY(refusal) link;
    ino_nr ino;
    int64_t until_ms; /* monotonic */
    struct err err;
};

/* ---- refusals ---- */

/* NULL if there is none; those that have ended are dropped on the way. */
static const struct refusal *find_refusal(struct sync *sync, ino_nr ino)
{
    int64_t now_ms = clock_mono_ms(sync->conf.clock);
    struct refusal *refusal = LIST_FIRST(&sync->refusals);

    while (refusal) {
        struct refusal *next = LIST_NEXT(refusal, link);

        if (refusal->until_ms <= now_ms) {
            LIST_REMOVE(refusal, link);
            free(refusal);
        } else if (refusal->ino == ino) {
            return refusal;
        }
        refusal = next;
    }
    return NULL;
}

static void remember_refusal(struct sync *sync, ino_nr ino, const struct err *err)
{
    struct refusal *refusal = x_calloc(1, sizeof *refusal);

    refusal->ino = ino;
    refusal->until_ms = clock_mono_ms(sync->conf.clock) + refusal_ms(err);
    refusal->err = *err;
    LIST_INSERT_HEAD(&sync->refusals, refusal, link);
}

void listing_wake(struct sync *sync)
{
    struct refusal *refusal;

    while ((refusal = LIST_FIRST(&sync->refusals))) {
        LIST_REMOVE(refusal, link);
        free(refusal);
    }
}

/* ---- the end ---- */

static void drop(struct sync *sync, struct listing *listing)
{
    LIST_REMOVE(listing, link);
    request_abandon(sync, listing->request);
    check_abandon(sync, listing->check);
    waiter_ids_clear(&listing->waiters);
    strset_clear(&listing->links);
    strset_clear(&listing->seen);
    strset_clear(&listing->undecided);
    address_clear(&listing->address);
    free(listing);
}

static void finish(struct sync *sync, struct listing *listing, const struct err *err)
{
    struct waiter_ids waiters = listing->waiters;

    if (err && waiters.len > 0)
        remember_refusal(sync, listing->ino, err);
    ahead_note_listed(sync, listing->ino, !err);
    listing->waiters = (struct waiter_ids){ 0 };
    drop(sync, listing);
    waiters_finish_each(&sync->waiters, &waiters, err);
}

/* ---- what a place without delta has lost ---- */

struct lacking {
    struct sync *sync;
    const struct listing *listing;
    struct missing_rows rows;
    int64_t children;
    int64_t now_ms; /* real time */
};

static bool add_if_lacking(const struct node_attr *attr, const char *name, void *arg)
{
    struct lacking *lacking = arg;
    struct node node;

    (void)name;
    lacking->children++;
    if (store_get_node(lacking->sync->conf.store, attr->ino, &node) < 0)
        return true;
    if (node.rid && (attr->flags & NODE_BASE) && !strset_has(&lacking->listing->seen, node.rid))
        (void)missing_rows_push(&lacking->rows, (struct missing_row){
                                                    .ino = attr->ino,
                                                    .drive = lacking->listing->address.drive,
                                                    .rid = steal_ptr(&node.rid),
                                                    .since_ms = lacking->now_ms,
                                                });
    node_clear(&node);
    return true;
}

static int note_lacking(struct sync *sync, const struct listing *listing, struct store_txn *txn)
{
    struct lacking lacking = {
        .sync = sync,
        .listing = listing,
        .now_ms = clock_real_ms(sync->conf.clock),
    };
    int r = store_list(sync->conf.store, listing->ino, 0, add_if_lacking, &lacking);
    bool held = removal_is_too_big((int64_t)lacking.rows.len, lacking.children);

    if (held)
        log_warn("sync",
                 "%zu of %lld items are missing in a shared folder: they are kept until their "
                 "removal is confirmed",
                 lacking.rows.len, (long long)lacking.children);
    for (size_t i = 0; i < lacking.rows.len; i++) {
        lacking.rows.items[i].held = held;
        if (r == 0)
            r = txn_add_missing(txn, &lacking.rows.items[i]);
        free(lacking.rows.items[i].rid);
    }
    missing_rows_clear(&lacking.rows);
    return r;
}

/* ---- a page ---- */

static int apply_item(struct listing *listing, struct store_txn *txn,
                      const struct apply_context *context, const struct item *item, struct err *err)
{
    enum apply_outcome outcome = APPLY_NOTHING;
    int r = absence_apply_unreported(txn, context, item, &outcome, err);

    if (r == 0 && outcome == APPLY_CHECK)
        (void)strset_add(&listing->undecided, item->id);
    if (listing->address.has_delta)
        return r;
    (void)strset_add(&listing->seen, item->id);
    return r < 0 ? r : absence_note_present(txn, context->drive->id, item->id);
}

/* With the last page, or once what was undecided is settled. */
static int complete(struct sync *sync, struct listing *listing, struct store_txn *txn)
{
    int r = txn_set_complete(txn, listing->ino, true);

    return r == 0 && !listing->address.has_delta ? note_lacking(sync, listing, txn) : r;
}

/* The root of a drive that was never enumerated has no id yet: its children tell. */
static int learn_root(struct store_txn *txn, const struct apply_context *context,
                      struct drive_row *drive, const struct item_page *page, struct err *err)
{
    int r;

    if (drive->root_rid || page->count == 0 || !page->items[0].parent_id)
        return 0;
    r = apply_take_root_id(txn, context, page->items[0].parent_id, err);
    if (r < 0)
        return r;
    drive->root_rid = x_strdup(page->items[0].parent_id);
    return txn_put_drive(txn, drive);
}

static int apply_page(struct sync *sync, struct listing *listing, const struct item_page *page,
                      struct err *err)
{
    struct drive_row drive = { 0 };
    cleanup_txn struct store_txn *txn = NULL;
    struct apply_context context = {
        .drive = &drive,
        .source = listing->address.has_delta ? APPLY_LISTING : APPLY_NO_DELTA,
        .now_ms = clock_real_ms(sync->conf.clock),
        .listed = listing->ino,
    };
    int r = store_begin(sync->conf.store, &txn, err);

    if (r == 0)
        r = txn_get_drive(txn, listing->address.drive, &drive);
    if (r == 0 && drive.root == listing->ino)
        r = learn_root(txn, &context, &drive, page, err);
    for (size_t i = 0; i < page->count && r == 0; i++)
        r = apply_item(listing, txn, &context, &page->items[i], err);
    listing->is_whole = !page->next_link;
    if (r == 0 && listing->is_whole && listing->undecided.len == 0)
        r = complete(sync, listing, txn);
    drive_row_clear(&drive);
    return r < 0 ? sync_explain(err, r, "storing a listing") : sync_commit(&txn, err);
}

/* ---- pages and checks ---- */

static void ask(struct sync *sync, struct listing *listing, const char *next_link);

static enum remote_priority priority_of(const struct listing *listing)
{
    return listing->waiters.len > 0 ? REMOTE_READ : REMOTE_PREFETCH;
}

static int mark_complete(struct sync *sync, struct listing *listing, struct err *err)
{
    cleanup_txn struct store_txn *txn = NULL;
    int r = store_begin(sync->conf.store, &txn, err);

    if (r == 0)
        r = complete(sync, listing, txn);
    return r < 0 ? sync_explain(err, r, "completing a listing") : sync_commit(&txn, err);
}

/* What could not be had may be missing here: then the folder isn't complete. */
static void on_checked(struct sync *sync, const struct err *err, bool has_left, void *owner)
{
    struct listing *listing = owner;
    struct err failed = { 0 };

    listing->check = NULL;
    if (!err && !has_left && mark_complete(sync, listing, &failed) < 0)
        err = &failed;
    finish(sync, listing, err);
    absence_poke(sync);
}

static void on_page(struct sync *sync, struct answer *answer, void *owner)
{
    struct listing *listing = owner;
    const struct item_page *page = answer->page;
    struct err *err = &answer->err;

    listing->request = NULL;
    if (err->code == 0 && page->next_link &&
        (listing->links.len >= PAGES_MAX || !strset_add(&listing->links, page->next_link)))
        (void)err_set(err, -EPROTO, "the pages of a listing don't end");
    if (err->code == 0)
        (void)apply_page(sync, listing, page, err);
    if (err->code != 0) {
        finish(sync, listing, err);
    } else if (!listing->is_whole && listing->waiters.len == 0) {
        ahead_note_listed(sync, listing->ino, false);
        drop(sync, listing); /* too much to be fetched before anybody needs it */
    } else if (!listing->is_whole) {
        ask(sync, listing, page->next_link);
    } else if (listing->undecided.len > 0) {
        listing->check = check_new(sync,
                                   &(struct check_query){
                                       .drive = listing->address.drive,
                                       .drive_id = listing->address.drive_id,
                                       .ids = &listing->undecided,
                                       .gives_up = true,
                                       .priority = priority_of(listing),
                                   },
                                   on_checked, listing);
    } else {
        finish(sync, listing, NULL);
        absence_poke(sync);
    }
}

static void ask(struct sync *sync, struct listing *listing, const char *next_link)
{
    listing->request = request_page(sync,
                                    &(struct page_query){
                                        .kind = next_link ? PAGE_LINK : PAGE_CHILDREN,
                                        .drive_id = listing->address.drive_id,
                                        .item_id = listing->address.rid,
                                        .link = next_link,
                                        .priority = priority_of(listing),
                                    },
                                    on_page, listing);
}

/* ---- the beginning ---- */

static void start(struct sync *sync, struct listing *listing, const struct node *node)
{
    struct err err = { 0 };
    int r = address_find(sync->conf.store, node, &listing->address);

    if (r < 0) {
        (void)err_set_errno(&err, r, "listing a folder");
        finish(sync, listing, &err);
    } else {
        rounds_follow(sync, listing->address.drive);
        ask(sync, listing, NULL);
    }
}

static struct listing *find_listing(struct sync *sync, ino_nr ino)
{
    struct listing *listing;

    LIST_FOREACH (listing, &sync->listings, link) {
        if (listing->ino == ino)
            return listing;
    }
    return NULL;
}

const char *listing_begin(struct sync *sync, ino_nr ino, int64_t drive)
{
    struct address address = { 0 };
    struct listing *listing;
    struct node node;
    int r;

    if (find_listing(sync, ino) || find_refusal(sync, ino) ||
        store_get_node(sync->conf.store, ino, &node) < 0)
        return NULL;
    r = address_find(sync->conf.store, &node, &address);
    node_clear(&node);
    if (r < 0 || address.drive != drive || !address.rid) {
        address_clear(&address);
        return NULL;
    }
    listing = x_calloc(1, sizeof *listing);
    listing->ino = ino;
    listing->address = address;
    listing->awaits_first = true;
    LIST_INSERT_HEAD(&sync->listings, listing, link);
    return listing->address.rid;
}

void listing_take_first(struct sync *sync, ino_nr ino, struct answer *answer)
{
    struct listing *listing = find_listing(sync, ino);

    if (!listing || !listing->awaits_first)
        return;
    listing->awaits_first = false;
    if (answer->err.code != 0 && listing->waiters.len > 0)
        ask(sync, listing, NULL); /* that one was made once, and behind others */
    else
        on_page(sync, answer, listing);
}

/* Whether the round has told the folder's children. Of a root that no answer has named it can't
 * have: this listing is what names it. */
static bool is_needless(struct sync *sync, const struct listing *listing)
{
    struct node_attr attr;

    return listing->address.has_delta && listing->address.rid &&
           store_getattr(sync->conf.store, listing->ino, &attr) == 0 && attr.flags & NODE_COMPLETE;
}

void listing_note_round(struct sync *sync, int64_t drive)
{
    struct listing *listing = LIST_FIRST(&sync->listings);

    while (listing) {
        struct listing *next = LIST_NEXT(listing, link);

        if (listing->address.drive == drive && is_needless(sync, listing))
            finish(sync, listing, NULL);
        listing = next;
    }
}

static void listing_new(struct sync *sync, const struct node *node, uint64_t waiter)
{
    struct listing *listing = x_calloc(1, sizeof *listing);

    listing->ino = node->attr.ino;
    (void)waiter_ids_push(&listing->waiters, waiter);
    LIST_INSERT_HEAD(&sync->listings, listing, link);
    start(sync, listing, node);
}

void listing_want(struct sync *sync, ino_nr ino, uint64_t waiter)
{
    const struct refusal *refusal = find_refusal(sync, ino);
    struct listing *listing = find_listing(sync, ino);
    struct node node;
    struct err err = { 0 };
    int r;

    if (refusal) {
        waiters_finish(&sync->waiters, waiter, &refusal->err);
        return;
    }
    if (listing) {
        (void)waiter_ids_push(&listing->waiters, waiter);
        return;
    }
    r = store_get_node(sync->conf.store, ino, &node);
    if (r < 0) {
        (void)err_set_errno(&err, r, "listing a folder");
        waiters_finish(&sync->waiters, waiter, &err);
        return;
    }
    if (node.attr.kind == NODE_VIEW)
        drives_ask(sync, waiter);
    else if (ahead_has_listed(sync, &node.attr))
        waiters_finish(&sync->waiters, waiter, NULL);
    else
        listing_new(sync, &node, waiter);
    node_clear(&node);
}

void listing_free(struct sync *sync)
{
    while (!LIST_EMPTY(&sync->listings))
        drop(sync, LIST_FIRST(&sync->listings));
    listing_wake(sync);
}
