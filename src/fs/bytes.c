/* SPDX-License-Identifier: MIT */
/*
 * The bytes of overlays, as sync sends them. An overlay that still needs its base is filled first;
 * one that is being sent is frozen, and for good: its generation names what was sent, also if the
 * answer comes after a restart, so that whoever writes to the file goes on with another overlay.
 *
 * What was sent becomes the cached version: the overlay's own file, under a new name. Who has it
 * open reads on.
 */
#include "config.h"

#include "fs/bytes.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/vec.h"
#include "base/xalloc.h"
#include "content/hash.h"
#include "fs/fs_i.h"
#include "fs/written.h"

#define PIECE ((size_t)1024 * 1024)

DEFINE_VEC(generations, uint64_t);

struct fs_bytes {
    struct bytes bytes;
    struct overlays *overlays;
    struct pool *pool;
    struct endings *endings;
    struct sync *sync;
    struct fs *fs;

    atomic_bool is_ending; /* what is under way ends soon */
    pthread_mutex_t lock;  /* a leaf */
    pthread_cond_t jobs_ended;
    struct generations lost; /* lock; of which parts can't be had */
    unsigned jobs;           /* lock; on the pool's threads, or queued for them */
};

struct bytes_file {
    struct fs_bytes *owner;
    struct overlay *overlay; /* frozen, and stays so */
};

static struct fs_bytes *fs_bytes_of(struct bytes *bytes)
{
    return (struct fs_bytes *)(void *)bytes;
}

/* ---- jobs ---- */

static void begin_job(struct fs_bytes *owner, void (*fn)(void *arg), void *arg)
{
    {
        LOCKED(&owner->lock);
        owner->jobs++;
    }
    pool_submit(owner->pool, fn, arg);
}

/* The job's file may be gone already: who hears of its end closes it. */
static void end_job(struct fs_bytes *owner)
{
    LOCKED(&owner->lock);
    if (--owner->jobs == 0)
        (void)pthread_cond_broadcast(&owner->jobs_ended);
}

/* ---- opening ---- */

struct filling {
    struct fs_bytes *owner;
    uint64_t generation;
};

static void note_lost(struct fs_bytes *owner, uint64_t generation)
{
    LOCKED(&owner->lock);
    (void)generations_push(&owner->lost, generation);
}

/* True, once: it can't be had. The next time it is looked for again. */
static bool take_lost(struct fs_bytes *owner, uint64_t generation)
{
    size_t kept = 0, count;

    LOCKED(&owner->lock);
    count = owner->lost.len;
    for (size_t i = 0; i < count; i++)
        if (owner->lost.items[i] != generation)
            owner->lost.items[kept++] = owner->lost.items[i];
    owner->lost.len = kept;
    return kept < count;
}

static void on_filled(int status, void *arg)
{
    struct filling filling = *(struct filling *)arg;

    free(arg);
    if (status < 0 && status != -ECANCELED)
        log_warn("fs", "what a changed file keeps of its former content can't be had: %s",
                 ERRNO_TEXT(status));
    if (status == -ESTALE)
        note_lost(filling.owner, filling.generation);
    if (status == 0 || status == -ECANCELED || status == -ESTALE)
        sync_wake_push(filling.owner->sync);
    else
        sync_note_no_bytes(filling.owner->sync);
}

/* Returns -EAGAIN, or -ESTALE if it can't be had. */
static int fill(struct fs_bytes *owner, struct overlay *overlay)
{
    uint64_t generation = overlay_generation(overlay);
    struct filling *filling;

    if (take_lost(owner, generation))
        return -ESTALE;
    filling = x_calloc(1, sizeof *filling);
    *filling = (struct filling){ owner, generation };
    overlay_fill(overlay, on_filled, filling);
    return -EAGAIN;
}

static int open_bytes(struct bytes *bytes, uint64_t generation, struct bytes_file **ret,
                      int64_t *ret_size)
{
    struct fs_bytes *owner = fs_bytes_of(bytes);
    struct overlay *overlay = overlay_get(owner->overlays, generation);
    int r;

    if (!overlay)
        return -ENOENT;
    r = overlay_freeze(overlay);
    if (r == -EAGAIN)
        r = fill(owner, overlay);
    if (r < 0) {
        overlay_unref(overlay);
        return r;
    }
    *ret = x_calloc(1, sizeof **ret);
    (*ret)->owner = owner;
    (*ret)->overlay = overlay;
    *ret_size = overlay_size(overlay);
    return 0;
}

static void close_bytes(struct bytes_file *file)
{
    overlay_unref(file->overlay);
    free(file);
}

/* ---- reading ---- */

struct reading {
    struct bytes_file *file;
    int64_t offset;
    char *data;
    size_t length;
    bytes_done_fn *done;
    void *arg;
};

static int read_all(int fd, char *data, size_t length, int64_t offset)
{
    while (length > 0) {
        ssize_t got = pread(fd, data, length, offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -EIO;
        data += got;
        offset += got;
        length -= (size_t)got;
    }
    return 0;
}

static void read_job(void *arg)
{
    struct reading reading = *(struct reading *)arg;
    struct fs_bytes *owner = reading.file->owner;
    int r;

    free(arg);
    r = read_all(overlay_fd(reading.file->overlay), reading.data, reading.length, reading.offset);
    reading.done(r, reading.arg);
    end_job(owner);
}

static void read_bytes(struct bytes_file *file, int64_t offset, char *data, size_t length,
                       bytes_done_fn *done, void *arg)
{
    struct reading *reading = x_calloc(1, sizeof *reading);

    *reading = (struct reading){ file, offset, data, length, done, arg };
    begin_job(file->owner, read_job, reading);
}

/* ---- hashing ---- */

struct hashing {
    struct bytes_file *file;
    enum hash_kind kind;
    bytes_hash_fn *done;
    void *arg;
};

/* As the service writes it: hexadecimal in capitals. */
static char *hash_text(enum hash_kind kind, const uint8_t *digest, size_t length)
{
    char *text = kind == HASH_QUICKXOR ? base64_encode(digest, length) : hex_encode(digest, length);

    for (char *at = text; kind != HASH_QUICKXOR && *at; at++)
        *at = (char)toupper((unsigned char)*at);
    return text;
}

static int hash_all(const struct hashing *hashing, char **ret)
{
    int64_t size = overlay_size(hashing->file->overlay);
    struct hash *hash = hash_new(hashing->kind);
    cleanup_free char *buffer = x_malloc(PIECE);
    uint8_t digest[HASH_DIGEST_MAX];
    int r = hash ? 0 : -ENOTSUP;

    for (int64_t offset = 0; offset < size && r == 0;) {
        size_t length = size - offset < (int64_t)PIECE ? (size_t)(size - offset) : PIECE;

        r = atomic_load(&hashing->file->owner->is_ending)
                ? -ECANCELED
                : read_all(overlay_fd(hashing->file->overlay), buffer, length, offset);
        if (r == 0)
            hash_update(hash, buffer, length);
        offset += (int64_t)length;
    }
    if (r == 0)
        *ret = hash_text(hashing->kind, digest, hash_final(hash, digest));
    hash_free(hash);
    return r;
}

static void hash_job(void *arg)
{
    struct hashing hashing = *(struct hashing *)arg;
    struct fs_bytes *owner = hashing.file->owner;
    cleanup_free char *text = NULL;
    int r;

    free(arg);
    r = hash_all(&hashing, &text);
    hashing.done(r, text, hashing.arg);
    end_job(owner);
}

static void hash_bytes(struct bytes_file *file, enum hash_kind kind, bytes_hash_fn *done, void *arg)
{
    struct hashing *hashing = x_calloc(1, sizeof *hashing);

    *hashing = (struct hashing){ file, kind, done, arg };
    begin_job(file->owner, hash_job, hashing);
}

/* ---- the end ---- */

static void keep_bytes(struct bytes *bytes, const struct node *node, const char *drive_id)
{
    struct fs_bytes *owner = fs_bytes_of(bytes);
    struct overlay *overlay = overlay_get(owner->overlays, node->local.generation);

    (void)drive_id;
    if (!overlay)
        return;
    /* After a restart it isn't yet: who writes goes on with another one from now on. */
    (void)overlay_freeze(overlay);
    overlay_unref(overlay);
    endings_keep(owner->endings, node->attr.ino, node->local.generation);
}

static void drop_bytes(struct bytes *bytes, uint64_t generation)
{
    endings_drop(fs_bytes_of(bytes)->endings, generation);
}

static bool are_bytes_busy(struct bytes *bytes)
{
    return endings_are_busy(fs_bytes_of(bytes)->endings);
}

static void on_endings_done(void *arg)
{
    sync_wake_push(arg);
}

static int own_bytes(struct bytes *bytes, ino_nr ino)
{
    return written_own(fs_bytes_of(bytes)->fs, ino);
}

static const struct bytes_ops bytes_ops = {
    .open = open_bytes,
    .read = read_bytes,
    .hash = hash_bytes,
    .close = close_bytes,
    .keep = keep_bytes,
    .drop = drop_bytes,
    .is_busy = are_bytes_busy,
    .own = own_bytes,
};

struct bytes *fs_bytes_new(const struct endings_conf *conf)
{
    struct fs_bytes *owner = x_calloc(1, sizeof *owner);

    owner->bytes.ops = &bytes_ops;
    owner->overlays = conf->overlays;
    owner->pool = conf->pool;
    owner->endings = endings_new(conf);
    (void)pthread_mutex_init(&owner->lock, NULL);
    (void)pthread_cond_init(&owner->jobs_ended, NULL);
    return &owner->bytes;
}

void fs_bytes_stop(struct bytes *bytes)
{
    struct fs_bytes *owner;

    if (!bytes)
        return;
    owner = fs_bytes_of(bytes);
    atomic_store(&owner->is_ending, true);
    {
        LOCKED(&owner->lock);
        while (owner->jobs > 0)
            (void)pthread_cond_wait(&owner->jobs_ended, &owner->lock);
    }

    endings_finish(owner->endings);
    endings_set_on_done(owner->endings, NULL, NULL);
}

void fs_bytes_set_sync(struct bytes *bytes, struct sync *sync)
{
    fs_bytes_of(bytes)->sync = sync;
    endings_set_on_done(fs_bytes_of(bytes)->endings, on_endings_done, sync);
}

void fs_bytes_set_fs(struct bytes *bytes, struct fs *fs)
{
    fs_bytes_of(bytes)->fs = fs;
}

void fs_bytes_free(struct bytes *bytes)
{
    struct fs_bytes *owner;

    if (!bytes)
        return;
    owner = fs_bytes_of(bytes);
    endings_free(owner->endings);
    generations_clear(&owner->lost);
    (void)pthread_cond_destroy(&owner->jobs_ended);
    (void)pthread_mutex_destroy(&owner->lock);
    free(owner);
}
