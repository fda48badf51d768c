/* SPDX-License-Identifier: MIT */
/*
 * What the user does to the bytes and attributes of files: see written.c for where they go. Nothing
 * here waits for the network.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>

#include "base/log.h"
#include "fs/control.h"
#include "fs/fs_i.h"
#include "fs/opens.h"
#include "fs/wait.h"
#include "fs/written.h"
#include "local/local.h"

static struct open_file *open_file_of(const struct fuse_file_info *file)
{
    return (struct open_file *)(uintptr_t)file->fh;
}

void op_write(fuse_req_t req, fuse_ino_t nodeid, const char *data, size_t size, off_t offset,
              struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);
    int r;

    if (control_write(fs, req, nodeid, data, size, file))
        return;
    r = fs->conf.is_writable ? written_write(fs, open_file_of(file), data, size, offset) : -EROFS;
    if (r < 0)
        fs_reply_error(req, r);
    else
        (void)fuse_reply_write(req, size);
}

void op_fallocate(fuse_req_t req, fuse_ino_t nodeid, int mode, off_t offset, off_t length,
                  struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);
    int r;

    (void)nodeid;
    if (!fs->conf.is_writable)
        r = -EROFS;
    else if (mode & ~FALLOC_FL_KEEP_SIZE)
        r = -EOPNOTSUPP;
    else
        r = written_allocate(fs, open_file_of(file), offset, length, mode & FALLOC_FL_KEEP_SIZE);
    fs_reply_error(req, r);
}

static void on_sent(struct wait *wait, const struct err *err)
{
    fs_reply_error(wait->req, err ? err->code : 0);
}

/* Until the service has what was written; as it is, if others write on. */
static void wait_until_sent(struct fs *fs, fuse_req_t req, ino_nr ino)
{
    struct wait *wait = wait_new(fs, &(struct wait_conf){
                                         .req = req,
                                         .ino = ino,
                                         .resume = on_sent,
                                         .abandon = wait_forget_sync,
                                         .deadline_ms = WAIT_FOR_EVER,
                                     });

    if (wait)
        wait_for_work(wait, sync_push_now(fs->conf.sync, ino, true, wait_sync_done, wait));
}

static bool is_written(struct open_inode *inode)
{
    struct overlay *overlay = opens_get_overlay(inode);

    overlay_unref(overlay);
    return overlay;
}

void op_flush(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);
    struct open_inode *inode;
    int r;

    if (control_is_file(nodeid)) {
        fs_reply_error(req, 0);
        return;
    }
    inode = open_file_of(file)->inode;
    r = written_commit(fs, inode);
    if (r == 0 && fs->conf.is_sync && is_written(inode))
        wait_until_sent(fs, req, inode->ino);
    else
        fs_reply_error(req, r);
}

void op_fsync(fuse_req_t req, fuse_ino_t nodeid, int data_only, struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);

    if (control_is_file(nodeid))
        fs_reply_error(req, 0);
    else
        fs_reply_error(req, written_sync(fs, open_file_of(file), data_only));
}

/* Names are rows. */
void op_fsyncdir(fuse_req_t req, fuse_ino_t nodeid, int data_only, struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);
    struct store_txn *txn;
    struct err err = { 0 };
    int r = 0;

    (void)nodeid, (void)data_only, (void)file;
    if (fs->conf.is_writable) {
        r = store_begin(fs->conf.store, &txn, &err);
        if (r == 0)
            r = store_commit_durably(txn, &err);
        if (r < 0)
            log_warn("fs", "%s", err.msg);
    }
    fs_reply_error(req, r);
}

/* ---- attributes ---- */

#define TIMES                                                                                      \
    (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)

static int64_t ns_of(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t now_ns(const struct fs *fs)
{
    return clock_real_ms(fs->conf.clock) * 1000000;
}

/* A file that is open for this call alone, if the caller has none. */
static int open_for(struct fs *fs, ino_nr ino, const struct fuse_file_info *file,
                    struct open_file **ret, struct open_file **ret_own)
{
    int r;

    *ret_own = NULL;
    if (file) {
        *ret = open_file_of(file);
        return 0;
    }
    r = fs_open_file(fs, ino, true, ret);
    if (r == 0)
        *ret_own = *ret;
    return r;
}

static int set_size(struct fs *fs, ino_nr ino, int64_t size, const struct fuse_file_info *file)
{
    struct open_file *opened, *own;
    int r = open_for(fs, ino, file, &opened, &own);

    if (r < 0)
        return r;
    r = written_truncate(fs, opened, size);
    if (r == 0 && own)
        r = written_commit(fs, own->inode);
    if (own)
        fs_close_file(fs, own);
    return r;
}

/* What of the request is an attribute of the row. */
static struct local_attr row_attr(const struct fs *fs, const struct stat *attr, int to_set)
{
    static const struct {
        int asked;
        enum local_attr_set set;
    } rows[] = {
        { FUSE_SET_ATTR_MODE, ATTR_MODE },
        { FUSE_SET_ATTR_UID, ATTR_UID },
        { FUSE_SET_ATTR_GID, ATTR_GID },
        { FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW, ATTR_ATIME },
    };

    struct local_attr wanted = {
        .mode = attr->st_mode & 07777,
        .uid = attr->st_uid,
        .gid = attr->st_gid,
        .atime_ns = to_set & FUSE_SET_ATTR_ATIME_NOW ? now_ns(fs) : ns_of(attr->st_atim),
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (to_set & rows[i].asked)
            wanted.set |= rows[i].set;
    return wanted;
}

/* Drops what is set that is so already: programs that unpack set everything, and a transaction each
 * is what takes most of their time. */
static void drop_unchanged(struct fs *fs, ino_nr ino, struct local_attr *wanted)
{
    struct node_attr row;
    struct stat now;

    READING(fs);
    if (store_getattr(fs->conf.store, ino, &row) < 0)
        return;
    attr_fill_stat(fs, &row, &now);
    if (wanted->mode == (now.st_mode & 07777))
        wanted->set &= ~(unsigned)ATTR_MODE;
    if (wanted->uid == now.st_uid)
        wanted->set &= ~(unsigned)ATTR_UID;
    if (wanted->gid == now.st_gid)
        wanted->set &= ~(unsigned)ATTR_GID;
}

static int set_mtime(struct fs *fs, struct store_txn *txn, ino_nr ino, struct open_file *opened,
                     int64_t mtime_ns)
{
    struct overlay *overlay;
    struct node_attr row;
    int r = opened ? written_put_mtime(txn, opened->inode, mtime_ns) : -ENODATA;

    if (r != -ENODATA)
        return r;
    r = txn_getattr(txn, ino, &row);
    if (r < 0)
        return r;
    overlay = opens_find_overlay(fs->opens, ino);
    if (!overlay && row.kind == NODE_FILE)
        overlay = overlay_get(fs->conf.overlays, row.generation);
    if (overlay)
        (void)overlay_set_mtime(overlay, mtime_ns);
    overlay_unref(overlay);
    return local_set_mtime(txn, ino, mtime_ns);
}

/* Of what is open and has no row any more: its time is with what was written, the rest is nobody's.
 */
static int set_in_open(struct fs *fs, ino_nr ino, const struct stat *attr, int to_set)
{
    struct overlay *overlay = opens_find_overlay(fs->opens, ino);
    struct node_attr opened;

    if (overlay && to_set & FUSE_SET_ATTR_MTIME)
        (void)overlay_set_mtime(overlay, ns_of(attr->st_mtim));
    overlay_unref(overlay);
    return opens_get_attr(fs->opens, ino, &opened) ? 0 : -ENOENT;
}

static int set_in_row(struct fs *fs, ino_nr ino, const struct stat *attr, int to_set,
                      struct open_file *opened)
{
    bool has_mtime = to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW);
    struct local_attr wanted = row_attr(fs, attr, to_set);
    struct store_txn *txn = NULL;
    struct err err = { 0 };
    int r;

    drop_unchanged(fs, ino, &wanted);
    if (wanted.set == 0 && !has_mtime)
        return 0;
    r = store_begin(fs->conf.store, &txn, &err);
    if (r < 0)
        return r;
    (void)txn_set_own(txn, true);
    if (has_mtime)
        r = set_mtime(fs, txn, ino, opened,
                      to_set & FUSE_SET_ATTR_MTIME_NOW ? now_ns(fs) : ns_of(attr->st_mtim));
    if (r == 0 && wanted.set != 0)
        r = local_set_attr(txn, ino, &wanted);
    if (r < 0) {
        store_rollback(txn);
        if (r == -ENOENT)
            r = set_in_open(fs, ino, attr, to_set);
    } else {
        sync_note_change(fs->conf.sync, ino);
        r = store_commit(txn, &err);
    }
    if (r < 0 && opened)
        written_note_news(fs, opened->inode);
    return fs_row_error(r);
}

/* Shells write to control with `>`, which truncates. */
void op_setattr(fuse_req_t req, fuse_ino_t nodeid, struct stat *attr, int to_set,
                struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);
    ino_nr ino = fs_row(fs, nodeid);
    int r = 0;

    if (to_set == FUSE_SET_ATTR_SIZE && control_getattr(fs, req, nodeid))
        return;
    if (!fs->conf.is_writable || control_is_file(nodeid))
        r = -EROFS;
    if (r == 0 && to_set & FUSE_SET_ATTR_SIZE)
        r = set_size(fs, ino, attr->st_size, file);
    if (r == 0 && to_set & (TIMES | FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
        r = set_in_row(fs, ino, attr, to_set, file ? open_file_of(file) : NULL);
    if (r < 0) {
        fs_reply_error(req, r);
        return;
    }
    op_getattr(req, nodeid, file);
}
