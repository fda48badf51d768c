/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CONTENT_DISK_H
#define GRAPHFS_CONTENT_DISK_H

/* Whole reads and writes at a place of a file. They block on the disk; return 0 or -errno. */

#include <stddef.h>
#include <stdint.h>

/* -ENODATA if the file ends before. */
int disk_read(int fd, void *data, size_t length, int64_t offset);

/* Writes all or fails; what was written before a failure is not told. */
int disk_write(int fd, const void *data, size_t length, int64_t offset);

/* Copies the first ${length} bytes of a file to the same place of another, which then share them on
 * the disk where the file system can do that. -ENODATA if the file ends before. */
int disk_copy(int from_fd, int to_fd, int64_t length);

/* Gives the space of a range back to the file system; the file keeps its size. Where the file
 * system has no holes (-EOPNOTSUPP) the space stays in use. */
int disk_punch(int fd, int64_t offset, int64_t length);

#endif
