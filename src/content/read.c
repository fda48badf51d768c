/* SPDX-License-Identifier: MIT */
/*
 * Reads. Each is a content_wait in its version's list from beginning to end, and while it is there,
 * the blocks that it covers are pinned. One whose blocks are all there is answered by the caller's
 * thread at once; the others wait until the fetches of their blocks have ended, one way or the
 * other, and are answered by read_settle() on a pool thread.
 *
 * A read may join a fetch that began earlier and gives up earlier, or that nobody had waited for:
 * it then asks once more (again if that was given up, too), with the time that it has left. No
 * fetch lives longer than
 * READ_DEADLINE_MS, so no read does.
 */
#include "config.h"

#include "content/content_i.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "content/disk.h"

/* The most blocks ahead of a read that eviction spares. */
#define HOT_AHEAD 32
/* For so long after a read has waited in vain for all its time, reads that would have to wait fail
 * the same way. */
#define LATE_MS 1000

static struct content_wait *wait_new(struct version *version, int64_t offset, size_t length,
                                     content_read_fn *done, void *arg)
{
    struct content_wait *wait = x_calloc(1, sizeof *wait);

    if ((int64_t)length > version->size - offset)
        length = (size_t)(version->size - offset);
    wait->version = version;
    wait->offset = offset;
    wait->length = length;
    wait->blocks = block_range_of(offset, (int64_t)length);
    wait->done = done;
    wait->arg = arg;
    wait->deadline_ms = clock_mono_ms(version->content->clock) + READ_DEADLINE_MS;
    return wait;
}

static void wait_free(struct content_wait *wait)
{
    free(wait->held);
    free(wait->held_blocks);
    free(wait);
}

static bool wait_holds(const struct content_wait *wait, size_t block)
{
    return wait->held && bitmap_get(wait->held_blocks, block - wait->blocks.first);
}

/* With the version's lock held: has what it waits for fetched. */
static void wait_want(const struct content_wait *wait)
{
    if (wait->is_background)
        fetch_want_ahead(wait->version, wait->blocks, RANGE_BLOCKS);
    else
        fetch_want(wait->version, wait->blocks, wait->deadline_ms);
}

/* With the version's lock held. */
static bool wait_is_complete(const struct content_wait *wait)
{
    for (size_t block = wait->blocks.first; block < wait->blocks.end; block++)
        if (!bitmap_get(wait->version->present, block) && !wait_holds(wait, block))
            return false;
    return true;
}

bool read_is_waiting(const struct version *version, struct block_range blocks)
{
    const struct content_wait *wait;

    LIST_FOREACH (wait, &version->waits, listed)
        if (block_ranges_meet(wait->blocks, blocks))
            return true;
    return false;
}

/* What nobody reads is not served past the disk. */
static void wait_end_without_room(struct content_wait *wait)
{
    if (wait->status == 0)
        wait->status = -ENOSPC;
}

/* Nothing can be kept of these blocks: whoever waits for them to be on disk waits in vain. */
static void end_without_room(struct version *version, struct block_range blocks)
{
    struct content_wait *wait;

    LIST_FOREACH (wait, &version->waits, listed)
        if (wait->is_background && !wait->is_answering && block_ranges_meet(wait->blocks, blocks))
            wait_end_without_room(wait);
}

void read_hold(struct version *version, struct block_range blocks, const char *data, int64_t length)
{
    int64_t data_from = (int64_t)blocks.first * BLOCK_SIZE, data_to = data_from + length;
    struct content_wait *wait;

    LIST_FOREACH (wait, &version->waits, listed) {
        int64_t from = wait->offset > data_from ? wait->offset : data_from;
        int64_t to = wait->offset + (int64_t)wait->length;
        struct block_range held = blocks;

        if (wait->is_answering || !block_ranges_meet(wait->blocks, blocks))
            continue;
        if (wait->is_background) {
            wait_end_without_room(wait);
            continue;
        }
        if (!wait->held) {
            wait->held = x_malloc(wait->length);
            wait->held_blocks = x_calloc(1, bitmap_size(wait->blocks.end - wait->blocks.first));
        }
        if (to > data_to)
            to = data_to;
        memcpy(wait->held + (from - wait->offset), data + (from - data_from), (size_t)(to - from));
        if (held.first < wait->blocks.first)
            held.first = wait->blocks.first;
        if (held.end > wait->blocks.end)
            held.end = wait->blocks.end;
        held.first -= wait->blocks.first;
        held.end -= wait->blocks.first;
        bitmap_fill(wait->held_blocks, held, true);
    }
}

/* When a read-ahead of the kernel fails it asks for each page of it again: that must not take the
 * same time once more. */
static void note_late(struct content_wait *wait, int64_t now_ms)
{
    if (now_ms >= wait->deadline_ms)
        wait->version->late_until_ms = now_ms + LATE_MS;
}

bool read_is_unanswered(const struct version *version)
{
    const struct content_wait *wait;

    LIST_FOREACH (wait, &version->waits, listed)
        if (!wait->is_background && !wait->is_answering && wait->status == 0 &&
            !wait_is_complete(wait))
            return true;
    return false;
}

int64_t read_expire(struct version *version)
{
    int64_t now_ms = clock_mono_ms(version->content->clock), left_ms = READ_DEADLINE_MS;
    struct content_wait *wait;

    LIST_FOREACH (wait, &version->waits, listed) {
        if (wait->is_answering || wait->status != 0)
            continue;
        if (now_ms >= wait->deadline_ms) {
            wait->status = -ETIMEDOUT;
            note_late(wait, now_ms);
        } else if (wait->deadline_ms - now_ms < left_ms) {
            left_ms = wait->deadline_ms - now_ms;
        }
    }
    return left_ms;
}

void read_fail(struct version *version, struct block_range blocks, int code, bool may_retry)
{
    int64_t now_ms = clock_mono_ms(version->content->clock);
    /* Given up because others had gone: that is no attempt of this read. */
    bool is_free = code == -EAGAIN || (code == -ECANCELED && may_retry);
    struct content_wait *wait;

    if (atomic_load(&version->content->is_closing)) {
        code = -ECANCELED;
        may_retry = is_free = false;
    }
    if (code == -EAGAIN)
        end_without_room(version, blocks);
    LIST_FOREACH (wait, &version->waits, listed) {
        if (wait->is_answering || wait->status != 0 || !block_ranges_meet(wait->blocks, blocks))
            continue;
        if (code == -ESTALE && !wait->is_background && history_may_help(version))
            continue;
        if (is_free || (may_retry && !wait->has_retried && now_ms < wait->deadline_ms)) {
            wait->has_retried |= !is_free;
            wait_want(wait);
        } else {
            wait->status = code;
            note_late(wait, now_ms);
        }
    }
}

/* ---- answering ---- */

/* What the read covers of a block. */
struct slice {
    size_t at; /* in the read */
    size_t length;
    int64_t offset; /* in the content, and so in the file */
};

static struct slice wait_slice(const struct content_wait *wait, size_t block)
{
    int64_t block_from = (int64_t)block * BLOCK_SIZE, block_to = block_from + BLOCK_SIZE;
    int64_t from = wait->offset > block_from ? wait->offset : block_from;
    int64_t to = wait->offset + (int64_t)wait->length;

    if (to > block_to)
        to = block_to;
    return (struct slice){
        .at = (size_t)(from - wait->offset),
        .length = (size_t)(to - from),
        .offset = from,
    };
}

static int wait_collect(const struct content_wait *wait, char *out)
{
    for (size_t block = wait->blocks.first; block < wait->blocks.end; block++) {
        struct slice slice = wait_slice(wait, block);
        int r = 0;

        if (wait_holds(wait, block))
            memcpy(out + slice.at, wait->held + slice.at, slice.length);
        else
            r = disk_read(wait->version->fd, out + slice.at, slice.length, slice.offset);
        if (r < 0)
            return r;
    }
    return 0;
}

void read_want_again(struct version *version)
{
    const struct content_wait *wait;

    LIST_FOREACH (wait, &version->waits, listed)
        if (!wait->is_answering && wait->status == 0)
            wait_want(wait);
}

/* The disk has lost what it had: the blocks go, so that the next read fetches them. In a file that
 * was cut, what comes would turn what is missing before it into zeros: so all of them go. */
static void forget_unreadable(struct version *version, struct block_range blocks)
{
    LOCKED(&version->lock);
    if (version->size <= SMALL_SIZE || version_is_cut(version))
        blocks = version_all(version);
    for (size_t block = blocks.first; block < blocks.end; block++)
        if (bitmap_get(version->present, block))
            (void)version_lose(version, (struct block_range){ block, block + 1 });
    read_want_again(version);
    fetch_advance_later(version);
}

/* Answers a read that is_answering, and frees it. No lock is held. */
static void wait_answer(struct content_wait *wait)
{
    struct version *version = wait->version;
    cleanup_free char *data = NULL;
    int status = wait->status;

    if (status == 0 && !wait->is_background) {
        data = malloc(wait->length);
        status = data ? wait_collect(wait, data) : -ENOMEM;
        if (status < 0 && data) {
            log_warn("content", "reading the cache failed: %s", ERRNO_TEXT(status));
            forget_unreadable(version, wait->blocks);
            status = -EIO;
        }
    }
    if (status < 0)
        free(steal_ptr(&data));
    wait->done(status, data, data ? wait->length : 0, wait->arg);
    {
        LOCKED(&version->lock);
        LIST_REMOVE(wait, listed);
    }
    wait_free(wait);
}

void read_settle(struct version *version)
{
    struct wait_queue ready = STAILQ_HEAD_INITIALIZER(ready);

    struct content_wait *wait;

    {
        LOCKED(&version->lock);
        LIST_FOREACH (wait, &version->waits, listed) {
            if (wait->is_answering || (wait->status == 0 && !wait_is_complete(wait)))
                continue;
            wait->is_answering = true;
            STAILQ_INSERT_TAIL(&ready, wait, answer_link);
        }
    }

    while ((wait = STAILQ_FIRST(&ready))) {
        STAILQ_REMOVE_HEAD(&ready, answer_link);
        wait_answer(wait);
    }
}

void read_give_up(void *arg)
{
    struct version *version = arg;
    struct content_wait *wait;
    bool has_unsynced;

    {
        LOCKED(&version->lock);
        LIST_FOREACH (wait, &version->waits, listed)
            if (!wait->is_answering)
                wait->status = -ECANCELED;
        has_unsynced = version->has_unsynced && !version->is_dropped;
    }
    read_settle(version);
    fetch_cancel_unwanted(version);
    locate_cancel(version);
    history_cancel(version);
    if (has_unsynced)
        version_persist_later(version);
}

/* ---- reading ---- */

/* With the version's lock held: fetches ahead of a reader in order. */
static void read_ahead(struct content_file *file, int64_t offset, int64_t length)
{
    struct version *version = file->version;
    struct content *content = version->content;
    int64_t budget = PREFETCH_BUDGET - atomic_load(&content->prefetch_bytes);
    int64_t window_max = content->limit_bytes / 4;
    struct readahead_ask ask;

    if (window_max > budget)
        window_max = budget;
    if (window_max < BLOCK_SIZE ||
        !readahead_note(&file->readahead, offset, length, version->size, window_max, &ask))
        return;
    fetch_want_ahead(version, block_range_of(ask.offset, ask.end - ask.offset),
                     (size_t)(ask.chunk / BLOCK_SIZE));
}

static int read_refusal(const struct version *version)
{
    if (atomic_load(&version->content->is_closing))
        return -ECANCELED;
    return version->is_broken ? -EIO : 0;
}

/* Why a read of what isn't here need not begin; 0: it may. */
static int read_obstacle(const struct version *version, bool is_background)
{
    if (version->is_stale && (is_background || !history_may_help(version)))
        return -ESTALE;
    return clock_mono_ms(version->content->clock) < version->late_until_ms ? -ETIMEDOUT : 0;
}

/* What eviction spares: the reader is about to use it. In a small cache it is little. */
static struct block_range hot_around(const struct version *version, struct block_range blocks)
{
    size_t ahead = HOT_AHEAD, quarter = (size_t)(version->content->limit_bytes / 4 / BLOCK_SIZE);

    if (ahead > quarter)
        ahead = quarter;
    blocks.first -= blocks.first > 0;
    blocks.end += ahead;
    return blocks;
}

/* With the version's lock held: decides whether the read is answered at once, and if not has its
 * blocks fetched. */
static void read_begin(struct content_file *file, struct content_wait *wait)
{
    struct version *version = file->version;

    wait->status = read_refusal(version);
    wait->is_answering = wait->status != 0 || wait_is_complete(wait);
    if (!wait->is_answering) {
        wait->status = read_obstacle(version, wait->is_background);
        wait->is_answering = wait->status != 0;
    }
    LIST_INSERT_HEAD(&version->waits, wait, listed);
    if (!wait->is_background)
        version->hot = hot_around(version, wait->blocks);
    if (!wait->is_answering)
        wait_want(wait);
    if (!wait->is_background && wait->status == 0 && !version->is_stale &&
        version->present_count < version->blocks)
        read_ahead(file, wait->offset, (int64_t)wait->length);
}

/* Answers it, or sets *ret_wait. */
static void read_start(struct content_file *file, struct content_wait *wait,
                       struct content_wait **ret_wait)
{
    struct version *version = wait->version;
    bool is_answered;

    /* The reader may close the file as soon as it has its answer. */
    version_ref(version);
    {
        LOCKED(&version->lock);
        read_begin(file, wait);
        is_answered = wait->is_answering;
        if (!is_answered)
            *ret_wait = wait;
        fetch_advance_later(version);
    }
    if (is_answered)
        wait_answer(wait);
    version_unref(version);
}

void content_read(struct content_file *file, int64_t offset, size_t size, content_read_fn *done,
                  void *arg, struct content_wait **ret_wait)
{
    struct version *version = file->version;

    *ret_wait = NULL;
    if (offset < 0 || offset >= version->size || size == 0)
        done(0, "", 0, arg);
    else
        read_start(file, wait_new(version, offset, size, done, arg), ret_wait);
}

void content_fetch(struct content_file *file, int64_t offset, size_t size, content_read_fn *done,
                   void *arg, struct content_wait **ret_wait)
{
    struct version *version = file->version;
    struct content_wait *wait;

    *ret_wait = NULL;
    if (offset < 0 || offset >= version->size || size == 0) {
        done(0, "", 0, arg);
        return;
    }
    wait = wait_new(version, offset, size, done, arg);
    wait->is_background = true;
    read_start(file, wait, ret_wait);
}

bool content_cancel(struct content *content, struct content_wait *wait)
{
    struct version *version = wait->version;

    (void)content; /* a wait knows its version */
    {
        LOCKED(&version->lock);
        if (wait->is_answering)
            return false;
        LIST_REMOVE(wait, listed);
        version_ref(version);
    }
    wait_free(wait);
    fetch_cancel_unwanted(version);
    version_unref(version);
    return true;
}
