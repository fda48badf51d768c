/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_ENDINGS_H
#define GRAPHFS_FS_ENDINGS_H

/*
 * endings: overlays that are not needed any more, since the service has what is in them, or since
 * they have no row. They go only when the commits that say so are on the disk: after a power cut
 * the store may be an older one, which needs them. One sync is for all that have come until then.
 * Any thread.
 */

#include "base/pool.h"
#include "content/content.h"
#include "overlay/overlay.h"
#include "store/store.h"

struct endings;

/* All that this points to is borrowed, and must outlive endings_finish(). */
struct endings_conf {
    struct store *store;
    struct overlays *overlays;
    struct content *content;
    struct pool *pool;
};

/* With nothing to do. For endings_finish(), then endings_free(). */
struct endings *endings_new(const struct endings_conf *conf);

/* fn runs whenever all that was asked for has been done, on a thread of the pool. NULL ends that:
 * no fn runs any more when this returns. */
void endings_set_on_done(struct endings *endings, void (*fn)(void *arg), void *arg);

/* The service has what the row shows, under this generation: it becomes the cached version. To be
 * called after the commit, as the next one. */
void endings_keep(struct endings *endings, ino_nr ino, uint64_t generation);

/* Nobody needs it any more. */
void endings_drop(struct endings *endings, uint64_t generation);

/* Whether something that was asked for hasn't been done yet, and will be. */
bool endings_are_busy(struct endings *endings);

/* Does what is left, as far as the disk lets it; what isn't done is found at the next start.
 * Nothing is asked for any more. Not from the pool. NULL is allowed in both. */
void endings_finish(struct endings *endings);
void endings_free(struct endings *endings);

#endif
