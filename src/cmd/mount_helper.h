/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CMD_MOUNT_HELPER_H
#define GRAPHFS_CMD_MOUNT_HELPER_H

#include <stdbool.h>

/* Whether the program was called by the name under which mount(8) looks for it. */
bool mount_helper_is_meant(const char *program);

/* mount.graphfs ACCOUNT MOUNTPOINT [-sfnv] [-o OPT,...]: does what `graphfs mount` does. Returns an
 * exit code. */
int mount_helper_run(int argc, char **argv);

#endif
