/* SPDX-License-Identifier: MIT */
/*
 * A plain file becomes a version: what the user wrote, once the service has it. It gets the trailer
 * and moves into the cache directory, so that none of its bytes is read or written. The trailer
 * comes first, so that a kill leaves either a version or the plain file with something behind it.
 *
 * Meanwhile all blocks of the version are pending: nobody fetches them, and who opens it and reads
 * waits for the outcome. Whoever had the plain file open reads it still by a descriptor of his own,
 * and so must not meet holes: such a version leaves the disk as a whole or not at all (is_shared).
 *
 * The bits of `synced` wait for persist.c, although the file may well have been synced when it was
 * plain: nobody tells us.
 */
#include "config.h"

#include "content/content_i.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/kill_point.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "content/disk.h"

/* Of one call. */
struct adoption {
    struct version *version; /* referenced, and claimed */
    const char *path;
    int fd;           /* of the file there; -1: it is the version's now */
    int64_t reserved; /* bytes of used_bytes that aren't the version's yet */
};

/* ---- the plain file ---- */

static int open_plain(const char *path, int64_t size, int *ret_fd, struct err *err)
{
    cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        return err_set_errno(err, errno, "opening a file that was uploaded");
    if (!S_ISREG(st.st_mode) || st.st_size != size)
        return err_set(err, -EINVAL, "the file has %lld bytes, not the %lld that were uploaded",
                       (long long)st.st_size, (long long)size);
    *ret_fd = steal_fd(&fd);
    return 0;
}

/* Appends what says that all of it is here. */
static int append_trailer(const struct version *version, int fd)
{
    int64_t at = format_map_offset(FORMAT_NOW, version->size);
    int64_t length = format_trailer_size(version->size);
    cleanup_free uint8_t *trailer = x_calloc(1, (size_t)length);
    struct format_header header = {
        .generation = version->generation,
        .size = version->size,
        .verdict_now = VERDICT_VERIFIED,
    };
    int r = -posix_fallocate(fd, (off_t)at, (off_t)length);

    if (r < 0)
        return r;
    memcpy(header.boot_id, version->content->boot_id, sizeof header.boot_id);
    bitmap_fill(trailer, version_all(version), true);
    format_encode(&header, trailer + length - FORMAT_HEADER_SIZE);
    return disk_write(fd, trailer, (size_t)length, at);
}

static int move_file(const struct content *content, const char *from, const char *to)
{
    int r = rename(from, to) == 0 ? 0 : -errno;

    if (r != -ENOENT)
        return r;
    r = mkdir_p(content->directory, 0700); /* the cache was emptied by hand */
    if (r < 0)
        return r;
    return rename(from, to) == 0 ? 0 : -errno;
}

/* ---- the version ---- */

/* Nobody else gets at its blocks from now on. */
static int claim(struct version *version, int64_t size, bool *ret_is_pinned, struct err *err)
{
    struct block_range all;

    LOCKED(&version->lock);
    if (version_load_as(version, size) < 0 || version->handles > 0 || version->fd >= 0)
        return err_set(err, -EBUSY, "the content is in use, or here already");
    all = version_all(version);
    if (bitmap_find(version->pending, all, true) != all.end)
        return err_set(err, -EBUSY, "the content is being fetched");
    bitmap_fill(version->pending, all, true);
    *ret_is_pinned = version->is_pinned;
    return 0;
}

/* Room for all of it; what has none in an empty cache leaves the others alone. */
static int reserve(struct adoption *adoption, bool is_pinned, struct err *err)
{
    struct version *version = adoption->version;
    int64_t bytes = version->size + format_trailer_size(version->size);
    int r = -ENOSPC;

    if (is_pinned || bytes <= version->content->limit_bytes)
        r = room_reserve(version->content, bytes, is_pinned);
    if (r < 0)
        return err_set(err, r, "the cache has no room for the file");
    adoption->reserved = bytes;
    return 0;
}

static void answer_reads(void *version)
{
    read_settle(version);
}

/* Its blocks are written, and counted so far. The version's lock is held. */
static void settle(struct adoption *adoption)
{
    struct version *version = adoption->version;

    room_take(version->content, adoption->reserved);
    adoption->reserved = 0;
    version->is_broken = false;
    version->was_opened = true;
    version->verdict = VERDICT_VERIFIED;
    version_publish(version, version_all(version));
    version_write_header(version);
    if (!LIST_EMPTY(&version->waits))
        content_submit(version, answer_reads);
}

/* Returns 0, or -errno, and the file is as it was. */
static int adopt_by_rename(struct adoption *adoption)
{
    struct version *version = adoption->version;
    cleanup_free char *path = version_path(version->content, version->generation);
    int r = append_trailer(version, adoption->fd);

    KILL_POINT("adopt");
    if (r == 0)
        r = move_file(version->content, adoption->path, path);
    if (r < 0) {
        if (ftruncate(adoption->fd, (off_t)version->size) != 0)
            log_warn("content", "cutting a file to its size: %s", ERRNO_TEXT(errno));
        return r;
    }
    KILL_POINT("adopted");
    LOCKED(&version->lock);
    version_attach(version, steal_fd(&adoption->fd));
    version->is_shared = true;
    settle(adoption);
    return 0;
}

/* The same where the cache is on another file system. */
static int adopt_by_copy(struct adoption *adoption)
{
    struct version *version = adoption->version;
    int64_t trailer_bytes = format_trailer_size(version->size);
    int r;

    {
        LOCKED(&version->lock);
        r = version_create(version);
        if (r < 0)
            return r;
        room_take(version->content, trailer_bytes);
        adoption->reserved -= trailer_bytes;
    }
    r = disk_copy(adoption->fd, version->fd, version->size);
    if (r < 0)
        return r;
    {
        LOCKED(&version->lock);
        settle(adoption);
    }
    if (unlink(adoption->path) != 0)
        log_warn("content", "removing a file that was copied: %s", ERRNO_TEXT(errno));
    return 0;
}

static int adopt(struct adoption *adoption, const struct content_id *id, struct err *err)
{
    struct version *version = adoption->version;
    bool is_pinned = false;
    int r = claim(version, id->size, &is_pinned, err);

    if (r < 0)
        return r;
    r = reserve(adoption, is_pinned, err);
    if (r == 0) {
        r = adopt_by_rename(adoption);
        if (r == -EXDEV)
            r = adopt_by_copy(adoption);
        if (r < 0)
            err_set_errno(err, r, "moving a file to the cache");
    }
    room_give_back(version->content, adoption->reserved);
    version_release(version, version_all(version));
    return r;
}

int content_adopt(struct content *content, const struct content_id *id, const char *path,
                  struct err *err)
{
    struct adoption adoption = { .path = path, .fd = -1 };
    int r;

    if (id->size < 0 || id->size > CONTENT_MAX_SIZE)
        return err_set(err, -EFBIG, "a size that no content has");
    r = open_plain(path, id->size, &adoption.fd, err);
    if (r == 0 && id->size == 0) {
        if (unlink(path) != 0)
            r = err_set_errno(err, errno, "removing an empty file");
    } else if (r == 0) {
        adoption.version = content_get_version(content, id->generation, id->size);
        r = adopt(&adoption, id, err);
        if (r == 0)
            version_persist_later(adoption.version);
        version_unref(adoption.version);
    }
    if (adoption.fd >= 0)
        (void)close(adoption.fd);
    return r;
}
