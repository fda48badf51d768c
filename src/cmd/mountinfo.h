/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CMD_MOUNTINFO_H
#define GRAPHFS_CMD_MOUNTINFO_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Where graphfs is mounted, as the kernel tells in /proc/self/mountinfo. Looking there touches no
 * mount, so it works for one whose daemon has died, too.
 */
struct mount_entry {
    char *path;    /* of the mount point */
    char *account; /* as the mount calls itself: may be NULL */
    uid_t uid;     /* who mounted it */
};

/* Frees what the entry holds and zeroes it. */
void mount_entry_clear(struct mount_entry *entry);

/* Reads one line of mountinfo. True if it is a mount of graphfs; the entry is then to be cleared.
 */
bool mountinfo_parse(const char *line, struct mount_entry *ret);

/* The mount at exactly this place, the topmost if there are several. Returns 0, -ENOENT if there is
 * none (without a message), or -errno. */
int mountinfo_find_at(const char *path, struct mount_entry *ret, struct err *err);

/* The mount that holds path. -ENOENT with a message if there is none. */
int mountinfo_find_holding(const char *path, struct mount_entry *ret, struct err *err);

/* Whether path, which this mount holds, is its mount point; also if its daemon has died, so that it
 * can't be resolved. */
bool mountinfo_is_at(const char *path, const struct mount_entry *mount);

/* Calls fn for each mount of the calling user until it returns something else than 0, which is then
 * the result. -ENOENT with a message if there is none. */
typedef int mountinfo_fn(const struct mount_entry *mount, void *arg, struct err *err);
int mountinfo_each_own(mountinfo_fn *fn, void *arg, struct err *err);

/* The absolute path of a place without touching the place itself, only the directory above it. For
 * the caller to free. */
int mountinfo_absolute_path(const char *path, char **ret, struct err *err);

#endif
