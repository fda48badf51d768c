/* SPDX-License-Identifier: MIT */
/*
 * Listings ahead of need: while the first round of a drive is under way, whoever walks through it
 * opens one folder after the other, and would wait for a listing in each. So once a folder is
 * opened those below it are listed too, many in one request, in the order in which a walk comes by:
 * depth first, siblings as readdir shows them.
 *
 * The queue is that walk. A folder whose children are known stands for those of its subfolders that
 * were not looked at yet; a subfolder that is asked for stands before it, and when its children are
 * known they are what comes next there. What is complete in the store by then isn't asked for.
 *
 * How far ahead: so many folders that nobody has opened as the window says. It begins with one
 * request's worth. It grows with each folder that was listed ahead and is opened, and when a walk
 * is faster than this; it shrinks when somebody opens a folder elsewhere. So who looks into one
 * folder, or stops early, has cost little.
 *
 * Nobody waits for any of this. It stays behind what somebody waits for and leaves room to the
 * pages of the round, begins nothing once that is over, and pauses after a failure: so while the
 * service asks to wait, and offline. What is learnt enters the store by listing.c, as with any
 * listing.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "sync/sync_i.h"

enum {
    BATCHES_MAX = 2, /* beside these and a reader the round's pages get a slot (graph/slots.c) */
    WINDOW_MIN = LISTINGS_MAX,
    WINDOW_MAX = 320,
    WINDOW_STEP = 2,
    FOLDERS_MAX = 2048, /* in the queue */
};

/* Somebody may come to wait for it, and then asks again by himself. */
#define DEADLINE_MS (10 * INT64_C(1000))

enum ahead_state {
    AHEAD_ASKED, /* it is being listed */
    AHEAD_KNOWN, /* its subfolders behind `after` come next */
    AHEAD_DONE,  /* all its subfolders were looked at */
};

struct ahead_folder {
    TAILQ_ENTRY(ahead_folder) link;
    ino_nr ino;
    ino_nr after;
    enum ahead_state state;
    bool is_unused; /* asked for ahead, and not opened since */
};

/* One request. */
struct ahead_batch {
    LIST_ENTRY(ahead_batch) link;
    struct request *request;
    ino_nr inos[LISTINGS_MAX];
    size_t count;
};

/* ---- the queue ---- */

static struct ahead_folder *find_folder(const struct ahead *ahead, ino_nr ino)
{
    struct ahead_folder *folder;

    TAILQ_FOREACH (folder, &ahead->folders, link) {
        if (folder->ino == ino)
            return folder;
    }
    return NULL;
}

/* Before another one; NULL: first of all. */
static struct ahead_folder *add_folder(struct ahead *ahead, ino_nr ino, enum ahead_state state,
                                       struct ahead_folder *before)
{
    struct ahead_folder *folder = x_calloc(1, sizeof *folder);

    folder->ino = ino;
    folder->state = state;
    ahead->folder_count++;
    if (before)
        TAILQ_INSERT_BEFORE(before, folder, link);
    else
        TAILQ_INSERT_HEAD(&ahead->folders, folder, link);
    return folder;
}

static void remove_folder(struct ahead *ahead, struct ahead_folder *folder)
{
    ahead->unused -= folder->is_unused;
    ahead->folder_count--;
    TAILQ_REMOVE(&ahead->folders, folder, link);
    free(folder);
}

/* What nobody will ask about any more. */
static void remove_if_over(struct ahead *ahead, struct ahead_folder *folder)
{
    if (folder->state == AHEAD_DONE && !folder->is_unused)
        remove_folder(ahead, folder);
}

/* The walk is elsewhere: what was listed ahead of it no longer counts. */
static void forget_unused(struct ahead *ahead)
{
    struct ahead_folder *folder = TAILQ_FIRST(&ahead->folders);
    bool is_wrong = false;

    while (folder) {
        struct ahead_folder *next = TAILQ_NEXT(folder, link);

        if (folder->is_unused && folder->state != AHEAD_ASKED) {
            folder->is_unused = false;
            ahead->unused--;
            is_wrong = true;
        }
        remove_if_over(ahead, folder);
        folder = next;
    }
    if (is_wrong)
        ahead->window = ahead->window / 2 > WINDOW_MIN ? ahead->window / 2 : WINDOW_MIN;
}

static void widen(struct ahead *ahead, size_t step)
{
    ahead->window += step;
    if (ahead->window > WINDOW_MAX)
        ahead->window = WINDOW_MAX;
}

/* ---- requests ---- */

static void batch_free(struct sync *sync, struct ahead_batch *batch)
{
    LIST_REMOVE(batch, link);
    sync->ahead.batch_count--;
    request_abandon(sync, batch->request);
    free(batch);
}

static void pause_after(struct sync *sync, const struct err *err)
{
    struct ahead *ahead = &sync->ahead;

    ahead->due_ms = clock_mono_ms(sync->conf.clock) + sync_backoff_ms(++ahead->failures, err);
    ahead->window = WINDOW_MIN;
}

static void on_listings(struct sync *sync, struct answer *answer, void *owner)
{
    struct ahead_batch *batch = owner;
    struct ahead_batch done = *batch;
    const struct err *failed = answer->err.code != 0 ? &answer->err : NULL;

    batch->request = NULL;
    batch_free(sync, batch);
    for (size_t i = 0; i < done.count; i++) {
        struct answer part = { .err = answer->err };

        if (answer->parts) {
            part.page = answer->parts[i].page;
            part.err = answer->parts[i].err;
        }
        if (part.err.code == -EAGAIN)
            failed = answer->parts ? &answer->parts[i].err : &answer->err;
        listing_take_first(sync, done.inos[i], &part);
    }
    if (failed)
        pause_after(sync, failed);
    else
        sync->ahead.failures = 0;
}

/* ---- what comes next ---- */

struct gathering {
    struct sync *sync;
    struct ahead_folder *folder;
    size_t room;
    ino_nr inos[LISTINGS_MAX];
    size_t count;
};

static bool add_unlisted(const struct node_attr *attr, const char *name, void *arg)
{
    struct gathering *gathering = arg;

    (void)name;
    gathering->folder->after = attr->ino;
    if (attr->kind == NODE_FOLDER && !(attr->flags & (NODE_COMPLETE | NODE_SHORTCUT)))
        gathering->inos[gathering->count++] = attr->ino;
    return gathering->count < gathering->room;
}

/* Begins to list subfolders of the folder, as far as there is room; those that are being listed
 * already are left out. */
static void gather(struct sync *sync, struct ahead_folder *folder, struct ahead_batch *batch,
                   const char **rids, size_t room)
{
    struct ahead *ahead = &sync->ahead;
    struct gathering gathering = { .sync = sync, .folder = folder, .room = room - batch->count };

    if (store_list(sync->conf.store, folder->ino, folder->after, add_unlisted, &gathering) < 0 ||
        gathering.count < gathering.room)
        folder->state = AHEAD_DONE;
    for (size_t i = 0; i < gathering.count; i++) {
        ino_nr ino = gathering.inos[i];
        const char *rid = listing_begin(sync, ino, ahead->drive);

        if (!rid)
            continue; /* somebody has it listed already, or was refused lately */
        rids[batch->count] = rid;
        batch->inos[batch->count++] = ino;
        add_folder(ahead, ino, AHEAD_ASKED, folder)->is_unused = true;
        ahead->unused++;
    }
}

static bool ask_next(struct sync *sync, const char *drive_id, size_t room)
{
    struct ahead *ahead = &sync->ahead;
    struct ahead_batch *batch = x_calloc(1, sizeof *batch);
    const char *rids[LISTINGS_MAX];
    struct ahead_folder *folder = TAILQ_FIRST(&ahead->folders);

    while (folder && batch->count < room) {
        struct ahead_folder *next = TAILQ_NEXT(folder, link);

        if (folder->state == AHEAD_KNOWN)
            gather(sync, folder, batch, rids, room);
        remove_if_over(ahead, folder);
        folder = next;
    }
    if (batch->count == 0) {
        free(batch);
        return false;
    }
    LIST_INSERT_HEAD(&ahead->batches, batch, link);
    ahead->batch_count++;
    batch->request = request_listings(sync,
                                      &(struct listings_query){
                                          .drive_id = drive_id,
                                          .ids = rids,
                                          .count = batch->count,
                                          .priority = REMOTE_PREFETCH,
                                          .deadline_ms = DEADLINE_MS,
                                      },
                                      on_listings, batch);
    return true;
}

/* The first round of a drive, if it is under way and nothing is in its way. */
static const struct follow *find_first_round(struct sync *sync, int64_t drive)
{
    const struct follow *follow = rounds_find(sync, drive);

    return follow && follow->status.round == ROUND_FIRST && follow->failures == 0 ? follow : NULL;
}

/* Rather one request soon than many small ones now. */
static bool is_worth_asking(const struct ahead *ahead)
{
    return ahead->batch_count < BATCHES_MAX && ahead->unused + LISTINGS_MAX / 2 <= ahead->window;
}

static bool is_any_first_round(const struct sync *sync)
{
    const struct follow *follow;

    LIST_FOREACH (follow, &sync->follows, link) {
        if (follow->status.round == ROUND_FIRST)
            return true;
    }
    return false;
}

int64_t ahead_turn(struct sync *sync, int64_t now_ms)
{
    struct ahead *ahead = &sync->ahead;
    const struct follow *follow = find_first_round(sync, ahead->drive);

    atomic_store(&ahead->is_wanted, is_any_first_round(sync));
    if (!follow || TAILQ_EMPTY(&ahead->folders))
        return TIME_NEVER;
    if (now_ms < ahead->due_ms)
        return ahead->due_ms;
    while (is_worth_asking(ahead)) {
        size_t room = ahead->window - ahead->unused;

        if (!ask_next(sync, follow->drive_id, room < LISTINGS_MAX ? room : LISTINGS_MAX))
            break;
    }
    return TIME_NEVER;
}

/* ---- what happens meanwhile ---- */

/* Where the walk is: in the folder above, if that is in the queue. */
static void add_opened(struct sync *sync, const struct node_attr *attr)
{
    struct ahead *ahead = &sync->ahead;
    struct ahead_folder *above = find_folder(ahead, attr->parent);
    bool is_known = attr->flags & NODE_COMPLETE;

    if (!above)
        forget_unused(ahead);
    else if (!is_known)
        widen(ahead, LISTINGS_MAX);
    if (ahead->folder_count >= FOLDERS_MAX)
        return;
    (void)add_folder(ahead, attr->ino, is_known ? AHEAD_KNOWN : AHEAD_ASKED, above);
}

void ahead_note_opened(struct sync *sync, ino_nr ino)
{
    struct ahead *ahead = &sync->ahead;
    struct ahead_folder *folder = find_folder(ahead, ino);
    struct node_attr attr;

    if (folder && folder->is_unused) {
        folder->is_unused = false;
        ahead->unused--;
        widen(ahead, WINDOW_STEP);
        remove_if_over(ahead, folder);
    }
    if (folder || store_getattr(sync->conf.store, ino, &attr) < 0 || attr.kind != NODE_FOLDER ||
        attr.flags & NODE_SHORTCUT)
        return;
    if (attr.drive != ahead->drive) {
        ahead_clear(sync);
        ahead->drive = attr.drive;
    }
    if (find_first_round(sync, ahead->drive))
        add_opened(sync, &attr);
}

bool ahead_has_listed(struct sync *sync, const struct node_attr *attr)
{
    return find_first_round(sync, attr->drive) && !sync_needs_listing(sync, attr);
}

void ahead_note_listed(struct sync *sync, ino_nr ino, bool is_complete)
{
    struct ahead_folder *folder = find_folder(&sync->ahead, ino);

    if (folder && !is_complete)
        remove_folder(&sync->ahead, folder);
    else if (folder && folder->state == AHEAD_ASKED)
        folder->state = AHEAD_KNOWN;
}

void ahead_note_round(struct sync *sync, int64_t drive)
{
    if (drive == sync->ahead.drive)
        ahead_clear(sync);
}

/* What is under way is no longer waited for here; who waits for it has it asked for anew. */
void ahead_clear(struct sync *sync)
{
    struct ahead *ahead = &sync->ahead;
    struct ahead_folder *folder = TAILQ_FIRST(&ahead->folders);
    struct answer none = { 0 };

    (void)err_set(&none.err, -ECANCELED, "it is not listed ahead any more");
    while (folder) {
        struct ahead_folder *next = TAILQ_NEXT(folder, link);

        remove_folder(ahead, folder);
        folder = next;
    }
    while (!LIST_EMPTY(&ahead->batches)) {
        struct ahead_batch batch = *LIST_FIRST(&ahead->batches);

        batch_free(sync, LIST_FIRST(&ahead->batches));
        for (size_t i = 0; i < batch.count; i++)
            listing_take_first(sync, batch.inos[i], &none);
    }
    ahead->window = WINDOW_MIN;
    ahead->failures = 0;
    ahead->due_ms = 0;
}
