/* SPDX-License-Identifier: MIT */
/*
 * The table of overlays, and their life.
 *
 * The table knows every overlay that is on disk: its size, its time and whether it is full, so that
 * stat touches no disk. The files are open only while somebody has a reference and has needed them
 * (overlay_load): many small files that wait for their upload cost no descriptors. Who ends the
 * last reference takes what is open out of the overlay under the table's lock, and closes it
 * outside; whoever comes meanwhile opens the files anew, and finds everything in them.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/uuid.h"
#include "base/vec.h"
#include "base/xalloc.h"
#include "overlay/overlay_i.h"

DEFINE_VEC(overlay_list, struct overlay *);

/* ---- jobs ---- */

void overlays_job_begin(struct overlays *overlays)
{
    LOCKED(&overlays->jobs_lock);
    overlays->jobs++;
}

void overlays_job_end(struct overlays *overlays)
{
    LOCKED(&overlays->jobs_lock);
    if (--overlays->jobs == 0)
        (void)pthread_cond_broadcast(&overlays->jobs_ended);
}

static void wait_for_jobs(struct overlays *overlays)
{
    LOCKED(&overlays->jobs_lock);
    while (overlays->jobs > 0)
        (void)pthread_cond_wait(&overlays->jobs_ended, &overlays->jobs_lock);
}

/* ---- one overlay ---- */

struct overlay *overlay_new(struct overlays *overlays, uint64_t generation)
{
    struct overlay *overlay = x_calloc(1, sizeof *overlay);

    overlay->overlays = overlays;
    overlay->generation = generation;
    overlay->references = 1;
    overlay->body.data_fd = overlay->body.map.fd = -1;
    rwlock_init_prefer_writer(&overlay->lock);
    (void)pthread_mutex_init(&overlay->base_lock, NULL);
    (void)pthread_mutex_init(&overlay->fill.lock, NULL);
    return overlay;
}

void overlay_free(struct overlay *overlay)
{
    if (!overlay)
        return;
    content_close(overlay->base);
    body_close(&overlay->body);
    fill_asks_clear(&overlay->fill.asks);
    (void)pthread_mutex_destroy(&overlay->fill.lock);
    (void)pthread_mutex_destroy(&overlay->base_lock);
    (void)pthread_rwlock_destroy(&overlay->lock);
    free(overlay);
}

/* ---- the table ---- */

static int compare_generations(const void *one, const void *other)
{
    const struct overlay *a = one, *b = other;

    return a->generation < b->generation ? -1 : a->generation > b->generation;
}

void overlays_add(struct overlay *overlay)
{
    struct overlays *overlays = overlay->overlays;

    LOCKED(&overlays->lock);
    if (!tsearch(overlay, &overlays->overlays, compare_generations))
        abort();
    (void)atomic_fetch_add(&overlays->files, 1);
}

struct overlay *overlay_get(struct overlays *overlays, uint64_t generation)
{
    struct overlay key = { .generation = generation }, *overlay;
    void *found;

    if (atomic_load(&overlays->files) == 0)
        return NULL;
    LOCKED(&overlays->lock);
    found = tfind(&key, &overlays->overlays, compare_generations);
    if (!found)
        return NULL;
    overlay = *(struct overlay **)found;
    overlay->references++;
    return overlay;
}

void overlay_ref(struct overlay *overlay)
{
    LOCKED(&overlay->overlays->lock);
    overlay->references++;
}

/* Ends a reference. True if it was the last one: what was open is the caller's to close; unless the
 * fate is to be kept, the table doesn't have the overlay any more, and all of it is the caller's.
 */
static bool end_reference(struct overlay *overlay, enum fate *ret_fate, struct body *ret_body,
                          struct content_file **ret_base)
{
    struct overlays *overlays = overlay->overlays;

    LOCKED(&overlays->lock);
    if (--overlay->references > 0)
        return false;
    *ret_fate = atomic_load(&overlay->fate);
    *ret_body = overlay_take_body(overlay);
    /* What still shows of the base would be dropped with the row that had it. */
    *ret_base =
        *ret_fate == FATE_KEEP && !overlay_is_full(overlay) ? NULL : steal_ptr(&overlay->base);
    if (*ret_fate != FATE_KEEP) {
        (void)tdelete(overlay, &overlays->overlays, compare_generations);
        (void)atomic_fetch_sub(&overlays->files, 1);
    }
    return true;
}

static void end_of_files(struct overlay *overlay, enum fate fate)
{
    struct overlays *overlays = overlay->overlays;
    int r;

    if (fate == FATE_REMOVE) {
        overlays_remove_files(overlays, overlay->generation);
    } else {
        r = overlays_recover_files(overlays, overlay->generation);
        if (r < 0)
            log_warn("overlay", "setting aside what was written: %s", ERRNO_TEXT(r));
    }
    overlay_leave(overlay);
    overlay_free(overlay);
}

void overlay_unref(struct overlay *overlay)
{
    struct content_file *base;
    struct body body;
    enum fate fate;

    if (!overlay || !end_reference(overlay, &fate, &body, &base))
        return;
    content_close(base);
    body_close(&body);
    if (fate != FATE_KEEP)
        end_of_files(overlay, fate);
}

void overlay_drop(struct overlay *overlay)
{
    atomic_store(&overlay->fate, FATE_REMOVE);
}

void overlay_set_aside(struct overlay *overlay)
{
    atomic_store(&overlay->fate, FATE_SET_ASIDE);
}

/* ---- questions ---- */

uint64_t overlay_generation(const struct overlay *overlay)
{
    return overlay->generation;
}

int64_t overlay_size(const struct overlay *overlay)
{
    return atomic_load(&overlay->size);
}

int64_t overlay_mtime_ns(const struct overlay *overlay)
{
    return atomic_load(&overlay->mtime_ns);
}

bool overlay_is_full(const struct overlay *overlay)
{
    return atomic_load(&overlay->is_full);
}

char *overlay_path(const struct overlay *overlay)
{
    char name[FILE_NAME_SIZE];

    file_name(name, overlay->generation, ENDING_DATA);
    return x_asprintf("%s/%s", overlay->overlays->directory, name);
}

void overlays_get_status(struct overlays *overlays, struct overlays_status *ret)
{
    *ret = (struct overlays_status){
        .used_bytes = atomic_load(&overlays->used_bytes),
        .missing_bytes = atomic_load(&overlays->owed_bytes),
        .limit_bytes = overlays->limit_bytes,
        .files = atomic_load(&overlays->files),
    };
}

static void collect(const void *node, VISIT visit, void *list)
{
    struct overlay *overlay = *(struct overlay *const *)node;

    if (visit != postorder && visit != leaf)
        return;
    overlay->references++;
    (void)overlay_list_push(list, overlay);
}

static int tell(struct overlay *overlay, overlays_each_fn *each, void *arg)
{
    cleanup_free uint8_t *bytes = NULL;
    struct head head;
    int r = overlay_load(overlay);

    if (r == 0)
        r = map_read_head(&overlay->body.map, &head, &bytes);
    if (r < 0)
        return r;
    each(
        &(struct overlay_info){
            .generation = overlay->generation,
            .size = overlay_size(overlay),
            .mtime_ns = overlay_mtime_ns(overlay),
            .is_full = overlay_is_full(overlay),
            .place = head.place,
        },
        arg);
    return 0;
}

int overlays_list(struct overlays *overlays, overlays_each_fn *each, void *arg)
{
    struct overlay_list list = { 0 };
    int r = 0;

    {
        LOCKED(&overlays->lock);
        twalk_r(overlays->overlays, collect, &list);
    }

    for (size_t i = 0; i < list.len; i++) {
        if (r == 0)
            r = tell(list.items[i], each, arg);
        overlay_unref(list.items[i]);
    }
    overlay_list_clear(&list);
    return r;
}

/* ---- life ---- */

/* The path of ${name} in the same directory as ${path}. */
static char *beside(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');

    return slash ? x_asprintf("%.*s/%s", (int)(slash - path), path, name) : x_strdup(name);
}

/* The directory, made if there is none, so that its own name is on the disk. */
static int open_directory(struct overlays *overlays, struct err *err)
{
    cleanup_free char *parent = beside(overlays->directory, ".");
    cleanup_close int parent_fd = -1;
    int r;

    overlays->directory_fd = open(overlays->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (overlays->directory_fd >= 0)
        return 0;
    r = mkdir_p(overlays->directory, 0700);
    if (r < 0)
        return err_set_errno(err, r, "making %s", overlays->directory);
    parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    overlays->directory_fd = open(overlays->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent_fd < 0 || fsync(parent_fd) != 0 || overlays->directory_fd < 0)
        return err_set_errno(err, errno, "making %s", overlays->directory);
    return 0;
}

/* Records hold a number for the boot. */
static int set_boot(struct overlays *overlays, const char *boot_id, struct err *err)
{
    char id[UUID_SIZE];
    int r;

    if (!boot_id) {
        r = uuid_boot(id);
        if (r < 0)
            return err_set_errno(err, r, "reading the id of this boot");
        boot_id = id;
    }
    overlays->boot = bytes_checksum(boot_id, strlen(boot_id));
    return 0;
}

int overlays_new(const struct overlays_conf *conf, struct overlays **ret, struct err *err)
{
    struct overlays *overlays = x_calloc(1, sizeof *overlays);
    int r;

    overlays->directory = x_strdup(conf->directory);
    overlays->recovered = beside(conf->directory, "recovered");
    overlays->directory_fd = -1;
    overlays->content = conf->content;
    overlays->pool = conf->pool;
    overlays->clock = conf->clock;
    overlays->limit_bytes = conf->limit_bytes;
    overlays->min_free_bytes = conf->min_free_bytes;
    LIST_INIT(&overlays->filling);
    (void)pthread_mutex_init(&overlays->lock, NULL);
    (void)pthread_mutex_init(&overlays->jobs_lock, NULL);
    (void)pthread_cond_init(&overlays->jobs_ended, NULL);

    r = set_boot(overlays, conf->boot_id, err);
    if (r == 0)
        r = open_directory(overlays, err);
    if (r == 0)
        r = overlays_scan(overlays, err);
    if (r < 0) {
        overlays_free(overlays);
        return r;
    }
    *ret = overlays;
    return 0;
}

static void free_node(void *node)
{
    overlay_free(node);
}

void overlays_free(struct overlays *overlays)
{
    if (!overlays)
        return;
    atomic_store(&overlays->is_closing, true);
    overlays_give_up_fills(overlays);
    wait_for_jobs(overlays);
    tdestroy(overlays->overlays, free_node);
    if (overlays->directory_fd >= 0)
        (void)close(overlays->directory_fd);
    (void)pthread_cond_destroy(&overlays->jobs_ended);
    (void)pthread_mutex_destroy(&overlays->jobs_lock);
    (void)pthread_mutex_destroy(&overlays->lock);
    free(overlays->recovered);
    free(overlays->directory);
    free(overlays);
}
