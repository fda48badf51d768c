/* SPDX-License-Identifier: MIT */
/*
 * Changes of the bytes. Each holds the overlay's lock alone, and goes in this order: is there room;
 * if the overlay grows, the map says that nothing of the base shows behind its old end; the data
 * file; the map; what is in memory. A kill or an error in between leaves what was: bytes that the
 * map doesn't know are not shown, and what was written behind the end is cut off again.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/kill_point.h"
#include "base/lock.h"
#include "base/log.h"
#include "content/disk.h"
#include "overlay/overlay_i.h"

/* Why the overlay can't be changed so that it reaches to ${end}; 0: it can. With its lock held. */
static int obstacle(const struct overlay *overlay, int64_t offset, int64_t length)
{
    if (offset < 0 || length < 0)
        return -EINVAL;
    if (length > CONTENT_MAX_SIZE || offset > CONTENT_MAX_SIZE - length)
        return -EFBIG;
    return overlay->frozen > 0 ? -EBUSY : 0;
}

/* Takes back what a failed change did to the length. Where not even that can be done the overlay is
 * longer, in memory too: it is to be what a restart finds. */
static void restore_end(struct overlay *overlay, int64_t end)
{
    struct stat st;

    if (end <= overlay_size(overlay) ||
        ftruncate(overlay->body.data_fd, (off_t)overlay_size(overlay)) == 0)
        return;
    log_debug("overlay", "cutting off what was not written: %s", ERRNO_TEXT(errno));
    if (fstat(overlay->body.data_fd, &st) == 0)
        atomic_store(&overlay->size, (int64_t)st.st_size);
}

/* Has the map say that the range is ours, as far as the base shows there. */
static int record(struct overlay *overlay, struct range range)
{
    struct body *body = &overlay->body;

    if (range_is_empty(ranges_hull(&body->missing, range)))
        return 0;
    if (range.end > body->map.base_size)
        range.end = body->map.base_size;
    return map_record(&body->map, range);
}

/* With room. */
static int write_bytes(struct overlay *overlay, const void *data, struct range range)
{
    bool is_longer = range.end > overlay_size(overlay);
    int r = is_longer ? overlay_record_end(overlay) : 0;

    if (r < 0)
        return r;
    r = disk_write(overlay->body.data_fd, data, (size_t)(range.end - range.first), range.first);
    KILL_POINT("overlay-write");
    if (r == 0)
        r = record(overlay, range);
    if (r < 0) {
        restore_end(overlay, range.end);
        return r;
    }
    overlay_own(overlay, range);
    if (is_longer)
        atomic_store(&overlay->size, range.end);
    (void)overlay_put_time(overlay, overlays_now_ns(overlay->overlays));
    return 0;
}

static int write_locked(struct overlay *overlay, const void *data, size_t size, int64_t offset)
{
    struct range range;
    int r;

    WRLOCKED(&overlay->lock);
    r = obstacle(overlay, offset, (int64_t)size);
    if (r < 0)
        return r;
    range = (struct range){ offset, offset + (int64_t)size };
    r = overlay_reserve(overlay, range);
    if (r < 0)
        return r;
    r = write_bytes(overlay, data, range);
    overlay_settle(overlay);
    return r;
}

int overlay_write(struct overlay *overlay, const void *data, size_t size, int64_t offset)
{
    int r = overlay_load(overlay);

    if (r < 0 || size == 0)
        return r;
    if (size > CONTENT_MAX_SIZE)
        return -EFBIG;
    r = write_locked(overlay, data, size, offset);
    overlay_close_idle_base(overlay);
    return r;
}

/* ---- length ---- */

static int truncate_locked(struct overlay *overlay, int64_t size)
{
    int r;

    WRLOCKED(&overlay->lock);
    r = obstacle(overlay, size, 0);
    if (r == 0 && size > overlay_size(overlay))
        r = overlay_record_end(overlay);
    if (r < 0)
        return r;
    if (ftruncate(overlay->body.data_fd, (off_t)size) != 0)
        return -errno;
    KILL_POINT("overlay-cut");
    overlay_own(overlay, (struct range){ size, INT64_MAX });
    atomic_store(&overlay->size, size);
    (void)overlay_put_time(overlay, overlays_now_ns(overlay->overlays));
    overlay_settle(overlay);
    return 0;
}

int overlay_truncate(struct overlay *overlay, int64_t size)
{
    int r = overlay_load(overlay);

    if (r == 0)
        r = truncate_locked(overlay, size);
    overlay_close_idle_base(overlay);
    return r;
}

/* With room. */
static int allocate(struct overlay *overlay, struct range range, bool keep_size)
{
    bool is_longer = !keep_size && range.end > overlay_size(overlay);
    int r = is_longer ? overlay_record_end(overlay) : 0;

    if (r < 0)
        return r;
    if (fallocate(overlay->body.data_fd, keep_size ? FALLOC_FL_KEEP_SIZE : 0, (off_t)range.first,
                  (off_t)(range.end - range.first)) != 0) {
        r = -errno;
        restore_end(overlay, is_longer ? range.end : 0);
        return r;
    }
    if (is_longer)
        atomic_store(&overlay->size, range.end);
    (void)overlay_put_time(overlay, overlays_now_ns(overlay->overlays));
    return 0;
}

int overlay_allocate(struct overlay *overlay, int64_t offset, int64_t length, bool keep_size)
{
    struct range range;
    int r = overlay_load(overlay);

    if (r < 0)
        return r;
    WRLOCKED(&overlay->lock);
    r = length == 0 ? -EINVAL : obstacle(overlay, offset, length);
    if (r < 0)
        return r;
    range = (struct range){ offset, offset + length };
    r = overlay_reserve(overlay, range);
    if (r < 0)
        return r;
    r = allocate(overlay, range, keep_size);
    overlay_settle(overlay);
    return r;
}

/* ---- time ---- */

int overlay_set_mtime(struct overlay *overlay, int64_t mtime_ns)
{
    int r = overlay_load(overlay);

    if (r < 0)
        return r;
    WRLOCKED(&overlay->lock);
    return overlay_put_time(overlay, mtime_ns);
}
