/* SPDX-License-Identifier: MIT */
/*
 * Writing, see written.h. An inode's `writing` lock is held from the choice of the overlay until
 * the bytes are in it, so that a write goes either before a fork or into it.
 *
 * A row that has gone meanwhile is no obstacle: a file that was unlinked is written on by those who
 * have it open, and vanishes with the last of them.
 *
 * The overlay is made before the row says that it is there, and is dropped if the row can't be
 * written: what is found at a start without a row was never acknowledged.
 */
#include "config.h"

#include "fs/written.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/kill_point.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "local/local.h"

/* ---- the overlay ---- */

/* A number that nothing has. Given back if it isn't used: it is never given out again. */
static int next_generation(const struct fs *fs, uint64_t *ret, struct err *err)
{
    struct store_txn *txn;
    int r = store_begin(fs->conf.store, &txn, err);

    if (r < 0)
        return r;
    r = txn_next_generation(txn, ret);
    store_rollback(txn);
    return r;
}

/* What the overlay's own file says of its place, should the store be lost. */
struct place {
    struct overlay_place place;
    struct node parent;
    struct drive_row drive;
    char *path;
};

static void place_find(const struct fs *fs, const struct node *node, struct place *ret)
{
    struct store *store = fs->conf.store;

    READING(fs);
    (void)store_get_drive(store, node->attr.drive, &ret->drive);
    (void)store_get_node(store, node->local.parent, &ret->parent);
    (void)store_path(store, node->attr.ino, &ret->path);
    ret->place = (struct overlay_place){
        .drive_id = ret->drive.drive_id,
        .parent_id = ret->parent.rid,
        .name = node->local.name,
        .path = ret->path,
    };
}

static void place_clear(struct place *place)
{
    drive_row_clear(&place->drive);
    node_clear(&place->parent);
    free(place->path);
}

/* An overlay on what the row's content was until now; empty if that isn't to be kept. */
static int make_overlay(struct fs *fs, const struct node *node, uint64_t generation, bool is_empty,
                        struct overlay **ret, struct err *err)
{
    struct place place = { 0 };
    struct content_id base = fs_content_id(node, NULL);
    int r;

    place_find(fs, node, &place);
    base.drive_id = place.drive.drive_id;
    r = overlay_create(fs->conf.overlays, generation, &place.place, is_empty ? NULL : &base, ret,
                       err);
    place_clear(&place);
    return r;
}

/* Whether the row is still that of what is open. */
static bool is_current(const struct node *node, uint64_t generation)
{
    return node->attr.flags & NODE_LOCAL && node->local.generation == generation;
}

/* The row's content is the overlay's from now on; if that of the server has changed meanwhile this
 * is a conflict from now on. -ENOENT: no row stands for the inode. */
static int put_generation(struct fs *fs, ino_nr ino, uint64_t before, uint64_t generation,
                          struct err *err)
{
    struct store_txn *txn = NULL;
    struct node node = { 0 };
    bool is_conflict;
    int r = store_begin(fs->conf.store, &txn, err);

    if (r < 0)
        return r;
    (void)txn_set_own(txn, true);
    r = txn_get_node(txn, ino, &node);
    if (r == 0 && !is_current(&node, before))
        r = -ENOENT;
    if (r == 0)
        r = local_write(txn, ino, generation);
    is_conflict = node.attr.flags & NODE_REMOTE;
    node_clear(&node);
    if (r < 0) {
        store_rollback(txn);
        return r;
    }
    sync_note_written(fs->conf.sync, ino, false);
    r = store_commit(txn, err);
    if (r == 0 && is_conflict)
        sync_wake_push(fs->conf.sync);
    return r;
}

struct renewal {
    struct open_file *file;
    struct overlay *before; /* NULL: there was none */
    uint64_t generation;    /* of the content until now */
    bool is_empty;          /* of that nothing is to be kept */
};

/* What has lost its row is what it was when it was opened. */
static int renew_from_row(struct fs *fs, const struct renewal *renewal, uint64_t generation,
                          struct overlay **ret, struct err *err)
{
    struct node node = { 0 };
    const struct node *opened = &node;
    int r;

    {
        READING(fs);
        r = store_get_node(fs->conf.store, renewal->file->inode->ino, &node);
    }
    if (r == -ENOENT) {
        opened = &renewal->file->row;
        r = 0;
    }
    if (r == 0)
        r = make_overlay(fs, opened, generation, renewal->is_empty, ret, err);
    /* Until something is written. */
    if (r == 0 && !renewal->is_empty)
        r = overlay_set_mtime(*ret, opened->local.mtime_ns);
    node_clear(&node);
    return r;
}

/* Another overlay, which can be written. */
static int renew(struct fs *fs, const struct renewal *renewal, struct overlay **ret)
{
    struct err err = { 0 };
    struct overlay *overlay = NULL;
    uint64_t generation;
    int r = next_generation(fs, &generation, &err);

    if (r < 0)
        return r;
    r = renewal->before ? overlay_fork(renewal->before, generation, &overlay, &err)
                        : renew_from_row(fs, renewal, generation, &overlay, &err);
    if (r < 0)
        return r;
    KILL_POINT("overlay-made");
    r = put_generation(fs, renewal->file->inode->ino, renewal->generation, generation, &err);
    if (r == -ENOENT)
        r = 0; /* it is for those who have it open */
    if (r < 0) {
        log_warn("fs", "writing: %s", err.code ? err.msg : ERRNO_TEXT(r));
        overlay_drop(overlay);
        overlay_unref(overlay);
        return r;
    }
    (void)opens_note_pages(fs->opens, renewal->file->inode->ino, generation);
    overlay_ref(overlay);
    opens_set_overlay(renewal->file->inode, overlay);
    *ret = overlay;
    return 0;
}

/* The overlay to be written to, referenced; another one if the one there is frozen. The inode's
 * `writing` is held. */
static int overlay_for_writing(struct fs *fs, struct open_file *file, bool is_empty, bool is_frozen,
                               struct overlay **ret)
{
    struct overlay *before = opens_get_overlay(file->inode);
    struct renewal renewal = {
        .file = file,
        .before = before,
        .generation = before ? overlay_generation(before) : file->attr.generation,
        .is_empty = is_empty,
    };
    int r;

    if (before && !is_frozen) {
        *ret = before;
        return 0;
    }
    r = renew(fs, &renewal, ret);
    overlay_unref(before);
    return r;
}

/* ---- the row ---- */

/* What is written for long goes into the row now and then. */
#define COMMIT_MS 5000

/* True: for that long there has been news. */
static bool note_news(struct fs *fs, struct open_inode *inode)
{
    int64_t now_ms = clock_mono_ms(fs->conf.clock);

    LOCKED(&inode->lock);
    if (!inode->has_news)
        inode->news_since_ms = now_ms;
    inode->has_news = true;
    return now_ms - inode->news_since_ms >= COMMIT_MS;
}

/* Returns whether there was some: what comes from now on is news again. */
static bool take_news(struct open_inode *inode)
{
    bool had_news;

    LOCKED(&inode->lock);
    had_news = inode->has_news;
    inode->has_news = false;
    return had_news;
}

static int put_row(struct fs *fs, ino_nr ino, const struct overlay *overlay, bool is_durable)
{
    struct store_txn *txn = NULL;
    struct err err = { 0 };
    int r = store_begin(fs->conf.store, &txn, &err);

    if (r < 0)
        return r;
    (void)txn_set_own(txn, true);
    r = local_set_content(txn, ino, overlay_generation(overlay), overlay_size(overlay),
                          overlay_mtime_ns(overlay));
    if (r < 0 && r != -ENOENT && r != -ESTALE) {
        store_rollback(txn);
        return r;
    }
    sync_note_written(fs->conf.sync, ino, is_durable);
    r = is_durable ? store_commit_durably(txn, &err) : store_commit(txn, &err);
    if (r < 0)
        log_warn("fs", "writing: %s", err.msg);
    return r;
}

static int commit(struct fs *fs, struct open_inode *inode, bool is_durable)
{
    struct overlay *overlay = opens_get_overlay(inode);
    bool has_news;
    int r = 0;

    if (!overlay)
        return 0;
    has_news = take_news(inode);
    if (has_news || is_durable)
        r = put_row(fs, inode->ino, overlay, is_durable);
    if (r < 0 && has_news)
        (void)note_news(fs, inode);
    overlay_unref(overlay);
    return r;
}

/* ---- changing it ---- */

struct edit {
    const char *data;
    size_t size;
    int64_t offset;
    int64_t length;
    bool keeps_size;
};

typedef int edit_fn(struct overlay *overlay, const struct edit *edit);

static int edit_write(struct overlay *overlay, const struct edit *edit)
{
    return overlay_write(overlay, edit->data, edit->size, edit->offset);
}

static int edit_truncate(struct overlay *overlay, const struct edit *edit)
{
    return overlay_truncate(overlay, edit->length);
}

static int edit_allocate(struct overlay *overlay, const struct edit *edit)
{
    return overlay_allocate(overlay, edit->offset, edit->length, edit->keeps_size);
}

static int edit_nothing(struct overlay *overlay, const struct edit *edit)
{
    (void)overlay, (void)edit;
    return 0;
}

/* What no file can hold is refused before there is another overlay, which would be sent. */
static int check_reach(int64_t offset, int64_t length)
{
    if (offset < 0 || length < 0)
        return -EINVAL;
    return length > CONTENT_MAX_SIZE || offset > CONTENT_MAX_SIZE - length ? -EFBIG : 0;
}

/* -EBUSY: an upload has just begun to read it; the next one is another overlay. */
static int apply_edit(struct fs *fs, struct open_file *file, edit_fn *fn, const struct edit *edit,
                      bool is_empty)
{
    int r = 0;

    LOCKED(&file->inode->writing);
    do {
        struct overlay *overlay;

        r = overlay_for_writing(fs, file, is_empty, r == -EBUSY, &overlay);
        if (r < 0)
            return r;
        r = fn(overlay, edit);
        overlay_unref(overlay);
    } while (r == -EBUSY);
    if (r == 0 && note_news(fs, file->inode))
        (void)commit(fs, file->inode, false); /* a failure is told at the end */
    return r;
}

int written_write(struct fs *fs, struct open_file *file, const char *data, size_t size,
                  int64_t offset)
{
    const struct edit edit = { .data = data, .size = size, .offset = offset };
    int r = check_reach(offset, (int64_t)size);

    return r < 0 || size == 0 ? r : apply_edit(fs, file, edit_write, &edit, false);
}

int written_truncate(struct fs *fs, struct open_file *file, int64_t size)
{
    const struct edit edit = { .length = size };
    int r = check_reach(0, size);

    return r < 0 ? r : apply_edit(fs, file, edit_truncate, &edit, size == 0);
}

int written_allocate(struct fs *fs, struct open_file *file, int64_t offset, int64_t length,
                     bool keeps_size)
{
    const struct edit edit = { .offset = offset, .length = length, .keeps_size = keeps_size };
    int r = check_reach(offset, length);

    return r < 0 ? r : apply_edit(fs, file, edit_allocate, &edit, false);
}

int written_commit(struct fs *fs, struct open_inode *inode)
{
    return commit(fs, inode, false);
}

int written_sync(struct fs *fs, struct open_file *file, bool data_only)
{
    struct overlay *overlay = opens_get_overlay(file->inode);
    int r;

    if (!overlay)
        return 0;
    r = overlay_sync(overlay, data_only);
    KILL_POINT("overlay-synced");
    overlay_unref(overlay);
    return r < 0 ? r : commit(fs, file->inode, true);
}

int written_put_mtime(struct store_txn *txn, struct open_inode *inode, int64_t mtime_ns)
{
    struct overlay *overlay = opens_get_overlay(inode);
    int r;

    if (!overlay)
        return -ENODATA;
    (void)take_news(inode);
    (void)overlay_set_mtime(overlay, mtime_ns);
    r = local_set_content(txn, inode->ino, overlay_generation(overlay), overlay_size(overlay),
                          mtime_ns);
    overlay_unref(overlay);
    return r == -ENOENT || r == -ESTALE ? 0 : r;
}

void written_note_news(struct fs *fs, struct open_inode *inode)
{
    (void)note_news(fs, inode);
}

int written_own(struct fs *fs, ino_nr ino)
{
    const struct edit edit = { 0 };
    struct open_file *file;
    int r = fs_open_file(fs, ino, false, &file);

    if (r < 0)
        return r;
    r = apply_edit(fs, file, edit_nothing, &edit, false);
    if (r == 0)
        r = written_commit(fs, file->inode);
    fs_close_file(fs, file);
    return r;
}

bool written_is_here(const struct fs *fs, uint64_t generation)
{
    struct overlay *overlay = overlay_get(fs->conf.overlays, generation);

    overlay_unref(overlay);
    return overlay;
}

void written_show(const struct fs *fs, struct node_attr *attr)
{
    struct overlay *overlay;

    if (attr->kind != NODE_FILE)
        return;
    overlay = opens_find_overlay(fs->opens, attr->ino);
    if (!overlay)
        overlay = overlay_get(fs->conf.overlays, attr->generation);
    if (!overlay)
        return;
    attr->size = overlay_size(overlay);
    attr->mtime_ns = overlay_mtime_ns(overlay);
    overlay_unref(overlay);
}
