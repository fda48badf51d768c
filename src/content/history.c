/* SPDX-License-Identifier: MIT */
/*
 * What an open file began with, once the service has other content for its item: it may still be
 * among the item's versions.
 *
 * The service tells of these an id, a size and a time, but no hash; and two contents of one size
 * can have been written in one second. So nothing of such a version is believed before all of the
 * content is here and has the hash that the file was opened with. Then it is published at once, and
 * the reads that waited are answered; meanwhile they wait, each as long as a read may. Content of
 * which no hash is known can't be had.
 *
 *     (stale, and a read waits) ─► list of versions ─► URL of the likeliest ─► what is missing,
 *     range by range ─► hash of the whole ─► published, or the next likely one, or ESTALE
 *
 * That is one thing after the other, so what it works with belongs to whoever runs the present
 * step; only what the version's lock guards is seen by others. It begins when no fetch is left of
 * the version, and none begins while it runs: all that is missing is pending. What is present is
 * not evicted meanwhile, since the hash needs it.
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
#include "content/hash.h"

/* So many versions are tried, each a download. */
#define CANDIDATES_MAX 3
#define SECOND_NS      INT64_C(1000000000)

enum history_state {
    HISTORY_UNASKED,
    HISTORY_RUNNING,
    HISTORY_GONE, /* it isn't to be had */
};

struct history {
    enum history_state state; /* version's lock */
    bool is_cancelled;        /* version's lock */
    unsigned step;            /* version's lock; which request is under way */
    uint64_t request;         /* version's lock; its number of the remote, 0: not known yet */

    /* Of the present step. */
    char *candidates[CANDIDATES_MAX]; /* ids, the likeliest first */
    size_t count;                     /* 0: to be asked for */
    size_t tried;                     /* of these; the next one is being tried */
    char *url;                        /* of that; a secret; NULL: to be asked for */
    bool has_relocated;               /* its URL was dead, and nothing has come since */
    bool is_wrong;                    /* what comes of it can't be the content */
    bool has_come;                    /* something has, since a request took too long */
    uint8_t *missing;                 /* bitmap of the blocks that are to be brought */
    size_t at;                        /* of these, those before this one are on the disk */
    size_t range_end;                 /* of the range that is under way */
    int disk_error;                   /* a piece of it could not be written */
    int64_t reserved;                 /* for all that is missing */
    uint64_t losses;                  /* of the version when it began */
};

static void history_go_on(struct version *version);

/* ---- its state; the version's lock is held ---- */

static bool has_hash(const struct version *version)
{
    uint8_t wanted[HASH_DIGEST_MAX];

    return version->id.hash && hash_parse(version->id.hash_kind, version->id.hash, wanted) > 0;
}

bool history_is_running(const struct version *version)
{
    return version->history && version->history->state == HISTORY_RUNNING;
}

bool history_may_help(const struct version *version)
{
    if (!version->is_stale || atomic_load(&version->content->is_closing) || !has_hash(version))
        return false;
    return !version->history || version->history->state != HISTORY_GONE;
}

bool history_is_due(const struct version *version)
{
    return history_may_help(version) && !history_is_running(version) &&
           TAILQ_EMPTY(&version->fetches) && read_is_unanswered(version) &&
           bitmap_find(version->pending, version_all(version), true) == version->blocks;
}

void history_forget(struct version *version)
{
    if (version->history)
        version->history->state = HISTORY_UNASKED;
}

/* ---- the end ---- */

static void free_step(struct history *history)
{
    for (size_t i = 0; i < history->count; i++)
        free(history->candidates[i]);
    free(history->url);
    free(history->missing);
    history->url = NULL;
    history->missing = NULL;
    history->count = 0;
}

void history_free(struct history *history)
{
    if (history)
        free_step(history);
    free(history);
}

/* It ends without the content. fetch_advance() is to follow, which begins again if that is due. */
static void history_fail(struct version *version, int code)
{
    struct history *history = version->history;
    struct block_range all = version_all(version);

    LOCKED(&version->lock);
    for (size_t block = 0; history->missing && block < version->blocks; block++)
        if (bitmap_get(history->missing, block))
            bitmap_fill(version->pending, (struct block_range){ block, block + 1 }, false);
    room_give_back(version->content, history->reserved);
    history->reserved = 0;
    free_step(history);
    history->state = code == -ESTALE && !version->is_perhaps_stale ? HISTORY_GONE : HISTORY_UNASKED;
    version->is_stale &= !version->is_perhaps_stale;
    /* Nobody had it open any more: if somebody has again, it begins again. */
    if (!history->is_cancelled || atomic_load(&version->content->is_closing))
        read_fail(version, all, code, false);
}

/* The bytes on the disk are proven, unless some that were here have gone since. Returns 0, and all
 * is over, or -ESTALE. */
static int history_succeed(struct version *version)
{
    struct history *history = version->history;
    struct block_range run = { 0, 0 };

    LOCKED(&version->lock);
    if (version->losses != history->losses)
        return -ESTALE;
    room_take(version->content, history->reserved);
    history->reserved = 0;
    while ((run.first = bitmap_find(history->missing,
                                    (struct block_range){ run.end, version->blocks }, true)) <
           version->blocks) {
        run.end = bitmap_find(history->missing, (struct block_range){ run.first, version->blocks },
                              false);
        version_publish(version, run);
    }
    version->verdict = VERDICT_VERIFIED;
    version_write_header(version);
    free_step(history);
    history->state = HISTORY_UNASKED;
    return 0;
}

/* What another version than the wanted one may have, too, is no error. */
static int failure_of(const struct err *err)
{
    switch (err->code) {
    case -ENETDOWN:
    case -ETIMEDOUT:
    case -ECANCELED:
        return err->code;
    default:
        return -ESTALE;
    }
}

/* ---- requests ---- */

/* What a request is made of. */
struct request {
    unsigned step;
    int64_t deadline_ms;
    char *drive_id;
    char *item_id;
};

static void request_clear(struct request *request)
{
    free(request->drive_id);
    free(request->item_id);
}

/* False: nobody wants it any more. Reads that have waited for all their time are failed. */
static bool request_begin(struct version *version, struct request *ret)
{
    struct history *history = version->history;

    LOCKED(&version->lock);
    if (history->is_cancelled || atomic_load(&version->content->is_closing))
        return false;
    ret->deadline_ms = read_expire(version);
    ret->drive_id = x_strdup(version->id.drive_id);
    ret->item_id = x_strdup(version->id.item_id);
    ret->step = ++history->step;
    history->request = 0;
    version_ref(version);
    content_job_begin(version->content);
    return true;
}

/* Its answer may have come already. */
static void request_note(struct version *version, const struct request *request, uint64_t number)
{
    struct history *history = version->history;
    bool is_cancelled = false;

    {
        LOCKED(&version->lock);
        if (history->state == HISTORY_RUNNING && history->step == request->step) {
            history->request = number;
            is_cancelled = history->is_cancelled;
        }
    }
    if (is_cancelled)
        remote_cancel(version->content->remote, number);
}

/* It took too long: for some reads, or for all. */
static int after_timeout(struct version *version)
{
    struct history *history = version->history;
    bool may_go_on;

    LOCKED(&version->lock);
    (void)read_expire(version);
    may_go_on = history->has_come || read_is_unanswered(version);
    history->has_come = false;
    return may_go_on ? 0 : -ETIMEDOUT;
}

/* A step has ended, well or with an error; the caller has a reference. */
static void step_end(struct version *version, int code)
{
    if (code == -ETIMEDOUT)
        code = after_timeout(version);
    if (code < 0)
        history_fail(version, code);
    else
        history_go_on(version);
    fetch_advance(version);
}

/* The same for a request. */
static void answered(struct version *version, int code)
{
    struct content *content = version->content;

    step_end(version, code);
    version_unref(version);
    content_job_end(content);
}

void history_cancel(struct version *version)
{
    uint64_t request = 0;

    {
        LOCKED(&version->lock);
        if (history_is_running(version)) {
            version->history->is_cancelled = true;
            request = version->history->request;
        }
    }
    if (request != 0)
        remote_cancel(version->content->remote, request);
}

/* ---- the list ---- */

static bool is_of_second(const struct version_info *info, int64_t mtime_ns)
{
    return info->mtime_ns / SECOND_NS == mtime_ns / SECOND_NS;
}

/* Those of the right size: first what was written in the same second, then the others. That of now
 * may be among them; the service refuses it. Returns 0, or -ESTALE if there are none. */
static int choose(struct version *version, const struct version_infos *list)
{
    struct history *history = version->history;
    int64_t mtime_ns;

    {
        LOCKED(&version->lock);
        mtime_ns = version->id.server_mtime_ns;
    }
    for (int wants_second = 1; wants_second >= 0; wants_second--)
        for (size_t i = 0; i < list->count && history->count < CANDIDATES_MAX; i++) {
            const struct version_info *info = &list->versions[i];

            if (info->size == version->size && is_of_second(info, mtime_ns) == wants_second)
                history->candidates[history->count++] = x_strdup(info->id);
        }
    return history->count > 0 ? 0 : -ESTALE;
}

static void listed(struct version_infos *list, const struct err *err, void *arg)
{
    struct version *version = arg;

    answered(version, err ? failure_of(err) : choose(version, list));
    version_infos_free(list);
}

static bool ask_list(struct version *version)
{
    struct request request = { 0 };
    struct version_query query;

    if (!request_begin(version, &request))
        return false;
    query = (struct version_query){
        .drive_id = request.drive_id,
        .item_id = request.item_id,
        .priority = REMOTE_READ,
        .deadline_ms = request.deadline_ms,
    };
    request_note(version, &request,
                 remote_versions(version->content->remote, &query, listed, version));
    request_clear(&request);
    return true;
}

/* ---- one version ---- */

/* The one that was tried isn't it, or isn't to be had. Returns 0, or -ESTALE if it was the last. */
static int next_candidate(struct history *history)
{
    free(steal_ptr(&history->url));
    history->has_relocated = history->is_wrong = false;
    history->at = 0;
    return ++history->tried < history->count ? 0 : -ESTALE;
}

static void found(const char *url, const struct err *err, void *arg)
{
    struct version *version = arg;
    struct history *history = version->history;
    int code = err ? failure_of(err) : 0;

    if (code == 0)
        history->url = x_strdup(url);
    else if (code == -ESTALE)
        code = next_candidate(history);
    answered(version, code);
}

static bool ask_url(struct version *version)
{
    struct request request = { 0 };
    struct version_query query;

    if (!request_begin(version, &request))
        return false;
    query = (struct version_query){
        .drive_id = request.drive_id,
        .item_id = request.item_id,
        .version_id = version->history->candidates[version->history->tried],
        .priority = REMOTE_READ,
        .deadline_ms = request.deadline_ms,
    };
    request_note(version, &request,
                 remote_version_url(version->content->remote, &query, found, version));
    request_clear(&request);
    return true;
}

/* ---- its bytes ---- */

/* Writes what comes next of the range to its place, where no bit speaks of it. */
static void keep(struct version *version, const struct fetch_answer *answer, size_t length)
{
    struct history *history = version->history;

    history->is_wrong |= answer->total >= 0 && answer->total != version->size;
    history->is_wrong |= answer->length < length;
    if (history->is_wrong || history->disk_error < 0)
        return;
    history->disk_error =
        disk_write(version->fd, answer->data, length, (int64_t)history->at * BLOCK_SIZE);
    if (history->disk_error < 0)
        return;
    history->at += block_count((int64_t)length);
    history->has_come = true;
    history->has_relocated = false;
}

static void piece_came(const struct fetch_answer *answer, void *arg)
{
    keep(arg, answer, answer->length);
}

static int range_failed(struct history *history, const struct err *err)
{
    int code = failure_of(err);

    if (code != -ESTALE)
        return code;
    if (!arrive_is_dead_url(err) || history->has_relocated)
        return next_candidate(history);
    free(steal_ptr(&history->url));
    history->has_relocated = true;
    return 0;
}

static void range_came(const struct fetch_answer *answer, const struct err *err, void *arg)
{
    struct version *version = arg;
    struct history *history = version->history;
    struct block_range rest = { history->at, history->range_end };

    if (answer)
        keep(version, answer, (size_t)block_range_bytes(rest, version->size));
    if (history->disk_error < 0) {
        log_warn("content", "an old version can't be kept: %s", ERRNO_TEXT(history->disk_error));
        answered(version, -ESTALE);
    } else if (history->is_wrong) {
        answered(version, next_candidate(history));
    } else {
        answered(version, err ? range_failed(history, err) : 0);
    }
}

static bool ask_range(struct version *version, struct block_range range)
{
    struct history *history = version->history;
    struct request request = { 0 };
    struct fetch_query query;

    if (!request_begin(version, &request))
        return false;
    history->at = range.first;
    history->range_end = range.end;
    query = (struct fetch_query){
        .url = history->url,
        .offset = (int64_t)range.first * BLOCK_SIZE,
        .length = (size_t)block_range_bytes(range, version->size),
        .priority = REMOTE_READ,
        .deadline_ms = request.deadline_ms,
        .piece = piece_came,
        .piece_length = PIECE_BYTES,
    };
    request_note(version, &request,
                 remote_fetch(version->content->remote, &query, range_came, version));
    request_clear(&request);
    return true;
}

/* What of the missing is next; empty: all is on the disk. */
static struct block_range next_range(const struct version *version)
{
    const struct history *history = version->history;
    struct block_range rest = { history->at, version->blocks };

    rest.first = bitmap_find(history->missing, rest, true);
    if (rest.end - rest.first > RANGE_BLOCKS)
        rest.end = rest.first + RANGE_BLOCKS;
    rest.end = bitmap_find(history->missing, rest, false);
    return rest;
}

/* ---- the hash ---- */

static bool is_content(struct version *version, const uint8_t *digest, size_t length)
{
    LOCKED(&version->lock);
    return verify_matches(version, digest, length);
}

static void hashed(struct version *version, const uint8_t *digest, size_t length, uint64_t losses)
{
    int code = -ESTALE; /* the disk has lost something that was here */

    if (length > 0 && losses == version->history->losses) {
        if (!is_content(version, digest, length)) {
            code = next_candidate(version->history);
        } else if ((code = history_succeed(version)) == 0) {
            fetch_advance(version);
            return;
        }
    }
    step_end(version, code);
}

static bool hash(struct version *version)
{
    LOCKED(&version->lock);
    return verify_start(version, hashed);
}

/* ---- the steps ---- */

/* Takes the next step of one that is running. */
static void history_go_on(struct version *version)
{
    const struct history *history = version->history;
    struct block_range range;
    bool is_asked;

    if (history->count == 0) {
        is_asked = ask_list(version);
    } else if (!history->url) {
        is_asked = ask_url(version);
    } else {
        range = next_range(version);
        is_asked = range.first < range.end ? ask_range(version, range) : hash(version);
    }
    if (!is_asked)
        history_fail(version, -ECANCELED);
}

/* Whether one is to begin, which then is running. */
static bool history_begin(struct version *version)
{
    struct history *history;

    LOCKED(&version->lock);
    if (!history_is_due(version))
        return false;
    if (!version->history)
        version->history = x_calloc(1, sizeof *history);
    history = version->history;
    history->state = HISTORY_RUNNING;
    history->is_cancelled = false;
    history->tried = history->at = 0;
    history->has_relocated = history->is_wrong = history->has_come = false;
    history->disk_error = 0;
    history->losses = version->losses;
    history->missing = x_calloc(1, bitmap_size(version->blocks));
    for (size_t block = 0; block < version->blocks; block++) {
        struct block_range one = { block, block + 1 };

        if (bitmap_get(version->present, block))
            continue;
        bitmap_fill(history->missing, one, true);
        bitmap_fill(version->pending, one, true);
        history->reserved += block_range_bytes(one, version->size);
    }
    return true;
}

void history_if_needed(struct version *version)
{
    struct history *history;
    int r;

    if (!history_begin(version))
        return;
    history = version->history;
    log_info("content", "an open file was replaced: its own content is looked for");
    r = version_reserve(version, history->reserved);
    if (r == 0) {
        history_go_on(version);
        return;
    }
    history->reserved = 0;
    log_warn("content", "an old version can't be kept: %s", ERRNO_TEXT(r));
    history_fail(version, -ESTALE);
}
