/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CONTENT_HASH_H
#define GRAPHFS_CONTENT_HASH_H

/*
 * The hashes that the service gives of a file, computed piece by piece. A hash in progress belongs
 * to one thread at a time.
 */

#include "graph/item.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_DIGEST_MAX 32

struct hash;

/* Starts a hash, for the caller to hash_free(). NULL if it can't be computed here: HASH_NONE, or a
 * kind that the crypto library doesn't offer. */
struct hash *hash_new(enum hash_kind kind);
void hash_free(struct hash *hash);

/* Adds the bytes that follow what was added before. */
void hash_update(struct hash *hash, const void *data, size_t length);

/* Ends the hash and writes it to ${out}. Returns its length in bytes. */
size_t hash_final(struct hash *hash, uint8_t out[HASH_DIGEST_MAX]);

/* Reads a hash as the service writes it: base64 or hexadecimal digits of either case, whichever has
 * the right length for its kind. Returns its length in bytes, or 0 if it is not one. */
size_t hash_parse(enum hash_kind kind, const char *text, uint8_t out[HASH_DIGEST_MAX]);

#endif
