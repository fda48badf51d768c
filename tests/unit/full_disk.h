/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_FULL_DISK_H
#define GRAPHFS_TESTS_FULL_DISK_H

/* A disk that is full, for tests linked with --wrap=disk_write. */

#include <stdint.h>

/* From now on what begins in [from, to) of any file is refused; from = to: the disk takes all. */
void full_disk_refuse(int64_t from, int64_t to);

#endif
