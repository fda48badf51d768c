/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CONTENT_CONTENT_H
#define GRAPHFS_CONTENT_CONTENT_H

/*
 * content: the bytes of files, as immutable versions in the cache directory.
 *
 * A version is one content generation of one item: one sparse file with a trailer that says which
 * blocks are there. Readers open a version and keep it, whatever happens to the item. What is
 * missing is fetched by range; a read that can be answered from disk never waits for the network or
 * for another read's fetch. Thread safe; takes no lock of the store.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "graph/remote.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct content;
struct content_file;
struct content_wait;

struct content_conf {
    const char *cache_dir;  /* of the account */
    const char *store_uuid; /* versions of another store are thrown away */
    int64_t limit_bytes;    /* cache_size: holds while one file is larger, too */
    int64_t min_free_bytes; /* floor of free disk space */
    struct remote *remote;
    struct pool *pool; /* blocks to disk, hashes, scanning */
    struct clock *clock;
    bool waits_for_pins; /* nothing is evicted before content_pins_known() */
    const char *boot_id; /* NULL: the kernel's. What was not synced counts in one boot */
};

/* Makes the cache directory and returns at once; what is on disk is found in the background. */
int content_new(const struct content_conf *conf, struct content **ret, struct err *err);

/* Answers all waiting reads with -ECANCELED, syncs, closes. Waits for requests and jobs to end, so
 * it must not be called from the pool; remote and pool are still needed. Files that are still open
 * must not be touched afterwards. NULL is allowed. */
void content_free(struct content *content);

/* Sixteen times what the service takes. A version's bitmaps are in memory, so a size that is a lie
 * must not decide how much of that is taken. */
#define CONTENT_MAX_SIZE (INT64_C(1) << 42)

/* Which version: all that content knows of an item. Strings are copied. */
struct content_id {
    uint64_t generation;  /* the store's number of this content: names the file on disk */
    const char *drive_id; /* where it is fetched: a shortcut's target */
    const char *item_id;
    int64_t size;     /* bytes */
    const char *etag; /* NULL: not known */
    const char *ctag;
    enum hash_kind hash_kind;
    const char *hash;
    int64_t server_mtime_ns; /* finds it among /versions; 0: not known */
};

/* Content up to this size is fetched in one range. */
#define CONTENT_SMALL_SIZE (INT64_C(1024) * 1024)

/* Fetches these contents, all of one drive, behind what readers wait for and as far as the budget
 * for that goes: those that are small (CONTENT_SMALL_SIZE) and not here at all. Disk only; what it
 * asks the network for comes later. */
void content_prefetch(struct content *content, const char *drive_id, const struct content_id *ids,
                      size_t count);

/* While it is pinned a generation is spared by eviction, and its bytes don't count for limit_bytes;
 * the floor of free space holds all the same. Not remembered on disk: whoever knows says so again
 * at each start. */
void content_pin(struct content *content, uint64_t generation, int64_t size);
void content_unpin(struct content *content, uint64_t generation);

/* All that is pinned has been pinned. Until then what would need eviction is read past the disk. */
void content_pins_known(struct content *content);

/* Drops what is here of a generation. 0, and the bytes freed; -EBUSY: it is open; -EPERM: it is
 * pinned. */
int content_evict(struct content *content, uint64_t generation, int64_t size, int64_t *ret_freed);

/* Opens a version for reading: disk only, no network. Of a generation that is known already, ids
 * and tags are replaced by these. Close with content_close(). -EFBIG for an impossible size,
 * -ESTALE if the generation is in use with another size. */
int content_open(struct content *content, const struct content_id *id, struct content_file **ret,
                 struct err *err);

/* May be called as soon as all reads of the file have been answered or cancelled, from done too.
 * What was fetched ahead for it alone is given up. NULL is allowed. */
void content_close(struct content_file *file);

/* What the version's id says; for fstat of a file whose row has moved on. */
int64_t content_size(const struct content_file *file);

/*
 * The plain file at ${path}, of id->size bytes, is the whole content of the generation: it was
 * uploaded, so that it need not be downloaded. It moves into the cache, without being copied if
 * that is on the same file system; an empty one just goes. Nobody may write it any more, but
 * whoever has it open may read on. Of id only generation and size count. Waits for the disk.
 *
 * Returns 0; or an error of the disk or one of these, and the file is as it was:
 *   -EINVAL   it isn't a plain file of that size
 *   -EBUSY    the generation is open, or some of it is here already
 *   -ENOSPC   there is no room for it
 * A kill can leave the file at its place, but with more behind the content: before it is used again
 * it must be cut to its size.
 */
int content_adopt(struct content *content, const struct content_id *id, const char *path,
                  struct err *err);

/*
 * Reads [offset, offset + size), cut at the end of the version. done runs exactly once: before the
 * call returns if the bytes are on disk (*ret_wait is NULL), else later on a pool thread. data is
 * borrowed during done. *ret_wait is set before done can run elsewhere.
 *
 * status: 0, and all bytes asked for; or none, and
 *   -ENETDOWN, -EACCES   no network or sign-in; the service refuses the content
 *   -ETIMEDOUT           not here within 60 seconds, all retries included
 *   -ESTALE              the item has other content now, or nothing proves that it has not; and the
 *                        version isn't to be had from those that the service keeps
 *   -EIO                 wrong bytes from the service, twice, or of another size; a bad disk
 *   -ECANCELED           content_free() was called
 */
typedef void content_read_fn(int status, const char *data, size_t length, void *arg);
void content_read(struct content_file *file, int64_t offset, size_t size, content_read_fn *done,
                  void *arg, struct content_wait **ret_wait);

/* The same, behind all readers, for content that is to be here before anybody wants it: done is
 * given no bytes. -ENOSPC: the disk has no room for it. */
void content_fetch(struct content_file *file, int64_t offset, size_t size, content_read_fn *done,
                   void *arg, struct content_wait **ret_wait);

/* Gives up waiting. True: done will not run, the wait is freed; false: done ran or is running. The
 * wait must not be used after done has run: the caller's own lock keeps the two apart. */
bool content_cancel(struct content *content, struct content_wait *wait);

enum content_state { CONTENT_CLOUD, CONTENT_PARTIAL, CONTENT_CACHED, CONTENT_UNVERIFIED };

/* How much of a generation is on disk. */
enum content_state content_state(struct content *content, uint64_t generation, int64_t size);

/* No row stands for this generation any more: its file goes as soon as nobody has it open. */
void content_drop(struct content *content, uint64_t generation);

/* Runs fn when bytes of a generation that readers may have been given turn out to be wrong: whoever
 * keeps them must forget them. On a pool thread; fn must not call content. NULL ends it: no fn runs
 * any more when this returns. */
typedef void content_wrong_fn(uint64_t generation, void *arg);
void content_set_on_wrong(struct content *content, content_wrong_fn *fn, void *arg);

struct content_status {
    int64_t used_bytes;
    int64_t pinned_bytes; /* of these: they don't count for the limit */
    int64_t limit_bytes;
    int64_t files;
    int64_t fetches_active;
    bool is_without_room; /* the disk is too full to keep what is fetched */
};

/* How full the cache is, and how busy. */
void content_get_status(struct content *content, struct content_status *ret);

#endif
