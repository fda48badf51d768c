/* SPDX-License-Identifier: MIT */
/*
 * What the kernel may ask, and who answers. What is left out is right to be: libfuse answers
 * ENOSYS, after which the kernel does it itself (locks, lseek, copy_file_range).
 */
#include "config.h"

#include <errno.h>

#include "fs/fs_i.h"
#include "fs/session.h"

void fs_reply_error(fuse_req_t req, int code)
{
    (void)fuse_reply_err(req, -code);
}

const struct fuse_lowlevel_ops fs_ops = {
    .init = session_init,

    .lookup = op_lookup,
    .getattr = op_getattr,
    .readlink = op_readlink,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .statfs = op_statfs,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,

    .open = op_open,
    .read = op_read,
    .write = op_write,
    .flush = op_flush,
    .fsync = op_fsync,
    .fsyncdir = op_fsyncdir,
    .release = op_release,

    .create = op_create,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .symlink = op_symlink,
    .link = op_link,
    .rename = op_rename,
    .setattr = op_setattr,
    .setxattr = op_setxattr,
    .removexattr = op_removexattr,
    .fallocate = op_fallocate,
};
