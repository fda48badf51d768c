/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_WAIT_H
#define GRAPHFS_FS_WAIT_H

/*
 * Requests of the kernel that wait for the network: put aside, so that no thread waits with them.
 *
 * A request is answered exactly once: when the work that it waits for is done, or before that, when
 * its process is interrupted (EINTR), its deadline has passed (ETIMEDOUT), or the mount ends
 * (ENOTCONN). Whoever comes first claims it.
 *
 *     wait = wait_new(fs, &conf);               NULL: answered already, the mount is ending
 *     id = start the work, which ends in wait_claim() and wait_end();
 *     wait_for_work(wait, id);                  the caller must not use wait after this
 */

#include "content/content.h"
#include "fs/fs_i.h"
#include "overlay/overlay.h"

struct wait;

/* Answers wait->req, the work being done; err is NULL unless it failed. */
typedef void wait_resume_fn(struct wait *wait, const struct err *err);

/* Gives up the work. True: it won't call back; false: it has, or is about to. Called with the
 * wait's own lock held. */
typedef bool wait_abandon_fn(struct wait *wait);

#define WAIT_FOR_EVER INT64_MAX

struct wait_conf {
    fuse_req_t req;
    ino_nr ino;       /* what follows is for resume alone */
    const char *name; /* NULL: none; copied */
    size_t size;
    const struct fuse_file_info *file; /* NULL: none; copied */
    void *handle;
    void (*free_handle)(void *handle); /* in the end, unless resume took it away; NULL: nobody */
    wait_resume_fn *resume;
    wait_abandon_fn *abandon;
    int64_t deadline_ms; /* from now; 0: a minute; WAIT_FOR_EVER */
};

/* What abandon and resume may look at; the rest belongs to wait.c. */
struct wait {
    struct fs *fs;
    fuse_req_t req;
    ino_nr ino;
    char *name;
    size_t size;
    struct fuse_file_info file;
    void *handle;

    union {
        uint64_t id; /* what sync, or the remote, gave for it */
        struct content_wait *content;
        struct overlay_wait *overlay;
    } work;
    struct wait_state *state;
};

/* The table of waiting requests, with a thread that ends those that are interrupted or late. */
int waits_new(struct clock *clock, struct waits **ret);

/* Answers all with ENOTCONN, and from now on every new one; returns when no work is under way for
 * any of them. Can be called more than once. */
void waits_stop(struct waits *waits);
void waits_free(struct waits *waits);

/* Deadlines are looked at again: the clock was moved. */
void waits_wake(struct waits *waits);

/* How many requests wait now. */
size_t waits_count(struct waits *waits);

/* Puts the request aside. */
struct wait *wait_new(struct fs *fs, const struct wait_conf *conf);

/* Says what to abandon, after the work was started (it may have ended already). The wait is not the
 * caller's any more. */
void wait_for_work(struct wait *wait, uint64_t id);
void wait_for_content(struct wait *wait, struct content_wait *content);
void wait_for_overlay(struct wait *wait, struct overlay_wait *overlay);
void wait_for_handle(struct wait *wait);

/* The end of the work: true if the caller is to answer wait->req, now. Then wait_end(). */
bool wait_claim(struct wait *wait);
void wait_end(struct wait *wait);

/* For requests that wait for sync: the done function, whose arg is the
 * wait and which resumes it, and the way to abandon. */
void wait_sync_done(const struct err *err, void *arg);
bool wait_forget_sync(struct wait *wait);

#endif
