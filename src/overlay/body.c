/* SPDX-License-Identifier: MIT */
/*
 * The two files of an overlay while they are open, and what must hold between them and what is in
 * memory.
 *
 * Where the overlay is shorter than the base nothing of the base shows behind its end, and the map
 * need not say so: the length of the data file does. Before it grows again the map must, or the
 * base's bytes would come back. That is left until then because a truncation, which is one call
 * that nothing can come between, is nearly always followed by writing the whole file anew.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/kill_point.h"
#include "base/lock.h"
#include "overlay/overlay_i.h"

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

int64_t overlays_now_ns(const struct overlays *overlays)
{
    return clock_real_ms(overlays->clock) * NS_PER_MS;
}

static int set_file_time(int fd, int64_t mtime_ns)
{
    int64_t seconds = mtime_ns / NS_PER_S, rest = mtime_ns % NS_PER_S;
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

    if (rest < 0) {
        seconds--;
        rest += NS_PER_S;
    }
    times[1].tv_sec = (time_t)seconds;
    times[1].tv_nsec = (long)rest;
    return futimens(fd, times) == 0 ? 0 : -errno;
}

int overlay_put_time(struct overlay *overlay, int64_t mtime_ns)
{
    struct body *body = &overlay->body;
    int r = body->has_own_time ? map_set_time(&body->map, mtime_ns) : 0;

    if (r == 0)
        r = set_file_time(body->data_fd, mtime_ns);
    if (r == 0)
        atomic_store(&overlay->mtime_ns, mtime_ns);
    return r;
}

void overlay_own(struct overlay *overlay, struct range range)
{
    ranges_remove(&overlay->body.missing, range);
    atomic_store(&overlay->is_full, overlay->body.missing.total == 0);
}

int overlay_record_end(struct overlay *overlay)
{
    struct body *body = &overlay->body;
    struct range behind = { overlay_size(overlay), body->map_shows_to };
    int r;

    if (range_is_empty(behind))
        return 0;
    r = map_record(&body->map, behind);
    if (r == 0)
        body->map_shows_to = behind.first;
    return r;
}

/* ---- opening ---- */

/* A kill in the middle of filling left the time in the map. */
static void take_time(struct overlay *overlay, const struct stat *st)
{
    struct body *body = &overlay->body;
    int64_t mtime_ns = (int64_t)st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec;

    if (map_get_time(&body->map, &mtime_ns) && set_file_time(body->data_fd, mtime_ns) == 0)
        (void)map_unset_time(&body->map);
    atomic_store(&overlay->mtime_ns, mtime_ns);
}

int overlay_open_files(struct overlay *overlay)
{
    const struct overlays *overlays = overlay->overlays;
    struct body *body = &overlay->body;
    char name[FILE_NAME_SIZE];
    struct stat st = { 0 };
    int r;

    file_name(name, overlay->generation, ENDING_DATA);
    body->data_fd = openat(overlays->directory_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    r = body->data_fd < 0 || fstat(body->data_fd, &st) != 0 ? -errno : 0;
    if (r == 0)
        r = map_open(overlays->directory_fd, overlay->generation, overlays->boot, &body->map,
                     &body->missing);
    if (r < 0) {
        body_close(body);
        return r;
    }
    body->map_shows_to = ranges_end(&body->missing);
    atomic_store(&overlay->size, (int64_t)st.st_size);
    overlay_own(overlay, (struct range){ st.st_size, INT64_MAX });
    take_time(overlay, &st);
    atomic_store(&overlay->is_loaded, true);
    return 0;
}

int overlay_load(struct overlay *overlay)
{
    int r = 0;

    if (atomic_load(&overlay->is_loaded))
        return 0;
    WRLOCKED(&overlay->lock);
    if (!atomic_load(&overlay->is_loaded))
        r = overlay_open_files(overlay);
    /* It was neither when we started: the disk is not as we left it. */
    return r == -EBADMSG || r == -ENOENT ? -EIO : r;
}

/* ---- the end ---- */

void body_close(struct body *body)
{
    if (body->data_fd >= 0)
        (void)close(steal_fd(&body->data_fd));
    map_close(&body->map);
    ranges_clear(&body->missing);
}

struct body overlay_take_body(struct overlay *overlay)
{
    struct body body = overlay->body;

    overlay->body = (struct body){ .data_fd = -1, .map.fd = -1 };
    atomic_store(&overlay->is_loaded, false);
    return body;
}

void overlays_remove_files(const struct overlays *overlays, uint64_t generation)
{
    char name[FILE_NAME_SIZE];

    KILL_POINT("overlay-drop");
    file_name(name, generation, ENDING_DATA);
    (void)unlinkat(overlays->directory_fd, name, 0);
    KILL_POINT("overlay-half-dropped");
    file_name(name, generation, ENDING_MAP);
    (void)unlinkat(overlays->directory_fd, name, 0);
}
