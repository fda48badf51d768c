/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_BLOB_H
#define EMULATOR_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hashing.h"
#include "memory.h"

struct spool;

enum blob_kind { BLOB_BYTES, BLOB_PATTERN, BLOB_FILE, BLOB_SPOOLED, BLOB_TAILED };

/* The bytes of one version of a file. Immutable but for the remembered hashes (under the world
 * lock), so several items and versions may share one. Lives as long as its arena. */
struct blob {
    enum blob_kind kind;
    bool has_quickxor;
    uint8_t quickxor[QUICKXOR_SIZE];
    struct digests *digests; /* NULL until somebody asks; in the same arena */
    int64_t size;

    union {
        const void *bytes; /* BLOB_BYTES */
        uint64_t seed;     /* BLOB_PATTERN */
        const char *path;  /* BLOB_FILE: a file that must not change */

        struct {
            const struct spool *spool;
            int64_t offset;
        } spooled; /* BLOB_SPOOLED: a region that was uploaded */

        struct {
            const struct blob *head;
            const char *tail;
        } tailed; /* BLOB_TAILED: another content and a text behind it */
    };
};

struct blob *blob_from_bytes(struct arena *arena, const void *bytes, size_t size);
struct blob *blob_from_pattern(struct arena *arena, uint64_t seed, int64_t size);
struct blob *blob_from_file(struct arena *arena, const char *path, int64_t size);
struct blob *blob_from_spool(struct arena *arena, const struct spool *spool, int64_t offset,
                             int64_t size);

/* `tail` must live for ever, `head` as long as the arena. */
struct blob *blob_with_tail(struct arena *arena, const struct blob *head, const char *tail);

/* Gives the blob the hashes of its bytes, which were computed while these arrived. `arena` is the
 * blob's. */
void blob_set_hashes(struct arena *arena, struct blob *blob, struct hashing *hashing);

/* Reads up to `size` bytes at `offset` into `out`; returns how many, less only at the end. A file
 * that went away or shrank reads as zeros. */
size_t blob_read(const struct blob *blob, int64_t offset, void *out, size_t size);

/* quickXorHash, computed on first use. */
const uint8_t *blob_quickxor(struct blob *blob);

/* The other hashes, computed on first use in the same pass. `arena` is the blob's. */
const struct digests *blob_digests(struct arena *arena, struct blob *blob);

#endif
