/* SPDX-License-Identifier: MIT */
/*
 * A version's file (format.h). Data is written before the bit that says so, and a bit is cleared
 * before the data goes, so that a kill at any moment leaves bits that are right: in the same boot
 * what the page cache has is what was written, in order. For a power cut the order on the disk
 * counts, too: a bit of `synced` is set after fdatasync (persist.c), and a block that had one loses
 * it on the disk before its space is freed.
 *
 * The file is made when the first fetch starts, so that opening costs nothing on disk; at its full
 * length, since the trailer is at the end. Whoever empties the cache directory takes names away,
 * not files: what is open goes on, what is opened later starts afresh.
 */
#include "config.h"

#include "content/content_i.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "content/disk.h"

struct version *version_new(struct content *content, uint64_t generation, int64_t size)
{
    struct version *version = x_calloc(1, sizeof *version);

    version->content = content;
    version->generation = generation;
    version->size = size;
    version->blocks = block_count(size);
    version->fd = -1;
    TAILQ_INIT(&version->fetches);
    LIST_INIT(&version->waits);
    (void)pthread_mutex_init(&version->lock, NULL);
    return version;
}

static void version_clear_origin(struct version *version)
{
    char **strings[] = {
        &version->id.drive_id, &version->id.item_id,   &version->id.etag,   &version->id.ctag,
        &version->id.hash,     &version->located_etag, &version->good_etag, &version->url,
    };

    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        free(steal_ptr(strings[i]));
    history_free(steal_ptr(&version->history));
    version->is_stale = version->is_perhaps_stale = version->is_broken = false;
}

void version_free(struct version *version)
{
    if (!version)
        return;
    version_clear_origin(version);
    free(version->present);
    free(version->synced);
    free(version->pending);
    if (version->fd >= 0)
        (void)close(version->fd);
    (void)pthread_mutex_destroy(&version->lock);
    free(version);
}

char *version_path(const struct content *content, uint64_t generation)
{
    return x_asprintf("%s/%016" PRIx64, content->directory, generation);
}

struct block_range version_all(const struct version *version)
{
    return (struct block_range){ 0, version->blocks };
}

struct block_range version_present_run(const struct version *version)
{
    struct block_range run, rest = version_all(version);

    run.first = rest.first = bitmap_find(version->present, rest, true);
    run.end = bitmap_find(version->present, rest, false);
    return run;
}

bool version_has(const struct version *version, struct block_range blocks)
{
    return bitmap_find(version->present, blocks, false) == blocks.end;
}

bool version_is_whole(const struct version *version)
{
    return version->present_count == version->blocks;
}

void version_count(struct version *version, int64_t bytes)
{
    version->used += bytes;
    if (version->is_pinned)
        (void)atomic_fetch_add(&version->content->pinned_bytes, bytes);
}

void version_set_pinned(struct version *version, bool is_pinned)
{
    int64_t change = (int64_t)is_pinned - (int64_t)version->is_pinned;

    (void)atomic_fetch_add(&version->content->pinned_bytes, change * version->used);
    version->is_pinned = is_pinned;
}

/* The file's share of what the cache uses; 0 and false: it has none. */
static void version_account(struct version *version, bool has_file, int64_t used)
{
    struct content *content = version->content;

    (void)atomic_fetch_add(&content->used_bytes, used - version->used);
    version_count(version, used - version->used);
    (void)atomic_fetch_add(&content->files, (int64_t)has_file - (int64_t)version->has_file);
    version->has_file = has_file;
}

/* ---- reading the file ---- */

static void version_believe(struct version *version, const struct format_header *header,
                            bool same_boot)
{
    if (!same_boot)
        memcpy(version->present, version->synced, bitmap_size(version->blocks));
    version->verdict = same_boot ? header->verdict_now : header->verdict_synced;
    version->verdict_synced = header->verdict_synced;
    version->wrong_length = header->wrong_length;
    memcpy(version->wrong_digest, header->wrong_digest, sizeof version->wrong_digest);
}

/* Whether the bitmaps can be true: no bit behind the end. */
static bool version_is_plausible(const struct version *version)
{
    size_t bits = bitmap_size(version->blocks) * 8;
    struct block_range behind = { version->blocks, bits };

    return bitmap_find(version->present, behind, true) == bits &&
           bitmap_find(version->synced, behind, true) == bits;
}

int version_read_header(int fd, struct format_header *ret)
{
    uint8_t bytes[FORMAT_HEADER_SIZE];
    struct format_header header;
    struct stat st;
    int r;

    if (fstat(fd, &st) != 0 || st.st_size < FORMAT_HEADER_SIZE)
        return -EBADMSG;
    r = disk_read(fd, bytes, sizeof bytes, st.st_size - FORMAT_HEADER_SIZE);
    if (r >= 0)
        r = format_decode(bytes, &header);
    if (r < 0)
        return r;
    /* A size that is a lie must not decide how much memory the bitmaps take. */
    if (header.size > CONTENT_MAX_SIZE || st.st_size != format_file_size(header.size))
        return -EBADMSG;
    *ret = header;
    return 0;
}

/* Returns 0, or a negative errno if the file can't be used. */
static int version_read_file(struct version *version, bool *ret_same_boot)
{
    size_t map_size = bitmap_size(version->blocks);
    struct format_header header;
    int r = version_read_header(version->fd, &header);

    if (r < 0)
        return r;
    if (header.generation != version->generation || header.size != version->size)
        return -EBADMSG;
    r = disk_read(version->fd, version->present, map_size,
                  format_map_offset(FORMAT_NOW, version->size));
    if (r >= 0)
        r = disk_read(version->fd, version->synced, map_size,
                      format_map_offset(FORMAT_SYNCED, version->size));
    if (r < 0)
        return r;
    *ret_same_boot = strcmp(header.boot_id, version->content->boot_id) == 0;
    version_believe(version, &header, *ret_same_boot);
    return version_is_plausible(version) ? 0 : -EBADMSG;
}

static void version_forget_all_bits(struct version *version)
{
    size_t map_size = bitmap_size(version->blocks);

    memset(version->present, 0, map_size);
    memset(version->synced, 0, map_size);
    version->verdict = version->verdict_synced = VERDICT_NONE;
    version->wrong_length = 0;
}

/* The bytes that the file takes with the blocks that are present. */
static int64_t version_file_bytes(const struct version *version)
{
    int64_t bytes = format_trailer_size(version->size);

    bytes += (int64_t)version->present_count * BLOCK_SIZE;
    if (version->blocks > 0 && bitmap_get(version->present, version->blocks - 1))
        bytes -= (int64_t)version->blocks * BLOCK_SIZE - version->size;
    return bytes;
}

/* Counts the file, and brings it up to what was believed of it. */
static void version_accept_file(struct version *version, bool same_boot)
{
    struct block_range all = version_all(version);
    bool is_torn;

    version->present_count = bitmap_count(version->present, all);
    is_torn =
        version->size <= SMALL_SIZE && version->present_count > 0 && !version_is_whole(version);
    if (is_torn) {
        version_forget_all_bits(version);
        version->present_count = 0;
    }
    if (!version_is_whole(version))
        version->verdict = VERDICT_NONE;
    version->has_unsynced =
        memcmp(version->present, version->synced, bitmap_size(version->blocks)) != 0;
    if (!same_boot || is_torn) {
        (void)version_write_map(version, FORMAT_NOW, all);
        version_write_header(version);
    }
    version_account(version, true, version_file_bytes(version));
}

void version_load(struct version *version)
{
    cleanup_free char *path = version_path(version->content, version->generation);
    size_t map_size = bitmap_size(version->blocks);
    bool same_boot = false;
    int r = -ENOENT;

    version->present = x_calloc(1, map_size);
    version->synced = x_calloc(1, map_size);
    version->pending = x_calloc(1, map_size);
    version->is_loaded = true;
    version->present_count = 0;
    version->verdict = version->verdict_synced = VERDICT_NONE;
    version->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (version->fd < 0 && errno != ENOENT) {
        log_warn("content", "opening a file in the cache: %s", ERRNO_TEXT(errno));
        return; /* it is there all the same, for another time */
    }
    if (version->fd >= 0)
        r = version_read_file(version, &same_boot);
    if (r == 0) {
        version_accept_file(version, same_boot);
        return;
    }
    if (version->fd >= 0) {
        log_warn("content", "a damaged file in the cache is removed: %s", ERRNO_TEXT(r));
        (void)unlink(path);
        (void)close(steal_fd(&version->fd));
        version_forget_all_bits(version);
    }
    version_account(version, false, 0);
}

int version_load_as(struct version *version, int64_t size)
{
    if (version->size != size) {
        if (version->is_loaded)
            return -EBUSY;
        version_remove(version);
        version->size = size;
        version->blocks = block_count(size);
    }
    if (!version->is_loaded)
        version_load(version);
    return 0;
}

/* ---- writing the file ---- */

bool version_is_cut(const struct version *version)
{
    struct stat st;

    return fstat(version->fd, &st) != 0 || st.st_size < format_file_size(version->size);
}

/* A file that somebody has cut must not grow again by this: what is missing would read as zeros. */
static int version_write_trailer(const struct version *version, const void *bytes, size_t length,
                                 int64_t offset)
{
    return version_is_cut(version) ? -EIO : disk_write(version->fd, bytes, length, offset);
}

void version_write_header(struct version *version)
{
    struct format_header header = {
        .generation = version->generation,
        .size = version->size,
        .verdict_now = version->verdict,
        .verdict_synced = version->verdict_synced,
        .wrong_length = version->wrong_length,
    };
    uint8_t bytes[FORMAT_HEADER_SIZE];

    memcpy(header.boot_id, version->content->boot_id, sizeof header.boot_id);
    memcpy(header.wrong_digest, version->wrong_digest, sizeof header.wrong_digest);
    format_encode(&header, bytes);
    /* If this fails the file says less than is true, or is damaged and will be removed. */
    (void)version_write_trailer(version, bytes, sizeof bytes,
                                format_file_size(version->size) - FORMAT_HEADER_SIZE);
}

int version_write_map(const struct version *version, enum format_map map, struct block_range blocks)
{
    const uint8_t *bitmap = map == FORMAT_NOW ? version->present : version->synced;
    size_t first = blocks.first / 8, end = bitmap_size(blocks.end);

    return version_write_trailer(version, bitmap + first, end - first,
                                 format_map_offset(map, version->size) + (int64_t)first);
}

void version_attach(struct version *version, int fd)
{
    version_account(version, false, 0); /* what could not be opened isn't there any more */
    version->fd = fd;
    version->is_shared = false;
    version->has_file = true;
    version_count(version, format_trailer_size(version->size));
    (void)atomic_fetch_add(&version->content->files, 1);
}

static int create_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    return fd >= 0 ? fd : -errno;
}

int version_create(struct version *version)
{
    const struct content *content = version->content;
    cleanup_free char *path = version_path(content, version->generation);
    cleanup_close int fd = -1;
    int r;

    if (version->fd >= 0)
        return 0;
    fd = create_file(path);
    if (fd == -ENOENT) { /* the cache was emptied by hand */
        r = mkdir_p(content->directory, 0700);
        if (r < 0)
            return r;
        fd = create_file(path);
    }
    if (fd < 0)
        return fd;
    /* Space for the trailer now: a bit that could not be written later would be lost work. */
    r = posix_fallocate(fd, (off_t)format_map_offset(FORMAT_NOW, version->size),
                        (off_t)format_trailer_size(version->size));
    if (r != 0) {
        (void)unlink(path);
        version_account(version, false, 0);
        return -r;
    }
    version_attach(version, steal_fd(&fd));
    version_write_header(version);
    return 0;
}

int version_reserve(struct version *version, int64_t bytes)
{
    struct content *content = version->content;
    int64_t trailer_bytes = 0;
    bool is_pinned;
    int r;

    {
        LOCKED(&version->lock);
        is_pinned = version->is_pinned;
        if (version->fd < 0)
            trailer_bytes = format_trailer_size(version->size);
    }
    r = room_reserve(content, bytes + trailer_bytes, is_pinned);
    if (r < 0)
        return r;
    LOCKED(&version->lock);
    if (trailer_bytes > 0 && (version->fd >= 0 || (r = version_create(version)) < 0))
        room_give_back(content, trailer_bytes);
    else
        room_take(content, trailer_bytes);
    if (r < 0)
        room_give_back(content, bytes);
    return r;
}

void version_publish(struct version *version, struct block_range blocks)
{
    bitmap_fill(version->present, blocks, true);
    bitmap_fill(version->pending, blocks, false);
    version->present_count += blocks.end - blocks.first;
    version_count(version, block_range_bytes(blocks, version->size));
    version->has_unsynced = true;
    (void)version_write_map(version, FORMAT_NOW, blocks);
}

/* The bits on the disk. Returns 0 or -errno. */
static int version_write_maps(const struct version *version, struct block_range blocks,
                              bool was_synced)
{
    int r = version_write_map(version, FORMAT_NOW, blocks);

    return r == 0 && was_synced ? version_write_map(version, FORMAT_SYNCED, blocks) : r;
}

int version_clear(struct version *version, struct block_range blocks, bool *ret_was_synced)
{
    bool was_synced = bitmap_find(version->synced, blocks, true) != blocks.end ||
                      version->verdict_synced != VERDICT_NONE;
    int64_t bytes = block_range_bytes(blocks, version->size);

    bitmap_fill(version->present, blocks, false);
    bitmap_fill(version->synced, blocks, false);
    version->present_count -= blocks.end - blocks.first;
    version->losses++;
    version_count(version, -bytes);
    (void)atomic_fetch_sub(&version->content->used_bytes, bytes);
    if (version->verdict != VERDICT_NONE || version->verdict_synced != VERDICT_NONE) {
        version->verdict = version->verdict_synced = VERDICT_NONE;
        version_write_header(version);
    }
    *ret_was_synced = was_synced;
    return version_write_maps(version, blocks, was_synced);
}

int version_lose(struct version *version, struct block_range blocks)
{
    bool was_synced;
    int r = version_clear(version, blocks, &was_synced);

    return r == 0 && was_synced && fdatasync(version->fd) != 0 ? -errno : r;
}

void version_punch(const struct version *version, struct block_range blocks)
{
    int64_t from = (int64_t)blocks.first * BLOCK_SIZE, to = (int64_t)blocks.end * BLOCK_SIZE;
    int64_t trailer = format_map_offset(FORMAT_NOW, version->size);

    if (version->is_shared)
        return;
    /* With the last block goes the rest of its page, or none of that is freed. */
    (void)disk_punch(version->fd, from, (to < trailer ? to : trailer) - from);
}

int64_t version_forget(struct version *version, struct block_range blocks)
{
    int64_t bytes = block_range_bytes(blocks, version->size);

    /* Bits that could not be cleared must keep their data. */
    if (version_lose(version, blocks) == 0)
        version_punch(version, blocks);
    return bytes;
}

/* ---- the end of use ---- */

static void version_close_file(struct version *version)
{
    if (version->fd >= 0) {
        /* The time of last use, for the order of eviction after a restart. */
        if (version->was_opened)
            (void)futimens(version->fd, NULL);
        (void)close(steal_fd(&version->fd));
    }
    free(steal_ptr(&version->present));
    free(steal_ptr(&version->synced));
    free(steal_ptr(&version->pending));
    version_clear_origin(version);
    version->has_unsynced = version->was_opened = false;
    version->is_loaded = false;
}

void version_remove(struct version *version)
{
    cleanup_free char *path = version_path(version->content, version->generation);

    (void)unlink(path);
    version_close_file(version);
    version->present_count = 0;
    version->verdict = version->verdict_synced = VERDICT_NONE;
    version->wrong_length = 0;
    version_account(version, false, 0);
}

void version_unload(struct version *version)
{
    bool is_worthless = version->present_count == 0 && version->wrong_length == 0;

    bool could_not_open = version->fd < 0 && version->has_file;

    if (version->is_dropped || version->is_broken || (is_worthless && !could_not_open)) {
        version_remove(version);
        return;
    }
    /* Bytes that were lost, not forgotten, are still there. */
    if (version->present_count == 0 && version->fd >= 0)
        version_punch(version, version_all(version));
    version_close_file(version);
}
