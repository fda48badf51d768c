/* SPDX-License-Identifier: MIT */
/*
 * nullfs: the smallest low-level FUSE file system, one empty directory. What it takes from its
 * start to the first `ls` is what any FUSE file system costs; contrib/bench compares with it.
 */
#include "config.h"

#define FUSE_USE_VERSION 314

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <fuse_lowlevel.h>

static void null_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    struct stat attr = { .st_ino = ino, .st_mode = S_IFDIR | 0755, .st_nlink = 2 };

    (void)info;
    (void)fuse_reply_attr(req, &attr, 1.0);
}

static void null_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    (void)parent;
    (void)name;
    (void)fuse_reply_err(req, ENOENT);
}

static void null_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                         struct fuse_file_info *info)
{
    (void)ino;
    (void)size;
    (void)offset;
    (void)info;
    (void)fuse_reply_buf(req, NULL, 0);
}

static const struct fuse_lowlevel_ops null_ops = {
    .lookup = null_lookup,
    .getattr = null_getattr,
    .readdir = null_readdir,
};

/* serve(session, mountpoint): Mounts, goes to the background and answers until it is unmounted. */
static int serve(struct fuse_session *session, const char *mountpoint)
{
    int result;

    if (fuse_set_signal_handlers(session) != 0)
        return 1;
    if (fuse_session_mount(session, mountpoint) != 0) {
        fuse_remove_signal_handlers(session);
        return 1;
    }
    result = fuse_daemonize(0) == 0 ? fuse_session_loop(session) : 1;
    fuse_session_unmount(session);
    fuse_remove_signal_handlers(session);
    return result == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);
    struct fuse_session *session;
    int result;

    if (argc != 2)
        return 2;
    session = fuse_session_new(&args, &null_ops, sizeof(null_ops), NULL);
    if (session == NULL)
        return 1;
    result = serve(session, argv[1]);
    fuse_session_destroy(session);
    fuse_opt_free_args(&args);
    return result;
}
