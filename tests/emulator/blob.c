/* SPDX-License-Identifier: MIT */
/*
 * File contents. Generated contents are a pattern that can be computed at any offset, so a million
 * files need no memory for their bytes, and hashes wait until somebody asks for them.
 */
#include "blob.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "random.h"
#include "spool.h"

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

struct blob *blob_from_spool(struct arena *arena, const struct spool *spool, int64_t offset,
                             int64_t size)
{
    struct blob *blob = blob_new(arena, BLOB_SPOOLED, size);

    blob->spooled.spool = spool;
    blob->spooled.offset = offset;
    return blob;
}

struct blob *blob_with_tail(struct arena *arena, const struct blob *head, const char *tail)
{
    struct blob *blob = blob_new(arena, BLOB_TAILED, head->size + (int64_t)strlen(tail));

    blob->tailed.head = head;
    blob->tailed.tail = tail;
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

static void read_tailed(const struct blob *blob, int64_t offset, char *out, size_t size)
{
    const struct blob *head = blob->tailed.head;
    size_t done = blob_read(head, offset, out, size);

    if (done < size)
        memcpy(out + done, blob->tailed.tail + (offset + (int64_t)done - head->size), size - done);
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
    case BLOB_SPOOLED:
        spool_read(blob->spooled.spool, blob->spooled.offset + offset, out, size);
        break;
    case BLOB_TAILED:
        read_tailed(blob, offset, out, size);
        break;
    }
    return size;
}

/* Computes quickXorHash by reading, and unless it is NULL, what goes to `ret_digests`. */
static void hash_bytes(struct blob *blob, struct digests *ret_digests)
{
    struct hashing hashing;
    uint8_t chunk[CHUNK];
    int64_t offset = 0;
    size_t got;

    hashing_begin(&hashing, ret_digests);
    while ((got = blob_read(blob, offset, chunk, sizeof chunk)) > 0) {
        hashing_update(&hashing, chunk, got);
        offset += (int64_t)got;
    }
    hashing_final(&hashing, blob->quickxor, ret_digests);
    blob->has_quickxor = true;
}

void blob_set_hashes(struct arena *arena, struct blob *blob, struct hashing *hashing)
{
    if (hashing->sha1 && !blob->digests)
        blob->digests = arena_alloc(arena, sizeof *blob->digests);
    hashing_final(hashing, blob->quickxor, blob->digests);
    blob->has_quickxor = true;
}

const uint8_t *blob_quickxor(struct blob *blob)
{
    if (!blob->has_quickxor)
        hash_bytes(blob, NULL);
    return blob->quickxor;
}

const struct digests *blob_digests(struct arena *arena, struct blob *blob)
{
    if (!blob->digests) {
        blob->digests = arena_alloc(arena, sizeof *blob->digests);
        hash_bytes(blob, blob->digests);
    }
    return blob->digests;
}
