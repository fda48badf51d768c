/* SPDX-License-Identifier: MIT */
/*
 * The limits: bytes used by the cache, and the floor of free space of its disk. Both hold before a
 * fetch is sent: its bytes are counted as used from then on, so that nothing can pass the limit
 * afterwards. What can't be given room is not written at all (fetch.c).
 *
 * What goes first: idle versions, longest unused first, whole. Then, because the limit holds while
 * one file is larger than it, blocks of versions in use: behind its newest reader from the
 * beginning on, then ahead from the end back; not what a read waits for, and not what the
 * reader is about to use (hot). Never what somebody has pinned to this machine, which doesn't count
 * for the limit either. A small version goes whole, so that it can be checked whole when it
 * returns; and so does one that others may read by descriptors of their own, which is not cut at
 * all while it is open.
 */
#include "config.h"

#include "content/content_i.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "base/lock.h"

/* Taken away together from a version in use. */
#define EVICT_BLOCKS 64

/* How many bytes must go before that many may come; <= 0: none. */
static int64_t room_missing(struct content *content, int64_t bytes, bool is_pinned)
{
    int64_t counted = atomic_load(&content->used_bytes) - atomic_load(&content->pinned_bytes);
    int64_t missing = is_pinned ? 0 : counted + bytes - content->limit_bytes;
    struct statvfs disk;

    if (content->min_free_bytes > 0 && statvfs(content->directory, &disk) == 0) {
        int64_t available = (int64_t)(disk.f_bavail * disk.f_frsize);
        int64_t missing_free =
            content->min_free_bytes + bytes + atomic_load(&content->on_way_bytes) - available;

        if (missing_free > missing)
            missing = missing_free;
    }
    return missing;
}

/* Returns the bytes freed; -1: there is no idle version. */
static int64_t evict_idle(struct content *content)
{
    struct version *version = content_take_idle(content);
    int64_t freed = 0;

    if (!version)
        return -1;
    {
        LOCKED(&version->lock);
        if (!version->is_loaded) {
            freed = version->used;
            version_remove(version);
        }
    }
    version_unref(version);
    return freed;
}

static bool may_evict(const struct version *version, size_t block)
{
    struct block_range one = { block, block + 1 };

    return bitmap_get(version->present, block) && !block_ranges_meet(one, version->hot) &&
           !read_is_waiting(version, one);
}

/* The blocks from first on that may go, at most EVICT_BLOCKS. */
static struct block_range evictable_run(const struct version *version, size_t first, size_t end)
{
    struct block_range run = { first, first };

    while (run.end < end && run.end - run.first < EVICT_BLOCKS && may_evict(version, run.end))
        run.end++;
    return run;
}

/* Behind the reader, from the beginning on. */
static struct block_range pick_behind(const struct version *version)
{
    struct block_range run = { 0, 0 };

    for (size_t block = 0; block < version->hot.first && run.first == run.end; block++)
        run = evictable_run(version, block, version->hot.first);
    return run;
}

/* Ahead of it, from the end back. */
static struct block_range pick_ahead(const struct version *version)
{
    struct block_range run = { version->blocks, version->blocks };

    while (run.end > version->hot.end && !may_evict(version, run.end - 1))
        run.end--;
    run.first = run.end;
    while (run.first > version->hot.end && run.end - run.first < EVICT_BLOCKS &&
           may_evict(version, run.first - 1))
        run.first--;
    return run;
}

/* What goes as a whole. */
static struct block_range pick_all(const struct version *version)
{
    struct block_range all = version_all(version), none = { 0, 0 };
    bool is_needed = version->is_shared || block_ranges_meet(all, version->hot);

    if ((version->handles > 0 && is_needed) || read_is_waiting(version, all))
        return none;
    return version_present_run(version);
}

/* The version's lock is held. */
static struct block_range pick(struct version *version)
{
    struct block_range run = { 0, 0 };

    if (version->present_count == 0 || version->is_pinned || history_is_running(version))
        return run;
    if (version->size <= SMALL_SIZE || version->is_shared)
        return pick_all(version);
    run = pick_behind(version);
    return run.first < run.end ? run : pick_ahead(version);
}

static int64_t evict_from(struct version *version, int64_t bytes)
{
    int64_t freed = 0, left;

    while (freed < bytes && (left = version_leave(version, pick)) > 0)
        freed += left;
    return freed;
}

/* Returns the bytes freed, which may be less. */
static int64_t evict(struct content *content, int64_t bytes)
{
    int64_t freed = 0, got;
    size_t active;

    if (!atomic_load(&content->knows_pins))
        return 0;
    while (freed < bytes && (got = evict_idle(content)) >= 0)
        freed += got;
    active = content_count_active(content);
    for (size_t i = 0; freed < bytes && i < active; i++) {
        struct version *version = content_next_active(content);

        if (!version)
            break;
        freed += evict_from(version, bytes - freed);
        version_unref(version);
    }
    return freed;
}

int room_reserve(struct content *content, int64_t bytes, bool is_pinned)
{
    int64_t missing;

    LOCKED(&content->evicting);
    while ((missing = room_missing(content, bytes, is_pinned)) > 0)
        if (evict(content, missing) == 0) {
            atomic_store(&content->is_without_room, atomic_load(&content->knows_pins));
            return -ENOSPC;
        }
    atomic_store(&content->is_without_room, false);
    (void)atomic_fetch_add(&content->used_bytes, bytes);
    (void)atomic_fetch_add(&content->on_way_bytes, bytes);
    return 0;
}

void room_take(struct content *content, int64_t bytes)
{
    (void)atomic_fetch_sub(&content->on_way_bytes, bytes);
}

void room_give_back(struct content *content, int64_t bytes)
{
    (void)atomic_fetch_sub(&content->on_way_bytes, bytes);
    (void)atomic_fetch_sub(&content->used_bytes, bytes);
}

void room_free(struct content *content, int64_t bytes)
{
    LOCKED(&content->evicting);
    (void)evict(content, bytes);
}
