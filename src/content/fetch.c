/* SPDX-License-Identifier: MIT */
/*
 * Fetches: ranges of missing blocks on their way here.
 *
 *     fetch_want ─► QUEUED ─► SENT ─► (accepted: blocks present, reads answered)
 *                     ▲         │
 *                     │         ├──► CHECKING ─► accepted, failed, or again
 *                     └─────────┘    the item is asked whether these bytes are the version's
 *               URL dead, wrong hash
 *
 * Room on the disk is made before a request is sent. What becomes of the bytes that it brings is
 * decided in arrive.c.
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
#include "content/belong.h"
#include "content/disk.h"
#include "content/hash.h"

int fetch_status(const struct err *err)
{
    switch (err->code) {
    case -ENETDOWN:
    case -ETIMEDOUT:
    case -EACCES:
    case -ECANCELED:
        return err->code;
    case -ENOENT:
        return -ESTALE;
    default:
        return -EIO;
    }
}

/* ---- beginning and end; the version's lock is held ---- */

static void fetch_unref(struct fetch *fetch)
{
    if (--fetch->references > 0)
        return;
    free(fetch->data);
    free(fetch->etag);
    free(fetch);
}

static struct fetch *fetch_add(struct version *version, struct block_range blocks,
                               int64_t deadline_ms)
{
    struct fetch *fetch = x_calloc(1, sizeof *fetch);

    fetch->version = version;
    fetch->blocks = blocks;
    fetch->written_end = blocks.first;
    fetch->bytes = block_range_bytes(blocks, version->size);
    fetch->deadline_ms = deadline_ms;
    fetch->references = 1;
    bitmap_fill(version->pending, blocks, true);
    return fetch;
}

static void fetch_give_back_room(struct fetch *fetch)
{
    room_give_back(fetch->version->content, fetch->reserved);
    fetch->reserved = 0;
}

static void fetch_end(struct fetch *fetch)
{
    struct version *version = fetch->version;

    fetch_give_back_room(fetch);
    (void)atomic_fetch_sub(&version->content->prefetch_bytes, fetch->prefetch_bytes);
    bitmap_fill(version->pending, fetch->blocks, false);
    TAILQ_REMOVE(&version->fetches, fetch, listed);
    fetch_unref(fetch);
}

void fetch_accept(struct fetch *fetch)
{
    struct version *version = fetch->version;

    if (fetch->data) {
        read_hold(version, fetch->blocks, fetch->data, fetch->bytes);
    } else {
        room_take(version->content, fetch->reserved);
        fetch->reserved = 0; /* it is the version's now */
        version_publish(version, fetch->blocks);
        if (fetch->verdict != VERDICT_NONE) {
            version->verdict = fetch->verdict;
            version_write_header(version);
        }
    }
    fetch_end(fetch);
}

void fetch_fail(struct fetch *fetch, int code)
{
    struct version *version = fetch->version;
    struct block_range blocks = fetch->blocks;
    bool was_ahead = fetch->prefetch_bytes > 0 && !version->is_stale;
    bool gave_up = code == -ETIMEDOUT || code == -ECANCELED;

    fetch_end(fetch);
    read_fail(version, blocks, code, was_ahead || gave_up);
}

void fetch_again(struct fetch *fetch)
{
    fetch_give_back_room(fetch);
    free(steal_ptr(&fetch->data));
    free(steal_ptr(&fetch->etag));
    fetch->written_end = fetch->blocks.first;
    fetch->has_wrong_size = false;
    fetch->is_void = false;
    fetch->request = 0;
    fetch->state = FETCH_QUEUED;
}

/* A read waits now for what was to be fetched ahead. */
static void fetch_raise(struct version *version, struct block_range blocks)
{
    struct fetch *fetch, *next;

    for (fetch = TAILQ_FIRST(&version->fetches); fetch; fetch = next) {
        next = TAILQ_NEXT(fetch, listed);
        if (!fetch->is_prefetch || fetch->state != FETCH_QUEUED ||
            !block_ranges_meet(fetch->blocks, blocks))
            continue;
        fetch->is_prefetch = false;
        TAILQ_REMOVE(&version->fetches, fetch, listed);
        TAILQ_INSERT_HEAD(&version->fetches, fetch, listed);
    }
}

static bool is_missing(const struct version *version, size_t block)
{
    return !bitmap_get(version->present, block) && !bitmap_get(version->pending, block);
}

/* The next blocks to fetch of a range, at most ${chunk}, which are taken off it; empty at its end.
 */
static struct block_range next_missing(const struct version *version, struct block_range *rest,
                                       size_t chunk)
{
    struct block_range run;

    while (rest->first < rest->end && !is_missing(version, rest->first))
        rest->first++;
    run.first = run.end = rest->first;
    while (run.end < rest->end && run.end - run.first < chunk && is_missing(version, run.end))
        run.end++;
    rest->first = run.end;
    return run;
}

/* What must be fetched to have these blocks: a small version is fetched whole. */
static struct block_range to_fetch(const struct version *version, struct block_range blocks)
{
    if (version->size <= SMALL_SIZE)
        return version_all(version);
    if (blocks.end > version->blocks)
        blocks.end = version->blocks;
    return blocks;
}

void fetch_want(struct version *version, struct block_range blocks, int64_t deadline_ms)
{
    struct block_range rest = to_fetch(version, blocks), run;

    fetch_raise(version, rest);
    for (run = next_missing(version, &rest, RANGE_BLOCKS); run.first < run.end;
         run = next_missing(version, &rest, RANGE_BLOCKS)) {
        struct fetch *fetch = fetch_add(version, run, deadline_ms);

        TAILQ_INSERT_HEAD(&version->fetches, fetch, listed);
    }
}

void fetch_want_ahead(struct version *version, struct block_range blocks, size_t chunk)
{
    struct content *content = version->content;
    int64_t deadline_ms = clock_mono_ms(content->clock) + READ_DEADLINE_MS;
    struct block_range rest = to_fetch(version, blocks), run;

    for (run = next_missing(version, &rest, chunk); run.first < run.end;
         run = next_missing(version, &rest, chunk)) {
        struct fetch *fetch = fetch_add(version, run, deadline_ms);

        fetch->is_prefetch = true;
        fetch->prefetch_bytes = fetch->bytes;
        (void)atomic_fetch_add(&content->prefetch_bytes, fetch->bytes);
        TAILQ_INSERT_TAIL(&version->fetches, fetch, listed);
    }
}

/* ---- sending ---- */

static void fetches_active_add(struct content *content, int change)
{
    LOCKED(&content->jobs_lock);
    content->fetches_active += (unsigned)change;
}

static void fetch_arrived(const struct fetch_answer *answer, const struct err *err, void *arg)
{
    struct fetch *fetch = arg;
    struct version *version = fetch->version;
    struct content *content = version->content;

    fetches_active_add(content, -1);
    arrive_end(fetch, answer, err);
    fetch_advance(version);
    version_unref(version);
    content_job_end(content);
}

/* The next fetch to be sent, now SENT, and a copy of the URL; NULL: none. Until its answer has been
 * taken in, only the caller and then whoever takes it in end the fetch. */
static struct fetch *fetch_take(struct version *version, char **ret_url)
{
    struct fetch *fetch;

    LOCKED(&version->lock);
    if (!locate_has_url(version))
        return NULL;
    TAILQ_FOREACH (fetch, &version->fetches, listed) {
        if (fetch->state != FETCH_QUEUED)
            continue;
        fetch->state = FETCH_SENT;
        fetch->locates = version->locates;
        *ret_url = x_strdup(version->url);
        return fetch;
    }
    return NULL;
}

/* Makes room for the bytes. Without it they won't be kept. */
static void fetch_make_room(struct fetch *fetch)
{
    struct version *version = fetch->version;
    bool has_room = version_reserve(version, fetch->bytes) == 0;

    LOCKED(&version->lock);
    fetch->reserved = has_room ? fetch->bytes : 0;
}

/* What the fetch can't be sent for, or 0. The version's lock is held. */
static int fetch_obstacle(const struct fetch *fetch, int64_t left_ms)
{
    if (fetch->is_cancelled || atomic_load(&fetch->version->content->is_closing))
        return -ECANCELED;
    if (left_ms <= 0)
        return -ETIMEDOUT;
    if (fetch->reserved == 0 && fetch->is_prefetch)
        return -EAGAIN; /* nowhere to keep it until it is read */
    return 0;
}

/* What is shown only as a whole comes in one piece. */
static bool is_by_pieces(const struct fetch *fetch)
{
    return fetch->reserved > 0 && !fetch->is_unkept && fetch->bytes > PIECE_BYTES &&
           fetch->version->size > SMALL_SIZE;
}

static void fetch_send(struct fetch *fetch, const char *url)
{
    struct version *version = fetch->version;
    struct content *content = version->content;
    struct fetch_query query = {
        .url = url,
        .offset = (int64_t)fetch->blocks.first * BLOCK_SIZE,
        .length = (size_t)fetch->bytes,
        .deadline_ms = fetch->deadline_ms - clock_mono_ms(content->clock),
        .piece_length = PIECE_BYTES,
    };
    bool is_cancelled;
    uint64_t request;
    unsigned send;
    int r;

    fetch_make_room(fetch);
    {
        LOCKED(&version->lock);
        query.piece = is_by_pieces(fetch) ? arrive_piece : NULL;
        query.priority = fetch->is_prefetch ? REMOTE_PREFETCH : REMOTE_READ;
        r = fetch_obstacle(fetch, query.deadline_ms);
        if (r < 0) {
            fetch_fail(fetch, r);
            return;
        }
        fetch->references++; /* its answer may come before its number */
        send = ++fetch->sends;
    }
    version_ref(version);
    content_job_begin(content);
    fetches_active_add(content, 1);
    request = remote_fetch(content->remote, &query, fetch_arrived, fetch);
    {
        LOCKED(&version->lock);
        if (fetch->state == FETCH_SENT && fetch->sends == send)
            fetch->request = request;
        is_cancelled = fetch->is_cancelled;
        fetch_unref(fetch);
    }
    if (is_cancelled)
        remote_cancel(content->remote, request);
}

/* ---- driving ---- */

void fetch_advance(struct version *version)
{
    struct fetch *fetch;
    char *url;

    while ((fetch = fetch_take(version, &url))) {
        fetch_send(fetch, url);
        free(url);
    }
    locate_if_needed(version);
    history_if_needed(version);
    {
        LOCKED(&version->lock);
        verify_if_whole(version);
    }
    read_settle(version);
}

static void advance_job(void *arg)
{
    struct version *version = arg;

    {
        LOCKED(&version->lock);
        version->is_advancing = false;
    }

    fetch_advance(version);
}

void fetch_advance_later(struct version *version)
{
    const struct fetch *fetch;
    bool is_needed = history_is_due(version);

    if (version->is_advancing || version->is_locating)
        return; /* that will go on with what is queued now */
    TAILQ_FOREACH (fetch, &version->fetches, listed)
        is_needed |= fetch->state == FETCH_QUEUED;
    if (!is_needed)
        return;
    version->is_advancing = true;
    content_submit(version, advance_job);
}

static bool fetch_is_wanted(const struct fetch *fetch)
{
    const struct version *version = fetch->version;

    return read_is_waiting(version, fetch->blocks) || (fetch->is_prefetch && version->handles > 0 &&
                                                       !atomic_load(&version->content->is_closing));
}

/* Gives up one fetch. True: there may be more; the request is to be cancelled, unless it is 0. */
static bool fetch_cancel_one(struct version *version, uint64_t *ret_request)
{
    struct fetch *fetch;

    LOCKED(&version->lock);
    TAILQ_FOREACH (fetch, &version->fetches, listed) {
        if (fetch->is_cancelled || fetch->state == FETCH_CHECKING || fetch_is_wanted(fetch))
            continue;
        fetch->is_cancelled = true;
        *ret_request = fetch->request;
        if (fetch->state == FETCH_QUEUED)
            fetch_end(fetch);
        return true;
    }
    return false;
}

void fetch_cancel_unwanted(struct version *version)
{
    uint64_t request;

    while (fetch_cancel_one(version, &request))
        if (request != 0)
            remote_cancel(version->content->remote, request);
}
