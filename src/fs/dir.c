/* SPDX-License-Identifier: MIT */
/*
 * Directories. OPENDIR waits for the first listing; READDIR then reads rows and waits for nothing,
 * because the kernel holds the directory's lock meanwhile.
 *
 * An offset is a row's number, moved up by the two offsets that "." and ".." have. Rows come in
 * order of their number, so a directory that changes while it is read neither repeats nor skips
 * what stayed, and no snapshot is needed.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/control.h"
#include "fs/fs_i.h"
#include "fs/wait.h"

enum { OFFSET_DOT = 1, OFFSET_DOT_DOT, OFFSETS_BEFORE_ROWS = OFFSET_DOT_DOT };

/* ---- opening ---- */

static int check_can_enter(struct fs *fs, ino_nr ino, struct node_attr *ret_attr)
{
    int r;

    READING(fs);
    r = store_getattr(fs->conf.store, ino, ret_attr);
    if (r < 0)
        return fs_row_error(r);
    /* A notebook is a directory to those who look at it; what is inside is not shown yet. */
    return ret_attr->kind == NODE_PACKAGE ? -ENOTSUP : 0;
}

/* A listing that is known to be whole the kernel may keep, and read again without asking. */
static void reply_opened(const struct fs *fs, fuse_req_t req, const struct node_attr *attr,
                         struct fuse_file_info *file)
{
    file->cache_readdir = file->keep_cache = attr_listing_lasts(fs, attr);
    (void)fuse_reply_open(req, file);
}

static void on_listed(struct wait *wait, const struct err *err)
{
    struct node_attr attr;
    int r = check_can_enter(wait->fs, wait->ino, &attr);

    /* Once it was listed, what is known is better than an error. */
    if (r == 0 && err && attr.listed_ms == 0 && !(attr.flags & NODE_COMPLETE))
        r = err->code;
    if (r < 0)
        fs_reply_error(wait->req, r);
    else
        reply_opened(wait->fs, wait->req, &attr, &wait->file);
}

void op_opendir(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);
    struct node_attr attr;
    struct wait *wait;
    int r;

    if (control_opendir(fs, req, nodeid, file))
        return;
    r = check_can_enter(fs, fs_row(fs, nodeid), &attr);
    if (r < 0) {
        fs_reply_error(req, r);
        return;
    }
    sync_note_use(fs->conf.sync, attr.drive);
    if (!sync_needs_listing(fs->conf.sync, &attr)) {
        sync_note_opened(fs->conf.sync, attr.ino);
        reply_opened(fs, req, &attr, file);
        return;
    }
    wait = wait_new(fs, &(struct wait_conf){
                            .req = req,
                            .ino = attr.ino,
                            .file = file,
                            .resume = on_listed,
                            .abandon = wait_forget_sync,
                        });
    if (wait)
        wait_for_work(wait, sync_want_listing(fs->conf.sync, wait->ino, wait_sync_done, wait));
}

/* ---- reading ---- */

struct listing {
    const struct fs *fs;
    fuse_req_t req;
    bool with_attributes; /* READDIRPLUS */
    bool is_root;         /* of the mount */
    char *buffer;
    size_t size;
    size_t length;
};

/* False if the entry doesn't fit: it is the next call's first. */
static bool add_entry(struct listing *listing, const char *name,
                      const struct fuse_entry_param *entry, off_t offset)
{
    char *place = listing->buffer + listing->length;
    size_t left = listing->size - listing->length;
    size_t needed = listing->with_attributes
                        ? fuse_add_direntry_plus(listing->req, place, left, name, entry, offset)
                        : fuse_add_direntry(listing->req, place, left, name, &entry->attr, offset);

    if (needed > left)
        return false;
    listing->length += needed;
    return true;
}

/* "." and "..": with a number and a type alone. The kernel counts no look-up for them. */
static bool add_dot(struct listing *listing, const char *name, ino_nr row, off_t offset)
{
    struct fuse_entry_param entry = {
        .attr = { .st_ino = fs_nodeid(listing->fs, row), .st_mode = S_IFDIR },
    };

    return add_entry(listing, name, &entry, offset);
}

static bool add_child(const struct node_attr *attr, const char *name, void *arg)
{
    struct listing *listing = arg;
    struct node_attr shown = *attr;
    struct fuse_entry_param entry;

    /* In the root the control directory has this name, which isn't listed. */
    if (listing->is_root && strcmp(name, CONTROL_NAME) == 0)
        return true;
    if (link_show(listing->fs, &shown) < 0)
        return true; /* its target is gone, and so will it be */
    attr_fill_entry(listing->fs, &shown, &entry);
    return add_entry(listing, name, &entry, (off_t)attr->ino + OFFSETS_BEFORE_ROWS);
}

static int fill(struct listing *listing, ino_nr ino, off_t offset)
{
    struct store *store = listing->fs->conf.store;
    struct node_attr attr;
    int r = store_getattr(store, ino, &attr);

    if (r < 0)
        return r;
    if (offset < OFFSET_DOT && !add_dot(listing, ".", ino, OFFSET_DOT))
        return 0;
    if (ino == listing->fs->root)
        attr.parent = ino;
    if (offset < OFFSET_DOT_DOT && !add_dot(listing, "..", attr.parent, OFFSET_DOT_DOT))
        return 0;
    return store_list(store, ino,
                      offset > OFFSETS_BEFORE_ROWS ? (ino_nr)(offset - OFFSETS_BEFORE_ROWS) : 0,
                      add_child, listing);
}

static void reply_listing(struct listing *listing, ino_nr ino, off_t offset)
{
    int r;

    READING(listing->fs);
    r = fill(listing, ino, offset);
    if (r < 0)
        fs_reply_error(listing->req, r);
    else
        (void)fuse_reply_buf(listing->req, listing->buffer, listing->length);
}

static void read_directory(fuse_req_t req, ino_nr ino, size_t size, off_t offset,
                           bool with_attributes)
{
    const struct fs *fs = fuse_req_userdata(req);
    struct listing listing = {
        .fs = fs,
        .req = req,
        .with_attributes = with_attributes,
        .is_root = ino == fs->root,
        .buffer = malloc(size),
        .size = size,
    };

    if (listing.buffer)
        reply_listing(&listing, ino, offset);
    else
        fs_reply_error(req, -ENOMEM);
    free(listing.buffer);
}

void op_readdir(fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
                struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);

    (void)file;
    if (!control_readdir(fs, req, nodeid, size, offset, false))
        read_directory(req, fs_row(fs, nodeid), size, offset, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
                    struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);

    (void)file;
    if (!control_readdir(fs, req, nodeid, size, offset, true))
        read_directory(req, fs_row(fs, nodeid), size, offset, true);
}
