/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_OVERLAY_OVERLAY_H
#define GRAPHFS_OVERLAY_OVERLAY_H

/*
 * overlays: what the user wrote, until it is uploaded, in the state directory.
 *
 * An overlay is the content of one generation that is not the server's: a file of its own, or what
 * was written over a version that the server has (its base). Written bytes never enter a version;
 * where nothing was written the base's bytes show, from the cache or the network. An overlay is
 * full once it needs no base any more; only then can it be uploaded. Emptying the cache loses
 * nothing that was written.
 *
 * A kill at any moment leaves each write that was acknowledged, whole, perhaps a part of the one
 * that was under way, and elsewhere the base. A power cut leaves the same of what was written
 * before the last overlay_sync(); of later writes it may leave some and not others, but in front of
 * the end of that time never a byte that was neither there then nor written since (by truncation:
 * zeros). Behind that end the overlay gets from the file system what any file gets: it may be
 * longer already where what was written has not come (zeros).
 *
 * On disk an overlay is two files, see overlay/map.h. All is thread safe, and takes no lock of the
 * store. What is not said to wait for the network doesn't.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "content/content.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct overlays;
struct overlay;
struct overlay_wait;

struct overlays_conf {
    const char *directory; /* of the account's overlays; is made. Beside it: "recovered" */
    struct content *content;
    struct pool *pool; /* copies what is fetched */
    struct clock *clock;
    int64_t limit_bytes;    /* dirty_limit: of all overlays, with what is still to come of their
                               bases; 0: none */
    int64_t min_free_bytes; /* floor of free disk space, the same */
    const char *boot_id;    /* NULL: the kernel's. What was not synced counts in one boot */
};

/* Finds what earlier runs left. What is damaged, or was only half made, is renamed into "recovered"
 * and told in the log; nothing is deleted. Returns 0, or -errno if the directory can't be used. */
int overlays_new(const struct overlays_conf *conf, struct overlays **ret, struct err *err);

/* Ends what overlay_fill() began, -ECANCELED, and waits for jobs and reads to end; syncs nothing.
 * Not from the pool; content and pool are still needed. No overlay may be used afterwards. NULL is
 * allowed. */
void overlays_free(struct overlays *overlays);

/* Where the file is, for a person or for recovery: what the store said when the overlay was made.
 */
struct overlay_place {
    const char *drive_id;
    const char *parent_id; /* "": the server doesn't have the folder yet */
    const char *name;
    const char *path; /* in the mount */
};

struct overlay_info {
    uint64_t generation;
    int64_t size; /* bytes */
    int64_t mtime_ns;
    bool is_full;
    struct overlay_place place; /* its strings live during the call */
};

/* Calls ${each} for every overlay, no lock being held. Returns 0, or -errno if one can't be read.
 */
typedef void overlays_each_fn(const struct overlay_info *info, void *arg);
int overlays_list(struct overlays *overlays, overlays_each_fn *each, void *arg);

struct overlays_status {
    int64_t used_bytes;    /* on disk */
    int64_t missing_bytes; /* still to come of the bases */
    int64_t limit_bytes;
    int64_t files;
};

/* How much there is. */
void overlays_get_status(struct overlays *overlays, struct overlays_status *ret);

/* ---- life ---- */

/* Makes an overlay over a version, which it shows whole, or (NULL) an empty one, and references it.
 * Its time is now. -EEXIST: there is one of that generation; -EDQUOT, -ENOSPC: no room, for the
 * base neither; what content_open() says. */
int overlay_create(struct overlays *overlays, uint64_t generation,
                   const struct overlay_place *place, const struct content_id *base,
                   struct overlay **ret, struct err *err);

/* A copy of a full overlay, under another generation: referenced, with the same place and time. The
 * one copied is frozen meanwhile. -EAGAIN: it isn't full; else as overlay_create(). */
int overlay_fork(struct overlay *overlay, uint64_t generation, struct overlay **ret,
                 struct err *err);

/* The overlay of a generation, referenced; NULL: none. Touches no disk, and is asked at each stat.
 */
struct overlay *overlay_get(struct overlays *overlays, uint64_t generation);

/* One reference more, for who has one; one less. The last one closes the files. NULL is allowed in
 * overlay_unref(). */
void overlay_ref(struct overlay *overlay);
void overlay_unref(struct overlay *overlay);

/* No row stands for it any more: its files go when the last reference ends. Until then it works as
 * before. Nothing on disk says so: after a kill it is found again. */
void overlay_drop(struct overlay *overlay);

/* The same for one whose row is lost: its files go into "recovered". */
void overlay_set_aside(struct overlay *overlay);

/* The path of the file that holds the bytes, for the caller to free. Unless the overlay is full the
 * file shows only a part. */
char *overlay_path(const struct overlay *overlay);

/* ---- what it shows ---- */

/* Under which it was made; const. */
uint64_t overlay_generation(const struct overlay *overlay);

/* What stat says. Neither touches the disk. */
int64_t overlay_size(const struct overlay *overlay);
int64_t overlay_mtime_ns(const struct overlay *overlay);

/* Sets the time of the last change, as if then something had been written. 0 or -errno. */
int overlay_set_mtime(struct overlay *overlay, int64_t mtime_ns);

/*
 * Reads [offset, offset + size), cut at the end, like content_read(): done runs exactly once,
 * before the call returns if nothing of the base is needed (*ret_wait is NULL then), else later on
 * a pool thread. No write is seen in part, and no byte behind a truncation that came before done.
 * status is 0, or what content_read() says of the base, or -errno of the disk.
 */
void overlay_read(struct overlay *overlay, int64_t offset, size_t size, content_read_fn *done,
                  void *arg, struct overlay_wait **ret_wait);

/* As content_cancel(), once overlay_read() has returned. */
bool overlay_cancel(struct overlay_wait *wait);

/* ---- changing it: 0 or -errno; -EBUSY while it is frozen ---- */

/*
 * Writes all or fails. -EFBIG behind CONTENT_MAX_SIZE; -EDQUOT, -ENOSPC if there is no room: asked
 * before anything is written, and again by the disk. After a failure the size is the one before,
 * and where the base showed it still does; what had been written earlier may be overwritten in
 * part.
 */
int overlay_write(struct overlay *overlay, const void *data, size_t size, int64_t offset);

/* Makes it shorter, or longer by zeros. */
int overlay_truncate(struct overlay *overlay, int64_t size);

/* Has the disk keep room for [offset, offset + length); with ${keep_size} also behind the end, else
 * that moves. -EOPNOTSUPP if the file system can't. */
int overlay_allocate(struct overlay *overlay, int64_t offset, int64_t length, bool keep_size);

/* When it returns 0 a power cut keeps what was acknowledged before it was called; with ${data_only}
 * perhaps not the time. Waits for the disk. Once that has failed it goes on failing: the kernel has
 * given up bytes that it can't tell. */
int overlay_sync(struct overlay *overlay, bool data_only);

/* ---- becoming whole, and being uploaded ---- */

/* Whether all bytes are its own. Touches no disk. */
bool overlay_is_full(const struct overlay *overlay);

/*
 * Has all of the base that shows fetched, behind readers, and copied. done runs on a pool thread,
 * for each that asked. status: 0, it is full; -ECANCELED, it was dropped or overlays_free() was
 * called; -ESTALE, the base's bytes are not to be had any more: they are -ESTALE for readers, too;
 * or what else content_fetch() says, and the disk. What was copied stays; it may be asked again.
 */
typedef void overlay_fill_fn(int status, void *arg);
void overlay_fill(struct overlay *overlay, overlay_fill_fn *done, void *arg);

/* Until it is thawed as often its bytes don't change. Only a full overlay can be frozen (-EAGAIN).
 */
int overlay_freeze(struct overlay *overlay);
void overlay_thaw(struct overlay *overlay);

/* The file with the bytes of a frozen overlay, to be read until it is thawed. Belongs to the
 * overlay, who uses it reads at offsets (pread). */
int overlay_fd(struct overlay *overlay);

#endif
