/* SPDX-License-Identifier: MIT */
/*
 * One state of an overlay that stays: frozen for who reads it, and copied for who goes on writing
 * meanwhile. The copy shares the disk's blocks where the file system can do that.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/kill_point.h"
#include "base/lock.h"
#include "content/disk.h"
#include "overlay/overlay_i.h"

#define COPY_BYTES 65536

int overlay_freeze(struct overlay *overlay)
{
    int r = overlay_load(overlay);

    if (r < 0)
        return r;
    WRLOCKED(&overlay->lock);
    if (!overlay_is_full(overlay))
        return -EAGAIN;
    overlay->frozen++;
    return 0;
}

void overlay_thaw(struct overlay *overlay)
{
    WRLOCKED(&overlay->lock);
    overlay->frozen--;
}

int overlay_fd(struct overlay *overlay)
{
    RDLOCKED(&overlay->lock);
    return overlay->body.data_fd;
}

/* ---- copying ---- */

static int copy_through_memory(int from_fd, int to_fd, struct range range)
{
    char bytes[COPY_BYTES];
    int r = 0;

    while (r == 0 && range.first < range.end) {
        int64_t left = range.end - range.first;
        size_t length = left < COPY_BYTES ? (size_t)left : COPY_BYTES;

        r = disk_read(from_fd, bytes, length, range.first);
        if (r == 0)
            r = disk_write(to_fd, bytes, length, range.first);
        range.first += (int64_t)length;
    }
    return r;
}

/* The kernel copies, or has the file system do it; what neither will is left to us. */
static int copy_range(int from_fd, int to_fd, struct range range)
{
    while (range.first < range.end) {
        off_t from = (off_t)range.first, to = from;
        ssize_t n =
            copy_file_range(from_fd, &from, to_fd, &to, (size_t)(range.end - range.first), 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
            return -errno;
        if (n <= 0)
            return copy_through_memory(from_fd, to_fd, range);
        range.first += n;
    }
    return 0;
}

/* The next range from ${offset} on that isn't a hole; empty at the end. A file system that can't
 * tell says that nothing is one. */
static int next_data(int fd, int64_t offset, int64_t size, struct range *ret)
{
    off_t first = lseek(fd, (off_t)offset, SEEK_DATA), end;

    *ret = (struct range){ size, size };
    if (first < 0)
        return errno == ENXIO ? 0 : -errno;
    end = lseek(fd, first, SEEK_HOLE);
    if (end < 0)
        return -errno;
    if (first < size)
        *ret = (struct range){ first, end < size ? end : size };
    return 0;
}

/* The file may go on behind the bytes of the overlay: content_adopt() adds to it what a version has
 * there. */
static int copy_file(int from_fd, int to_fd, int64_t size)
{
    struct range data = { 0, 0 };
    int r = 0;

    if (size == 0)
        return 0;
    if (ioctl(to_fd, FICLONE, from_fd) == 0)
        return ftruncate(to_fd, (off_t)size) != 0 ? -errno : 0;
    if (ftruncate(to_fd, (off_t)size) != 0)
        return -errno;
    while (r == 0 && data.end < size) {
        r = next_data(from_fd, data.end, size, &data);
        if (r == 0)
            r = copy_range(from_fd, to_fd, data);
    }
    return r;
}

/* ---- forking ---- */

/* What must be free for the copy. */
static int64_t bytes_on_disk(struct overlay *overlay)
{
    RDLOCKED(&overlay->lock);
    return overlay->used_bytes;
}

/* ${overlay} is frozen. */
static int copy_into(struct overlay *fork, struct overlay *overlay, int64_t bytes)
{
    cleanup_free uint8_t *head_bytes = NULL;
    struct head head;
    int r = map_read_head(&overlay->body.map, &head, &head_bytes);

    if (r == 0)
        r = overlay_reserve_bytes(fork, bytes);
    if (r == 0)
        r = overlay_make_data(fork);
    if (r < 0)
        return r;
    head.generation = fork->generation;
    atomic_store(&fork->size, overlay_size(overlay));
    r = copy_file(overlay->body.data_fd, fork->body.data_fd, overlay_size(overlay));
    KILL_POINT("overlay-fork");
    if (r == 0)
        return overlay_make_map(fork, &head, true, overlay_mtime_ns(overlay));
    overlays_remove_files(fork->overlays, fork->generation);
    return r;
}

static int make_fork(struct overlay *fork, struct overlay *overlay)
{
    int r = overlay_freeze(overlay);

    if (r < 0)
        return r;
    r = copy_into(fork, overlay, bytes_on_disk(overlay));
    overlay_thaw(overlay);
    if (r < 0)
        overlay_leave(fork);
    else
        overlay_settle(fork);
    return r;
}

int overlay_fork(struct overlay *overlay, uint64_t generation, struct overlay **ret,
                 struct err *err)
{
    struct overlay *fork = overlay_new(overlay->overlays, generation);
    int r = make_fork(fork, overlay);

    if (r < 0) {
        overlay_free(fork);
        return err_set_errno(err, r, "copying what was written");
    }
    overlays_add(fork);
    *ret = fork;
    return 0;
}
