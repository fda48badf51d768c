/* SPDX-License-Identifier: MIT */
/* A wrapped function FN is called as __wrap_FN() here, the real one as __real_FN(). */
#include "config.h"

#include "plant.h"

#include <errno.h>
#include <string.h>

#include "memory_disk.h"
#include "sync/push_i.h"
#include "sync/round_store.h"
#include "sync/sync_i.h"

/* The linker's names, which no header declares. */
#define WRAP(type, name, ...)                                                                      \
    type __real_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

static struct {
    enum plant plant;
    struct tally *tally;
    const struct memory_disk *disk;
} planted;

const char *const plant_names[PLANTS] = {
    [PLANT_NONE] = "none",
    [PLANT_LINK_FIRST] = "link-first",
    [PLANT_LATE_BELIEVED] = "late-believed",
    [PLANT_ABSENT_DELETED] = "absent-deleted",
    [PLANT_LACKING_DELETED] = "lacking-deleted",
    [PLANT_FIRST_WORD] = "first-word",
    [PLANT_RESYNC_DISCARDS] = "resync-discards",
    [PLANT_UNGUARDED] = "unguarded",
    [PLANT_REPEATED] = "repeated",
    [PLANT_DOUBT_FORGOTTEN] = "doubt-forgotten",
};

enum plant plant_find(const char *name)
{
    size_t i = 0;

    while (i < PLANTS && strcmp(plant_names[i], name) != 0)
        i++;
    return (enum plant)i;
}

void plant_use(enum plant plant, struct tally *tally, const struct memory_disk *disk)
{
    planted.plant = plant;
    planted.tally = tally;
    planted.disk = disk;
}

static bool is_planted(enum plant plant)
{
    return planted.plant == plant;
}

static void note(enum event event)
{
    planted.tally->events[event]++;
}

/* ---- rows that go ---- */

static int delete_row(struct store_txn *txn, int64_t drive, ino_nr ino)
{
    struct drive_row row;
    struct apply_context context = { .drive = &row, .source = APPLY_ITEM, .now_ms = 1 };
    struct err err;
    int r = txn_get_drive(txn, drive, &row);

    if (r < 0)
        return r;
    r = apply_delete(txn, &context, ino, &err);
    drive_row_clear(&row);
    return r;
}

DEFINE_VEC(doomed_list, ino_nr);

static int delete_rows(struct store_txn *txn, int64_t drive, const struct doomed_list *doomed)
{
    int r = 0;

    for (size_t i = 0; i < doomed->len && r == 0; i++) {
        r = delete_row(txn, drive, doomed->items[i]);
        if (r == -ENOENT)
            r = 0; /* it went with one before */
    }
    return r;
}

static int do_nothing(struct store_txn *txn, const struct item *item, void *arg)
{
    (void)txn;
    (void)item;
    (void)arg;
    return 0;
}

/* Rows that are missing, but for those in doubt that are staged. */
struct lacking {
    struct store_txn *txn;
    struct doomed_list rows;
};

static bool doom_lacking(const struct missing_row *row, void *arg)
{
    struct lacking *lacking = arg;

    if (txn_get_staged(lacking->txn, row->drive, row->rid, do_nothing, NULL) == -ENOENT)
        (void)doomed_list_push(&lacking->rows, row->ino);
    return true;
}

/* Ends the transaction. */
static int end_txn(struct store_txn *txn, int r)
{
    struct err err = { 0 };

    if (r == 0)
        return store_commit(txn, &err);
    store_rollback(txn);
    return r;
}

static bool doom_child(const struct node_attr *attr, const char *name, void *arg)
{
    (void)name;
    (void)doomed_list_push(arg, attr->ino);
    return true;
}

/* ---- rounds ---- */

static void note_page(enum round_kind round)
{
    switch (round) {
    case ROUND_FIRST:
        note(EVENT_FIRST_PAGE);
        break;
    case ROUND_DELTA:
        note(EVENT_DELTA_PAGE);
        break;
    case ROUND_FULL:
        note(EVENT_FULL_PAGE);
        break;
    case ROUND_NONE:
    case ROUND_APPLY:
        break;
    }
}

static void set_text(char **text, const char *value)
{
    char *copy = x_strdup(value);

    free(*text);
    *text = copy;
}

static int save_link(struct sync *sync, const struct follow *follow, const struct item_page *page)
{
    struct drive_row drive = { 0 };
    struct store_txn *txn;
    struct err err = { 0 };
    int r = store_begin(sync->conf.store, &txn, &err);

    if (r < 0)
        return r;
    r = txn_get_drive(txn, follow->drive, &drive);
    if (r == 0) {
        drive.round = page->next_link ? follow->status.round : ROUND_NONE;
        set_text(&drive.next_link, page->next_link);
        if (page->delta_link)
            set_text(&drive.delta_link, page->delta_link);
        r = txn_put_drive(txn, &drive);
    }
    drive_row_clear(&drive);
    return end_txn(txn, r);
}

static int take_lacking(struct sync *sync, int64_t drive)
{
    struct lacking lacking = { 0 };
    struct err err = { 0 };
    int r = store_begin(sync->conf.store, &lacking.txn, &err);

    if (r < 0)
        return r;
    r = store_list_missing(sync->conf.store, drive, doom_lacking, &lacking);
    if (lacking.rows.len > 0)
        note(EVENT_LOST);
    if (r == 0 && is_planted(PLANT_ABSENT_DELETED))
        r = delete_rows(lacking.txn, drive, &lacking.rows);
    doomed_list_clear(&lacking.rows);
    return end_txn(lacking.txn, r);
}

WRAP(int, round_store_page, struct sync *sync, struct follow *follow, const struct item_page *page,
     struct err *err)
{
    bool was_full = follow->status.round == ROUND_FULL;
    int r = is_planted(PLANT_LINK_FIRST) ? save_link(sync, follow, page) : 0;

    note_page(follow->status.round);
    if (r == 0)
        r = __real_round_store_page(sync, follow, page, err);
    if (r == 0 && was_full && page->delta_link)
        r = take_lacking(sync, follow->drive);
    return r;
}

static int discard_all(struct sync *sync, int64_t drive)
{
    struct doomed_list doomed = { 0 };
    struct drive_row row;
    struct store_txn *txn = NULL;
    struct err err = { 0 };
    int r = store_get_drive(sync->conf.store, drive, &row);

    if (r < 0)
        return r;
    r = store_list(sync->conf.store, row.root, 0, doom_child, &doomed);
    if (r == 0)
        r = store_begin(sync->conf.store, &txn, &err);
    if (r == 0)
        r = end_txn(txn, delete_rows(txn, drive, &doomed));
    doomed_list_clear(&doomed);
    drive_row_clear(&row);
    return r;
}

WRAP(int, round_store_restart, struct sync *sync, struct follow *follow, struct err *err)
{
    int r = __real_round_store_restart(sync, follow, err);

    note(EVENT_RESTART);
    return r == 0 && is_planted(PLANT_RESYNC_DISCARDS) ? discard_all(sync, follow->drive) : r;
}

/* ---- commits: where the death comes that is to come ---- */

WRAP(int, store_commit, struct store_txn *txn, struct err *err)
{
    bool was_dead = memory_disk_has_fallen(planted.disk);
    int r = __real_store_commit(txn, err);

    if (was_dead)
        note(EVENT_DIED_BETWEEN);
    else if (memory_disk_has_fallen(planted.disk))
        note(EVENT_DIED_COMMITTING);
    return r;
}

/* ---- staging ---- */

WRAP(int, txn_stage, struct store_txn *txn, int64_t drive, const struct item *item)
{
    bool is_known = txn_get_staged(txn, drive, item->id, do_nothing, NULL) == 0;

    if (is_known)
        note(EVENT_REPEATED);
    return is_known && is_planted(PLANT_FIRST_WORD) ? 0 : __real_txn_stage(txn, drive, item);
}

/* ---- apply ---- */

WRAP(int, apply_report, struct store_txn *txn, const struct apply_context *context,
     const struct item *report, enum apply_outcome *ret, struct err *err)
{
    enum apply_outcome outcome = APPLY_NOTHING;
    int r = __real_apply_report(txn, context, report, &outcome, err);

    if (r == 0 && outcome == APPLY_CHECK) {
        struct apply_context best = *context;

        note(EVENT_LATE);
        best.source = APPLY_ITEM;
        /* As if all that is known were old, or the tag gives it away. */
        best.staged_since_ms = 0;
        best.now_ms += APPLY_LATE_MS;
        if (is_planted(PLANT_LATE_BELIEVED) && context->source != APPLY_ITEM)
            r = __real_apply_report(txn, &best, report, &outcome, err);
    }
    if (r == 0 && ret)
        *ret = outcome;
    return r;
}

WRAP(int, apply_target, struct store_txn *txn, const struct apply_context *context, ino_nr shortcut,
     const struct item *target, struct err *err)
{
    note(EVENT_TARGET);
    return __real_apply_target(txn, context, shortcut, target, err);
}

/* ---- absence ---- */

WRAP(int, txn_add_missing, struct store_txn *txn, const struct missing_row *row)
{
    note(EVENT_LACKING);
    if (is_planted(PLANT_LACKING_DELETED))
        return delete_row(txn, row->drive, row->ino);
    return __real_txn_add_missing(txn, row);
}

WRAP(int, txn_put_missing, struct store_txn *txn, const struct missing_row *row)
{
    if (row->first_404_ms != 0)
        note(EVENT_REFUSED_404);
    return __real_txn_put_missing(txn, row);
}

/* ---- changes from here ---- */

WRAP(struct request *, request_change, struct sync *sync, const struct change_query *query,
     answer_fn *fn, void *owner)
{
    struct change_query wrong = *query;

    if (is_planted(PLANT_UNGUARDED))
        wrong.if_match = NULL;
    return __real_request_change(sync, &wrong, fn, owner);
}

WRAP(struct request *, request_delete, struct sync *sync, const struct delete_query *query,
     answer_fn *fn, void *owner)
{
    struct delete_query wrong = *query;

    if (is_planted(PLANT_UNGUARDED))
        wrong.if_match = NULL;
    return __real_request_delete(sync, &wrong, fn, owner);
}

WRAP(struct request *, request_session_begin, struct sync *sync, const struct session_query *query,
     answer_fn *fn, void *owner)
{
    struct session_query wrong = *query;

    if (is_planted(PLANT_UNGUARDED))
        wrong.target.if_match = NULL;
    return __real_request_session_begin(sync, &wrong, fn, owner);
}

/* A change whose fate isn't known is sent once more, as if it had failed. */
WRAP(void, push_resolve, struct sync *sync, struct push_job *job)
{
    if (is_planted(PLANT_REPEATED) && !job->file && job->intent.verb != INTENT_UPLOAD)
        push_send(sync, job);
    else
        __real_push_resolve(sync, job);
}

/* Nobody asks once more whether it is still there. */
WRAP(int, absence_note, struct store_txn *txn, const struct apply_context *context, const char *rid,
     bool was_404)
{
    return is_planted(PLANT_DOUBT_FORGOTTEN) ? 0 : __real_absence_note(txn, context, rid, was_404);
}
