/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_EVICT_H
#define GRAPHFS_FS_EVICT_H

/*
 * Drops what is here of all below a row, because somebody asked for it: there may be millions of
 * files, each costs disk accesses, and so a thread of its own does it, one request after another.
 */

#include "fs/fs_i.h"

struct evictor;

struct evicted {
    int64_t files;
    int64_t bytes;
    int64_t open;   /* files that stay because somebody has them open */
    int64_t pinned; /* or because they are pinned */
};

/* Runs once, with no lock held. err is NULL on success. */
typedef void evictor_done_fn(const struct evicted *evicted, const struct err *err, void *arg);

/* One that does nothing yet. For evictor_free(). */
struct evictor *evictor_new(struct fs *fs);

/* Begins. Returns 0 or -errno. */
int evictor_start(struct evictor *evictor);

/* Ends the thread; what isn't done is answered with -ECANCELED. Can be called more than once. */
void evictor_stop(struct evictor *evictor);
void evictor_free(struct evictor *evictor); /* NULL is allowed */

/* Drops what is known below the row. Any thread, no lock. */
void evictor_ask(struct evictor *evictor, ino_nr ino, evictor_done_fn *done, void *arg);

#endif
