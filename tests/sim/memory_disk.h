/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_MEMORY_DISK_H
#define GRAPHFS_TESTS_MEMORY_DISK_H

/*
 * The files of SQLite in memory, so that a store is opened in no time and its death at any write
 * can be tried. A disk is a VFS of SQLite, and its default one from memory_disk_new() to
 * memory_disk_free(). For one thread; connections exclude each other as processes would.
 *
 * A process that dies leaves what it wrote, a machine that loses its power what was synced.
 */

#include <stdbool.h>

struct memory_disk;
struct memory_image; /* all files at one moment */

struct memory_disk *memory_disk_new(void);
void memory_disk_free(struct memory_disk *disk);

/* What is left if the process dies now, or the machine. */
struct memory_image *memory_disk_save(const struct memory_disk *disk, bool is_power_cut);
/* Nothing may be open. NULL: an empty disk. */
void memory_disk_restore(struct memory_disk *disk, const struct memory_image *image);
void memory_image_free(struct memory_image *image); /* NULL is allowed */

/* After so many writes from now on (to set a length and to delete are writes, too) an image is
 * saved, before the next one. 0 writes: never. Forgets an image that was not taken. */
void memory_disk_fall_after(struct memory_disk *disk, unsigned writes, bool is_power_cut);
/* Whether that has happened; then all that is done until memory_disk_take_fallen() was not. */
bool memory_disk_has_fallen(const struct memory_disk *disk);
bool memory_disk_falls_by_power(const struct memory_disk *disk);
struct memory_image *memory_disk_take_fallen(struct memory_disk *disk);

#endif
