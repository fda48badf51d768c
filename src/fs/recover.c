/* SPDX-License-Identifier: MIT */
/*
 * Size and time of a file that is being written are with its overlay, and go into the row when it
 * is flushed. After a kill the overlay knows better.
 *
 * Rows that a change was sent of and answered may have been clean before their overlay was gone;
 * the service has what is in it, so nothing is lost if it is set aside, which it is to be sure.
 */
#include "config.h"

#include "fs/recover.h"

#include <errno.h>
#include <stdlib.h>

#include "base/kill_point.h"
#include "base/log.h"
#include "base/vec.h"
#include "base/xalloc.h"
#include "local/local.h"

DEFINE_VEC(attr_list, struct node_attr);

struct recovery {
    struct attr_list rows; /* that differ from base, and are files; by generation. Sent or not */
};

static bool add_row(const struct node_attr *attr, const char *name, void *arg)
{
    struct recovery *recovery = arg;

    (void)name;
    if (attr->kind == NODE_FILE && attr->flags & NODE_LOCAL)
        (void)attr_list_push(&recovery->rows, *attr);
    return true;
}

static int compare_generations(const void *one, const void *other)
{
    const struct node_attr *a = one, *b = other;

    return (a->generation > b->generation) - (a->generation < b->generation);
}

static bool has_row(const struct recovery *recovery, uint64_t generation)
{
    const struct node_attr key = { .generation = generation };

    return recovery->rows.len > 0 &&
           bsearch(&key, recovery->rows.items, recovery->rows.len, sizeof key, compare_generations);
}

/* Generations of overlays without a row: the table is not to be changed while it is gone through.
 */
DEFINE_VEC(generations, uint64_t);

struct strays {
    const struct recovery *recovery;
    struct generations found;
};

static void note_stray(const struct overlay_info *info, void *arg)
{
    struct strays *strays = arg;

    if (has_row(strays->recovery, info->generation))
        return;
    log_warn("fs", "what was written to %s/%s has no file any more: it is set aside",
             info->place.path, info->place.name);
    (void)generations_push(&strays->found, info->generation);
}

static int set_strays_aside(struct overlays *overlays, const struct recovery *recovery)
{
    struct strays strays = { .recovery = recovery };
    int r = overlays_list(overlays, note_stray, &strays);

    for (size_t i = 0; i < strays.found.len; i++) {
        struct overlay *overlay = overlay_get(overlays, strays.found.items[i]);

        if (overlay)
            overlay_set_aside(overlay);
        overlay_unref(overlay);
    }
    generations_clear(&strays.found);
    return r;
}

/* What may have been sent stays as it was. */
static bool freeze(const struct intent *intent, void *arg)
{
    struct overlays *overlays = arg;
    struct overlay *overlay = overlay_get(overlays, intent->generation);

    if (overlay)
        (void)overlay_freeze(overlay);
    overlay_unref(overlay);
    return true;
}

static int correct_row(struct store_txn *txn, struct overlays *overlays,
                       const struct node_attr *row)
{
    struct overlay *overlay = overlay_get(overlays, row->generation);
    int r = 0;

    if (overlay &&
        (overlay_size(overlay) != row->size || overlay_mtime_ns(overlay) != row->mtime_ns))
        r = local_set_content(txn, row->ino, row->generation, overlay_size(overlay),
                              overlay_mtime_ns(overlay));
    overlay_unref(overlay);
    return r;
}

static int correct_rows(struct store *store, struct overlays *overlays,
                        const struct recovery *recovery, struct err *err)
{
    struct store_txn *txn = NULL;
    int r;

    if (recovery->rows.len == 0)
        return 0;
    r = store_begin(store, &txn, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < recovery->rows.len && r == 0; i++)
        r = correct_row(txn, overlays, &recovery->rows.items[i]);
    if (r == 0)
        return store_commit(txn, err);
    store_rollback(txn);
    return err_set_errno(err, r, "bringing the store up to what was written");
}

int recover_written(struct store *store, struct overlays *overlays, struct err *err)
{
    struct recovery recovery = { 0 };
    int r = store_list_dirty(store, 0, add_row, &recovery);

    if (r == 0)
        r = store_list_local_only(store, 0, add_row, &recovery);
    if (r < 0) {
        (void)err_set_errno(err, r, "reading what was written");
    } else {
        if (recovery.rows.len > 0)
            qsort(recovery.rows.items, recovery.rows.len, sizeof recovery.rows.items[0],
                  compare_generations);
        r = set_strays_aside(overlays, &recovery);
        KILL_POINT("recover");
        if (r == 0)
            r = store_list_intents(store, 0, freeze, overlays);
        if (r < 0)
            (void)err_set_errno(err, r, "reading what was written");
        else
            r = correct_rows(store, overlays, &recovery, err);
    }
    attr_list_clear(&recovery.rows);
    return r;
}
