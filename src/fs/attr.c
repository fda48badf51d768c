/* SPDX-License-Identifier: MIT */
/*
 * What a row looks like to the kernel: its stat, and how long that may be believed.
 *
 * Changes of a drive with delta are pushed into the kernel, so it may keep names, attributes and
 * absent names for good. A place without delta is only as fresh as its last listing: object_ttl. An
 * absent name is certain only in a drive folder whose children are all known.
 */
#include "config.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "fs/fs_i.h"
#include "fs/opens.h"
#include "fs/written.h"

enum { BLOCK_BYTES = 512 }; /* what st_blocks counts */

#define NS_PER_S INT64_C(1000000000)

static const mode_t formats[] = {
    [NODE_VIEW] = S_IFDIR | 0777,    [NODE_FOLDER] = S_IFDIR | 0777, [NODE_FILE] = S_IFREG | 0666,
    [NODE_PACKAGE] = S_IFDIR | 0777, [NODE_LINK] = S_IFLNK | 0777,
};

static struct timespec timespec_of(int64_t ns)
{
    int64_t seconds = ns / NS_PER_S, rest = ns % NS_PER_S;

    if (rest < 0) {
        seconds--;
        rest += NS_PER_S;
    }
    return (struct timespec){ .tv_sec = seconds, .tv_nsec = rest };
}

static off_t size_of(const struct fs *fs, const struct node_attr *attr)
{
    cleanup_free char *target = NULL;

    if (attr->kind == NODE_FILE)
        return attr->size;
    if (attr->kind == NODE_LINK && link_target(fs, attr, &target) == 0)
        return (off_t)strlen(target);
    return 0;
}

/* What the user set, which the service doesn't know. */
static void show_local_attr(const struct fs *fs, ino_nr ino, struct stat *st)
{
    struct local_attr attr = { 0 };

    if (store_get_attr(fs->conf.store, ino, &attr) < 0)
        return;
    if (attr.set & ATTR_MODE)
        st->st_mode = (st->st_mode & S_IFMT) | attr.mode;
    if (attr.set & ATTR_UID)
        st->st_uid = attr.uid;
    if (attr.set & ATTR_GID)
        st->st_gid = attr.gid;
    if (attr.set & ATTR_ATIME)
        st->st_atim = timespec_of(attr.atime_ns);
}

/* A directory's link count is 1 as well: the number of its subdirectories is not known, and 1 tells
 * find that it can't count on it. */
void attr_fill_stat(const struct fs *fs, const struct node_attr *attr, struct stat *ret)
{
    struct node_attr shown = *attr;
    mode_t mode = formats[attr->kind];
    off_t size;

    written_show(fs, &shown);
    size = size_of(fs, &shown);
    if (!S_ISLNK(mode))
        mode &= ~fs->conf.umask;
    *ret = (struct stat){
        .st_ino = fs_nodeid(fs, attr->ino),
        .st_mode = mode,
        .st_nlink = opens_is_unlinked(fs->opens, attr->ino) ? 0 : 1,
        .st_uid = fs->conf.uid,
        .st_gid = fs->conf.gid,
        .st_size = size,
        .st_blocks = size / BLOCK_BYTES + (size % BLOCK_BYTES != 0),
        .st_mtim = timespec_of(shown.mtime_ns),
        .st_atim = timespec_of(shown.mtime_ns),
        .st_ctim = timespec_of(shown.mtime_ns),
    };
    if (attr->flags & NODE_HAS_ATTR)
        show_local_attr(fs, attr->ino, ret);
}

double attr_timeout_s(const struct fs *fs, const struct node_attr *attr)
{
    bool is_elsewhere = attr->kind == NODE_FILE && attr->flags & NODE_SHORTCUT;

    if (attr->kind == NODE_VIEW || (!is_elsewhere && sync_has_delta(fs->conf.sync, attr->drive)))
        return TIMEOUT_FOREVER_S;
    return fs->conf.object_ttl_s;
}

double attr_absence_timeout_s(const struct fs *fs, const struct node_attr *directory)
{
    if (directory->kind != NODE_FOLDER || !(directory->flags & NODE_COMPLETE))
        return 0;
    if (directory->flags & NODE_SHORTCUT)
        return fs->conf.object_ttl_s;
    return attr_timeout_s(fs, directory);
}

bool attr_listing_lasts(const struct fs *fs, const struct node_attr *directory)
{
    return directory->flags & NODE_COMPLETE && !(directory->flags & NODE_SHORTCUT) &&
           attr_timeout_s(fs, directory) >= TIMEOUT_FOREVER_S;
}

void attr_fill_entry(const struct fs *fs, const struct node_attr *attr,
                     struct fuse_entry_param *ret)
{
    double timeout_s = attr_timeout_s(fs, attr);

    *ret = (struct fuse_entry_param){
        .ino = fs_nodeid(fs, attr->ino),
        .attr_timeout = timeout_s,
        .entry_timeout = timeout_s,
    };
    attr_fill_stat(fs, attr, &ret->attr);
}
