/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_STATUS_H
#define GRAPHFS_FS_STATUS_H

#include "fs/fs_i.h"

/* Appends the state of the mount as one JSON object, whose members docs/man/graphfs.1 explains.
 * Reads the store; not with READING held. */
void status_write(struct fs *fs, struct strbuf *out);

/* The part of it about what was changed here: appends ,"changes":{...}. */
void status_write_changes(struct fs *fs, struct strbuf *out);

#endif
