/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_OWN_XATTR_H
#define GRAPHFS_FS_OWN_XATTR_H

/* Extended attributes of the user's own ("user.", but for user.graphfs.*): kept in the store, never
 * sent. */

#include "base/strbuf.h"
#include "fs/fs_i.h"

/* Adds the value; -ENODATA if there is none of that name. */
int own_xattr_get(struct fs *fs, ino_nr ino, const char *name, struct strbuf *ret);

/* Adds the names, a NUL behind each. */
int own_xattr_list(struct fs *fs, ino_nr ino, struct strbuf *ret);

/* As setxattr(2) and removexattr(2). -EROFS, -EPERM: the row can't have any. */
int own_xattr_set(struct fs *fs, ino_nr ino, const char *name, const char *value, size_t size,
                  int flags);
int own_xattr_remove(struct fs *fs, ino_nr ino, const char *name);

#endif
