/* SPDX-License-Identifier: MIT */
/*
 * Where a version's bytes are to be had, and whether they are still this version's.
 *
 * Both are told by one request for the item: it brings a preauthenticated URL, and the tags of that
 * moment. One is under way at most per version. It serves fetches that need a URL, and fetches
 * whose bytes are here but prove nothing by themselves: an answer that was asked for after them and
 * speaks of this version's content proves them.
 *
 * The URL leads to whatever the item's content is when it is used. So an item whose answer is older
 * than what the version is known by (reads lag) is no obstacle: its URL is good, only its word
 * proves nothing. A content host whose ETag is of the same series as the item's, but another,
 * contradicts: then the bytes are fetched again, a few times, and given up as stale, for this read
 * only.
 */
#include "config.h"

#include "content/content_i.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "content/belong.h"

/* The service promises "a few minutes". */
#define URL_LIFETIME_MS (5 * 60 * 1000)

bool locate_has_url(const struct version *version)
{
    return version->url && clock_mono_ms(version->content->clock) < version->url_until_ms;
}

void locate_forget(struct version *version)
{
    free(steal_ptr(&version->url));
}

/* ---- the answer; the version's lock is held ---- */

static void fail_waiting(struct version *version, int code)
{
    struct fetch *fetch, *next;

    for (fetch = TAILQ_FIRST(&version->fetches); fetch; fetch = next) {
        next = TAILQ_NEXT(fetch, listed);
        if (fetch->state == FETCH_QUEUED ||
            (fetch->state == FETCH_CHECKING && fetch->check <= version->locates))
            fetch_fail(fetch, code);
    }
}

/* Whether an item's answer proves the bytes of a fetch that was waiting for it. */
static bool is_proven(const struct fetch *fetch, enum belong belong, const char *located_etag)
{
    enum tag_order order = tag_compare(fetch->etag, located_etag);

    if (fetch->has_wrong_size || belong != BELONG_SAME)
        return false;
    return !fetch->etag || order == TAG_EQUAL || order == TAG_UNRELATED;
}

/* The content host's tag says so: what it gave is another version's, while the item lags behind. */
static bool is_of_another_state(const struct fetch *fetch)
{
    enum tag_order order = tag_compare(fetch->etag, fetch->version->id.etag);

    return order == TAG_BEFORE || order == TAG_AFTER;
}

/* The content host has what is newer, although the item doesn't say so yet. It may be the same
 * content, of an item that was renamed: that isn't known before the item says it. */
static void decide_stale(const struct fetch *fetch)
{
    struct version *version = fetch->version;

    if (version->is_stale || tag_compare(fetch->etag, version->id.etag) != TAG_AFTER)
        return;
    version->is_stale = version->is_perhaps_stale = true;
}

static void decide(struct fetch *fetch, enum belong belong)
{
    struct version *version = fetch->version;

    if (is_proven(fetch, belong, version->located_etag)) {
        if (fetch->etag) {
            free(version->good_etag);
            version->good_etag = steal_ptr(&fetch->etag);
        }
        fetch_accept(fetch);
    } else if (fetch->has_wrong_size && !is_of_another_state(fetch)) {
        log_warn("content", "the content has another size than its item says: not served");
        fetch_fail(fetch, -EIO);
    } else if (++fetch->tries < FETCH_TRIES_MAX) {
        fetch_again(fetch);
    } else {
        decide_stale(fetch);
        fetch_fail(fetch, -ESTALE);
    }
}

static void decide_checked(struct version *version, enum belong belong)
{
    struct fetch *fetch, *next;

    for (fetch = TAILQ_FIRST(&version->fetches); fetch; fetch = next) {
        next = TAILQ_NEXT(fetch, listed);
        if (fetch->state == FETCH_CHECKING && fetch->check <= version->locates)
            decide(fetch, belong);
    }
}

/* Returns 0, or what the reads fail with. */
static int take_in_item(struct version *version, const struct item *item, enum belong *ret_belong)
{
    const struct content_id id = {
        .size = version->size,
        .etag = version->id.etag,
        .ctag = version->id.ctag,
        .hash_kind = version->id.hash_kind,
        .hash = version->id.hash,
        .server_mtime_ns = version->id.server_mtime_ns,
    };
    enum belong belong;

    locate_forget(version);
    free(steal_ptr(&version->located_etag));
    if (item->flags & ITEM_DELETED)
        return -ESTALE;
    if (item->flags & ITEM_MALWARE)
        return -EACCES;
    belong = belong_item(&id, item);
    if (belong == BELONG_OTHER) {
        version->is_stale = true;
        version->is_perhaps_stale = false;
        return -ESTALE;
    }
    if (!item->download_url)
        return -EIO;
    if (belong == BELONG_SAME)
        version->located_etag = tag_plain(item->etag);
    version->url = x_strdup(item->download_url);
    version->url_until_ms = clock_mono_ms(version->content->clock) + URL_LIFETIME_MS;
    *ret_belong = belong;
    return 0;
}

/* What went wrong with the request or with that item in it; NULL: nothing. */
static const struct err *failure_of(const struct item_page *page, const struct err *errors,
                                    const struct err *err, size_t i)
{
    static const struct err no_item = { .code = -EIO };

    if (err)
        return err;
    if (!page || page->count <= i)
        return &no_item;
    if (errors[i].code != 0 && !(page->items[i].flags & ITEM_DELETED))
        return &errors[i];
    return NULL;
}

void locate_answer(struct version *version, const struct item_page *page, const struct err *errors,
                   const struct err *err, size_t i)
{
    const struct err *failure = failure_of(page, errors, err, i);
    enum belong belong = BELONG_OTHER;
    int r;

    LOCKED(&version->lock);
    version->is_locating = false;
    version->locate_request = 0;
    r = failure ? fetch_status(failure) : take_in_item(version, &page->items[i], &belong);
    if (r < 0)
        fail_waiting(version, r);
    else
        decide_checked(version, belong);
}

static void located(struct item_page *page, const struct err *errors, const struct err *err,
                    void *arg)
{
    struct version *version = arg;
    struct content *content = version->content;

    locate_answer(version, page, errors, err, 0);
    item_page_free(page);
    fetch_advance(version);
    version_unref(version);
    content_job_end(content);
}

/* ---- the request ---- */

/* What a request is made of, copied under the lock. */
struct location_query {
    char *drive_id;
    char *item_id;
    enum remote_priority priority;
    int64_t deadline_ms;
    unsigned number; /* of version->locates */
};

void locate_mark(struct version *version)
{
    version->is_locating = true;
    version->locates++;
}

/* Whether a request has to be made, and for whom. */
static bool locate_begin(struct version *version, struct location_query *query)
{
    int64_t now_ms = clock_mono_ms(version->content->clock);
    bool has_url, is_needed = false;
    const struct fetch *fetch;

    LOCKED(&version->lock);
    if (version->is_locating)
        return false;
    has_url = locate_has_url(version);
    query->priority = REMOTE_PREFETCH;
    TAILQ_FOREACH (fetch, &version->fetches, listed) {
        int64_t left_ms = fetch->deadline_ms - now_ms;

        if (fetch->state == FETCH_SENT || (fetch->state == FETCH_QUEUED && has_url))
            continue;
        is_needed = true;
        if (!fetch->is_prefetch)
            query->priority = REMOTE_READ;
        if (left_ms > query->deadline_ms)
            query->deadline_ms = left_ms;
    }
    if (!is_needed)
        return false;
    if (query->deadline_ms <= 0)
        query->deadline_ms = 1; /* over, which the remote will say */
    query->drive_id = x_strdup(version->id.drive_id);
    query->item_id = x_strdup(version->id.item_id);
    locate_mark(version);
    query->number = version->locates;
    return true;
}

bool locate_note_request(struct version *version, uint64_t request, unsigned number)
{
    bool is_current;

    LOCKED(&version->lock);
    /* Its answer may have come, and another request have begun. */
    is_current = version->is_locating && version->locates == number;
    if (is_current)
        version->locate_request = request;
    return is_current;
}

void locate_if_needed(struct version *version)
{
    struct content *content = version->content;
    struct location_query location = { 0 };
    struct item_query query;
    uint64_t request;

    if (!locate_begin(version, &location))
        return;
    query = (struct item_query){
        .drive_id = location.drive_id,
        .ids = (const char *const[]){ location.item_id },
        .count = 1,
        .priority = location.priority,
        .deadline_ms = location.deadline_ms,
    };
    version_ref(version);
    content_job_begin(content);
    request = remote_items(content->remote, &query, located, version);
    if (locate_note_request(version, request, location.number) && atomic_load(&content->is_closing))
        remote_cancel(content->remote, request);
    free(location.drive_id);
    free(location.item_id);
}

void locate_cancel(struct version *version)
{
    uint64_t request;

    {
        LOCKED(&version->lock);
        request = version->locate_request;
    }
    if (request != 0)
        remote_cancel(version->content->remote, request);
}
