/* SPDX-License-Identifier: MIT */
/*
 * Size and time of a file that is being written are with its overlay, and go into the row when it
 * is flushed. After a kill the overlay knows better.
 *
 * What was sent and answered may still have its overlay, perhaps with more behind its end: it was
 * on its way into the cache (content_adopt()), and goes there now. Nobody has to fetch it from a
 * service which may not yet have it everywhere.
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

/* Generations of overlays. */
DEFINE_VEC(generations, uint64_t);

struct recovery {
    struct attr_list rows; /* of files whose content is to be sent, or stays; by generation */
    struct generations
        intended; /* what may be on its way, though the row may have another by now */
};

static bool add_row(const struct node_attr *attr, const char *name, void *arg)
{
    struct recovery *recovery = arg;

    (void)name;
    if (attr->kind == NODE_FILE && attr->flags & NODE_LOCAL)
        (void)attr_list_push(&recovery->rows, *attr);
    return true;
}

static bool add_intent(const struct intent *intent, void *arg)
{
    struct recovery *recovery = arg;

    /* A change of place or time sends none. */
    if (intent->verb == INTENT_UPLOAD)
        (void)generations_push(&recovery->intended, intent->generation);
    return true;
}

static bool has_sent(const struct node *node)
{
    return node->attr.flags & NODE_BASE && node->base.generation == node->local.generation;
}

/* Drops the rows of which the service has the content. */
static int drop_sent(struct store *store, struct attr_list *rows)
{
    size_t kept = 0;
    int r = 0;

    for (size_t i = 0; i < rows->len && r == 0; i++) {
        struct node node;

        r = store_get_node(store, rows->items[i].ino, &node);
        if (r < 0)
            break;
        if (!has_sent(&node))
            rows->items[kept++] = rows->items[i];
        node_clear(&node);
    }
    rows->len = kept;
    return r;
}

static int compare_generations(const void *one, const void *other)
{
    const struct node_attr *a = one, *b = other;

    return (a->generation > b->generation) - (a->generation < b->generation);
}

static bool is_intended(const struct recovery *recovery, uint64_t generation)
{
    for (size_t i = 0; i < recovery->intended.len; i++)
        if (recovery->intended.items[i] == generation)
            return true;
    return false;
}

static bool has_row(const struct recovery *recovery, uint64_t generation)
{
    const struct node_attr key = { .generation = generation };

    if (is_intended(recovery, generation))
        return true;
    return recovery->rows.len > 0 &&
           bsearch(&key, recovery->rows.items, recovery->rows.len, sizeof key, compare_generations);
}

/* The table is not to be changed while it is gone through. */
struct strays {
    const struct recovery *recovery;
    struct store *store;
    struct generations sent, lost;
};

static bool is_sent(struct store *store, uint64_t generation)
{
    struct node node;
    ino_nr ino;
    bool result;

    if (store_find_content(store, generation, &ino) < 0 || store_get_node(store, ino, &node) < 0)
        return false;
    result = has_sent(&node) && node.attr.flags & NODE_LOCAL;
    node_clear(&node);
    return result;
}

static void note_stray(const struct overlay_info *info, void *arg)
{
    struct strays *strays = arg;

    if (has_row(strays->recovery, info->generation))
        return;
    if (is_sent(strays->store, info->generation)) {
        (void)generations_push(&strays->sent, info->generation);
        return;
    }
    log_warn("fs", "what was written to %s/%s has no file any more: it is set aside",
             info->place.path, info->place.name);
    (void)generations_push(&strays->lost, info->generation);
}

static void set_aside(struct overlays *overlays, uint64_t generation)
{
    struct overlay *overlay = overlay_get(overlays, generation);

    if (overlay)
        overlay_set_aside(overlay);
    overlay_unref(overlay);
}

/* ---- what was sent ---- */

/* As it was sent. */
static int cut(struct overlays *overlays, const struct node *node)
{
    struct overlay *overlay = overlay_get(overlays, node->local.generation);
    int r = 0;

    if (overlay && overlay_size(overlay) < node->local.size)
        r = -EBADMSG;
    else if (overlay && overlay_size(overlay) > node->local.size)
        r = overlay_truncate(overlay, node->local.size);
    overlay_unref(overlay);
    return r;
}

static void keep(const struct recovered_rooms *rooms, uint64_t generation)
{
    struct drive_row drive = { 0 };
    struct node node = { 0 };
    ino_nr ino;
    int r = store_find_content(rooms->store, generation, &ino);

    if (r == 0)
        r = store_get_node(rooms->store, ino, &node);
    if (r == 0)
        r = store_get_drive(rooms->store, node.attr.drive, &drive);
    if (r == 0)
        r = cut(rooms->overlays, &node);
    if (r == 0)
        bytes_keep(rooms->bytes, &node, drive.drive_id);
    else
        set_aside(rooms->overlays, generation);
    drive_row_clear(&drive);
    node_clear(&node);
}

static int see_to_strays(const struct recovered_rooms *rooms, const struct recovery *recovery)
{
    struct strays strays = { .recovery = recovery, .store = rooms->store };
    int r = overlays_list(rooms->overlays, note_stray, &strays);

    for (size_t i = 0; i < strays.sent.len; i++)
        keep(rooms, strays.sent.items[i]);
    for (size_t i = 0; i < strays.lost.len; i++)
        set_aside(rooms->overlays, strays.lost.items[i]);
    generations_clear(&strays.sent);
    generations_clear(&strays.lost);
    return r;
}

/* What may have been sent stays as it was. */
static void freeze(struct overlays *overlays, const struct recovery *recovery)
{
    for (size_t i = 0; i < recovery->intended.len; i++) {
        struct overlay *overlay = overlay_get(overlays, recovery->intended.items[i]);

        if (overlay)
            (void)overlay_freeze(overlay);
        overlay_unref(overlay);
    }
}

/* After a power cut a row can say more than its bytes: those of the base are shown again, or none.
 * What is left of the overlay was set aside. */
static int restore_row(struct store_txn *txn, struct overlays *overlays, ino_nr ino)
{
    struct overlay *overlay = NULL;
    struct err err = { 0 };
    struct node node;
    int r = txn_get_node(txn, ino, &node);

    if (r < 0)
        return r;
    log_warn("fs", "what was written to %s last is lost: the power was cut before it was synced",
             node.local.name);
    if (node.attr.flags & NODE_BASE) {
        node.local.generation = node.base.generation;
        node.local.size = node.base.size;
        node.local.mtime_ns = node.base.mtime_ns;
    } else {
        const struct overlay_place place = { "", "", node.local.name, "" };

        node.local.size = 0;
        r = overlay_create(overlays, node.local.generation, &place, NULL, &overlay, &err);
        overlay_unref(overlay);
    }
    if (r == 0)
        r = txn_put_node(txn, &node);
    node_clear(&node);
    return r;
}

static int correct_row(struct store_txn *txn, struct overlays *overlays,
                       const struct recovery *recovery, const struct node_attr *row)
{
    struct overlay *overlay = overlay_get(overlays, row->generation);
    int r = 0;

    if (!overlay)
        return is_intended(recovery, row->generation) ? 0 : restore_row(txn, overlays, row->ino);
    if (overlay_size(overlay) != row->size || overlay_mtime_ns(overlay) != row->mtime_ns)
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
        r = correct_row(txn, overlays, recovery, &recovery->rows.items[i]);
    if (r == 0)
        return store_commit(txn, err);
    store_rollback(txn);
    return err_set_errno(err, r, "bringing the store up to what was written");
}

/* Finds what overlays are there for. */
static int find(struct store *store, struct recovery *recovery)
{
    struct attr_list *rows = &recovery->rows;
    int r = store_list_dirty(store, 0, add_row, recovery);

    if (r == 0)
        r = store_list_local_only(store, 0, add_row, recovery);
    if (r == 0)
        r = drop_sent(store, rows);
    if (r == 0)
        r = store_list_intents(store, 0, add_intent, recovery);
    if (r == 0 && rows->len > 0)
        qsort(rows->items, rows->len, sizeof rows->items[0], compare_generations);
    return r;
}

int recover_written(const struct recovered_rooms *rooms, struct err *err)
{
    struct recovery recovery = { 0 };
    int r = find(rooms->store, &recovery);

    if (r == 0)
        r = see_to_strays(rooms, &recovery);
    KILL_POINT("recover");
    if (r < 0) {
        (void)err_set_errno(err, r, "reading what was written");
    } else {
        freeze(rooms->overlays, &recovery);
        r = correct_rows(rooms->store, rooms->overlays, &recovery, err);
    }
    attr_list_clear(&recovery.rows);
    generations_clear(&recovery.intended);
    return r;
}
