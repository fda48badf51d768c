/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_SPOOL_H
#define EMULATOR_SPOOL_H

#include <stddef.h>
#include <stdint.h>

/* Where the bytes of uploads are: one sparse file, of which each upload has a region. Guarded by
 * the world lock, but for reading: what was written is never written again. */
struct spool {
    int fd;
    int64_t end;
};

/* Opens the file at `path`, or one without a name (NULL). Returns 0, or -1 after a message on
 * stderr. */
int spool_open(struct spool *spool, const char *path);
void spool_close(struct spool *spool);

/* A region of `size` bytes, all zero; its offset. Takes no room before it is written. */
int64_t spool_reserve(struct spool *spool, int64_t size);

/* Zeros stay holes. Returns 0, or -1 if there is no room. */
int spool_write(const struct spool *spool, int64_t offset, const void *bytes, size_t size);

/* What can't be read is zero. */
void spool_read(const struct spool *spool, int64_t offset, void *out, size_t size);

/* Gives the room of a region back; it must not be read any more. */
void spool_release(const struct spool *spool, int64_t offset, int64_t size);

#endif
