/* SPDX-License-Identifier: MIT */
/*
 * What would change something. This version of graphfs reads: every such call answers EROFS, from
 * here and not by a read-only mount, so that `.graphfs/control` can be written to.
 */
#include "config.h"

#include <errno.h>

#include "fs/control.h"
#include "fs/fs_i.h"

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *file)
{
    (void)parent, (void)name, (void)mode, (void)file;
    fs_reply_error(req, -EROFS);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    (void)parent, (void)name, (void)mode, (void)device;
    fs_reply_error(req, -EROFS);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    (void)parent, (void)name, (void)mode;
    fs_reply_error(req, -EROFS);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    (void)parent, (void)name;
    fs_reply_error(req, -EROFS);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    (void)parent, (void)name;
    fs_reply_error(req, -EROFS);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    (void)target, (void)parent, (void)name;
    fs_reply_error(req, -EROFS);
}

void op_link(fuse_req_t req, fuse_ino_t nodeid, fuse_ino_t new_parent, const char *new_name)
{
    (void)nodeid, (void)new_parent, (void)new_name;
    fs_reply_error(req, -EROFS);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags)
{
    (void)parent, (void)name, (void)new_parent, (void)new_name, (void)flags;
    fs_reply_error(req, -EROFS);
}

/* Shells write to control with `>`, which truncates. */
void op_setattr(fuse_req_t req, fuse_ino_t nodeid, struct stat *attr, int to_set,
                struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);

    (void)attr, (void)file;
    if (!(to_set == FUSE_SET_ATTR_SIZE && control_getattr(fs, req, nodeid)))
        fs_reply_error(req, -EROFS);
}

void op_write(fuse_req_t req, fuse_ino_t nodeid, const char *data, size_t size, off_t offset,
              struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);

    (void)offset;
    if (!control_write(fs, req, nodeid, data, size, file))
        fs_reply_error(req, -EROFS);
}

void op_fallocate(fuse_req_t req, fuse_ino_t nodeid, int mode, off_t offset, off_t length,
                  struct fuse_file_info *file)
{
    (void)nodeid, (void)mode, (void)offset, (void)length, (void)file;
    fs_reply_error(req, -EROFS);
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t nodeid_in, off_t offset_in,
                        struct fuse_file_info *file_in, fuse_ino_t nodeid_out, off_t offset_out,
                        struct fuse_file_info *file_out, size_t length, int flags)
{
    (void)nodeid_in, (void)offset_in, (void)file_in, (void)nodeid_out, (void)offset_out;
    (void)file_out, (void)length, (void)flags;
    fs_reply_error(req, -EROFS);
}
