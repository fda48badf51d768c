/* SPDX-License-Identifier: MIT */
/*
 * Syncs. The data first, then the record that covers what the map says of it, then the map, then
 * the names. What is written meanwhile is not covered: the map was sealed before.
 *
 * A failed sync means that the kernel has given up bytes that it had taken, and won't say so twice.
 * Nothing may be called synced after that which was written before, so it goes on failing.
 */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "base/kill_point.h"
#include "base/lock.h"
#include "overlay/overlay_i.h"

/* What a sync has to do. */
struct sync_plan {
    bool has_records; /* to be covered */
    uint64_t count;   /* of records */
    uint64_t writes;  /* of the map */
    bool is_map_synced;
    bool is_named;
};

/* A truncation is to be kept, too: bytes that it took must not come back when the overlay grows
 * after this, and the power is cut then. */
static int make_plan(struct overlay *overlay, struct sync_plan *ret)
{
    struct map *map = &overlay->body.map;
    int r;

    WRLOCKED(&overlay->lock);
    r = overlay->sync_error;
    if (r == 0)
        r = overlay_record_end(overlay);
    *ret = (struct sync_plan){
        .has_records = map->has_unsynced,
        .count = map_seal(map),
        .writes = map->writes,
        .is_map_synced = map->writes == overlay->body.synced_writes,
        .is_named = overlay->is_named,
    };
    return r;
}

static int fail(struct overlay *overlay, int code)
{
    WRLOCKED(&overlay->lock);
    overlay->sync_error = code;
    return code;
}

/* The data is on the disk. */
static int cover(struct overlay *overlay, struct sync_plan *plan)
{
    struct map *map = &overlay->body.map;
    int r = 0;

    WRLOCKED(&overlay->lock);
    if (plan->has_records)
        r = map_record_synced(map, plan->count);
    plan->writes = map->writes;
    return r;
}

static int sync_map(struct overlay *overlay, struct sync_plan *plan)
{
    struct body *body = &overlay->body;
    int r = cover(overlay, plan);

    if (r < 0)
        return r;
    if (fdatasync(body->map.fd) != 0)
        return fail(overlay, -errno);
    WRLOCKED(&overlay->lock);
    if (plan->writes > body->synced_writes)
        body->synced_writes = plan->writes;
    return 0;
}

static int sync_names(struct overlay *overlay)
{
    if (fsync(overlay->overlays->directory_fd) != 0)
        return -errno;
    WRLOCKED(&overlay->lock);
    overlay->is_named = true;
    return 0;
}

int overlay_sync(struct overlay *overlay, bool data_only)
{
    struct sync_plan plan = { 0 };
    int data_fd, r = overlay_load(overlay);

    if (r == 0)
        r = make_plan(overlay, &plan);
    if (r < 0)
        return r;
    KILL_POINT("overlay-sync");
    data_fd = overlay->body.data_fd;
    if ((data_only ? fdatasync(data_fd) : fsync(data_fd)) != 0)
        return fail(overlay, -errno);
    if (!plan.is_map_synced)
        r = sync_map(overlay, &plan);
    if (r == 0 && !plan.is_named)
        r = sync_names(overlay);
    return r;
}
