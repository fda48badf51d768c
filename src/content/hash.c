/* SPDX-License-Identifier: MIT */
/*
 * quickXorHash is a ring of 160 bits: byte number i is XORed in at bit 11 * i, wrapping around, and
 * the length goes over the last 8 bytes. Where a byte lands depends on i modulo 160 only, so bytes
 * are first XORed column-wise, 160 wide, which compilers turn into vector code, and the columns are
 * spread over the ring once at the end. SHA-1 and SHA-256 are the crypto library's.
 */
#include "config.h"

#include "content/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/xalloc.h"

#define RING_SIZE 20
#define RING_BITS (RING_SIZE * 8)
#define COLUMNS   RING_BITS
#define SHIFT     11

struct hash {
    enum hash_kind kind;
    EVP_MD_CTX *digest; /* of the SHA kinds */
    uint64_t length;    /* quickXorHash: bytes so far */
    uint8_t columns[COLUMNS];
};

static const EVP_MD *hash_algorithm(enum hash_kind kind)
{
    switch (kind) {
    case HASH_SHA1:
        return EVP_sha1();
    case HASH_SHA256:
        return EVP_sha256();
    case HASH_NONE:
    case HASH_QUICKXOR:
        break;
    }
    return NULL;
}

struct hash *hash_new(enum hash_kind kind)
{
    const EVP_MD *algorithm = hash_algorithm(kind);
    struct hash *hash;

    if (kind == HASH_NONE)
        return NULL;
    hash = x_calloc(1, sizeof *hash);
    hash->kind = kind;
    if (!algorithm)
        return hash;
    hash->digest = EVP_MD_CTX_new();
    if (!hash->digest || EVP_DigestInit_ex(hash->digest, algorithm, NULL) != 1) {
        hash_free(hash);
        return NULL;
    }
    return hash;
}

void hash_free(struct hash *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->digest);
    free(hash);
}

static void fold(uint8_t *restrict columns, const uint8_t *restrict data, size_t length)
{
    for (size_t i = 0; i < length; i++)
        columns[i] ^= data[i];
}

static void quickxor_update(struct hash *hash, const uint8_t *data, size_t length)
{
    size_t column = (size_t)(hash->length % COLUMNS);

    hash->length += length;
    while (length > 0) {
        size_t run = COLUMNS - column;

        if (run > length)
            run = length;
        fold(hash->columns + column, data, run);
        data += run;
        length -= run;
        column = 0;
    }
}

static void quickxor_final(const struct hash *hash, uint8_t out[RING_SIZE])
{
    memset(out, 0, RING_SIZE);
    for (size_t i = 0; i < COLUMNS; i++) {
        size_t bit = i * SHIFT % RING_BITS;
        unsigned spread = (unsigned)hash->columns[i] << (bit % 8);

        out[bit / 8] ^= (uint8_t)spread;
        out[(bit / 8 + 1) % RING_SIZE] ^= (uint8_t)(spread >> 8);
    }
    for (size_t i = 0; i < 8; i++)
        out[RING_SIZE - 8 + i] ^= (uint8_t)(hash->length >> (8 * i));
}

void hash_update(struct hash *hash, const void *data, size_t length)
{
    if (hash->digest)
        (void)EVP_DigestUpdate(hash->digest, data, length);
    else
        quickxor_update(hash, data, length);
}

size_t hash_final(struct hash *hash, uint8_t out[HASH_DIGEST_MAX])
{
    unsigned length = 0;

    if (hash->digest) {
        (void)EVP_DigestFinal_ex(hash->digest, out, &length);
        return length;
    }
    quickxor_final(hash, out);
    return RING_SIZE;
}

size_t hash_parse(enum hash_kind kind, const char *text, uint8_t out[HASH_DIGEST_MAX])
{
    const EVP_MD *algorithm = hash_algorithm(kind);
    size_t wanted = algorithm ? (size_t)EVP_MD_size(algorithm) : RING_SIZE;
    size_t length;

    if (kind == HASH_NONE || !text)
        return 0;
    if (hex_decode(text, out, HASH_DIGEST_MAX, &length) == 0 && length == wanted)
        return length;
    if (base64_decode(text, out, HASH_DIGEST_MAX, &length) == 0 && length == wanted)
        return length;
    return 0;
}
