/* SPDX-License-Identifier: MIT */
/*
 * Numbers stand at fixed places; the head's strings follow, each with its length before it and a
 * NUL behind, so that they can be borrowed as they are. One that is not there has the length 0, an
 * empty one 1.
 */
#include "config.h"

#include "overlay/format.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/vec.h"

#define FORMAT_VERSION 1

static const uint8_t magic[8] = { 'g', 'r', 'a', 'p', 'h', 'o', 'v', '\n' };

enum head_place {
    AT_MAGIC = 0,
    AT_FORMAT_VERSION = 8,
    AT_LENGTH = 16, /* of the head */
    AT_HEAD_CHECKSUM = 24,
    AT_GENERATION = 32,
    AT_HAS_BASE = 40,
    AT_BASE_GENERATION = 48,
    AT_BASE_SIZE = 56,
    AT_BASE_MTIME = 64,
    AT_BASE_HASH_KIND = 72,
    AT_STRINGS = 80,
};

/* Where the strings come from and go to, in their order. */
#define HEAD_STRINGS(head)                                                                         \
    {                                                                                              \
        &(head)->place.drive_id, &(head)->place.parent_id, &(head)->place.name,                    \
            &(head)->place.path, &(head)->base.drive_id, &(head)->base.item_id,                    \
            &(head)->base.etag, &(head)->base.ctag, &(head)->base.hash,                            \
    }

#define STRINGS_COUNT 9

static void add_u64(struct strbuf *out, uint64_t value)
{
    uint8_t bytes[8];

    bytes_put_u64(bytes, value);
    (void)strbuf_add(out, bytes, sizeof bytes);
}

static void add_string(struct strbuf *out, const char *string)
{
    size_t length = string ? strlen(string) + 1 : 0;

    add_u64(out, length);
    if (string)
        (void)strbuf_add(out, string, length);
}

int head_encode(const struct head *head, struct strbuf *out)
{
    const char *const *strings[STRINGS_COUNT] = HEAD_STRINGS(head);
    static const uint8_t zeros[UNIT];
    size_t begin = out->len;
    uint8_t *bytes;

    (void)strbuf_add(out, magic, sizeof magic);
    add_u64(out, FORMAT_VERSION);
    add_u64(out, 0); /* the length and the checksum come last */
    add_u64(out, 0);
    add_u64(out, head->generation);
    add_u64(out, head->has_base);
    add_u64(out, head->base.generation);
    add_u64(out, (uint64_t)head->base.size);
    add_u64(out, (uint64_t)head->base.server_mtime_ns);
    add_u64(out, (uint64_t)head->base.hash_kind);
    for (size_t i = 0; i < STRINGS_COUNT; i++)
        add_string(out, *strings[i]);
    if ((out->len - begin) % UNIT != 0)
        (void)strbuf_add(out, zeros, UNIT - (out->len - begin) % UNIT);
    if (strbuf_error(out) < 0 || out->len - begin > HEAD_MAX)
        return -ENAMETOOLONG;
    bytes = (uint8_t *)out->data + begin;
    bytes_put_u64(bytes + AT_LENGTH, out->len - begin);
    bytes_put_u64(bytes + AT_HEAD_CHECKSUM, bytes_checksum(bytes, out->len - begin));
    return 0;
}

int64_t head_length(const uint8_t in[HEAD_BEGIN])
{
    uint64_t length = bytes_get_u64(in + AT_LENGTH);

    if (memcmp(in + AT_MAGIC, magic, sizeof magic) != 0 ||
        bytes_get_u64(in + AT_FORMAT_VERSION) != FORMAT_VERSION || length < AT_STRINGS ||
        length > HEAD_MAX || length % UNIT != 0)
        return -EBADMSG;
    return (int64_t)length;
}

/* The sum that the head had when its place was still empty. */
static bool has_right_checksum(const uint8_t *in, size_t length)
{
    cleanup_strbuf struct strbuf copy;

    strbuf_init(&copy, HEAD_MAX);
    if (strbuf_add(&copy, in, length) < 0)
        return false;
    memset(copy.data + AT_HEAD_CHECKSUM, 0, 8);
    return bytes_checksum(copy.data, length) == bytes_get_u64(in + AT_HEAD_CHECKSUM);
}

/* Takes a string at *at, which moves behind it. */
static int take_string(const uint8_t *in, size_t length, size_t *at, const char **ret_string)
{
    uint64_t taken;

    if (length - *at < 8)
        return -EBADMSG;
    taken = bytes_get_u64(in + *at);
    *at += 8;
    if (taken == 0) {
        *ret_string = NULL;
        return 0;
    }
    if (taken > length - *at || memchr(in + *at, '\0', taken) != in + *at + taken - 1)
        return -EBADMSG;
    *ret_string = (const char *)in + *at;
    *at += taken;
    return 0;
}

int head_decode(const uint8_t *in, size_t length, struct head *ret_head)
{
    struct head head = { 0 };
    const char **strings[STRINGS_COUNT] = HEAD_STRINGS(&head);
    uint64_t base_size, hash_kind;
    size_t at = AT_STRINGS;

    if (length < AT_STRINGS || head_length(in) != (int64_t)length ||
        !has_right_checksum(in, length))
        return -EBADMSG;
    base_size = bytes_get_u64(in + AT_BASE_SIZE);
    hash_kind = bytes_get_u64(in + AT_BASE_HASH_KIND);
    if (base_size > CONTENT_MAX_SIZE || hash_kind > HASH_SHA256)
        return -EBADMSG;
    head.generation = bytes_get_u64(in + AT_GENERATION);
    head.has_base = bytes_get_u64(in + AT_HAS_BASE) != 0;
    head.base.generation = bytes_get_u64(in + AT_BASE_GENERATION);
    head.base.size = (int64_t)base_size;
    head.base.server_mtime_ns = (int64_t)bytes_get_u64(in + AT_BASE_MTIME);
    head.base.hash_kind = (enum hash_kind)hash_kind;
    for (size_t i = 0; i < STRINGS_COUNT; i++)
        if (take_string(in, length, &at, strings[i]) < 0)
            return -EBADMSG;
    *ret_head = head;
    return 0;
}

/* ---- units ---- */

enum unit_place {
    AT_KIND = 0, /* of a record; of the time: whether it is set */
    AT_BOOT = 8, /* of the time: nothing */
    AT_FIRST = 16,
    AT_END = 24, /* of the time: the time */
    AT_CHECKSUM = UNIT - 8,
};

/* What a unit's checksum should be. */
static uint64_t unit_checksum(const uint8_t unit[UNIT], uint64_t generation)
{
    return bytes_checksum(unit, AT_CHECKSUM) ^ (generation + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void unit_seal(uint8_t unit[UNIT], uint64_t generation)
{
    bytes_put_u64(unit + AT_CHECKSUM, unit_checksum(unit, generation));
}

static bool unit_is_sealed(const uint8_t unit[UNIT], uint64_t generation)
{
    return bytes_get_u64(unit + AT_CHECKSUM) == unit_checksum(unit, generation);
}

void record_encode(const struct record *record, uint64_t generation, uint8_t out[UNIT])
{
    memset(out, 0, UNIT);
    bytes_put_u64(out + AT_KIND, (uint64_t)record->kind);
    bytes_put_u64(out + AT_BOOT, record->boot);
    bytes_put_u64(out + AT_FIRST, (uint64_t)record->range.first);
    bytes_put_u64(out + AT_END, (uint64_t)record->range.end);
    unit_seal(out, generation);
}

int record_decode(const uint8_t in[UNIT], uint64_t generation, struct record *ret_record)
{
    static const uint8_t zeros[UNIT];
    uint64_t kind = bytes_get_u64(in + AT_KIND);
    uint64_t first = bytes_get_u64(in + AT_FIRST), end = bytes_get_u64(in + AT_END);

    if (memcmp(in, zeros, UNIT) == 0) {
        *ret_record = (struct record){ .kind = RECORD_NONE };
        return 0;
    }
    if (!unit_is_sealed(in, generation) || (kind != RECORD_OURS && kind != RECORD_SYNCED) ||
        first > end || end > INT64_MAX)
        return -EBADMSG;
    *ret_record = (struct record){
        .kind = (enum record_kind)kind,
        .boot = bytes_get_u64(in + AT_BOOT),
        .range = { (int64_t)first, (int64_t)end },
    };
    return 0;
}

void time_encode(bool is_set, int64_t mtime_ns, uint64_t generation, uint8_t out[UNIT])
{
    memset(out, 0, UNIT);
    bytes_put_u64(out + AT_KIND, is_set);
    bytes_put_u64(out + AT_END, (uint64_t)mtime_ns);
    unit_seal(out, generation);
}

bool time_decode(const uint8_t in[UNIT], uint64_t generation, int64_t *ret_mtime_ns)
{
    if (!unit_is_sealed(in, generation) || bytes_get_u64(in + AT_KIND) == 0)
        return false;
    *ret_mtime_ns = (int64_t)bytes_get_u64(in + AT_END);
    return true;
}
