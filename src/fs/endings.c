/* SPDX-License-Identifier: MIT */
/* A job runs as long as there is something in the queue; if the disk fails what is in it waits for
 * the next that is asked for. */
#include "config.h"

#include "fs/endings.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "fs/fs_i.h"

struct ending {
    STAILQ_ENTRY(ending) next;
    ino_nr ino; /* STORE_INO_NONE: it is dropped */
    uint64_t generation;
};

STAILQ_HEAD(ending_queue, ending);

struct endings {
    struct endings_conf conf; /* const */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct ending_queue queue;  /* lock */
    bool is_running;            /* lock; the job is */
    void (*on_done)(void *arg); /* lock, held while it runs */
    void *on_done_arg;          /* lock */
};

struct endings *endings_new(const struct endings_conf *conf)
{
    struct endings *endings = x_calloc(1, sizeof *endings);

    endings->conf = *conf;
    (void)pthread_mutex_init(&endings->lock, NULL);
    (void)pthread_cond_init(&endings->ended, NULL);
    STAILQ_INIT(&endings->queue);
    return endings;
}

void endings_set_on_done(struct endings *endings, void (*fn)(void *arg), void *arg)
{
    LOCKED(&endings->lock);
    endings->on_done = fn;
    endings->on_done_arg = arg;
}

/* ---- carrying out ---- */

/* Who has written to it since then, or moved it elsewhere, has made another content of it. */
static bool is_current(const struct node *node, uint64_t generation)
{
    const unsigned both = NODE_LOCAL | NODE_BASE;

    return (node->attr.flags & both) == both && node->local.generation == generation &&
           node->base.generation == generation;
}

static void adopt(struct endings *endings, struct overlay *overlay, const struct node *node)
{
    struct drive_row drive = { 0 };
    cleanup_free char *path = NULL;
    struct content_id id;
    struct err err;

    if (store_get_drive(endings->conf.store, node->attr.drive, &drive) < 0)
        return;
    id = fs_content_id(node, drive.drive_id);
    path = overlay_path(overlay);
    if (content_adopt(endings->conf.content, &id, path, &err) < 0)
        log_info("fs", "what was sent isn't kept: %s", err.msg);
    drive_row_clear(&drive);
}

/* It is frozen, so that it is what was sent. */
static void keep(struct endings *endings, struct overlay *overlay, ino_nr ino)
{
    struct node node;

    if (overlay_freeze(overlay) < 0)
        return;
    if (store_get_node(endings->conf.store, ino, &node) == 0) {
        if (is_current(&node, overlay_generation(overlay)))
            adopt(endings, overlay, &node);
        node_clear(&node);
    }
    overlay_drop(overlay);
}

static void carry_out(struct endings *endings, const struct ending *ending)
{
    struct overlay *overlay = overlay_get(endings->conf.overlays, ending->generation);

    if (overlay && ending->ino != STORE_INO_NONE)
        keep(endings, overlay, ending->ino);
    else if (overlay)
        overlay_drop(overlay);
    overlay_unref(overlay);
}

/* ---- the queue ---- */

static void take_all(struct endings *endings, struct ending_queue *ret)
{
    STAILQ_INIT(ret);
    LOCKED(&endings->lock);
    STAILQ_CONCAT(ret, &endings->queue);
}

static void put_back(struct endings *endings, struct ending_queue *queue)
{
    LOCKED(&endings->lock);
    STAILQ_CONCAT(queue, &endings->queue);
    STAILQ_CONCAT(&endings->queue, queue);
}

/* Returns -errno if the disk failed. */
static int do_all(struct endings *endings)
{
    struct ending_queue queue;
    struct ending *ending;
    struct err err;
    int r;

    take_all(endings, &queue);
    r = STAILQ_EMPTY(&queue) ? 0 : store_sync(endings->conf.store, &err);
    if (r < 0) {
        log_warn("fs", "%s", err.msg);
        put_back(endings, &queue);
        return r;
    }
    while ((ending = STAILQ_FIRST(&queue))) {
        STAILQ_REMOVE_HEAD(&queue, next);
        carry_out(endings, ending);
        free(ending);
    }
    return 0;
}

/* True: that was the last round. */
static bool end_round(struct endings *endings, int r)
{
    LOCKED(&endings->lock);
    if (r == 0 && !STAILQ_EMPTY(&endings->queue))
        return false;
    endings->is_running = false;
    if (endings->on_done)
        endings->on_done(endings->on_done_arg);
    (void)pthread_cond_broadcast(&endings->ended);
    return true;
}

static void job(void *arg)
{
    struct endings *endings = arg;

    while (!end_round(endings, do_all(endings)))
        continue;
}

static void add(struct endings *endings, ino_nr ino, uint64_t generation)
{
    struct ending *ending = x_calloc(1, sizeof *ending);

    ending->ino = ino;
    ending->generation = generation;
    LOCKED(&endings->lock);
    STAILQ_INSERT_TAIL(&endings->queue, ending, next);
    if (!endings->is_running)
        pool_submit(endings->conf.pool, job, endings);
    endings->is_running = true;
}

void endings_keep(struct endings *endings, ino_nr ino, uint64_t generation)
{
    add(endings, ino, generation);
}

void endings_drop(struct endings *endings, uint64_t generation)
{
    add(endings, STORE_INO_NONE, generation);
}

bool endings_are_busy(struct endings *endings)
{
    LOCKED(&endings->lock);
    return endings->is_running;
}

void endings_finish(struct endings *endings)
{
    if (!endings)
        return;
    {
        LOCKED(&endings->lock);
        while (endings->is_running)
            (void)pthread_cond_wait(&endings->ended, &endings->lock);
    }
    (void)do_all(endings);
}

void endings_free(struct endings *endings)
{
    struct ending *ending;

    if (!endings)
        return;
    while ((ending = STAILQ_FIRST(&endings->queue))) {
        STAILQ_REMOVE_HEAD(&endings->queue, next);
        free(ending);
    }
    (void)pthread_cond_destroy(&endings->ended);
    (void)pthread_mutex_destroy(&endings->lock);
    free(endings);
}
