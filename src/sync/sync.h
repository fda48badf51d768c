/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_SYNC_H
#define GRAPHFS_SYNC_SYNC_H

/*
 * sync: keeps the store in step with the service.
 *
 * One thread, an event loop: it takes messages (a page arrived, somebody opened a folder, a timer
 * is due), writes to the store through apply, and asks the remote for the next thing. It waits for
 * nothing but its queue, so a drive that stalls holds up no other. Knows nothing of FUSE: what
 * changed is told by the store's listener.
 */

#include "base/clock.h"
#include "base/err.h"
#include "graph/remote.h"
#include "store/store.h"

struct bytes;
struct sync;

struct sync_conf {
    struct store *store;
    struct remote *remote;
    struct clock *clock;
    int poll_s;              /* between rounds while in use */
    int poll_idle_s;         /* when nobody uses the mount */
    int object_ttl_s;        /* age at which a place without delta is listed again when opened */
    struct bytes *bytes;     /* of what was written here; NULL: nothing is ever changed here */
    const char *host;        /* for the names of conflict copies */
    const char *user;        /* whose changes ours are: the user's id; NULL: not known */
    int64_t big_delete;      /* more deletions at once are held; 0: see push_held.c */
    int64_t upload_delay_ms; /* how long a thing rests before a change of it is sent */
};

/* Makes the sync engine; starts no thread. The conf is copied. */
int sync_new(const struct sync_conf *conf, struct sync **ret);

/* Starts the thread: continues rounds that were under way, and asks for the drives. */
int sync_start(struct sync *sync);

/* Ends the thread; waiters get -ECANCELED. Call before the remote is freed; safe if never started.
 */
void sync_stop(struct sync *sync);
void sync_free(struct sync *sync);

/* Runs once, on the sync thread, after the commit that holds the answer, with no lock held. err is
 * NULL on success. */
typedef void sync_done_fn(const struct err *err, void *arg);

/* True if opening this directory must wait for a listing: it isn't complete, or it is a place
 * without delta whose listing is older than object_ttl. Reads no more than attr. */
bool sync_needs_listing(struct sync *sync, const struct node_attr *attr);

/* Whether changes of this drive are followed by delta; without, what is known of it is only as
 * fresh as its last listing. Any thread. */
bool sync_has_delta(struct sync *sync, int64_t drive);

/* Lists a directory ahead of everything else; requests for the same one are joined. Returns an id
 * for sync_forget(). done gets -EACCES, -ENETDOWN, -ETIMEDOUT, -ENOENT, … */
uint64_t sync_want_listing(struct sync *sync, ino_nr ino, sync_done_fn *done, void *arg);

/* Asks for one name in a directory that was never listed. No error: the store can answer for it
 * now (look it up again); -ENOENT if the service has no such name. */
uint64_t sync_want_child(struct sync *sync, ino_nr parent, const char *name, sync_done_fn *done,
                         void *arg);

/* True if opening this file must wait for what it is: it is a shortcut to a file elsewhere, which
 * has no delta, and was told of longer than object_ttl ago. Reads no more than attr. */
bool sync_needs_target(struct sync *sync, const struct node_attr *attr);

/* Asks for what the shortcut leads to; requests for the same one are joined. No error: the row has
 * its size, time, tags and hash. -ENOENT, -EACCES: it can't be had. */
uint64_t sync_want_target(struct sync *sync, ino_nr ino, sync_done_fn *done, void *arg);

/* Gives up waiting (the work goes on). True: done will not run; false: it ran or is running. */
bool sync_forget(struct sync *sync, uint64_t id);

/* Down: done runs when a round that began after this call has been applied on every followed
 * drive, or with the first error. */
uint64_t sync_pull_now(struct sync *sync, sync_done_fn *done, void *arg);

/* Up: what was changed here before this call, at the row `top` and below, which goes first, or
 * anywhere (STORE_INO_NONE), is sent without resting. done runs when the service has all of it, or
 * nothing more comes of it, with an error that says how much is left and why. keeps_trying: only
 * what the service has refused is given up, not what can't be sent for now. */
uint64_t sync_push_now(struct sync *sync, ino_nr top, bool keeps_trying, sync_done_fn *done,
                       void *arg);

/* done runs when nothing is under way and nothing is due: after what was asked for before this
 * call, and what that has led to. */
uint64_t sync_when_idle(struct sync *sync, sync_done_fn *done, void *arg);

/* Somebody uses the mount, or this drive: rounds run at poll_s; a drive in /drives is followed from
 * its first use on. Cheap: may be called on each opendir. */
void sync_note_use(struct sync *sync, int64_t drive);

/* Somebody opens this directory, whose children are known. Cheap: may be called on each opendir. */
void sync_note_opened(struct sync *sync, ino_nr ino);

/* The user changes this row: it is left alone for a while, and looked at then. To be called under
 * the store's writer mutex, before the commit. Any thread. */
void sync_note_change(struct sync *sync, ino_nr ino);

/* The same for its content. What somebody has open for writing doesn't rest but waits, until it was
 * closed; with ${is_synced} what it is by now may be sent before that. */
void sync_note_written(struct sync *sync, ino_nr ino, bool is_synced);

/* Somebody has this file open for writing, once more, until sync_let_go(): its content waits. With
 * ${is_written} something may be there to be sent. sync_hold() under the store's writer mutex:
 * whatever the server says of the content later is kept beside it. Any thread. */
void sync_hold(struct sync *sync, ino_nr ino);
void sync_let_go(struct sync *sync, ino_nr ino, bool is_written);

/* Something may have to be sent although no row has changed: content that was on its way here has
 * come (see bytes.h). Any thread. */
void sync_wake_push(struct sync *sync);

/* It hasn't come, and isn't waited for any more; it is asked for again with the next look. */
void sync_note_no_bytes(struct sync *sync);

/* The network or the sign-in came back, or the clock was moved: look at all timers now. */
void sync_wake(struct sync *sync);

/* Removals that were held (too many at once) are let go. */
void sync_confirm_removals(struct sync *sync);

/* Deletions from here that are held, since they are so many; they are let go. */
int64_t sync_count_held_deletes(struct sync *sync);
void sync_confirm_deletes(struct sync *sync);

struct sync_drive_status {
    int64_t drive;
    enum round_kind round;
    int64_t items_seen;    /* of the round under way */
    int64_t last_round_ms; /* real time; 0: none yet */
    int64_t held;          /* removals held */
    int64_t rounds;        /* since start */
    struct err error;      /* of the last attempt; code 0: none */
};

/* A change of a row that is on its way to the service. */
struct sync_upload {
    ino_nr ino;
    int64_t size; /* of the content that is sent; 0: none is */
    int64_t sent; /* of that */
};

typedef void sync_upload_fn(const struct sync_upload *upload, void *arg);
/* One call for each, under the lock of sync: `each` must not call sync. */
void sync_uploads(struct sync *sync, sync_upload_fn *each, void *arg);

typedef void sync_status_fn(const struct sync_drive_status *status, void *arg);
/* One call for each drive that is followed, and one with drive 0 for the rest, if there is anything
 * to be said: what went wrong when the drives were asked for, removals held in shared folders;
 * under the lock of sync: `each` must not call sync. */
void sync_status(struct sync *sync, sync_status_fn *each, void *arg);

#endif
