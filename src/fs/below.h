/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_BELOW_H
#define GRAPHFS_FS_BELOW_H

/* A walk through all that the store knows below a row, without recursion. */

#include "fs/fs_i.h"

/* No lock is held while they run. A negative answer ends the walk, which returns it. */
struct below_visitor {
    int (*folder)(const struct node_attr *attr, void *arg); /* before its children are read */
    int (*file)(const struct node_attr *attr, void *arg);
    void *arg;
};

/* The row itself is visited, too. 0; -ENOENT: it is gone; else an error of the store, or the
 * visitor's. Holds the store's shared lock for one folder at a time. */
int below_walk(struct fs *fs, ino_nr ino, const struct below_visitor *visitor);

/* Whether a file has bytes that the service gives. */
static inline bool below_has_bytes(const struct node_attr *attr)
{
    return attr->size > 0 && !(attr->flags & NODE_MALWARE);
}

#endif
