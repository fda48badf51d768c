/* SPDX-License-Identifier: MIT */
/*
 * Each request is a job on the fake's own pool. A job that finds hold set puts its request aside;
 * release submits those again. The lock guards everything and is not held while done runs.
 */
#include "config.h"

#include "fake_content_remote.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/lock.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "content/hash.h"

#define ITEMS_MAX 128
#define OLDS_MAX  8

struct fake_item {
    char id[32];
    int64_t size;
    unsigned seed;
    unsigned revision;      /* of the content, and of the eTag unless touched */
    unsigned etag_revision; /* of the item */
    unsigned told_revision; /* what a lagging item says */
    int64_t mtime_ns;       /* of an old version, which is an item called ITEM~VERSION */
};

struct request {
    TAILQ_ENTRY(request) next;
    struct fake_remote *fake;
    uint64_t id;
    bool is_cancelled;
    char item_id[32];
    unsigned url_age;
    int64_t offset;
    size_t length;
    remote_items_fn *located; /* one of these */
    remote_fetch_fn *fetched;
    remote_versions_fn *listed;
    remote_url_fn *found;
    remote_piece_fn *piece;
    size_t piece_length;
    unsigned pieces; /* given so far */
    void *arg;
};

struct fake_remote {
    struct remote remote;
    struct pool *pool;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct fake_item items[ITEMS_MAX];
    size_t count;
    struct fake_faults faults;
    struct fake_counts counts;
    unsigned cancels;
    unsigned url_age;
    unsigned corruptions;
    uint64_t last_id;
    bool is_holding;
    unsigned held_count;
    TAILQ_HEAD(, request) held;
};

char fake_byte(unsigned seed, int64_t offset)
{
    uint64_t x = ((uint64_t)offset / 8 + 1) * UINT64_C(0x9e3779b97f4a7c15) + seed;

    x ^= x >> 29;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    return (char)(x >> (8 * (offset % 8)));
}

char *fake_hash(int64_t size, unsigned seed)
{
    struct hash *hash = hash_new(HASH_QUICKXOR);
    uint8_t digest[HASH_DIGEST_MAX];
    size_t length;

    for (int64_t offset = 0; offset < size; offset++) {
        char byte = fake_byte(seed, offset);

        hash_update(hash, &byte, 1);
    }
    length = hash_final(hash, digest);
    hash_free(hash);
    return base64_encode(digest, length);
}

/* With the lock held. */
static struct fake_item *find(struct fake_remote *fake, const char *id)
{
    for (size_t i = 0; i < fake->count; i++)
        if (strcmp(fake->items[i].id, id) == 0)
            return &fake->items[i];
    return NULL;
}

/* Same, of an item that was put. */
static struct fake_item *must_find(struct fake_remote *fake, const char *id)
{
    struct fake_item *item = find(fake, id);

    if (!item)
        abort();
    return item;
}

/* ---- answers ---- */

/* A page of one item, and all that its strings live in. */
struct answer_page {
    struct item_page page;
    struct item item;
    char id[32], etag[64], ctag[64], url[96];
};

void item_page_free(struct item_page *page)
{
    free(page);
}

static struct item_page *make_page(struct fake_remote *fake, const struct fake_item *item,
                                   const char *id)
{
    struct answer_page *answer = x_calloc(1, sizeof *answer);

    (void)snprintf(answer->id, sizeof answer->id, "%s", id);
    answer->item = (struct item){ .id = answer->id, .flags = ITEM_DELETED };
    if (item) {
        unsigned told = item->told_revision ? item->told_revision : item->etag_revision;
        unsigned content = item->told_revision ? item->told_revision : item->revision;

        (void)snprintf(answer->etag, sizeof answer->etag, "\"{%s},%u\"", id, told);
        (void)snprintf(answer->ctag, sizeof answer->ctag, "\"c:{%s},%u\"", id, content);
        (void)snprintf(answer->url, sizeof answer->url, "https://host.example/%s?age=%u", id,
                       fake->url_age);
        answer->item.kind = ITEM_FILE;
        answer->item.flags = ITEM_HAS_SIZE;
        answer->item.size = item->size;
        answer->item.etag = answer->etag;
        answer->item.ctag = answer->ctag;
        answer->item.download_url = answer->url;
    }
    answer->page.items = &answer->item;
    answer->page.count = 1;
    return &answer->page;
}

static void answer_locate(struct request *request)
{
    struct fake_remote *fake = request->fake;
    struct err err = { 0 }, none = { 0 };

    struct item_page *page = NULL;

    {
        LOCKED(&fake->lock);
        fake->counts.locates++;
        if (request->is_cancelled)
            err.code = -ECANCELED;
        else if (fake->faults.fail_locates > 0 && fake->faults.fail_locates--)
            err.code = fake->faults.fail_code;
        else
            page = make_page(fake, find(fake, request->item_id), request->item_id);
    }

    request->located(page, &none, page ? NULL : &err, request->arg);
}

/* With the lock held: an old version of an item, or NULL. */
static const char *old_of(const struct fake_item *item, const char *id)
{
    size_t length = strlen(id);

    return strncmp(item->id, id, length) == 0 && item->id[length] == '~' ? item->id + length + 1
                                                                         : NULL;
}

/* Versions of an item, and all that they live in. */
struct answer_list {
    struct version_infos list;
    struct version_info versions[OLDS_MAX];
    char ids[OLDS_MAX][32];
};

void version_infos_free(struct version_infos *list)
{
    free(list);
}

static void add_version(struct answer_list *answer, const char *id, const struct fake_item *item)
{
    size_t i = answer->list.count++;

    (void)snprintf(answer->ids[i], sizeof answer->ids[i], "%s", id);
    answer->versions[i] = (struct version_info){
        .id = answer->ids[i],
        .size = item->size,
        .mtime_ns = item->mtime_ns,
    };
}

/* With the lock held: the newest first. */
static struct version_infos *make_list(struct fake_remote *fake, const char *id)
{
    struct answer_list *answer = x_calloc(1, sizeof *answer);

    answer->list.versions = answer->versions;
    add_version(answer, "now", must_find(fake, id));
    for (size_t i = fake->count; i-- > 0 && answer->list.count < OLDS_MAX;)
        if (old_of(&fake->items[i], id))
            add_version(answer, old_of(&fake->items[i], id), &fake->items[i]);
    return &answer->list;
}

/* With the lock held: whether this request about old versions fails. */
static bool old_fails(struct request *request, struct err *err)
{
    struct fake_remote *fake = request->fake;

    if (request->is_cancelled) {
        err->code = -ECANCELED;
    } else if (fake->faults.fail_olds > 0) {
        fake->faults.fail_olds--;
        err->code = fake->faults.fail_code;
        err->http_status = fake->faults.fail_status;
    }
    return err->code != 0;
}

static void answer_list(struct request *request)
{
    struct fake_remote *fake = request->fake;
    struct version_infos *list = NULL;

    struct err err = { 0 };

    {
        LOCKED(&fake->lock);
        fake->counts.lists++;
        if (!old_fails(request, &err))
            list = make_list(fake, request->item_id);
    }

    request->listed(list, list ? NULL : &err, request->arg);
}

static void answer_old_url(struct request *request)
{
    struct fake_remote *fake = request->fake;
    struct err err = { 0 };
    char url[96];

    {
        LOCKED(&fake->lock);
        fake->counts.old_urls++;
        (void)snprintf(url, sizeof url, "https://host.example/%s?age=%u", request->item_id,
                       fake->url_age);
        if (!old_fails(request, &err) && !find(fake, request->item_id))
            err = (struct err){ .code = -EINVAL, .http_status = 400 };
    }
    request->found(err.code ? NULL : url, err.code ? &err : NULL, request->arg);
}

/* With the lock held: what goes wrong with this fetch, as an error; code 0: nothing. */
static struct err fetch_error(struct fake_remote *fake, const struct request *request,
                              const struct fake_item *item)
{
    struct err err = { 0 };

    if (request->is_cancelled) {
        err.code = -ECANCELED;
    } else if (fake->faults.fail_fetches > 0) {
        fake->faults.fail_fetches--;
        err.code = fake->faults.fail_code;
        err.http_status = fake->faults.fail_status;
    } else if (!item || request->url_age != fake->url_age) {
        err.code = -EACCES;
        err.http_status = 401;
    }
    return err;
}

/* With the lock held: up to ${length} bytes from the request's offset on, for the caller to free.
 */
static char *fetch_bytes(struct fake_remote *fake, const struct request *request,
                         const struct fake_item *item, size_t length, struct fetch_answer *answer)
{
    int64_t left = item->size - request->offset;
    char *data;

    answer->offset = request->offset;
    answer->length = left > 0 ? (size_t)left : 0;
    if (answer->length > length)
        answer->length = length;
    answer->total = fake->faults.wrong_total ? fake->faults.wrong_total : item->size;
    data = x_malloc(answer->length + 1);
    for (size_t i = 0; i < answer->length; i++)
        data[i] = fake_byte(item->seed, request->offset + (int64_t)i);
    if (answer->length > 0 && fake->faults.corrupt_fetches > 0) {
        fake->faults.corrupt_fetches--;
        fake->corruptions += fake->faults.corrupt_differently;
        data[0] = (char)(data[0] ^ (int)(1 + fake->corruptions));
    }
    answer->data = data;
    fake->counts.fetched_bytes += (int64_t)answer->length;
    return data;
}

/* With the lock held: what the content host tells; made in ${buffer}. */
static const char *fetch_etag(const struct fake_remote *fake, const struct fake_item *item,
                              char *buffer, size_t size)
{
    switch (fake->faults.etag) {
    case FAKE_ETAG_OF_ITEM:
        (void)snprintf(buffer, size, "{%s},%u", item->id, item->etag_revision);
        return buffer;
    case FAKE_ETAG_UNRELATED:
        return "some other tag";
    case FAKE_ETAG_NONE:
        break;
    }
    return NULL;
}

/* Gives the next piece of a range that is long enough for one and won't fail. */
static bool give_piece(struct request *request)
{
    struct fake_remote *fake = request->fake;
    struct fetch_answer answer = { 0 };
    char etag[64], *data;

    {
        const struct fake_item *item;

        LOCKED(&fake->lock);
        item = find(fake, request->item_id);
        if (!request->piece || request->length <= request->piece_length || request->is_cancelled ||
            fake->faults.fail_fetches > 0 || !item || request->url_age != fake->url_age)
            return false;
        data = fetch_bytes(fake, request, item, request->piece_length, &answer);
        answer.etag = fetch_etag(fake, item, etag, sizeof etag);
    }
    request->piece(&answer, request->arg);
    free(data);
    request->offset += (int64_t)request->piece_length;
    request->length -= request->piece_length;
    request->pieces++;
    return true;
}

static void answer_fetch(struct request *request)
{
    struct fake_remote *fake = request->fake;
    struct fetch_answer answer = { 0 };
    char etag[64], *data = NULL;

    struct err err;

    {
        const struct fake_item *item;

        LOCKED(&fake->lock);
        fake->counts.fetches++;
        item = find(fake, request->item_id);
        err = fetch_error(fake, request, item);
        if (err.code == 0) {
            data = fetch_bytes(fake, request, item, request->length, &answer);
            answer.etag = fetch_etag(fake, item, etag, sizeof etag);
        }
    }

    request->fetched(err.code ? NULL : &answer, err.code ? &err : NULL, request->arg);
    free(data);
}

static bool put_aside(struct request *request)
{
    struct fake_remote *fake = request->fake;

    LOCKED(&fake->lock);
    if (!fake->is_holding || !request->fetched || request->is_cancelled ||
        request->pieces < fake->faults.hold_pieces)
        return false;
    TAILQ_INSERT_TAIL(&fake->held, request, next);
    fake->held_count++;
    (void)pthread_cond_broadcast(&fake->changed);
    return true;
}

static void run_request(void *arg)
{
    struct request *request = arg;

    do {
        if (put_aside(request))
            return;
    } while (give_piece(request));
    if (request->fetched)
        answer_fetch(request);
    else if (request->listed)
        answer_list(request);
    else if (request->found)
        answer_old_url(request);
    else
        answer_locate(request);
    free(request);
}

/* ---- the calls ---- */

static uint64_t submit(struct fake_remote *fake, struct request *request)
{
    uint64_t id;

    {
        LOCKED(&fake->lock);
        id = request->id = ++fake->last_id;
    }
    request->fake = fake;
    pool_submit(fake->pool, run_request, request);
    return id;
}

static uint64_t fake_items(struct remote *remote, const struct item_query *query,
                           remote_items_fn *done, void *arg)
{
    struct request *request = x_calloc(1, sizeof *request);

    (void)snprintf(request->item_id, sizeof request->item_id, "%s", query->ids[0]);
    request->located = done;
    request->arg = arg;
    return submit((struct fake_remote *)remote, request);
}

static uint64_t fake_fetch(struct remote *remote, const struct fetch_query *query,
                           remote_fetch_fn *done, void *arg)
{
    struct request *request = x_calloc(1, sizeof *request);

    if (sscanf(query->url, "https://host.example/%31[^?]?age=%u", request->item_id,
               &request->url_age) != 2)
        abort();
    request->offset = query->offset;
    request->length = query->length;
    request->fetched = done;
    request->piece = query->piece;
    request->piece_length = query->piece_length;
    request->arg = arg;
    return submit((struct fake_remote *)remote, request);
}

static uint64_t fake_versions(struct remote *remote, const struct version_query *query,
                              remote_versions_fn *done, void *arg)
{
    struct request *request = x_calloc(1, sizeof *request);

    (void)snprintf(request->item_id, sizeof request->item_id, "%s", query->item_id);
    request->listed = done;
    request->arg = arg;
    return submit((struct fake_remote *)remote, request);
}

static uint64_t fake_version_url(struct remote *remote, const struct version_query *query,
                                 remote_url_fn *done, void *arg)
{
    struct request *request = x_calloc(1, sizeof *request);

    (void)snprintf(request->item_id, sizeof request->item_id, "%s~%s", query->item_id,
                   query->version_id);
    request->found = done;
    request->arg = arg;
    return submit((struct fake_remote *)remote, request);
}

static void fake_cancel(struct remote *remote, uint64_t id)
{
    struct fake_remote *fake = (struct fake_remote *)remote;
    struct request *request;

    LOCKED(&fake->lock);
    fake->cancels++;
    TAILQ_FOREACH (request, &fake->held, next) {
        if (request->id != id)
            continue;
        TAILQ_REMOVE(&fake->held, request, next);
        fake->held_count--;
        request->is_cancelled = true;
        pool_submit(fake->pool, run_request, request);
        return;
    }
}

static const struct remote_ops fake_ops = {
    .items = fake_items,
    .fetch = fake_fetch,
    .versions = fake_versions,
    .version_url = fake_version_url,
    .cancel = fake_cancel,
};

/* ---- what the test says ---- */

struct fake_remote *fake_remote_new(void)
{
    struct fake_remote *fake = x_calloc(1, sizeof *fake);

    fake->remote.ops = &fake_ops;
    fake->pool = pool_new("remote", 3);
    (void)pthread_mutex_init(&fake->lock, NULL);
    (void)pthread_cond_init(&fake->changed, NULL);
    TAILQ_INIT(&fake->held);
    return fake;
}

void fake_remote_free(struct fake_remote *fake)
{
    fake_remote_release(fake);
    pool_free(fake->pool);
    (void)pthread_cond_destroy(&fake->changed);
    (void)pthread_mutex_destroy(&fake->lock);
    free(fake);
}

struct remote *fake_remote_get(struct fake_remote *fake)
{
    return &fake->remote;
}

void fake_remote_put(struct fake_remote *fake, const char *id, int64_t size, unsigned seed,
                     unsigned revision)
{
    struct fake_item *item;

    LOCKED(&fake->lock);
    item = find(fake, id);
    if (!item) {
        if (fake->count == ITEMS_MAX)
            abort();
        item = &fake->items[fake->count++];
        (void)snprintf(item->id, sizeof item->id, "%s", id);
    }
    item->size = size;
    item->seed = seed;
    item->revision = item->etag_revision = revision;
    item->told_revision = 0;
}

void fake_remote_add_old(struct fake_remote *fake, const char *id, const char *version_id,
                         int64_t size, unsigned seed, int64_t mtime_ns)
{
    cleanup_free char *name = x_asprintf("%s~%s", id, version_id);

    fake_remote_put(fake, name, size, seed, seed);
    LOCKED(&fake->lock);
    must_find(fake, name)->mtime_ns = mtime_ns;
}

void fake_remote_touch(struct fake_remote *fake, const char *id, unsigned etag_revision)
{
    LOCKED(&fake->lock);
    must_find(fake, id)->etag_revision = etag_revision;
}

void fake_remote_lag(struct fake_remote *fake, const char *id, unsigned told_revision)
{
    LOCKED(&fake->lock);
    must_find(fake, id)->told_revision = told_revision;
}

void fake_remote_expire_urls(struct fake_remote *fake)
{
    LOCKED(&fake->lock);
    fake->url_age++;
}

void fake_remote_set_faults(struct fake_remote *fake, const struct fake_faults *faults)
{
    LOCKED(&fake->lock);
    fake->faults = *faults;
}

void fake_remote_hold(struct fake_remote *fake)
{
    LOCKED(&fake->lock);
    fake->is_holding = true;
}

void fake_remote_await_held(struct fake_remote *fake, unsigned count)
{
    LOCKED(&fake->lock);
    while (fake->held_count < count)
        (void)pthread_cond_wait(&fake->changed, &fake->lock);
}

void fake_remote_release(struct fake_remote *fake)
{
    struct request *request;

    LOCKED(&fake->lock);
    fake->is_holding = false;
    while ((request = TAILQ_FIRST(&fake->held))) {
        TAILQ_REMOVE(&fake->held, request, next);
        fake->held_count--;
        pool_submit(fake->pool, run_request, request);
    }
}

struct fake_counts fake_remote_counts(struct fake_remote *fake)
{
    LOCKED(&fake->lock);
    return fake->counts;
}

unsigned fake_remote_cancels(struct fake_remote *fake)
{
    LOCKED(&fake->lock);
    return fake->cancels;
}
