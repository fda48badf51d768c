/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_FS_H
#define GRAPHFS_FS_FS_H

/*
 * fs: the mount. Answers the kernel from store and content, and tells it what changed.
 *
 * No handler builds a request to the service. What has to wait for one (a folder that was never
 * listed, bytes that aren't here) is put aside and answered when sync or content is done.
 */

#include "base/clock.h"
#include "base/err.h"
#include "content/content.h"
#include "graph/graph.h"
#include "overlay/overlay.h"
#include "store/store.h"
#include "sync/sync.h"

#include <stdbool.h>
#include <sys/types.h>

struct fs;

/* All that this points to is borrowed, and must outlive the fs. */
struct fs_conf {
    struct store *store;
    struct content *content;
    struct overlays *overlays;
    struct bytes *bytes; /* of the overlays */
    struct sync *sync;
    struct graph *graph;
    struct clock *clock;

    const char *account;
    const char *mountpoint; /* absolute */
    const char *state_dir;  /* where the sign-in is */
    const char *log_file;   /* absolute; NULL: the log goes to stderr */
    const char *graph_url;  /* with the version: what item URLs begin with */

    uid_t uid; /* who owns all files */
    gid_t gid;
    mode_t umask;     /* taken from 0666 and 0777 */
    int object_ttl_s; /* how long the kernel may believe what comes from a place without delta */
    bool is_writable; /* else every change is EROFS */
    bool is_sync;     /* close waits until the service has it */
    bool debug;       /* libfuse prints every request to stderr */
    const char *fuse_options; /* more for the kernel and libfuse: ",a,b=c"; "": none but ours */
};

/*
 * Starts its threads and makes itself the store's listener, so this comes before sync_start().
 * Nothing is mounted yet. -errno with a message if libfuse refuses an option, or a thread can't be
 * started. For fs_free().
 */
int fs_new(const struct fs_conf *conf, struct fs **ret_fs, struct err *err);

/*
 * Mounts; the mount's root shows the row `root`. From now on whoever touches the mount point waits
 * until fs_serve() runs. -errno with a message if the kernel or fusermount3 refuses.
 */
int fs_mount(struct fs *fs, ino_nr root, struct err *err);

/*
 * Answers requests until somebody unmounts or SIGINT, SIGTERM or SIGHUP comes, which the caller has
 * blocked in all threads. ready(arg) runs once, when the kernel's first request is answered. At the
 * end nothing waits any more, sync is stopped, and the mount is gone. Returns 0, or -errno if
 * threads can't be started, or libfuse refuses the kernel.
 */
int fs_serve(struct fs *fs, void (*ready)(void *arg), void *arg, struct err *err);

/* Unmounts if fs_serve() didn't, closes what is open, frees. sync must be stopped, content still
 * there. NULL is allowed. */
void fs_free(struct fs *fs);

#endif
