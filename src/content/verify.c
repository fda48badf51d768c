/* SPDX-License-Identifier: MIT */
/*
 * The hash of a whole version. Small content is checked before it is stored (fetch.c); larger
 * content when its last block has come, by a job that reads the file in steps, so that one large
 * file doesn't keep a thread of the pool for long. A block that is evicted meanwhile makes the
 * result void.
 *
 * A wrong hash has two causes. Bytes went wrong on the way: then a second download differs. Or the
 * service's own hash is wrong, as it is for some types of file: then two downloads are equal, and
 * the bytes are served as they are, unverified. So the first wrong digest is remembered, on disk
 * too, and all blocks are dropped; the second one decides.
 */
#include "config.h"

#include "content/content_i.h"

#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "content/disk.h"
#include "content/hash.h"

#define PIECE (INT64_C(1024) * 1024)
#define STEP  (64 * PIECE)

struct verification {
    struct version *version;
    struct hash *hash;
    int fd; /* of the version, which stays loaded while we reference it */
    int64_t size;
    int64_t done;    /* bytes */
    uint64_t losses; /* of the version when we began */
    verify_done_fn *done_fn;
};

bool verify_matches(const struct version *version, const uint8_t *digest, size_t length)
{
    uint8_t wanted[HASH_DIGEST_MAX];

    return hash_parse(version->id.hash_kind, version->id.hash, wanted) == length &&
           memcmp(wanted, digest, length) == 0;
}

enum verify_result verify_digest(struct version *version, const uint8_t *digest, size_t length)
{
    uint8_t wanted[HASH_DIGEST_MAX];

    if (hash_parse(version->id.hash_kind, version->id.hash, wanted) != length)
        return VERIFY_NO_HASH;
    if (memcmp(wanted, digest, length) == 0)
        return VERIFY_MATCH;
    if (version->wrong_length == 0) {
        memcpy(version->wrong_digest, digest, length);
        version->wrong_length = length;
        return VERIFY_FIRST_WRONG;
    }
    if (version->wrong_length == length && memcmp(version->wrong_digest, digest, length) == 0)
        return VERIFY_SAME_WRONG;
    return VERIFY_BROKEN;
}

/* With the version's lock held: all blocks go. What is being read stays on the disk meanwhile. */
static void drop_all(struct version *version)
{
    struct block_range all = version_all(version);

    if (read_is_waiting(version, all))
        (void)version_lose(version, all);
    else
        (void)version_forget(version, all);
    read_want_again(version);
}

/* With the version's lock held. */
static void verify_record(struct version *version, enum verify_result result)
{
    switch (result) {
    case VERIFY_MATCH:
        version->verdict = VERDICT_VERIFIED;
        break;
    case VERIFY_SAME_WRONG:
        version->verdict = VERDICT_UNVERIFIED;
        log_warn("content", "two downloads agree, but not with the service's hash: served as is");
        break;
    case VERIFY_FIRST_WRONG:
        log_warn("content", "a download has the wrong hash: dropped, to be fetched once more");
        drop_all(version);
        break;
    case VERIFY_BROKEN:
        log_warn("content", "two different downloads have the wrong hash");
        version->is_broken = true;
        drop_all(version);
        break;
    case VERIFY_NO_HASH:
        return;
    }
    version->has_unsynced |= version->verdict != version->verdict_synced;
    version_write_header(version);
}

/* Readers had these bytes before the last one came, and with it the hash. */
static void tell_wrong(const struct version *version)
{
    struct content *content = version->content;

    LOCKED(&content->wrong_lock);
    if (content->on_wrong)
        content->on_wrong(version->generation, content->on_wrong_arg);
}

static void verified(struct version *version, const uint8_t *digest, size_t length, uint64_t losses)
{
    bool has_unsynced = false, is_wrong = false;

    {
        LOCKED(&version->lock);
        version->is_verifying = false;
        if (length > 0 && version->losses == losses) {
            enum verify_result result = verify_digest(version, digest, length);

            verify_record(version, result);
            is_wrong = result == VERIFY_FIRST_WRONG || result == VERIFY_BROKEN;
            fetch_advance_later(version);
            has_unsynced = version->has_unsynced && version->handles == 0;
        }
    }
    if (is_wrong)
        tell_wrong(version);
    if (has_unsynced)
        version_persist_later(version);
}

static bool verification_is_void(const struct verification *verification)
{
    struct version *version = verification->version;

    LOCKED(&version->lock);
    return version->losses != verification->losses || atomic_load(&version->content->is_closing);
}

/* Adds up to STEP bytes. False: the file can't be read, or its blocks went. */
static bool verification_step(struct verification *verification, char *buffer)
{
    int64_t end = verification->done + STEP;

    if (end > verification->size)
        end = verification->size;
    while (verification->done < end) {
        int64_t length = end - verification->done < PIECE ? end - verification->done : PIECE;

        if (disk_read(verification->fd, buffer, (size_t)length, verification->done) < 0)
            return false;
        hash_update(verification->hash, buffer, (size_t)length);
        verification->done += length;
    }
    return !verification_is_void(verification);
}

static void verification_end(struct verification *verification, bool is_complete)
{
    uint8_t digest[HASH_DIGEST_MAX];
    size_t length = is_complete ? hash_final(verification->hash, digest) : 0;

    verification->done_fn(verification->version, digest, length, verification->losses);
    hash_free(verification->hash);
    free(verification);
}

static void verify_job(void *arg)
{
    struct verification *verification = arg;
    struct version *version = verification->version;
    struct content *content = version->content;
    char *buffer = x_malloc((size_t)PIECE);
    bool is_good = verification_step(verification, buffer);

    free(buffer);
    if (is_good && verification->done < verification->size) {
        pool_submit(content->pool, verify_job, verification);
        return;
    }
    verification_end(verification, is_good);
    version_unref(version);
    content_job_end(content);
}

bool verify_start(struct version *version, verify_done_fn *done)
{
    struct verification *verification;
    struct hash *hash = hash_new(version->id.hash_kind);

    if (!hash)
        return false;
    verification = x_calloc(1, sizeof *verification);
    *verification = (struct verification){
        .version = version,
        .hash = hash,
        .fd = version->fd,
        .size = version->size,
        .losses = version->losses,
        .done_fn = done,
    };
    version_ref(version);
    content_job_begin(version->content);
    pool_submit(version->content->pool, verify_job, verification);
    return true;
}

void verify_if_whole(struct version *version)
{
    uint8_t wanted[HASH_DIGEST_MAX];

    if (version->is_verifying || version->verdict != VERDICT_NONE || version->size == 0 ||
        !version_is_whole(version) || version->fd < 0 || !version->id.hash)
        return;
    if (hash_parse(version->id.hash_kind, version->id.hash, wanted) > 0)
        version->is_verifying = verify_start(version, verified);
}
