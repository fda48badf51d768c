/* SPDX-License-Identifier: MIT */
/*
 * The limits: what all overlays may take of the disk, and the floor of its free space. What a base
 * will still bring counts from the beginning, so that the first writer of a file learns that it is
 * too large to be uploaded, and filling never fails for the limit.
 *
 * What a write will take is first guessed from above, by its length. Only if that is too much the
 * file system is asked which of it there is room for already.
 */
#include "config.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "overlay/overlay_i.h"

#define PAGE            4096
#define SECTOR          512
#define EXTENTS_AT_ONCE 32

/* Sets what the overlay takes and owes, its share of the sums. */
static void set_share(struct overlay *overlay, int64_t used, int64_t owed)
{
    struct overlays *overlays = overlay->overlays;

    (void)atomic_fetch_add(&overlays->used_bytes, used - overlay->used_bytes);
    (void)atomic_fetch_add(&overlays->owed_bytes, owed - overlay->owed_bytes);
    overlay->used_bytes = used;
    overlay->owed_bytes = owed;
}

/* Whether the limits hold with what is used and owed now. */
static int check(const struct overlays *overlays)
{
    int64_t used = atomic_load(&overlays->used_bytes), owed = atomic_load(&overlays->owed_bytes);
    struct statvfs disk;

    if (overlays->limit_bytes > 0 && used + owed > overlays->limit_bytes)
        return -EDQUOT;
    if (overlays->min_free_bytes > 0 && fstatvfs(overlays->directory_fd, &disk) == 0 &&
        (int64_t)(disk.f_bavail * disk.f_frsize) < overlays->min_free_bytes + owed)
        return -ENOSPC;
    return 0;
}

int overlay_reserve_bytes(struct overlay *overlay, int64_t bytes)
{
    int r;

    if (bytes <= 0)
        return 0;
    set_share(overlay, overlay->used_bytes, overlay->owed_bytes + bytes);
    r = check(overlay->overlays);
    if (r < 0)
        set_share(overlay, overlay->used_bytes, overlay->owed_bytes - bytes);
    return r;
}

union extents {
    struct fiemap map;
    char space[sizeof(struct fiemap) + EXTENTS_AT_ONCE * sizeof(struct fiemap_extent)];
};

/* Asks for the first extents of the range. False: there are none, or the file system can't tell. */
static bool next_extents(int fd, struct range range, union extents *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->map.fm_start = (uint64_t)range.first;
    ret->map.fm_length = (uint64_t)(range.end - range.first);
    ret->map.fm_extent_count = EXTENTS_AT_ONCE;
    return ioctl(fd, FS_IOC_FIEMAP, &ret->map) == 0 && ret->map.fm_mapped_extents > 0;
}

/* How much of the range has room on the disk, written or not. */
static int64_t allocated(int fd, struct range range)
{
    union extents extents;
    int64_t sum = 0;

    while (!range_is_empty(range) && next_extents(fd, range, &extents)) {
        for (unsigned i = 0; i < extents.map.fm_mapped_extents; i++) {
            const struct fiemap_extent *extent = &extents.map.fm_extents[i];
            struct range part = { (int64_t)extent->fe_logical,
                                  (int64_t)(extent->fe_logical + extent->fe_length) };

            part = range_meet(part, range);
            if (range_is_empty(part))
                return sum;
            sum += part.end - part.first;
            range.first = part.end;
        }
    }
    return sum;
}

int overlay_reserve(struct overlay *overlay, struct range range)
{
    int64_t owed = ranges_count(&overlay->body.missing, range);
    int64_t bytes, has;
    int r;

    range.first = range.first / PAGE * PAGE;
    range.end = (range.end + PAGE - 1) / PAGE * PAGE;
    bytes = range.end - range.first;
    r = overlay_reserve_bytes(overlay, bytes - owed);
    if (r < 0) {
        has = allocated(overlay->body.data_fd, range);
        if (has > 0)
            r = overlay_reserve_bytes(overlay, bytes - owed - has);
    }
    return r;
}

void overlay_settle(struct overlay *overlay)
{
    int64_t used = overlay->used_bytes;
    struct stat st;

    if (fstat(overlay->body.data_fd, &st) == 0)
        used = (int64_t)st.st_blocks * SECTOR;
    set_share(overlay, used, overlay->body.missing.total);
}

void overlay_leave(struct overlay *overlay)
{
    set_share(overlay, 0, 0);
}
