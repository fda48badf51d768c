/* SPDX-License-Identifier: MIT */
/* The system's calls may do a part of what they were asked, or be interrupted. */
#include "config.h"

#include "content/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

#define PIECE (INT64_C(1024) * 1024)
/* What the kernel is asked to copy at once: it can't be interrupted meanwhile. */
#define RANGE_MAX (256 * PIECE)

int disk_read(int fd, void *data, size_t length, int64_t offset)
{
    char *at = data;

    while (length > 0) {
        ssize_t n = pread(fd, at, length, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -ENODATA;
        at += n;
        length -= (size_t)n;
        offset += n;
    }
    return 0;
}

int disk_write(int fd, const void *data, size_t length, int64_t offset)
{
    const char *at = data;

    while (length > 0) {
        ssize_t n = pwrite(fd, at, length, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += n;
        length -= (size_t)n;
        offset += n;
    }
    return 0;
}

/* What is left of a copy. */
static int copy_by_hand(int from_fd, int to_fd, int64_t offset, int64_t end)
{
    cleanup_free char *buffer = x_malloc((size_t)PIECE);

    while (offset < end) {
        int64_t length = end - offset < PIECE ? end - offset : PIECE;
        int r = disk_read(from_fd, buffer, (size_t)length, offset);

        if (r == 0)
            r = disk_write(to_fd, buffer, (size_t)length, offset);
        if (r < 0)
            return r;
        offset += length;
    }
    return 0;
}

int disk_copy(int from_fd, int to_fd, int64_t length)
{
    off64_t from = 0, to = 0;

    while (from < length) {
        int64_t left = length - from < RANGE_MAX ? length - from : RANGE_MAX;
        ssize_t n = copy_file_range(from_fd, &from, to_fd, &to, (size_t)left, 0);

        if (n < 0 && errno == EINTR)
            continue;
        /* Between these file systems it isn't possible; or there is an error, to be met again. */
        if (n <= 0)
            return copy_by_hand(from_fd, to_fd, from, length);
    }
    return 0;
}

int disk_punch(int fd, int64_t offset, int64_t length)
{
    int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

    return fallocate(fd, mode, (off_t)offset, (off_t)length) == 0 ? 0 : -errno;
}
