/* SPDX-License-Identifier: MIT */
/* Whole files and directories: the functions of paths.h that touch the disk. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/xalloc.h"

/* mkdir that takes a directory that is there already for success. */
static int make_directory(const char *path, mode_t mode)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    if (stat(path, &st) != 0)
        return -errno;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int mkdir_p(const char *path, mode_t mode)
{
    cleanup_free char *prefix = x_strdup(path);

    for (char *slash = prefix + 1; *slash && (slash = strchr(slash, '/')); slash++) {
        int r;

        *slash = '\0';
        r = make_directory(prefix, mode);
        *slash = '/';
        if (r < 0)
            return r;
    }
    return make_directory(path, mode);
}

int file_read_all(const char *path, size_t max, struct strbuf *out)
{
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    char chunk[16384];
    size_t total = 0;

    if (fd < 0)
        return -errno;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        int r;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        total += (size_t)n;
        if (total > max)
            return -EFBIG;
        r = strbuf_add(out, chunk, (size_t)n);
        if (r < 0)
            return r;
    }
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* Syncs the directory that ${path} is in, so that its new name survives a power cut. */
static int sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    cleanup_free char *parent =
        slash ? x_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : x_strdup(".");
    cleanup_close int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0)
        return -errno;
    return 0;
}

/* Makes ${path}, which mkostemp fills in, a file with these bytes, on disk. */
static int write_temporary(char *path, const void *data, size_t len, mode_t mode)
{
    cleanup_close int fd = mkostemp(path, O_CLOEXEC);
    int r;

    if (fd < 0)
        return -errno;
    r = write_all(fd, data, len);
    if (r == 0 && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
        r = -errno;
    if (r < 0)
        (void)unlink(path);
    return r;
}

int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode)
{
    cleanup_free char *temporary = x_asprintf("%s.XXXXXX", path);
    int r = write_temporary(temporary, data, len, mode);

    if (r < 0)
        return r;
    if (rename(temporary, path) != 0) {
        r = -errno;
        (void)unlink(temporary);
        return r;
    }
    return sync_parent(path);
}
