/* SPDX-License-Identifier: MIT */
/* The system's calls may do a part of what they were asked, or be interrupted. */
#include "config.h"

#include "content/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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

int disk_punch(int fd, int64_t offset, int64_t length)
{
    int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

    return fallocate(fd, mode, (off_t)offset, (off_t)length) == 0 ? 0 : -errno;
}
