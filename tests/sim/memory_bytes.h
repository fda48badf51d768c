/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_MEMORY_BYTES_H
#define GRAPHFS_TESTS_MEMORY_BYTES_H

/*
 * What was written here, for sync to send: contents in memory. A content is a number, as on the
 * fake service, and has the hash that it would have there.
 *
 * They outlive the engine, as files would. One thread: what the engine asks to have read is done by
 * memory_bytes_pump().
 */

#include <stdbool.h>
#include <stdint.h>

#include "sync/bytes.h"

struct memory_bytes;
struct memory_disk;

struct written {
    uint64_t generation;
    unsigned content; /* 0: nothing is in it */
    int64_t size;
    int64_t mtime_ns;
    bool needs_base; /* some of it is still to come from the server */
    bool is_frozen;  /* it is being sent, or was: nobody writes to it any more */
    bool is_dropped; /* it is a cached version now, or nothing */
};

/* Runs as a content becomes a cached version of what the row says. */
typedef void memory_bytes_kept_fn(const struct written *written, const struct node *node,
                                  void *arg);

/* After the fall of the disk nothing happens to them. */
struct memory_bytes *memory_bytes_new(const struct memory_disk *disk, memory_bytes_kept_fn *kept,
                                      void *arg);
void memory_bytes_free(struct memory_bytes *memory);

struct bytes *memory_bytes_ops(struct memory_bytes *memory);

/* Under a generation that has none yet. */
struct written *memory_bytes_add(struct memory_bytes *memory, const struct written *written);
/* NULL: nothing was written under this one. Valid until the next one is added. */
struct written *memory_bytes_find(struct memory_bytes *memory, uint64_t generation);
size_t memory_bytes_count(const struct memory_bytes *memory);
struct written *memory_bytes_at(struct memory_bytes *memory, size_t index);

/* Does what was asked for. False: there was nothing. */
bool memory_bytes_pump(struct memory_bytes *memory);

#endif
