/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_HASHING_H
#define EMULATOR_HASHING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickxor.h"

enum { SHA1_SIZE = 20, SHA256_SIZE = 32 };

/* The hashes that only some profiles tell. */
struct digests {
    uint8_t sha1[SHA1_SIZE];
    uint8_t sha256[SHA256_SIZE];
};

/* Hashes of a content on its way. A zeroed struct has seen no bytes and knows only quickXorHash. */
struct hashing {
    struct quickxor quickxor;
    struct evp_md_ctx_st *sha1; /* both or none */
    struct evp_md_ctx_st *sha256;
};

/* `has_all`: also those of struct digests. */
void hashing_begin(struct hashing *hashing, bool has_all);
void hashing_update(struct hashing *hashing, const void *bytes, size_t size);

/* The digests are written only if they were asked for at the beginning; they end with this. */
void hashing_final(struct hashing *hashing, uint8_t ret_quickxor[QUICKXOR_SIZE],
                   struct digests *ret_digests);

/* For what comes to no end. */
void hashing_clear(struct hashing *hashing);

#endif
