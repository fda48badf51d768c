/* SPDX-License-Identifier: MIT */
/*
 * df: the quota of the drive that one asks in, as the store last heard of it. Where there is none
 * (a place that belongs to no drive, somebody else's drive) it is the quota of the user's own.
 */
#include "config.h"

#include "fs/control.h"
#include "fs/fs_i.h"
#include "tree/names.h"

enum { BLOCK_BYTES = 4096 };

struct quota {
    int64_t drive; /* the one asked for */
    int64_t total;
    int64_t remaining;
};

static bool take_quota(const struct drive_row *drive, void *arg)
{
    struct quota *quota = arg;

    if (drive->quota_total <= 0 || (drive->id != quota->drive && !drive->is_default))
        return true;
    quota->total = drive->quota_total;
    quota->remaining = drive->quota_remaining;
    return drive->id != quota->drive;
}

void op_statfs(fuse_req_t req, fuse_ino_t nodeid)
{
    struct fs *fs = fuse_req_userdata(req);
    struct quota quota = { 0 };
    struct node_attr attr;
    struct statvfs answer = {
        .f_bsize = BLOCK_BYTES,
        .f_frsize = BLOCK_BYTES,
        .f_namemax = NAME_MAX_BYTES,
    };

    READING(fs);
    if (store_getattr(fs->conf.store, fs_row(fs, nodeid), &attr) == 0)
        quota.drive = attr.drive;
    (void)store_list_drives(fs->conf.store, take_quota, &quota);
    answer.f_blocks = (fsblkcnt_t)(quota.total / BLOCK_BYTES);
    if (quota.remaining > 0)
        answer.f_bfree = answer.f_bavail = (fsblkcnt_t)(quota.remaining / BLOCK_BYTES);
    (void)fuse_reply_statfs(req, &answer);
}
