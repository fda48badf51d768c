/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_BYTES_H
#define GRAPHFS_SYNC_BYTES_H

/*
 * The bytes of what was written here, for the reconciler to send. A seam, as struct remote is: the
 * daemon implements it over overlays, tests in memory. `done` functions run on another thread,
 * never inside the call.
 */

#include "store/store.h"

struct bytes;

/* The content of one generation, which does not change while this is open. */
struct bytes_file;

typedef void bytes_done_fn(int status, void *arg);

/* text is the hash as the service writes it, borrowed; NULL with a status < 0. */
typedef void bytes_hash_fn(int status, const char *text, void *arg);

struct bytes_ops {
    int (*open)(struct bytes *bytes, uint64_t generation, struct bytes_file **ret,
                int64_t *ret_size);
    void (*read)(struct bytes_file *file, int64_t offset, char *data, size_t length,
                 bytes_done_fn *done, void *arg);
    void (*hash)(struct bytes_file *file, enum hash_kind kind, bytes_hash_fn *done, void *arg);
    void (*close)(struct bytes_file *file);
    void (*keep)(struct bytes *bytes, const struct node *node, const char *drive_id);
    void (*drop)(struct bytes *bytes, uint64_t generation);
    bool (*is_busy)(struct bytes *bytes);
    int (*own)(struct bytes *bytes, ino_nr ino);
};

struct bytes {
    const struct bytes_ops *ops;
};

/* -ENOENT: nothing was written under this generation; -EAGAIN: what is to be sent with it is still
 * on its way here, and sync_wake_push() is called when it may have come; -ESTALE: it doesn't come,
 * for now. */
static inline int bytes_open(struct bytes *bytes, uint64_t generation, struct bytes_file **ret,
                             int64_t *ret_size)
{
    return bytes->ops->open(bytes, generation, ret, ret_size);
}

/* data is the caller's, and has to stay until done runs. */
static inline void bytes_read(struct bytes *bytes, struct bytes_file *file, int64_t offset,
                              char *data, size_t length, bytes_done_fn *done, void *arg)
{
    bytes->ops->read(file, offset, data, length, done, arg);
}

static inline void bytes_hash(struct bytes *bytes, struct bytes_file *file, enum hash_kind kind,
                              bytes_hash_fn *done, void *arg)
{
    bytes->ops->hash(file, kind, done, arg);
}

/* After all reads have ended. */
static inline void bytes_close(struct bytes *bytes, struct bytes_file *file)
{
    bytes->ops->close(file);
}

/* The service has what the row shows, under the tags that are in base: it becomes a version. Disk
 * only. */
static inline void bytes_keep(struct bytes *bytes, const struct node *node, const char *drive_id)
{
    bytes->ops->keep(bytes, node, drive_id);
}

/* Whether what was kept or dropped hasn't all been seen to. sync_wake_push() is called when it has.
 */
static inline bool bytes_is_busy(struct bytes *bytes)
{
    return bytes->ops->is_busy && bytes->ops->is_busy(bytes);
}

/* The service has them, and nobody sees them here any more. */
static inline void bytes_drop(struct bytes *bytes, uint64_t generation)
{
    bytes->ops->drop(bytes, generation);
}

/* What the row shows of the service's is a content of its own from now on, as if the same bytes had
 * been written: so the item may get other ones. 0 as well if it is one already. No lock of the
 * store is held; disk only: what isn't here is still to come. */
static inline int bytes_own(struct bytes *bytes, ino_nr ino)
{
    return bytes->ops->own(bytes, ino);
}

#endif
