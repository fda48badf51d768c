/* SPDX-License-Identifier: MIT */
/*
 * The header is a table of fields at fixed places with a checksum at the end. The checksum finds
 * damage, not malice: whoever can write the cache directory can read the account's files anyway.
 */
#include "config.h"

#include "content/format.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define FORMAT_VERSION 2 /* 1 began with the header */
#define PAGE           4096

static const uint8_t magic[8] = { 'g', 'r', 'a', 'p', 'h', 'f', 's', '\n' };

enum place {
    AT_MAGIC = 0,
    AT_FORMAT_VERSION = 8,
    AT_BLOCK_SIZE = 16,
    AT_GENERATION = 24,
    AT_SIZE = 32,
    AT_VERDICT_NOW = 40,
    AT_VERDICT_SYNCED = 48,
    AT_WRONG_LENGTH = 56,
    AT_WRONG_DIGEST = 64,
    AT_BOOT_ID = 96,
    AT_CHECKSUM = FORMAT_HEADER_SIZE - 8,
};

static int64_t whole_pages(int64_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

static int64_t format_map_size(int64_t size)
{
    return (int64_t)bitmap_size(block_count(size));
}

int64_t format_map_offset(enum format_map map, int64_t size)
{
    return whole_pages(size) + (map == FORMAT_SYNCED ? format_map_size(size) : 0);
}

int64_t format_trailer_size(int64_t size)
{
    return whole_pages(2 * format_map_size(size) + FORMAT_HEADER_SIZE);
}

int64_t format_file_size(int64_t size)
{
    return whole_pages(size) + format_trailer_size(size);
}

void format_encode(const struct format_header *header, uint8_t out[FORMAT_HEADER_SIZE])
{
    memset(out, 0, FORMAT_HEADER_SIZE);
    memcpy(out + AT_MAGIC, magic, sizeof magic);
    bytes_put_u64(out + AT_FORMAT_VERSION, FORMAT_VERSION);
    bytes_put_u64(out + AT_BLOCK_SIZE, (uint64_t)BLOCK_SIZE);
    bytes_put_u64(out + AT_GENERATION, header->generation);
    bytes_put_u64(out + AT_SIZE, (uint64_t)header->size);
    bytes_put_u64(out + AT_VERDICT_NOW, (uint64_t)header->verdict_now);
    bytes_put_u64(out + AT_VERDICT_SYNCED, (uint64_t)header->verdict_synced);
    bytes_put_u64(out + AT_WRONG_LENGTH, header->wrong_length);
    memcpy(out + AT_WRONG_DIGEST, header->wrong_digest, FORMAT_DIGEST_MAX);
    memcpy(out + AT_BOOT_ID, header->boot_id, UUID_SIZE);
    bytes_put_u64(out + AT_CHECKSUM, bytes_checksum(out, AT_CHECKSUM));
}

int format_decode(const uint8_t in[FORMAT_HEADER_SIZE], struct format_header *ret_header)
{
    uint64_t size = bytes_get_u64(in + AT_SIZE);
    uint64_t now = bytes_get_u64(in + AT_VERDICT_NOW),
             synced = bytes_get_u64(in + AT_VERDICT_SYNCED);
    uint64_t wrong_length = bytes_get_u64(in + AT_WRONG_LENGTH);

    if (memcmp(in + AT_MAGIC, magic, sizeof magic) != 0 ||
        bytes_get_u64(in + AT_FORMAT_VERSION) != FORMAT_VERSION ||
        bytes_get_u64(in + AT_BLOCK_SIZE) != (uint64_t)BLOCK_SIZE ||
        bytes_get_u64(in + AT_CHECKSUM) != bytes_checksum(in, AT_CHECKSUM))
        return -EBADMSG;
    if (size > INT64_MAX / 2 || now > VERDICT_UNVERIFIED || synced > VERDICT_UNVERIFIED ||
        wrong_length > FORMAT_DIGEST_MAX || in[AT_BOOT_ID + UUID_SIZE - 1] != '\0')
        return -EBADMSG;
    *ret_header = (struct format_header){
        .generation = bytes_get_u64(in + AT_GENERATION),
        .size = (int64_t)size,
        .verdict_now = (enum verdict)now,
        .verdict_synced = (enum verdict)synced,
        .wrong_length = (size_t)wrong_length,
    };
    memcpy(ret_header->wrong_digest, in + AT_WRONG_DIGEST, FORMAT_DIGEST_MAX);
    memcpy(ret_header->boot_id, in + AT_BOOT_ID, UUID_SIZE);
    return 0;
}
