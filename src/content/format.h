/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CONTENT_FORMAT_H
#define GRAPHFS_CONTENT_FORMAT_H

/*
 * A version on disk: the content as in any plain file, absent blocks being holes, and a trailer.
 *
 *     0                    block 0, block 1, ...
 *     format_map_offset()  the trailer: the bitmap `now`, then the bitmap `synced`
 *     ...                  the header, the last FORMAT_HEADER_SIZE bytes of format_file_size();
 *                          integers little-endian
 *
 * So a plain file becomes a version by what is appended to it. The file has its length from the
 * beginning, by which the header is found before the content's size is known; a file of another
 * length than its header implies is damaged. What lies between the content and the trailer means
 * nothing.
 *
 * `now` says which blocks were there when it was last written. Nothing orders it with the data on
 * the way to the disk: it is believed only in the boot that wrote it, which the header names, since
 * then both came from the page cache. `synced` is written after fdatasync of the data it speaks of
 * and is believed always. The verdicts come in the same two kinds. Pure functions.
 */

#include "base/uuid.h"
#include "content/block.h"

#include <stddef.h>
#include <stdint.h>

#define FORMAT_HEADER_SIZE 256
#define FORMAT_DIGEST_MAX  32

enum format_map { FORMAT_NOW, FORMAT_SYNCED };

/* What the hash said of the whole content. */
enum verdict {
    VERDICT_NONE,       /* not whole, not checked yet, or there is no hash */
    VERDICT_VERIFIED,   /* the hash is right */
    VERDICT_UNVERIFIED, /* two downloads gave the same bytes, and not those that the hash means */
};

struct format_header {
    uint64_t generation;
    int64_t size;            /* bytes of content */
    char boot_id[UUID_SIZE]; /* the boot in which `now` was written */
    enum verdict verdict_now;
    enum verdict verdict_synced;
    size_t wrong_length; /* bytes of wrong_digest; 0: no wrong download yet */
    uint8_t wrong_digest[FORMAT_DIGEST_MAX];
};

/* Where a bitmap starts in the file, for content of ${size} bytes. `now`, and with it the trailer,
 * starts at a multiple of 4096, so that the blocks' space can be freed. */
int64_t format_map_offset(enum format_map map, int64_t size);

/* The bytes of the trailer: a multiple of 4096. */
int64_t format_trailer_size(int64_t size);

/* The length of the file. */
int64_t format_file_size(int64_t size);

/* Writes the header as it stands on disk. */
void format_encode(const struct format_header *header, uint8_t out[FORMAT_HEADER_SIZE]);

/* Returns 0, or -EBADMSG for anything that format_encode() doesn't write. */
int format_decode(const uint8_t in[FORMAT_HEADER_SIZE], struct format_header *ret_header);

#endif
