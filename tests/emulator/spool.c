/* SPDX-License-Identifier: MIT */
/*
 * Uploaded bytes. They go to disk, in the order in which uploads begin, and stay there until the
 * emulator ends: versions keep them in use. A file of zeros takes no room, so that the largest one
 * that the service allows can be sent in a test.
 */
#include "spool.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buffer.h"

enum { HOLE_STEP = 1 << 16 };

static int open_nameless(void)
{
    const char *directory = getenv("TMPDIR");
    struct buffer path = { 0 };
    int fd;

    buffer_addf(&path, "%s/graph-emulator-XXXXXX", directory ? directory : "/tmp");
    fd = mkostemp(path.data, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path.data);
    buffer_free(&path);
    return fd;
}

int spool_open(struct spool *spool, const char *path)
{
    struct stat status;

    spool->fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : open_nameless();
    if (spool->fd < 0 || fstat(spool->fd, &status) < 0) {
        (void)fprintf(stderr, "graph-emulator: %s: %m\n", path ? path : "a temporary file");
        return -1;
    }
    spool->end = status.st_size;
    return 0;
}

void spool_close(struct spool *spool)
{
    if (spool->fd > 0)
        close(spool->fd);
    spool->fd = 0;
}

int64_t spool_reserve(struct spool *spool, int64_t size)
{
    int64_t offset = spool->end;

    spool->end += size;
    return offset;
}

static bool is_zero(const char *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static int write_all(int fd, const char *bytes, size_t size, int64_t offset)
{
    while (size) {
        ssize_t done = pwrite(fd, bytes, size, offset);

        if (done <= 0)
            return -1;
        bytes += done;
        size -= (size_t)done;
        offset += done;
    }
    return 0;
}

int spool_write(const struct spool *spool, int64_t offset, const void *bytes, size_t size)
{
    const char *next = bytes;

    while (size) {
        size_t step = size < HOLE_STEP ? size : HOLE_STEP;

        if (!is_zero(next, step) && write_all(spool->fd, next, step, offset) < 0)
            return -1;
        next += step;
        size -= step;
        offset += (int64_t)step;
    }
    return 0;
}

void spool_read(const struct spool *spool, int64_t offset, void *out, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t got = pread(spool->fd, (char *)out + done, size - done, offset + (int64_t)done);

        if (got <= 0)
            break;
        done += (size_t)got;
    }
    memset((char *)out + done, 0, size - done);
}

void spool_release(const struct spool *spool, int64_t offset, int64_t size)
{
    if (size > 0)
        (void)fallocate(spool->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
}
