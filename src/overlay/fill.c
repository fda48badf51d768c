/* SPDX-License-Identifier: MIT */
/*
 * Filling: what shows of the base is fetched and copied into the data file, piece by piece.
 *
 *     step ─► content_fetch ─► content_read ─► copy ─► step ... ─► end
 *
 * The fetch has the piece put on the disk behind all that readers wait for; then it is read from
 * there. Where the cache has no room for it, it comes by the read alone; and where the service has
 * another content by now the read finds it among the versions, or nothing does. What was written or
 * cut off meanwhile is not missing any more, and isn't copied over.
 *
 * A fill is a chain of which only one link exists at a time: a job, or a request to content. Each
 * link has a reference to the overlay and is counted as a job, as is who makes a request until it
 * has returned, since the answer may come and end all before that.
 */
#include "config.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/kill_point.h"
#include "base/lock.h"
#include "content/disk.h"
#include "overlay/overlay_i.h"

static void hold(struct overlay *overlay)
{
    overlay_ref(overlay);
    overlays_job_begin(overlay->overlays);
}

static void let_go(struct overlay *overlay)
{
    struct overlays *overlays = overlay->overlays;

    overlay_unref(overlay);
    overlays_job_end(overlays);
}

/* ---- beginning and end ---- */

static void list_add(struct overlay *overlay)
{
    LOCKED(&overlay->overlays->jobs_lock);
    LIST_INSERT_HEAD(&overlay->overlays->filling, overlay, fill.link);
}

static void list_remove(struct overlay *overlay)
{
    LOCKED(&overlay->overlays->jobs_lock);
    LIST_REMOVE(overlay, fill.link);
}

/* The data file's own time counts again. */
static void give_back_time(struct overlay *overlay)
{
    struct body *body = &overlay->body;

    WRLOCKED(&overlay->lock);
    if (body->has_own_time && map_unset_time(&body->map) == 0)
        body->has_own_time = false;
}

/* Those who are to be told. From now on another fill can begin. */
static struct fill_asks take_asks(struct fill *fill)
{
    struct fill_asks asks;

    LOCKED(&fill->lock);
    asks = fill->asks;
    fill->asks = (struct fill_asks){ 0 };
    fill->is_running = false;
    return asks;
}

static void fill_end(struct overlay *overlay, int status)
{
    struct fill *fill = &overlay->fill;
    struct fill_asks asks;

    if (fill->base) {
        fill->base = NULL;
        overlay_end_base(overlay);
    }
    give_back_time(overlay);
    if (overlay_is_full(overlay))
        status = 0; /* whatever became of the base: the rest was written meanwhile */
    list_remove(overlay);
    asks = take_asks(fill);
    for (size_t i = 0; i < asks.len; i++)
        asks.items[i].done(status, asks.items[i].arg);
    fill_asks_clear(&asks);
    let_go(overlay);
}

static void end_cancelled(void *arg)
{
    fill_end(arg, -ECANCELED);
}

/* ---- requests to content ---- */

typedef void fill_request_fn(struct content_file *file, int64_t offset, size_t size,
                             content_read_fn *done, void *arg, struct content_wait **ret_wait);

static uint64_t note_request(struct fill *fill)
{
    LOCKED(&fill->lock);
    return ++fill->asked;
}

static void note_answer(struct fill *fill)
{
    LOCKED(&fill->lock);
    fill->answered = fill->asked;
    fill->wait = NULL;
}

/* With the fill's lock held: gives up a request that has not been answered. True: it won't be. */
static bool cancel(struct overlay *overlay, struct content_wait *wait)
{
    struct fill *fill = &overlay->fill;

    if (!wait || !content_cancel(overlay->overlays->content, wait))
        return false;
    fill->answered = fill->asked;
    fill->wait = NULL;
    return true;
}

/* Lets overlays_free() cancel the request from now on. True: it came first, and it is cancelled. */
static bool offer_wait(struct overlay *overlay, uint64_t number, struct content_wait *wait)
{
    struct fill *fill = &overlay->fill;

    LOCKED(&fill->lock);
    if (!wait || fill->answered >= number)
        return false;
    if (atomic_load(&overlay->overlays->is_closing))
        return cancel(overlay, wait);
    fill->wait = wait;
    return false;
}

/* Asks for the piece. This is the link of the chain until the answer comes. */
static void request(struct overlay *overlay, fill_request_fn *ask, content_read_fn *done)
{
    struct fill *fill = &overlay->fill;
    struct range piece = fill->piece;
    struct content_wait *wait = NULL;
    uint64_t number;

    hold(overlay);
    number = note_request(fill);
    ask(fill->base, piece.first, (size_t)(piece.end - piece.first), done, overlay, &wait);
    if (offer_wait(overlay, number, wait))
        fill_end(overlay, -ECANCELED);
    let_go(overlay);
}

static bool give_up(struct overlay *overlay)
{
    LOCKED(&overlay->fill.lock);
    return cancel(overlay, overlay->fill.wait);
}

void overlays_give_up_fills(struct overlays *overlays)
{
    struct overlay *overlay;

    LOCKED(&overlays->jobs_lock);
    LIST_FOREACH (overlay, &overlays->filling, fill.link)
        if (give_up(overlay))
            pool_submit(overlays->pool, end_cancelled, overlay);
}

/* ---- the chain ---- */

static void fill_step(void *arg);

/* Writes the bytes of the piece where the base shows. With the overlay's lock held. */
static int write_missing(struct overlay *overlay, struct range piece, const char *data)
{
    struct body *body = &overlay->body;
    struct range part = ranges_next(&body->missing, piece, piece.first);
    int r = 0;

    for (; r == 0 && !range_is_empty(part); part = ranges_next(&body->missing, piece, part.end))
        r = disk_write(body->data_fd, data + (part.first - piece.first),
                       (size_t)(part.end - part.first), part.first);
    KILL_POINT("overlay-fill");
    return r == 0 ? map_record(&body->map, piece) : r;
}

/* The base's bytes are not a change: the time stays, and a kill in between finds it in the map. */
static int copy_piece(struct overlay *overlay, struct range piece, const char *data)
{
    struct body *body = &overlay->body;
    int r = 0;

    WRLOCKED(&overlay->lock);
    if (range_is_empty(ranges_hull(&body->missing, piece)))
        return 0;
    if (!body->has_own_time)
        r = map_set_time(&body->map, overlay_mtime_ns(overlay));
    if (r < 0)
        return r;
    body->has_own_time = true;
    r = write_missing(overlay, piece, data);
    if (r == 0)
        overlay_own(overlay, piece);
    (void)overlay_put_time(overlay, overlay_mtime_ns(overlay));
    overlay_settle(overlay);
    return r;
}

/* A content_read_fn. */
static void on_piece(int status, const char *data, size_t length, void *arg)
{
    struct overlay *overlay = arg;
    struct range piece = overlay->fill.piece;

    note_answer(&overlay->fill);
    if (status == 0 && (int64_t)length != piece.end - piece.first)
        status = -EIO;
    if (status == 0)
        status = copy_piece(overlay, piece, data);
    if (status == 0)
        pool_submit(overlay->overlays->pool, fill_step, overlay);
    else
        fill_end(overlay, status);
}

/* A content_read_fn. */
static void on_fetched(int status, const char *data, size_t length, void *arg)
{
    struct overlay *overlay = arg;

    (void)data;
    (void)length;
    note_answer(&overlay->fill);
    if (status == 0 || status == -ENOSPC || status == -ESTALE)
        request(overlay, content_read, on_piece);
    else
        fill_end(overlay, status);
}

/* The first piece that is missing; empty: the overlay is full. */
static struct range next_piece(struct overlay *overlay)
{
    const struct ranges *missing = &overlay->body.missing;
    struct range piece = { 0, INT64_MAX };

    RDLOCKED(&overlay->lock);
    piece = ranges_hull(missing, piece);
    if (piece.end - piece.first > FILL_PIECE)
        piece.end = piece.first + FILL_PIECE;
    return ranges_hull(missing, piece);
}

/* Returns 1 if there is something to ask for; 0: the overlay is full; or -errno. */
static int prepare(struct overlay *overlay)
{
    struct fill *fill = &overlay->fill;
    int r = overlay_load(overlay);

    if (r < 0)
        return r;
    if (atomic_load(&overlay->overlays->is_closing) || atomic_load(&overlay->fate) != FATE_KEEP)
        return -ECANCELED;
    fill->piece = next_piece(overlay);
    if (range_is_empty(fill->piece))
        return 0;
    if (!fill->base)
        r = overlay_use_base(overlay, &fill->base);
    return r < 0 ? r : 1;
}

static void fill_step(void *arg)
{
    struct overlay *overlay = arg;
    int r = prepare(overlay);

    if (r > 0)
        request(overlay, content_fetch, on_fetched);
    else
        fill_end(overlay, r);
}

/* True: somebody asked before. */
static bool join(struct fill *fill, struct fill_ask ask)
{
    bool was_running;

    LOCKED(&fill->lock);
    (void)fill_asks_push(&fill->asks, ask);
    was_running = fill->is_running;
    fill->is_running = true;
    return was_running;
}

void overlay_fill(struct overlay *overlay, overlay_fill_fn *done, void *arg)
{
    if (join(&overlay->fill, (struct fill_ask){ done, arg }))
        return;
    hold(overlay);
    list_add(overlay);
    pool_submit(overlay->overlays->pool, fill_step, overlay);
}
