/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_WRITTEN_H
#define GRAPHFS_FS_WRITTEN_H

/*
 * Files that are written: where their bytes go, and when the row learns of it.
 *
 * The first write to an inode makes an overlay, under a content generation of its own, and the row
 * says so from then on: it is dirty. Size and time of what is being written live with the overlay,
 * where whoever looks at the file sees them, and go into the row at flush and fsync, and with a
 * write when they haven't for some seconds. All of it blocks on the disk.
 */

#include "fs/fs_i.h"
#include "fs/opens.h"

/* Writes all of it. Returns 0, or what the writer is told. */
int written_write(struct fs *fs, struct open_file *file, const char *data, size_t size,
                  int64_t offset);

/* The file ends there from now on; what is new is zeros. */
int written_truncate(struct fs *fs, struct open_file *file, int64_t size);

/* Has the disk keep room for these bytes; the file grows if need be, unless keeps_size. */
int written_allocate(struct fs *fs, struct open_file *file, int64_t offset, int64_t length,
                     bool keeps_size);

/* Its modification time is this, whatever was written before: in the row, too, together with its
 * size. -ENODATA: nothing was written, the row alone has it. Where the caller's transaction comes
 * to nothing, written_note_news() has the next commit put them. */
int written_put_mtime(struct store_txn *txn, struct open_inode *inode, int64_t mtime_ns);
void written_note_news(struct fs *fs, struct open_inode *inode);

/* The file's content is one of its own from now on, although nothing was written. */
int written_own(struct fs *fs, ino_nr ino);

/* Puts size and time into the row, if they are news. */
int written_commit(struct fs *fs, struct open_inode *inode);

/* The same, and that and the bytes survive a power cut. */
int written_sync(struct fs *fs, struct open_file *file, bool data_only);

/* Whether this content was written here and isn't the service's yet: nothing of it is fetched. */
bool written_is_here(const struct fs *fs, uint64_t generation);

/* Corrects size and time of a row that may have been written to since it was committed. */
void written_show(const struct fs *fs, struct node_attr *attr);

#endif
