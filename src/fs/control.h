/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_CONTROL_H
#define GRAPHFS_FS_CONTROL_H

/*
 * `.graphfs`: a directory in the mount's root that no listing shows, for the commands to talk to
 * the daemon.
 *
 *     status    JSON: the state of the mount at the moment of open()
 *     control   write a request, one line; read the answer, JSON, from the same handle
 *
 * The functions are what the handlers ask first. Those that return bool have answered the request
 * if true; if false it isn't about `.graphfs`, and nothing has happened.
 */

#include "fs/fs_i.h"

/* Its name. What a drive has under it in the mount's root can't be seen there. */
#define CONTROL_NAME ".graphfs"

struct control;

/* For control_free(), when the kernel can't ask any more and sync has stopped. */
struct control *control_new(struct fs *fs);
void control_free(struct control *control); /* NULL is allowed */

/* Whether who asks may command the daemon: who mounted, and root; with allow_other nobody else. */
bool control_is_allowed(const struct fs *fs, fuse_req_t req);

/* Whether this is an inode of `.graphfs`; a name that is its, or in it. */
bool control_is_file(fuse_ino_t nodeid);
bool control_is_place(fuse_ino_t parent, const char *name);

/* Handlers, as said above. */
bool control_lookup(struct fs *fs, fuse_req_t req, fuse_ino_t parent, const char *name);
bool control_getattr(struct fs *fs, fuse_req_t req, fuse_ino_t nodeid);
bool control_opendir(struct fs *fs, fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file);
bool control_readdir(struct fs *fs, fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
                     bool with_attributes);

/* Handlers of the files in it. */
bool control_open(struct fs *fs, fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file);
bool control_read(struct fs *fs, fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
                  struct fuse_file_info *file);
bool control_write(struct fs *fs, fuse_req_t req, fuse_ino_t nodeid, const char *data, size_t size,
                   struct fuse_file_info *file);

/* Gives up the handle; the caller answers. */
bool control_release(fuse_ino_t nodeid, struct fuse_file_info *file);

#endif
