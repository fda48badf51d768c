/* SPDX-License-Identifier: MIT */
/*
 * The life of content, and its table of versions.
 *
 * The table knows every version that is on disk or in use, one object per generation. A version is
 * referenced (active) or at rest (idle); the change between the two happens under the table's lock,
 * but what it costs on disk is done outside, under the version's own lock: whoever takes a version
 * up again while its last user puts it to rest simply finds it loaded or not.
 *
 * Everything that runs later (requests, jobs) is counted, so that content_free() can wait for the
 * end.
 */
#include "config.h"

#include "content/content_i.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/paths.h"
#include "base/xalloc.h"

/* ---- jobs ---- */

void content_job_begin(struct content *content)
{
    LOCKED(&content->jobs_lock);
    content->jobs++;
}

void content_job_end(struct content *content)
{
    LOCKED(&content->jobs_lock);
    if (--content->jobs == 0)
        (void)pthread_cond_broadcast(&content->jobs_ended);
}

struct submission {
    struct version *version;
    void (*fn)(void *version);
};

static void run_submission(void *arg)
{
    struct submission submission = *(struct submission *)arg;
    struct content *content = submission.version->content;

    free(arg);
    submission.fn(submission.version);
    version_unref(submission.version);
    content_job_end(content);
}

void content_submit(struct version *version, void (*fn)(void *version))
{
    struct submission *submission = x_calloc(1, sizeof *submission);

    submission->version = version;
    submission->fn = fn;
    version_ref(version);
    content_job_begin(version->content);
    pool_submit(version->content->pool, run_submission, submission);
}

/* ---- the table ---- */

static int compare_generations(const void *one, const void *other)
{
    const struct version *a = one, *b = other;

    return a->generation < b->generation ? -1 : a->generation > b->generation;
}

/* With the table's lock held. */
static struct version *table_find(const struct content *content, uint64_t generation)
{
    struct version key = { .generation = generation };
    void *found = tfind(&key, &content->versions, compare_generations);

    return found ? *(struct version **)found : NULL;
}

/* With the table's lock held: where a version without a reference is listed. It reads what is
 * settled. */
static struct version_list *table_rest(struct content *content, const struct version *version)
{
    return version->is_pinned ? &content->kept : &content->idle;
}

/* With the table's lock held: from idle to active, if need be. */
static void table_reference(struct content *content, struct version *version)
{
    if (atomic_fetch_add(&version->references, 1) > 0)
        return;
    TAILQ_REMOVE(table_rest(content, version), version, listed);
    TAILQ_INSERT_TAIL(&content->active, version, listed);
}

struct version *content_find_version(struct content *content, uint64_t generation)
{
    struct version *version;

    LOCKED(&content->lock);
    version = table_find(content, generation);
    if (version)
        table_reference(content, version);
    return version;
}

struct version *content_get_version(struct content *content, uint64_t generation, int64_t size)
{
    struct version *version;

    LOCKED(&content->lock);
    version = table_find(content, generation);
    if (version) {
        table_reference(content, version);
        return version;
    }
    version = version_new(content, generation, size);
    if (!tsearch(version, &content->versions, compare_generations))
        abort();
    atomic_store(&version->references, 1);
    TAILQ_INSERT_TAIL(&content->active, version, listed);
    return version;
}

void version_ref(struct version *version)
{
    (void)atomic_fetch_add(&version->references, 1);
}

/* True if that was not the last reference. */
static bool version_unref_shared(struct version *version)
{
    unsigned references = atomic_load(&version->references);

    while (references > 1)
        if (atomic_compare_exchange_weak(&version->references, &references, references - 1))
            return true;
    return false;
}

/* With the table's lock held and the last reference ended: idle, or unknown if nothing is on disk.
 */
static void table_put_to_rest(struct content *content, struct version *version, bool has_file)
{
    atomic_store(&version->references, 0);
    TAILQ_REMOVE(&content->active, version, listed);
    if (has_file || version->is_pinned) {
        TAILQ_INSERT_TAIL(table_rest(content, version), version, listed);
    } else {
        (void)tdelete(version, &content->versions, compare_generations);
        version_free(version);
    }
}

void version_unref(struct version *version)
{
    struct content *content = version->content;

    while (!version_unref_shared(version)) {
        {
            LOCKED(&version->lock);
            /* Somebody may have come and gone since, and left work behind that needs it. */
            if (version->is_loaded && version->handles == 0 &&
                atomic_load(&version->references) == 1)
                version_unload(version);
        }
        LOCKED(&content->lock);
        if (version_unref_shared(version))
            return;
        /* Nobody else has it, or can get it: this reads what is settled. It is loaded again if
         * somebody came and went since it was unloaded. */
        if (!version->is_loaded) {
            table_put_to_rest(content, version, version->has_file);
            return;
        }
    }
}

struct version *content_take_idle(struct content *content)
{
    struct version *version;

    LOCKED(&content->lock);
    version = TAILQ_FIRST(&content->idle);
    if (version)
        table_reference(content, version);
    return version;
}

size_t content_count_active(struct content *content)
{
    const struct version *version;
    size_t count = 0;

    LOCKED(&content->lock);
    TAILQ_FOREACH (version, &content->active, listed)
        count++;
    return count;
}

struct version *content_next_active(struct content *content)
{
    struct version *version;

    LOCKED(&content->lock);
    version = TAILQ_FIRST(&content->active);
    if (!version)
        return NULL;
    TAILQ_REMOVE(&content->active, version, listed);
    TAILQ_INSERT_TAIL(&content->active, version, listed);
    version_ref(version);
    return version;
}

/* ---- open files ---- */

void version_describe(struct version *version, const struct content_id *id)
{
    struct version_id *known = &version->id;
    char **strings[] = { &known->drive_id, &known->item_id, &known->etag, &known->ctag,
                         &known->hash };
    const char *const values[] = { id->drive_id, id->item_id, id->etag, id->ctag, id->hash };

    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        free(*strings[i]);
        *strings[i] = x_strdup(values[i]);
    }
    known->hash_kind = id->hash ? id->hash_kind : HASH_NONE;
    known->server_mtime_ns = id->server_mtime_ns;
}

/* With the version's lock held. */
static int version_take_up(struct version *version, const struct content_id *id, struct err *err)
{
    if (version_load_as(version, id->size) < 0)
        return err_set(err, -ESTALE, "the content is in use with another size");
    if (version->handles == 0 && version->is_broken) {
        version->is_broken = false; /* a new user, a new try */
        version->wrong_length = 0;
    }
    version_describe(version, id);
    if (version->is_stale && !history_is_running(version)) {
        version->is_stale = version->is_perhaps_stale = false;
        history_forget(version);
        read_want_again(version); /* which waited for history */
        fetch_advance_later(version);
    }
    version->was_opened = true;
    version->handles++;
    verify_if_whole(version);
    return 0;
}

int content_open(struct content *content, const struct content_id *id, struct content_file **ret,
                 struct err *err)
{
    struct version *version;
    int r;

    if (id->size < 0 || id->size > CONTENT_MAX_SIZE)
        return err_set(err, -EFBIG, "a size that no content has");
    version = content_get_version(content, id->generation, id->size);
    {
        LOCKED(&version->lock);
        r = version_take_up(version, id, err);
    }
    if (r < 0) {
        version_unref(version);
        return r;
    }
    *ret = x_calloc(1, sizeof **ret);
    (*ret)->version = version;
    return 0;
}

void content_close(struct content_file *file)
{
    struct version *version;
    bool is_last, has_unsynced;

    if (!file)
        return;
    version = file->version;
    {
        LOCKED(&version->lock);
        is_last = --version->handles == 0;
        has_unsynced = version->has_unsynced && !version->is_dropped;
    }
    if (is_last) {
        fetch_cancel_unwanted(version);
        history_cancel(version);
        if (has_unsynced)
            version_persist_later(version);
    }
    version_unref(version);
    free(file);
}

int64_t content_size(const struct content_file *file)
{
    struct version *version = file->version;

    LOCKED(&version->lock);
    return version->size;
}

/* ---- questions ---- */

static enum content_state version_state(struct version *version)
{
    LOCKED(&version->lock);
    if (!version->is_loaded && !version->has_file)
        version_load(version); /* the scan may not have come here yet */
    if (version->present_count == 0)
        return CONTENT_CLOUD;
    if (!version_is_whole(version))
        return CONTENT_PARTIAL;
    return version->verdict == VERDICT_UNVERIFIED ? CONTENT_UNVERIFIED : CONTENT_CACHED;
}

enum content_state content_state(struct content *content, uint64_t generation, int64_t size)
{
    struct version *version;
    enum content_state state;

    if (size == 0)
        return CONTENT_CACHED;
    version = content_get_version(content, generation, size);
    state = version_state(version);
    version_unref(version);
    return state;
}

void content_drop(struct content *content, uint64_t generation)
{
    struct version *version = content_get_version(content, generation, 0);

    {
        LOCKED(&version->lock);
        version->is_dropped = true;
        version_set_pinned(version, false);
        if (version->handles == 0 && !version->is_loaded)
            version_remove(version);
    }

    version_unref(version);
}

void content_set_on_wrong(struct content *content, content_wrong_fn *fn, void *arg)
{
    LOCKED(&content->wrong_lock);
    content->on_wrong = fn;
    content->on_wrong_arg = arg;
}

void content_get_status(struct content *content, struct content_status *ret)
{
    LOCKED(&content->jobs_lock);
    *ret = (struct content_status){
        .used_bytes = atomic_load(&content->used_bytes),
        .pinned_bytes = atomic_load(&content->pinned_bytes),
        .limit_bytes = content->limit_bytes,
        .files = atomic_load(&content->files),
        .fetches_active = content->fetches_active,
        .is_without_room = atomic_load(&content->is_without_room),
    };
}

/* ---- life ---- */

static int set_boot_id(struct content *content, const char *boot_id, struct err *err)
{
    int r = 0;

    if (boot_id)
        (void)snprintf(content->boot_id, UUID_SIZE, "%s", boot_id);
    else
        r = uuid_boot(content->boot_id);
    return r == 0 ? 0 : err_set_errno(err, r, "reading the id of this boot");
}

int content_new(const struct content_conf *conf, struct content **ret, struct err *err)
{
    struct content *content = x_calloc(1, sizeof *content);
    int r;

    content->base_directory = x_asprintf("%s/content", conf->cache_dir);
    content->directory = x_asprintf("%s/%s", content->base_directory, conf->store_uuid);
    content->limit_bytes = conf->limit_bytes;
    content->min_free_bytes = conf->min_free_bytes;
    content->remote = conf->remote;
    content->pool = conf->pool;
    content->clock = conf->clock;
    atomic_store(&content->knows_pins, !conf->waits_for_pins);
    TAILQ_INIT(&content->idle);
    TAILQ_INIT(&content->kept);
    TAILQ_INIT(&content->active);
    STAILQ_INIT(&content->persist_queue);
    (void)pthread_mutex_init(&content->wrong_lock, NULL);
    (void)pthread_mutex_init(&content->evicting, NULL);
    (void)pthread_mutex_init(&content->lock, NULL);
    (void)pthread_mutex_init(&content->jobs_lock, NULL);
    (void)pthread_cond_init(&content->jobs_ended, NULL);

    r = set_boot_id(content, conf->boot_id, err);
    if (r == 0) {
        r = mkdir_p(content->directory, 0700);
        if (r < 0)
            err_set_errno(err, r, "making the cache directory %s", content->directory);
    }
    if (r < 0) {
        content_free(content);
        return r;
    }
    scan_start(content);
    *ret = content;
    return 0;
}

/* Has every active version answer its reads and give up its fetches. */
static void content_give_up(struct content *content)
{
    struct version *version;

    LOCKED(&content->lock);
    TAILQ_FOREACH (version, &content->active, listed)
        content_submit(version, read_give_up);
}

static void content_wait_for_jobs(struct content *content)
{
    LOCKED(&content->jobs_lock);
    while (content->jobs > 0)
        (void)pthread_cond_wait(&content->jobs_ended, &content->jobs_lock);
}

static void free_node(void *node)
{
    version_free(node);
}

void content_free(struct content *content)
{
    if (!content)
        return;
    atomic_store(&content->is_closing, true);
    content_give_up(content);
    content_wait_for_jobs(content);
    tdestroy(content->versions, free_node);
    (void)pthread_cond_destroy(&content->jobs_ended);
    (void)pthread_mutex_destroy(&content->jobs_lock);
    (void)pthread_mutex_destroy(&content->lock);
    (void)pthread_mutex_destroy(&content->evicting);
    (void)pthread_mutex_destroy(&content->wrong_lock);
    free(content->directory);
    free(content->base_directory);
    free(content);
}
