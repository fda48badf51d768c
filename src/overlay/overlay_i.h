/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_OVERLAY_OVERLAY_I_H
#define GRAPHFS_OVERLAY_OVERLAY_I_H

/*
 * What the files of overlay share: its structs, and who may touch what.
 *
 * Locks, in order: one overlay's lock, then its base_lock; or jobs_lock, then one fill's lock; and
 * behind each of these those of content and of the pool. The table's lock comes last, with none
 * behind it. Only one overlay is locked at a time, shared by who reads it. Its lock is held over
 * disk access, so that nobody sees a write in part; none is held over a sync or the copy of a file,
 * nor while a function of others runs, nor while content is asked for bytes, since that may run
 * one.
 */

#include "overlay/map.h"
#include "overlay/overlay.h"
#include "overlay/ranges.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* The base is fetched in pieces of so many bytes. */
#define FILL_PIECE (INT64_C(4) * 1024 * 1024)

LIST_HEAD(fill_list, overlay);

/* Any thread. */
struct overlays {
    char *directory;         /* const after init */
    char *recovered;         /* the directory beside it; const after init */
    int directory_fd;        /* const after init */
    uint64_t boot;           /* const after init */
    struct content *content; /* const after init */
    struct pool *pool;       /* const after init */
    struct clock *clock;     /* const after init */
    int64_t limit_bytes;     /* const after init */
    int64_t min_free_bytes;  /* const after init */

    _Atomic int64_t used_bytes; /* what the data files take on the disk */
    _Atomic int64_t owed_bytes; /* what they will take besides: missing bytes, writes under way */
    _Atomic int64_t files;
    _Atomic bool is_closing;

    pthread_mutex_t lock; /* the table's */
    void *overlays;       /* lock; tsearch tree by generation */

    pthread_mutex_t jobs_lock;
    pthread_cond_t jobs_ended; /* signalled with jobs_lock held */
    unsigned jobs;             /* jobs_lock; reads and fills that will still touch us */
    struct fill_list filling;  /* jobs_lock */
};

struct fill_ask {
    overlay_fill_fn *done;
    void *arg;
};

DEFINE_VEC(fill_asks, struct fill_ask);

/* The fetching of what shows of an overlay's base: at most one job or request at a time, which has
 * a reference. */
struct fill {
    pthread_mutex_t lock;
    bool is_running;           /* lock */
    struct fill_asks asks;     /* lock; who is told of the end */
    uint64_t asked;            /* lock; requests to content so far */
    uint64_t answered;         /* lock; how many of them ended */
    struct content_wait *wait; /* lock; what can be cancelled */

    LIST_ENTRY(overlay) link; /* jobs_lock of the table */

    /* The job's or request's alone. */
    struct content_file *base; /* NULL: not used yet */
    struct range piece;        /* that is on its way */
};

/* What becomes of the files at the end of the last reference. */
enum fate { FATE_KEEP, FATE_REMOVE, FATE_SET_ASIDE };

/* An overlay's files, while somebody uses it; the overlay's lock guards it. */
struct body {
    int data_fd; /* const while it is loaded */
    struct map map;
    struct ranges missing;  /* where the base shows; always in front of the end */
    int64_t map_shows_to;   /* where the last byte of the base ends that shows, as the map says */
    bool has_own_time;      /* the time is in the map */
    uint64_t synced_writes; /* of map.writes, how many are on the disk */
};

/*
 * An overlay. The table has one per generation that is on disk; without a reference it is at rest:
 * known, but not open.
 *
 * Always: the data file is as long as the overlay; its bytes are right where nothing is missing;
 * what is missing is what the map says, cut at the end.
 */
struct overlay {
    struct overlays *overlays; /* const after init */
    uint64_t generation;       /* const after init */

    unsigned references; /* table's lock */
    _Atomic enum fate fate;
    _Atomic int64_t size;
    _Atomic int64_t mtime_ns;
    _Atomic bool is_full;   /* nothing is missing */
    _Atomic bool is_loaded; /* unset without a reference only, with the table's lock */

    pthread_rwlock_t lock; /* what follows; shared to read */
    struct body body;      /* while is_loaded */
    int64_t used_bytes;    /* its share of the table's */
    int64_t owed_bytes;
    unsigned frozen;
    bool is_named;  /* its names are on the disk */
    int sync_error; /* of the data or the map; it stays */

    pthread_mutex_t base_lock;
    struct content_file *base; /* base_lock; NULL: not open */
    unsigned base_users;       /* base_lock */

    struct fill fill;
};

/* ---- overlays.c: the table ---- */

/* Counts what will touch overlays later on: overlays_free() waits until all have ended. */
void overlays_job_begin(struct overlays *overlays);
void overlays_job_end(struct overlays *overlays);

/* Makes the object; nothing is on disk, and the table doesn't have it yet. Referenced. */
struct overlay *overlay_new(struct overlays *overlays, uint64_t generation);

/* Frees the object alone. */
void overlay_free(struct overlay *overlay);

/* Puts it into the table, which has none of its generation. */
void overlays_add(struct overlay *overlay);

/* ---- body.c: the files ---- */

/* Opens the files and takes over what they say; sets size, time and is_full. Nobody else uses the
 * overlay yet, or its lock is held. 0; -EBADMSG if it is damaged, -ENOENT if a file is missing. */
int overlay_open_files(struct overlay *overlay);

/* Moves the body out of the overlay, which is then not loaded. Nobody uses it. */
struct body overlay_take_body(struct overlay *overlay);

/* Closes what is open of it. */
void body_close(struct body *body);

/* Opens the files unless they are open. The caller has a reference, and no lock. */
int overlay_load(struct overlay *overlay);

/* Removes the files, as far as they are there. */
void overlays_remove_files(const struct overlays *overlays, uint64_t generation);

/* With the lock held alone: nothing of the base shows in the range any more; the map has it already
 * or need not. Sets is_full. */
void overlay_own(struct overlay *overlay, struct range range);

/* With the lock held alone, before the overlay grows: has the map say that nothing of the base
 * shows behind the end, which so far only the end itself said. 0 or -errno. */
int overlay_record_end(struct overlay *overlay);

/* With the lock held alone: sets the time of the overlay and its file. */
int overlay_put_time(struct overlay *overlay, int64_t mtime_ns);

/* Now, by the clock. */
int64_t overlays_now_ns(const struct overlays *overlays);

/* ---- create.c ---- */

/* Makes the data file of a new overlay, empty, which becomes body.data_fd; then, when it has its
 * bytes, all the rest: the overlay is on disk and loaded. 0 or -errno; then nothing is left on
 * disk.
 */
int overlay_make_data(struct overlay *overlay);
int overlay_make_map(struct overlay *overlay, const struct head *head, bool is_full,
                     int64_t mtime_ns);

/* ---- base.c ---- */

/* The base, open until overlay_end_base(). Any overlay's lock may be held. 0, or what
 * content_open() says. */
int overlay_use_base(struct overlay *overlay, struct content_file **ret_base);

/* No lock is held. The base is closed if nobody uses it and the overlay is full. */
void overlay_end_base(struct overlay *overlay);

/* Same, for who doesn't use it. */
void overlay_close_idle_base(struct overlay *overlay);

/* ---- fill.c ---- */

/* Gives up all that is being fetched. */
void overlays_give_up_fills(struct overlays *overlays);

/* ---- room.c; the overlay's lock is held alone, or nobody else has the overlay ---- */

/* Makes sure that there is room for what the range doesn't have on the disk yet, and counts that as
 * owed until overlay_settle(). 0, -EDQUOT or -ENOSPC. */
int overlay_reserve(struct overlay *overlay, struct range range);

/* The same for so many bytes. */
int overlay_reserve_bytes(struct overlay *overlay, int64_t bytes);

/* Counts what the overlay takes on the disk now, and owes. */
void overlay_settle(struct overlay *overlay);

/* It is gone. */
void overlay_leave(struct overlay *overlay);

/* ---- scan.c ---- */

/* Takes in what the directory has. 0 or -errno. */
int overlays_scan(struct overlays *overlays, struct err *err);

/* Renames an overlay's files, as far as they are there, into "recovered". 0 or -errno. */
int overlays_recover_files(const struct overlays *overlays, uint64_t generation);

#endif
