/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_SESSION_H
#define GRAPHFS_FS_SESSION_H

#include "fs/fs_i.h"

/* The kernel's first request: agrees on how to work together. */
void session_init(void *userdata, struct fuse_conn_info *connection);

#endif
