/* SPDX-License-Identifier: MIT */
/*
 * Files: open, read, release. An open file keeps the version that it opened, or shows what is
 * written to it (written.c). READ takes no lock of the store and sends no request itself: what
 * isn't on disk is waited for in wait.c.
 *
 * The kernel may keep the pages it has (keep_cache) if they are of the same content generation.
 * Otherwise it drops them at open: the notification that it should may not have come yet.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

#include "base/log.h"
#include "fs/control.h"
#include "fs/fs_i.h"
#include "fs/opens.h"
#include "fs/prefetch.h"
#include "fs/rewritten.h"
#include "fs/wait.h"
#include "fs/written.h"

static struct open_file *open_file_of(const struct fuse_file_info *file)
{
    return (struct open_file *)(uintptr_t)file->fh;
}

/* Fills in drive_id and item_id; what they point to belongs to node and drive. */
static int locate(struct store *store, const struct node *node, struct drive_row *drive,
                  struct content_id *id)
{
    int r;

    if (node->attr.flags & NODE_SHORTCUT) {
        id->drive_id = node->target_drive_id;
        id->item_id = node->target_rid;
        return 0;
    }
    r = store_get_drive(store, node->attr.drive, drive);
    id->drive_id = drive->drive_id;
    id->item_id = node->rid;
    return r;
}

struct content_id fs_content_id(const struct node *node, const char *drive_id)
{
    const struct node_state *base = &node->base;
    bool has_hash = node->attr.flags & NODE_HAS_HASH;

    return (struct content_id){
        .generation = node->local.generation,
        .drive_id = drive_id,
        .item_id = node->rid,
        .size = node->local.size,
        .etag = base->etag,
        .ctag = base->ctag,
        .hash_kind = has_hash ? base->hash_kind : HASH_NONE,
        .hash = has_hash ? base->hash : NULL,
        .server_mtime_ns = base->server_mtime_ns,
    };
}

int fs_open_version(struct fs *fs, const struct node *node, struct content_file **ret,
                    struct err *err)
{
    struct drive_row drive = { 0 };
    struct content_id id = fs_content_id(node, NULL);
    int r = locate(fs->conf.store, node, &drive, &id);

    if (r == 0)
        r = content_open(fs->conf.content, &id, ret, err);
    drive_row_clear(&drive);
    return r;
}

/* Reads the row and counts the inode as open, in one state of the store: from then on it keeps its
 * content. */
static int pin_row(struct fs *fs, ino_nr ino, struct node *ret_node, struct open_file **ret_file)
{
    struct node node = { 0 };
    enum kernel_view view;
    int r;

    READING(fs);
    /* The kernel would cut the new content to the size it knows: it is to ask for the name first,
     * and learns the new one. */
    view = opens_view(fs->opens, ino);
    if (view == VIEW_OUTDATED)
        return -ESTALE;
    r = store_get_node(fs->conf.store, ino, &node);
    if (r < 0)
        return fs_row_error(r);
    if (!(node.attr.flags & NODE_LOCAL))
        r = -ESTALE; /* the user has deleted it */
    else if (node.attr.kind != NODE_FILE)
        r = node.attr.kind == NODE_LINK ? -ELOOP : -EISDIR;
    else if (node.attr.flags & NODE_MALWARE)
        r = -EACCES;
    if (r < 0) {
        node_clear(&node);
        return r;
    }
    *ret_node = node;
    *ret_file = opens_add(fs->opens, &node.attr);
    (*ret_file)->is_direct = view == VIEW_DOUBTFUL;
    return 0;
}

/* What was written and isn't the service's yet is opened as it is. True: that is so. */
static bool take_overlay(struct fs *fs, const struct node *node, struct open_file *file)
{
    struct overlay *overlay = opens_get_overlay(file->inode);

    if (!overlay) {
        overlay = overlay_get(fs->conf.overlays, node->local.generation);
        if (!overlay)
            return false;
        opens_set_overlay(file->inode, overlay);
        return true;
    }
    overlay_unref(overlay);
    return true;
}

/* The row of what can be read. */
static int pin_content(struct fs *fs, ino_nr ino, struct node *ret_node,
                       struct open_file **ret_file)
{
    struct node node;
    int r = pin_row(fs, ino, &node, ret_file);

    if (!*ret_file)
        return r;
    if (!rewritten_is_lost(fs, &node)) {
        *ret_node = node;
        return 0;
    }
    opens_remove(fs->opens, *ret_file);
    *ret_file = NULL;
    node_clear(&node);
    r = rewritten_check(fs, ino);
    return r < 0 ? fs_row_error(r) : pin_row(fs, ino, ret_node, ret_file);
}

/* Under the writer mutex: what the server says of it, and wasn't committed before, comes after
 * this.
 */
static int hold(struct fs *fs, ino_nr ino)
{
    struct store_txn *txn;
    struct err err;
    int r = store_begin(fs->conf.store, &txn, &err);

    if (r < 0)
        return r;
    sync_hold(fs->conf.sync, ino);
    store_rollback(txn);
    return 0;
}

static int hold_and_pin(struct fs *fs, ino_nr ino, struct node *ret_node,
                        struct open_file **ret_file)
{
    int r = hold(fs, ino);

    if (r < 0)
        return r;
    r = pin_content(fs, ino, ret_node, ret_file);
    if (r < 0)
        sync_let_go(fs->conf.sync, ino, false);
    else
        (*ret_file)->is_writer = true;
    return r;
}

int fs_open_file(struct fs *fs, ino_nr ino, bool is_writer, struct open_file **ret_file)
{
    struct err err = { 0 };
    struct open_file *file = NULL;
    struct node node;
    int r = is_writer ? hold_and_pin(fs, ino, &node, &file) : pin_content(fs, ino, &node, &file);

    if (!file)
        return r;
    if (!take_overlay(fs, &node, file))
        r = fs_open_version(fs, &node, &file->content, &err);
    if (r < 0) {
        log_warn("fs", "opening %s: %s", node.local.name, err.code ? err.msg : ERRNO_TEXT(r));
        fs_close_file(fs, file);
    } else {
        *ret_file = file;
        if (node.local.size <= CONTENT_SMALL_SIZE && !(node.attr.flags & NODE_SHORTCUT))
            prefetch_note_open(fs, &node);
        file->row = node;
        node = (struct node){ 0 };
    }
    node_clear(&node);
    return r;
}

void fs_close_file(struct fs *fs, struct open_file *file)
{
    ino_nr ino = file->inode->ino;
    bool is_writer = file->is_writer;
    struct overlay *overlay = opens_get_overlay(file->inode);
    bool is_written = overlay;

    overlay_unref(overlay);
    (void)atomic_fetch_add(&fs->closing, 1);
    opens_remove(fs->opens, file);
    if (is_writer)
        sync_let_go(fs->conf.sync, ino, is_written);
    (void)atomic_fetch_sub(&fs->closing, 1);
}

size_t fs_count_open_files(struct fs *fs)
{
    size_t count = opens_count(fs->opens);

    return count + atomic_load(&fs->closing);
}

/* An open file, as open(2) asks for it. */
static int open_as_asked(struct fs *fs, ino_nr ino, int flags, struct open_file **ret_file)
{
    bool is_writer = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
    struct open_file *file = NULL;
    int r = fs_open_file(fs, ino, is_writer, &file);

    if (file && flags & O_TRUNC) {
        r = written_truncate(fs, file, 0);
        if (r == 0)
            r = written_commit(fs, file->inode);
        if (r < 0) {
            fs_close_file(fs, file);
            return r;
        }
    }
    if (file)
        *ret_file = file;
    return r;
}

static void open_and_reply(struct fs *fs, fuse_req_t req, ino_nr ino, struct fuse_file_info *file)
{
    struct open_file *opened = NULL;
    int r = open_as_asked(fs, ino, file->flags, &opened);

    if (!opened) {
        fs_reply_error(req, r);
        return;
    }
    sync_note_use(fs->conf.sync, opened->attr.drive);
    file->fh = (uintptr_t)opened;
    /* Reads past the kernel's cache know no size but ours. */
    file->direct_io = opened->is_direct;
    file->keep_cache = opens_note_pages(fs->opens, opened->attr.ino, opened->attr.generation);
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 11)
    file->noflush = (file->flags & O_ACCMODE) == O_RDONLY;
#endif
    /* A process that was interrupted never learns of the handle, and so will not release it. */
    if (fuse_reply_open(req, file) == -ENOENT)
        fs_close_file(fs, opened);
}

/* What is known is better than an error, unless it is that the thing is gone or not for us. */
static void on_target(struct wait *wait, const struct err *err)
{
    if (err && (err->code == -ENOENT || err->code == -EACCES))
        fs_reply_error(wait->req, err->code);
    else
        open_and_reply(wait->fs, wait->req, wait->ino, &wait->file);
}

/* A shortcut to a file elsewhere has no delta: it is asked for when it is opened. */
static bool needs_target(struct fs *fs, ino_nr ino)
{
    struct node_attr attr;

    READING(fs);
    return store_getattr(fs->conf.store, ino, &attr) == 0 &&
           sync_needs_target(fs->conf.sync, &attr);
}

void op_open(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);
    ino_nr ino = fs_row(fs, nodeid);
    struct wait *wait;

    if (control_open(fs, req, nodeid, file))
        return;
    if (!fs->conf.is_writable && ((file->flags & O_ACCMODE) != O_RDONLY || file->flags & O_TRUNC)) {
        fs_reply_error(req, -EROFS);
        return;
    }
    if (!needs_target(fs, ino)) {
        open_and_reply(fs, req, ino, file);
        return;
    }
    wait = wait_new(fs, &(struct wait_conf){
                            .req = req,
                            .ino = ino,
                            .file = file,
                            .resume = on_target,
                            .abandon = wait_forget_sync,
                        });
    if (wait)
        wait_for_work(wait, sync_want_target(fs->conf.sync, ino, wait_sync_done, wait));
}

static void on_read(int status, const char *data, size_t length, void *arg)
{
    struct wait *wait = arg;

    if (wait_claim(wait)) {
        if (status < 0)
            fs_reply_error(wait->req, status);
        else
            (void)fuse_reply_buf(wait->req, data, length);
    }
    wait_end(wait);
}

static bool cancel_read(struct wait *wait)
{
    return content_cancel(wait->fs->conf.content, wait->work.content);
}

static bool cancel_overlay_read(struct wait *wait)
{
    return overlay_cancel(wait->work.overlay);
}

static void read_version(struct wait *wait, struct open_file *file, size_t size, off_t offset)
{
    struct content_wait *pending = NULL;

    content_read(file->content, offset, size, on_read, wait, &pending);
    wait_for_content(wait, pending);
}

static void read_written(struct wait *wait, struct overlay *overlay, size_t size, off_t offset)
{
    struct overlay_wait *pending = NULL;

    overlay_read(overlay, offset, size, on_read, wait, &pending);
    wait_for_overlay(wait, pending);
}

void op_read(fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
             struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);
    struct overlay *overlay;
    struct wait *wait;

    if (control_read(fs, req, nodeid, size, offset, file))
        return;
    overlay = opens_get_overlay(open_file_of(file)->inode);
    wait = wait_new(fs, &(struct wait_conf){
                            .req = req,
                            .abandon = overlay ? cancel_overlay_read : cancel_read,
                        });
    if (wait && overlay)
        read_written(wait, overlay, size, offset);
    else if (wait)
        read_version(wait, open_file_of(file), size, offset);
    overlay_unref(overlay);
}

/* The last WRITE may have come after the last flush: of what was mapped. */
void op_release(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);

    if (!control_release(nodeid, file)) {
        (void)written_commit(fs, open_file_of(file)->inode);
        fs_close_file(fs, open_file_of(file));
    }
    fs_reply_error(req, 0);
}
