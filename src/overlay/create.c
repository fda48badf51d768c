/* SPDX-License-Identifier: MIT */
/*
 * New overlays. The data file comes first; the map, which makes an overlay of it, appears with all
 * that it has to say, by a rename. What a kill leaves before that was never acknowledged, and is
 * set aside by the next start.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/kill_point.h"
#include "overlay/overlay_i.h"

int overlay_make_data(struct overlay *overlay)
{
    struct overlay *other = overlay_get(overlay->overlays, overlay->generation);
    char name[FILE_NAME_SIZE];

    overlay_unref(other);
    if (other)
        return -EEXIST;
    file_name(name, overlay->generation, ENDING_DATA);
    overlay->body.data_fd = openat(overlay->overlays->directory_fd, name,
                                   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return overlay->body.data_fd >= 0 ? 0 : -errno;
}

int overlay_make_map(struct overlay *overlay, const struct head *head, bool is_full,
                     int64_t mtime_ns)
{
    const struct overlays *overlays = overlay->overlays;
    struct body *body = &overlay->body;
    int r = overlay_put_time(overlay, mtime_ns);

    KILL_POINT("overlay-data");
    if (r == 0)
        r = map_create(overlays->directory_fd, head, overlays->boot, is_full, &body->map);
    if (r < 0) {
        overlays_remove_files(overlays, overlay->generation);
        return r;
    }
    if (!is_full)
        ranges_fill(&body->missing, head->base.size);
    body->map_shows_to = ranges_end(&body->missing);
    atomic_store(&overlay->is_full, body->missing.total == 0);
    atomic_store(&overlay->is_loaded, true);
    return 0;
}

/* The data file of an overlay that shows its base whole: a hole. */
static int make_hole(struct overlay *overlay, int64_t size)
{
    int r = overlay_make_data(overlay);

    if (r == 0 && ftruncate(overlay->body.data_fd, (off_t)size) != 0) {
        r = -errno;
        overlays_remove_files(overlay->overlays, overlay->generation);
    }
    if (r == 0)
        atomic_store(&overlay->size, size);
    return r;
}

static int create(struct overlay *overlay, const struct head *head, struct err *err)
{
    struct overlays *overlays = overlay->overlays;
    int r;

    if (head->base.size > 0) {
        r = content_open(overlays->content, &head->base, &overlay->base, err);
        if (r < 0)
            return r;
    }
    r = overlay_reserve_bytes(overlay, head->base.size);
    if (r == 0)
        r = make_hole(overlay, head->base.size);
    if (r == 0)
        r = overlay_make_map(overlay, head, false, overlays_now_ns(overlays));
    if (r < 0) {
        overlay_leave(overlay);
        return err_set_errno(err, r, "making a file for what is written");
    }
    overlay_settle(overlay);
    return 0;
}

int overlay_create(struct overlays *overlays, uint64_t generation,
                   const struct overlay_place *place, const struct content_id *base,
                   struct overlay **ret, struct err *err)
{
    struct head head = { .generation = generation, .place = *place, .has_base = base != NULL };
    struct overlay *overlay;
    int r;

    if (base)
        head.base = *base;
    if (head.base.size < 0 || head.base.size > CONTENT_MAX_SIZE)
        return err_set(err, -EFBIG, "a size that no content has");
    overlay = overlay_new(overlays, generation);
    r = create(overlay, &head, err);
    if (r < 0) {
        overlay_free(overlay);
        return r;
    }
    overlays_add(overlay);
    *ret = overlay;
    return 0;
}
