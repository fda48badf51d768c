/* SPDX-License-Identifier: MIT */
/*
 * What the remote brings for a fetch: the pieces of a long range, and its end.
 *
 * Bytes are written when they arrive, while their blocks are still pending: nobody else touches
 * them, and no bit speaks of them before they are proven to belong. They are if the content host's
 * ETag is one that stands for this version, or if they are the whole content and have its hash;
 * otherwise the item decides (locate.c), once all are here. What is proven is taken off the
 * fetch at once, and reads that wait for it are answered while the rest is on its way.
 *
 * What the disk can't take (full, or no room within the limits) is handed to the reads that wait,
 * and not cached. That needs the range in one piece, so it is fetched once more if it came in
 * several.
 */
#include "config.h"

#include "content/content_i.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "content/belong.h"
#include "content/disk.h"
#include "content/hash.h"

/* ---- on the disk, or in memory; no lock is held ---- */

/* Writes what comes next of the fetch's range to its place. Returns 0 or -errno. */
static int arrive_write(const struct fetch *fetch, const char *data, size_t length)
{
    const struct version *version = fetch->version;
    struct content *content = version->content;
    int64_t place = (int64_t)fetch->written_end * BLOCK_SIZE;
    int r;

    if (fetch->reserved == 0)
        return -ENOSPC;
    r = disk_write(version->fd, data, length, place);
    if (r < 0) {
        room_free(content, (int64_t)length);
        r = disk_write(version->fd, data, length, place);
        if (r < 0 && !atomic_exchange(&content->has_said_full, true))
            log_warn("content", "the cache can't be written, reads go past it: %s", ERRNO_TEXT(r));
    }
    return r;
}

/* Keeps the end of the range on disk, or all of it in memory. Returns 0 or -errno. */
static int arrive_keep(struct fetch *fetch, const char *data, size_t length)
{
    int r = arrive_write(fetch, data, length);

    if (r == 0) {
        fetch->written_end = fetch->blocks.end;
        return 0;
    }
    if (fetch->written_end > fetch->blocks.first)
        return r; /* the beginning isn't in memory */
    fetch->data = malloc(length);
    if (!fetch->data)
        return -ENOMEM;
    memcpy(fetch->data, data, length);
    return 0;
}

/* Hashes an answer that is the whole content. Returns the digest's length; 0: it isn't whole, or
 * has no hash. */
static size_t arrive_digest(const struct fetch *fetch, const char *data,
                            uint8_t digest[HASH_DIGEST_MAX])
{
    struct version *version = fetch->version;
    enum hash_kind kind;
    struct hash *hash;
    size_t length;

    {
        LOCKED(&version->lock);
        kind = version->id.hash_kind;
    }
    if (fetch->bytes != version->size || fetch->written_end > 0)
        return 0;
    hash = hash_new(kind);
    if (!hash)
        return 0;
    hash_update(hash, data, (size_t)fetch->bytes);
    length = hash_final(hash, digest);
    hash_free(hash);
    return length;
}

/* ---- whose they are; the version's lock is held ---- */

static bool tag_is_known(const struct version *version, const char *etag)
{
    return tag_compare(etag, version->id.etag) == TAG_EQUAL ||
           tag_compare(etag, version->good_etag) == TAG_EQUAL ||
           tag_compare(etag, version->located_etag) == TAG_EQUAL;
}

/* The tag says that the bytes are those of another state of the item. */
static bool tag_contradicts(const struct version *version, const char *etag)
{
    enum tag_order order = tag_compare(etag, version->id.etag);

    return !tag_is_known(version, etag) && (order == TAG_BEFORE || order == TAG_AFTER);
}

/* What the hash of a whole answer means for it. True: the fetch has been dealt with. */
static bool arrive_judge_digest(struct fetch *fetch, const char *etag, const uint8_t *digest,
                                size_t length)
{
    struct version *version = fetch->version;

    /* quickXorHash is the same for much that differs: it doesn't outweigh a size. */
    if (fetch->has_wrong_size)
        return false;
    if (verify_matches(version, digest, length)) {
        fetch->verdict = VERDICT_VERIFIED;
        return false;
    }
    if (tag_contradicts(version, etag))
        return false;
    switch (verify_digest(version, digest, length)) {
    case VERIFY_FIRST_WRONG:
        log_warn("content", "a download has the wrong hash: it is fetched once more");
        locate_forget(version);
        fetch_again(fetch);
        return true;
    case VERIFY_BROKEN:
        log_warn("content", "two different downloads have the wrong hash");
        version->is_broken = true;
        fetch_fail(fetch, -EIO);
        return true;
    case VERIFY_SAME_WRONG:
        log_warn("content", "two downloads agree, but not with the service's hash: served as is");
        fetch->verdict = VERDICT_UNVERIFIED;
        return false;
    case VERIFY_MATCH:
    case VERIFY_NO_HASH:
        break;
    }
    return false;
}

static void arrive_note_tag(struct fetch *fetch, const char *etag)
{
    free(fetch->etag);
    fetch->etag = tag_plain(etag);
}

/* The item must say whether the bytes belong. */
static void arrive_ask(struct fetch *fetch, const char *etag)
{
    struct version *version = fetch->version;

    if (version->is_stale) {
        fetch_fail(fetch, -ESTALE);
        return;
    }
    arrive_note_tag(fetch, etag);
    fetch->state = FETCH_CHECKING;
    /* An answer that is on its way may be older than the bytes. */
    fetch->check = version->locates + 1;
}

/* What is on the disk is proven: the fetch goes on with the rest. */
static void arrive_publish(struct fetch *fetch)
{
    struct version *version = fetch->version;
    struct block_range proven = { fetch->blocks.first, fetch->written_end };
    int64_t bytes = block_range_bytes(proven, version->size);
    int64_t ahead = fetch->prefetch_bytes > 0 ? bytes : 0;

    room_take(version->content, bytes);
    version_publish(version, proven);
    (void)atomic_fetch_sub(&version->content->prefetch_bytes, ahead);
    fetch->prefetch_bytes -= ahead;
    fetch->reserved -= bytes;
    fetch->bytes -= bytes;
    fetch->blocks.first = proven.end;
}

/* ---- pieces ---- */

static bool has_wrong_size(const struct fetch *fetch, const struct fetch_answer *answer)
{
    return answer->total >= 0 && answer->total != fetch->version->size;
}

/* Whether the answer is another one than that of the bytes that wait on the disk: the connection
 * had broken, and the content has changed meanwhile. */
static bool is_of_another_answer(const struct fetch *fetch, const struct fetch_answer *answer)
{
    cleanup_free char *etag = tag_plain(answer->etag);

    if (fetch->written_end == fetch->blocks.first)
        return false;
    return !etag || !fetch->etag ? etag != fetch->etag : strcmp(etag, fetch->etag) != 0;
}

/* The range is fetched once more, for what came of it is of no use. */
static void arrive_void(struct fetch *fetch, bool is_unkept)
{
    fetch->is_void = true;
    fetch->is_unkept |= is_unkept;
}

void arrive_piece(const struct fetch_answer *answer, void *arg)
{
    struct fetch *fetch = arg;
    struct version *version = fetch->version;
    bool is_published = false;

    fetch->has_wrong_size |= has_wrong_size(fetch, answer);
    if (fetch->is_void)
        return;
    if (is_of_another_answer(fetch, answer)) {
        arrive_void(fetch, false);
        return;
    }
    if (arrive_write(fetch, answer->data, answer->length) < 0) {
        arrive_void(fetch, true);
        return;
    }
    {
        LOCKED(&version->lock);
        fetch->written_end += answer->length / BLOCK_SIZE;
        is_published = !fetch->has_wrong_size && tag_is_known(version, answer->etag);
        if (is_published)
            arrive_publish(fetch);
        else
            arrive_note_tag(fetch, answer->etag);
    }
    if (is_published)
        read_settle(version);
}

/* ---- the end ---- */

/* The version's lock is held. */
static void arrive_again(struct fetch *fetch)
{
    if (fetch->is_prefetch && fetch->is_unkept)
        fetch_fail(fetch, -EAGAIN); /* nowhere to keep it until it is read */
    else if (++fetch->tries < FETCH_TRIES_MAX)
        fetch_again(fetch);
    else
        fetch_fail(fetch, fetch->is_unkept ? -EIO : -ESTALE);
}

static void arrive_whole(struct fetch *fetch, const struct fetch_answer *answer)
{
    struct version *version = fetch->version;
    struct block_range rest = { fetch->written_end, fetch->blocks.end };
    size_t wanted = (size_t)block_range_bytes(rest, version->size);
    bool is_short = answer->length < wanted;
    uint8_t digest[HASH_DIGEST_MAX];
    size_t digest_length = 0;

    fetch->has_wrong_size |= is_short || has_wrong_size(fetch, answer);
    if (!is_short)
        digest_length = arrive_digest(fetch, answer->data, digest);
    if (digest_length > 0) {
        LOCKED(&version->lock);
        if (arrive_judge_digest(fetch, answer->etag, digest, digest_length))
            return;
    }
    if (!is_short && arrive_keep(fetch, answer->data, wanted) < 0)
        arrive_void(fetch, true);
    LOCKED(&version->lock);
    if (fetch->is_void)
        arrive_again(fetch);
    else if (fetch->verdict != VERDICT_NONE ||
             (!fetch->has_wrong_size && tag_is_known(version, answer->etag)))
        fetch_accept(fetch);
    else
        arrive_ask(fetch, answer->etag);
}

bool arrive_is_dead_url(const struct err *err)
{
    return err->http_status == 401 || err->http_status == 403 || err->http_status == 404 ||
           err->http_status == 410;
}

static void arrive_refused(struct fetch *fetch, const struct err *err)
{
    struct version *version = fetch->version;

    LOCKED(&version->lock);
    if (!arrive_is_dead_url(err) || fetch->has_relocated) {
        fetch_fail(fetch, fetch_status(err));
        return;
    }
    fetch->has_relocated = true;
    if (fetch->locates == version->locates)
        locate_forget(version);
    fetch_again(fetch);
}

void arrive_end(struct fetch *fetch, const struct fetch_answer *answer, const struct err *err)
{
    if (err) {
        arrive_refused(fetch, err);
        return;
    }
    if (is_of_another_answer(fetch, answer))
        arrive_void(fetch, false);
    if (fetch->is_void) {
        LOCKED(&fetch->version->lock);
        arrive_again(fetch);
        return;
    }
    arrive_whole(fetch, answer);
}
