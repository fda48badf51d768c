/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_OVERLAY_DISK_H
#define GRAPHFS_TESTS_OVERLAY_DISK_H

/*
 * The calls that change a disk, on their way there: a test sees each, before it happens and after.
 * The linker puts it in between (overlay_disk_wraps in overlay.am). Copies of a directory made here
 * don't show up.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum disk_call { DISK_CHANGE, DISK_SYNC };

/* ${fd} is what the call is about: a file in the directory that is looked at, or for a change of
 * its names the directory. A change is shown before it is made. A sync is only shown: the disk is
 * the test's. Returns 0, or an errno that the call fails with: one that writes after half of the
 * sectors. Any thread. */
typedef int disk_hook_fn(enum disk_call call, int fd);

/* Looks at a directory, until ${hook} is NULL. The path lives as long. */
void disk_set_hook(disk_hook_fn *hook, const char *directory);

/* The path of an open file, or that of its directory. */
void disk_path(int fd, char *path, size_t size);

/* Copies one file, with its times, or all; in the latter case ${to} is made. */
void disk_copy_file(const char *from, const char *to, const char *name);
void disk_snapshot(const char *from, const char *to);

/* Removes a directory with its files. */
void disk_remove(const char *path);

#endif
