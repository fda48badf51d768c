/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_NOTIFY_H
#define GRAPHFS_FS_NOTIFY_H

/*
 * The notifiers: tell the kernel to forget what has changed.
 *
 * Such a call may block for long (it wants the lock of a directory, or of pages, that a request
 * holds which we have yet to answer), so it is made by threads that do nothing else and hold
 * nothing. What is queued for one directory, or one inode, is told in order by one thread at a
 * time; a busy directory holds up no other. What is queued twice is told once, after all that was
 * queued before its second time; nothing is dropped.
 */

#include "store/store.h"

#include <stddef.h>

struct notifier;

/* How the kernel is told. A seam for the tests; all may block. Numbers are rows. */
struct notify_ops {
    void (*forget_entry)(void *arg, ino_nr parent, const char *name);
    void (*forget_deleted)(void *arg, ino_nr parent, ino_nr ino, const char *name);
    /* parent: see struct change */
    void (*forget_attr)(void *arg, ino_nr parent, ino_nr ino);
    void (*forget_content)(void *arg, ino_nr parent, ino_nr ino); /* or listing; and attributes */
};

/* Starts the threads. Returns 0 or -errno. */
int notifier_new(const struct notify_ops *ops, void *arg, unsigned threads, struct notifier **ret);

/* Ends the threads, which finish the call that they are in. What is queued is forgotten. Can be
 * called more than once. */
void notifier_stop(struct notifier *notifier);
void notifier_free(struct notifier *notifier); /* NULL is allowed */

/* Queues what a commit changed, but for what the kernel asked for. Any thread; doesn't block. */
void notifier_queue(struct notifier *notifier, const struct change *changes, size_t count);

/* Runs done(arg) once, when nothing is queued or being told: now, or on a notifier's thread. Also
 * when the notifier stops. */
void notifier_when_idle(struct notifier *notifier, void (*done)(void *arg), void *arg);

/* How many notifications are queued. */
size_t notifier_length(struct notifier *notifier);

#endif
