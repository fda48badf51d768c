/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CONTENT_READAHEAD_H
#define GRAPHFS_CONTENT_READAHEAD_H

/*
 * Finds out whether an open file is read in order, and says what to fetch ahead of the reader. It
 * knows nothing of blocks or of what is there already. A struct per open file, zeroed at first;
 * the lock of its version guards it.
 */

#include <stdbool.h>
#include <stdint.h>

struct readahead {
    bool has_read;  /* there was a read before */
    int64_t next;   /* where a reader in order goes on: the highest end of its run */
    int64_t until;  /* what lies before was asked for */
    int64_t window; /* bytes to be ahead; 0: not in order */
};

/* What to fetch: [offset, end), in ranges of chunk bytes. */
struct readahead_ask {
    int64_t offset;
    int64_t end;
    int64_t chunk;
};

/*
 * Takes note of a read of [offset, offset + length) in content of ${size} bytes. True: *ret_ask is
 * to be fetched now. ${window_max} bounds the window beyond its own maximum (the cache may be
 * small).
 */
bool readahead_note(struct readahead *readahead, int64_t offset, int64_t length, int64_t size,
                    int64_t window_max, struct readahead_ask *ret_ask);

#endif
