/* SPDX-License-Identifier: MIT */
/*
 * Reads. What is all ours, or behind what is left of the base, is read and answered at once.
 * Otherwise content is asked for the part where the base shows, and what it brings is laid below
 * our bytes as they are at that moment: those that were written meanwhile hide it, and what was cut
 * off meanwhile isn't told. Where the base shows never grows, so what was asked for is enough.
 *
 * The overlay's lock is held from the look at what is missing to the last byte read, so that no
 * write or truncation comes between.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/xalloc.h"
#include "content/disk.h"
#include "overlay/overlay_i.h"

/* A read that waits for the base. It belongs to whoever ends it: the answer or the cancelling. */
struct overlay_wait {
    struct overlay *overlay; /* referenced; its base is in use */
    int64_t offset;
    size_t length;
    struct range asked; /* of the base */
    content_read_fn *done;
    void *arg;
    struct content_wait *base_wait;
    struct overlay_wait **ret_wait; /* valid while overlay_read() runs */
};

/* Bytes of the base. */
struct base_bytes {
    int status;
    const char *data;
    struct range range;
};

/* What of the overlay a read covers, now. With its lock held. */
static struct range covered(const struct overlay *overlay, int64_t offset, size_t length)
{
    int64_t end = overlay_size(overlay);
    struct range range = { offset, end };

    if (offset < 0 || offset >= end)
        range.end = offset;
    else if ((int64_t)length < end - offset)
        range.end = offset + (int64_t)length;
    return range;
}

/* With the overlay's lock held: where the base shows in the range, from its bytes. */
static int lay_base(const struct overlay *overlay, struct range range,
                    const struct base_bytes *base, char *out)
{
    const struct ranges *missing = &overlay->body.missing;
    struct range part = ranges_next(missing, range, range.first);

    for (; !range_is_empty(part); part = ranges_next(missing, range, part.end)) {
        if (base->status < 0)
            return base->status;
        if (!base->data || part.first < base->range.first || part.end > base->range.end)
            return -EIO; /* content gave less than it was asked for */
        memcpy(out + (part.first - range.first), base->data + (part.first - base->range.first),
               (size_t)(part.end - part.first));
    }
    return 0;
}

/* With the overlay's lock held: the bytes of the range, for the caller to free. */
static int collect(const struct overlay *overlay, struct range range, const struct base_bytes *base,
                   char **ret_data)
{
    size_t length = (size_t)(range.end - range.first);
    cleanup_free char *data = malloc(length + 1);
    int r;

    if (!data)
        return -ENOMEM;
    r = disk_read(overlay->body.data_fd, data, length, range.first);
    if (r == 0)
        r = lay_base(overlay, range, base, data);
    if (r == 0)
        *ret_data = steal_ptr(&data);
    return r == -ENODATA ? -EIO : r;
}

static void answer(int status, const char *data, struct range range, content_read_fn *done,
                   void *arg)
{
    if (status < 0)
        done(status, NULL, 0, arg);
    else
        done(0, data, (size_t)(range.end - range.first), arg);
}

/* ---- with the base ---- */

static void wait_end(struct overlay_wait *wait)
{
    struct overlay *overlay = wait->overlay;
    struct overlays *overlays = overlay->overlays;

    free(wait);
    overlay_end_base(overlay);
    overlay_unref(overlay);
    overlays_job_end(overlays);
}

/* Content's answer: a content_read_fn. */
static void base_arrived(int status, const char *data, size_t length, void *arg)
{
    struct overlay_wait *wait = arg;
    struct overlay *overlay = wait->overlay;
    struct base_bytes base = {
        .status = status,
        .data = data,
        .range = { wait->asked.first, wait->asked.first + (int64_t)length },
    };
    cleanup_free char *bytes = NULL;
    struct range range;
    int r;

    if (!wait->base_wait)
        *wait->ret_wait = NULL; /* it is answered within the call */
    {
        RDLOCKED(&overlay->lock);
        range = covered(overlay, wait->offset, wait->length);
        r = collect(overlay, range, &base, &bytes);
    }
    answer(r, bytes, range, wait->done, wait->arg);
    wait_end(wait);
}

static void ask_base(struct overlay_wait *wait, struct content_file *base)
{
    struct range asked = wait->asked;

    overlay_ref(wait->overlay);
    overlays_job_begin(wait->overlay->overlays);
    *wait->ret_wait = wait;
    content_read(base, asked.first, (size_t)(asked.end - asked.first), base_arrived, wait,
                 &wait->base_wait);
}

bool overlay_cancel(struct overlay_wait *wait)
{
    if (!content_cancel(wait->overlay->overlays->content, wait->base_wait))
        return false;
    wait_end(wait);
    return true;
}

/* ---- beginning ---- */

/* Reads at once what can be read at once. Returns 0 and the bytes; or -errno; or 1: the base is
 * needed, it is in use, and *ret_asked of it is to be read. */
static int read_own(struct overlay *overlay, struct range *range, char **ret_data,
                    struct range *ret_asked, struct content_file **ret_base)
{
    struct base_bytes none = { .status = 0 };
    int r;

    RDLOCKED(&overlay->lock);
    *range = covered(overlay, range->first, (size_t)(range->end - range->first));
    *ret_asked = ranges_hull(&overlay->body.missing, *range);
    if (range_is_empty(*ret_asked))
        return collect(overlay, *range, &none, ret_data);
    r = overlay_use_base(overlay, ret_base);
    return r < 0 ? r : 1;
}

void overlay_read(struct overlay *overlay, int64_t offset, size_t size, content_read_fn *done,
                  void *arg, struct overlay_wait **ret_wait)
{
    cleanup_free char *data = NULL;
    struct content_file *base = NULL;
    struct overlay_wait *wait;
    struct range range = { offset, offset }, asked;
    int r = overlay_load(overlay);

    *ret_wait = NULL;
    if (offset >= 0 && (int64_t)size > 0)
        range.end = offset > INT64_MAX - (int64_t)size ? INT64_MAX : offset + (int64_t)size;
    if (r == 0)
        r = read_own(overlay, &range, &data, &asked, &base);
    if (r <= 0) {
        answer(r, data, range, done, arg);
        return;
    }
    wait = x_calloc(1, sizeof *wait);
    *wait = (struct overlay_wait){
        .overlay = overlay,
        .offset = range.first,
        .length = (size_t)(range.end - range.first),
        .asked = asked,
        .done = done,
        .arg = arg,
        .ret_wait = ret_wait,
    };
    ask_base(wait, base);
}
