/* SPDX-License-Identifier: MIT */
/*
 * File contents. Generated contents are a pattern that can be computed at any offset, so a million
 * files need no memory for their bytes, and hashes wait until somebody asks for them.
 */
#include "blob.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "random.h"

enum { CHUNK = 1 << 16 };

static struct blob *blob_new(struct arena *arena, enum blob_kind kind, int64_t size)
{
    struct blob *blob = arena_alloc(arena, sizeof *blob);

    *blob = (struct blob){ .kind = kind, .size = size };
    return blob;
}

struct blob *blob_from_bytes(struct arena *arena, const void *bytes, size_t size)
{
    struct blob *blob = blob_new(arena, BLOB_BYTES, (int64_t)size);
    void *copy = arena_alloc(arena, size ? size : 1);

    if (size)
        memcpy(copy, bytes, size);
    blob->bytes = copy;
    return blob;
}

struct blob *blob_from_pattern(struct arena *arena, uint64_t seed, int64_t size)
{
    struct blob *blob = blob_new(arena, BLOB_PATTERN, size);

    blob->seed = seed;
    return blob;
}

struct blob *blob_from_file(struct arena *arena, const char *path, int64_t size)
{
    struct blob *blob = blob_new(arena, BLOB_FILE, size);

    blob->path = arena_strdup(arena, path);
    return blob;
}

static uint64_t pattern_word(uint64_t seed, uint64_t place)
{
    return random_mix(seed + place * 0x9e3779b97f4a7c15u);
}

/* Whole words in the middle, parts of one at both ends. */
static void read_pattern(uint64_t seed, int64_t offset, uint8_t *out, size_t size)
{
    uint64_t place = (uint64_t)offset / 8;
    size_t skip = (size_t)offset % 8;

    while (size) {
        uint64_t word = pattern_word(seed, place++);

        if (!skip && size >= sizeof word) {
            memcpy(out, &word, sizeof word);
            out += sizeof word;
            size -= sizeof word;
        } else {
            size_t run = sizeof word - skip < size ? sizeof word - skip : size;

            memcpy(out, (const uint8_t *)&word + skip, run);
            out += run;
            size -= run;
            skip = 0;
        }
    }
}

static void read_file(const char *path, int64_t offset, uint8_t *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t done = 0;

    while (fd >= 0 && done < size) {
        ssize_t got = pread(fd, out + done, size - done, offset + (int64_t)done);

        if (got <= 0)
            break;
        done += (size_t)got;
    }
    memset(out + done, 0, size - done);
    if (fd >= 0)
        close(fd);
}

size_t blob_read(const struct blob *blob, int64_t offset, void *out, size_t size)
{
    if (offset >= blob->size)
        return 0;
    if ((int64_t)size > blob->size - offset)
        size = (size_t)(blob->size - offset);
    switch (blob->kind) {
    case BLOB_BYTES:
        memcpy(out, (const char *)blob->bytes + offset, size);
        break;
    case BLOB_PATTERN:
        read_pattern(blob->seed, offset, out, size);
        break;
    case BLOB_FILE:
        read_file(blob->path, offset, out, size);
        break;
    }
    return size;
}

/* Reads all bytes into quickXorHash and, unless they are NULL, the two others. */
static void hash_bytes(struct blob *blob, EVP_MD_CTX *sha1, EVP_MD_CTX *sha256)
{
    struct quickxor hash = { 0 };
    uint8_t chunk[CHUNK];
    int64_t offset = 0;
    size_t got;

    while ((got = blob_read(blob, offset, chunk, sizeof chunk)) > 0) {
        quickxor_update(&hash, chunk, got);
        if (sha1)
            EVP_DigestUpdate(sha1, chunk, got);
        if (sha256)
            EVP_DigestUpdate(sha256, chunk, got);
        offset += (int64_t)got;
    }
    quickxor_final(&hash, blob->quickxor);
    blob->has_quickxor = true;
}

const uint8_t *blob_quickxor(struct blob *blob)
{
    if (!blob->has_quickxor)
        hash_bytes(blob, NULL, NULL);
    return blob->quickxor;
}

const struct digests *blob_digests(struct arena *arena, struct blob *blob)
{
    EVP_MD_CTX *sha1, *sha256;

    if (blob->digests)
        return blob->digests;
    blob->digests = arena_alloc(arena, sizeof *blob->digests);
    sha1 = EVP_MD_CTX_new();
    sha256 = EVP_MD_CTX_new();
    EVP_DigestInit_ex(sha1, EVP_sha1(), NULL);
    EVP_DigestInit_ex(sha256, EVP_sha256(), NULL);
    hash_bytes(blob, sha1, sha256);
    EVP_DigestFinal_ex(sha1, blob->digests->sha1, NULL);
    EVP_DigestFinal_ex(sha256, blob->digests->sha256, NULL);
    EVP_MD_CTX_free(sha1);
    EVP_MD_CTX_free(sha256);
    return blob->digests;
}
