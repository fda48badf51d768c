/* SPDX-License-Identifier: MIT */
/*
 * The files of `.graphfs` as the kernel sees them: a table of three fixed inodes. Their content is
 * control_handle.c's. Sizes are 0 and the files are read past the page cache, so that nobody takes
 * an old answer for a new one; for the owner alone, whoever else may use the mount.
 */
#include "config.h"

#include "fs/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/control_handle.h"

enum { INO_DIRECTORY = 8, INO_STATUS, INO_CONTROL };

_Static_assert((int)INO_CONTROL < STORE_INO_FIRST, "no row of a drive has these numbers");

static const struct control_inode {
    fuse_ino_t nodeid;
    fuse_ino_t parent;
    const char *name;
    mode_t mode;
} inodes[] = {
    { INO_DIRECTORY, FUSE_ROOT_ID, CONTROL_NAME, S_IFDIR | 0700 },
    { INO_STATUS, INO_DIRECTORY, "status", S_IFREG | 0400 },
    { INO_CONTROL, INO_DIRECTORY, "control", S_IFREG | 0600 },
};

#define INODES (sizeof inodes / sizeof inodes[0])

static const struct control_inode *find(fuse_ino_t nodeid)
{
    for (size_t i = 0; i < INODES; i++) {
        if (inodes[i].nodeid == nodeid)
            return &inodes[i];
    }
    return NULL;
}

bool control_is_file(fuse_ino_t nodeid)
{
    return find(nodeid);
}

bool control_is_place(fuse_ino_t parent, const char *name)
{
    for (size_t i = 0; i < INODES; i++) {
        if (inodes[i].parent == parent && strcmp(inodes[i].name, name) == 0)
            return true;
    }
    return find(parent);
}

/* Who mounted commands the daemon, whomever the files belong to; but root mounts for others. */
static uid_t owner_of(const struct fs *fs)
{
    return geteuid() == 0 ? fs->conf.uid : geteuid();
}

bool control_is_allowed(const struct fs *fs, fuse_req_t req)
{
    uid_t uid = fuse_req_ctx(req)->uid;

    return uid == 0 || uid == owner_of(fs);
}

static struct stat stat_of(const struct fs *fs, const struct control_inode *inode)
{
    return (struct stat){
        .st_ino = inode->nodeid,
        .st_mode = inode->mode,
        .st_nlink = 1,
        .st_uid = owner_of(fs),
        .st_gid = fs->conf.gid,
    };
}

bool control_lookup(struct fs *fs, fuse_req_t req, fuse_ino_t parent, const char *name)
{
    for (size_t i = 0; i < INODES; i++) {
        if (inodes[i].parent == parent && strcmp(inodes[i].name, name) == 0) {
            struct fuse_entry_param entry = {
                .ino = inodes[i].nodeid,
                .attr = stat_of(fs, &inodes[i]),
            };

            (void)fuse_reply_entry(req, &entry);
            return true;
        }
    }
    if (!find(parent))
        return false;
    fs_reply_error(req, -ENOENT);
    return true;
}

bool control_getattr(struct fs *fs, fuse_req_t req, fuse_ino_t nodeid)
{
    const struct control_inode *inode = find(nodeid);
    struct stat stat;

    if (!inode)
        return false;
    stat = stat_of(fs, inode);
    (void)fuse_reply_attr(req, &stat, 0);
    return true;
}

bool control_opendir(struct fs *fs, fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file)
{
    (void)fs;
    if (!find(nodeid))
        return false;
    (void)fuse_reply_open(req, file);
    return true;
}

/* An offset is a place in the table, after which reading goes on. */
static size_t fill(struct fs *fs, fuse_req_t req, char *buffer, size_t size, size_t offset,
                   bool with_attributes)
{
    size_t length = 0;

    for (size_t i = offset; i < INODES; i++) {
        struct fuse_entry_param entry = { .ino = inodes[i].nodeid };
        off_t next = (off_t)i + 1;
        size_t needed;

        if (inodes[i].parent != INO_DIRECTORY)
            continue;
        entry.attr = stat_of(fs, &inodes[i]);
        needed = with_attributes ? fuse_add_direntry_plus(req, buffer + length, size - length,
                                                          inodes[i].name, &entry, next)
                                 : fuse_add_direntry(req, buffer + length, size - length,
                                                     inodes[i].name, &entry.attr, next);
        if (needed > size - length)
            break;
        length += needed;
    }
    return length;
}

static void read_directory(struct fs *fs, fuse_req_t req, size_t size, off_t offset,
                           bool with_attributes)
{
    char *buffer = malloc(size);

    if (!buffer)
        fs_reply_error(req, -ENOMEM);
    else
        (void)fuse_reply_buf(req, buffer,
                             fill(fs, req, buffer, size, (size_t)offset, with_attributes));
    free(buffer);
}

bool control_readdir(struct fs *fs, fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
                     bool with_attributes)
{
    if (!find(nodeid))
        return false;
    read_directory(fs, req, size, offset, with_attributes);
    return true;
}

static struct control_handle *handle_of(const struct fuse_file_info *file)
{
    return (struct control_handle *)(uintptr_t)file->fh;
}

bool control_open(struct fs *fs, fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file)
{
    struct control_handle *handle;

    if (!find(nodeid))
        return false;
    handle = control_handle_new(fs->control);
    if (nodeid == INO_STATUS)
        control_handle_set_status(handle);
    file->fh = (uintptr_t)handle;
    file->direct_io = 1;
    file->nonseekable = 1;
    if (fuse_reply_open(req, file) == -ENOENT)
        control_handle_close(handle);
    return true;
}

bool control_read(struct fs *fs, fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
                  struct fuse_file_info *file)
{
    (void)fs, (void)offset;
    if (!find(nodeid))
        return false;
    control_handle_read(handle_of(file), req, size);
    return true;
}

bool control_write(struct fs *fs, fuse_req_t req, fuse_ino_t nodeid, const char *data, size_t size,
                   struct fuse_file_info *file)
{
    int r;

    (void)fs;
    if (nodeid != INO_CONTROL)
        return false;
    r = control_handle_write(handle_of(file), data, size);
    if (r < 0)
        fs_reply_error(req, r);
    else
        (void)fuse_reply_write(req, size);
    return true;
}

bool control_release(fuse_ino_t nodeid, struct fuse_file_info *file)
{
    if (!find(nodeid))
        return false;
    control_handle_close(handle_of(file));
    return true;
}
