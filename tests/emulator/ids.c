/* SPDX-License-Identifier: MIT */
/*
 * Ids and tags in the shapes of the three back ends.
 *
 * An item's GUID is computed from its number and the drive's seed and can be turned back, so a
 * million items need neither room for their GUIDs nor an index of them: the second half is the
 * number, hidden under a mask that comes from the first half.
 */
#include "ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "encode.h"
#include "random.h"

struct guid {
    uint8_t bytes[16]; /* in the order of the text form */
};

enum { LEGACY_FIRST = 101, OLD_FORM_EVERY = 5 };

/* Every drive's root has this GUID. */
static const struct guid root_guid = { { 0xea, 0x8c, 0xc6, 0xbe, 0xff, 0xdb, 0x43, 0xd7, 0x97, 0x6f,
                                         0xbc, 0x7d, 0xa4, 0x45, 0xc6, 0x39 } };

static uint64_t guid_high(const struct drive *drive, uint32_t item)
{
    return random_mix(drive->seed + item * 0x9e3779b97f4a7c15u);
}

static uint64_t guid_mask(const struct drive *drive, uint64_t high)
{
    return random_mix(high ^ (drive->seed << 1 | 1));
}

static struct guid guid_of(const struct drive *drive, uint32_t item)
{
    struct guid guid = root_guid;
    uint64_t high = guid_high(drive, item), low = item ^ guid_mask(drive, high);

    for (int i = 0; item != ITEM_ROOT && i < 8; i++) {
        guid.bytes[i] = (uint8_t)(high >> (56 - 8 * i));
        guid.bytes[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    }
    return guid;
}

static uint32_t item_of_guid(const struct drive *drive, const struct guid *guid)
{
    uint64_t high = 0, low = 0;

    if (memcmp(guid, &root_guid, sizeof *guid) == 0)
        return ITEM_ROOT;
    for (int i = 0; i < 8; i++) {
        high = high << 8 | guid->bytes[i];
        low = low << 8 | guid->bytes[8 + i];
    }

    uint64_t item = low ^ guid_mask(drive, high);

    if (item == ITEM_ROOT || item >= drive->count || guid_high(drive, (uint32_t)item) != high)
        return ITEM_NONE;
    return (uint32_t)item;
}

/* Turns the first three groups of a GUID round, as Windows stores them; its own inverse. */
static struct guid swap_endian(struct guid guid)
{
    static const int order[8] = { 3, 2, 1, 0, 5, 4, 7, 6 };
    struct guid swapped = guid;

    for (int i = 0; i < 8; i++)
        swapped.bytes[i] = guid.bytes[order[i]];
    return swapped;
}

static void format_guid(const struct guid *guid, bool upper_case, bool dashes, char *out)
{
    const char *digits = upper_case ? "0123456789ABCDEF" : "0123456789abcdef";

    for (int i = 0; i < 16; i++) {
        if (dashes && (i == 4 || i == 6 || i == 8 || i == 10))
            *out++ = '-';
        *out++ = digits[guid->bytes[i] >> 4];
        *out++ = digits[guid->bytes[i] & 15];
    }
    *out = '\0';
}

void ids_init_drive(struct drive *drive)
{
    struct random random = { .state = drive->seed };
    uint8_t guids[48];

    for (size_t i = 0; i < sizeof guids; i++)
        guids[i] = (uint8_t)random_next(&random);
    drive->id_prefix = (uint32_t)random_next(&random);
    random_uuid(&random, drive->site_id);
    if (drive->profile == PROFILE_BUSINESS || drive->role == DRIVE_PHANTOM) {
        memcpy(drive->id, "b!", 3);
        base64url_encode(guids, sizeof guids, drive->id + 2);
        return;
    }

    /* One leading zero, which item ids leave out: real accounts have that. */
    uint64_t cid = random_next(&random) >> 4 | (uint64_t)1 << 59;

    (void)snprintf(drive->id, sizeof drive->id, "%016" PRIx64, cid);
    (void)snprintf(drive->owner_id, sizeof drive->owner_id, "%" PRIX64, cid);
}

/* Migrated accounts keep the decimal ids of items that are older than the migration. */
static bool has_decimal_id(const struct drive *drive, uint32_t item)
{
    return drive->profile == PROFILE_CONSUMER_LEGACY ||
           (item != ITEM_ROOT && item % OLD_FORM_EVERY == OLD_FORM_EVERY - 1);
}

void ids_format_business(const struct drive *drive, uint32_t item, char ret_id[ID_SIZE])
{
    struct guid guid = swap_endian(guid_of(drive, item));
    uint8_t bytes[20];

    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(drive->id_prefix >> (8 * i));
    memcpy(bytes + 4, guid.bytes, sizeof guid.bytes);
    ret_id[0] = '0';
    ret_id[1] = '1';
    base32_encode(bytes, sizeof bytes, ret_id + 2);
}

void ids_format(const struct drive *drive, uint32_t item, char ret_id[ID_SIZE])
{
    if (drive->profile == PROFILE_BUSINESS) {
        ids_format_business(drive, item, ret_id);
    } else if (has_decimal_id(drive, item)) {
        (void)snprintf(ret_id, ID_SIZE, "%s!%" PRIu32, drive->owner_id, item + LEGACY_FIRST);
    } else {
        struct guid guid = guid_of(drive, item);
        size_t used = (size_t)snprintf(ret_id, ID_SIZE, "%s!s", drive->owner_id);

        format_guid(&guid, false, false, ret_id + used);
    }
}

static uint32_t parse_business(const struct drive *drive, const char *id)
{
    uint8_t bytes[20];
    struct guid guid;

    if (strncmp(id, "01", 2) != 0 || base32_decode(id + 2, bytes, sizeof bytes) < 0)
        return ITEM_NONE;
    for (int i = 0; i < 4; i++)
        if (bytes[i] != (uint8_t)(drive->id_prefix >> (8 * i)))
            return ITEM_NONE;
    memcpy(guid.bytes, bytes + 4, sizeof guid.bytes);
    guid = swap_endian(guid);
    return item_of_guid(drive, &guid);
}

static uint32_t parse_hex_guid(const struct drive *drive, const char *hex)
{
    struct guid guid;

    if (strlen(hex) != 32 || strspn(hex, "0123456789abcdefABCDEF") != 32)
        return ITEM_NONE;
    for (int i = 0; i < 16; i++) {
        char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

        guid.bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return item_of_guid(drive, &guid);
}

static uint32_t parse_personal(const struct drive *drive, const char *id)
{
    const char *mark = strchr(id, '!');
    char *end;

    while (*id == '0')
        id++;
    if (!mark || strlen(drive->owner_id) != (size_t)(mark - id) ||
        strncasecmp(id, drive->owner_id, (size_t)(mark - id)) != 0)
        return ITEM_NONE;
    if (mark[1] == 's' || mark[1] == 'S') {
        uint32_t item = parse_hex_guid(drive, mark + 2);

        return item != ITEM_NONE && !has_decimal_id(drive, item) ? item : ITEM_NONE;
    }

    unsigned long number = strtoul(mark + 1, &end, 10);

    if (end == mark + 1 || *end || number < LEGACY_FIRST || number - LEGACY_FIRST >= drive->count)
        return ITEM_NONE;

    uint32_t item = (uint32_t)(number - LEGACY_FIRST);

    return has_decimal_id(drive, item) ? item : ITEM_NONE;
}

uint32_t ids_parse(const struct drive *drive, const char *id)
{
    if (strcasecmp(id, "root") == 0)
        return ITEM_ROOT;
    return drive->profile == PROFILE_BUSINESS ? parse_business(drive, id)
                                              : parse_personal(drive, id);
}

bool ids_is_drive(const struct drive *drive, const char *id)
{
    if (drive->profile == PROFILE_BUSINESS || drive->role == DRIVE_PHANTOM)
        return strcmp(drive->id, id) == 0;
    while (*id == '0')
        id++;
    return strcasecmp(drive->owner_id, id) == 0;
}

void ids_guid(const struct drive *drive, uint32_t item, bool upper_case, char ret_guid[GUID_SIZE])
{
    struct guid guid = guid_of(drive, item);

    format_guid(&guid, upper_case, true, ret_guid);
}

static void legacy_tag(const char *text, char ret_tag[TAG_SIZE])
{
    ret_tag[0] = 'a';
    base64url_encode(text, strlen(text), ret_tag + 1);
}

void ids_etag(const struct drive *drive, uint32_t item, const struct state *state,
              char ret_tag[TAG_SIZE])
{
    char guid[GUID_SIZE], text[TAG_SIZE / 2];

    if (drive->profile == PROFILE_CONSUMER_LEGACY) {
        (void)snprintf(text, sizeof text, "%s!%" PRIu32 ".%" PRIu32, drive->owner_id,
                       item + LEGACY_FIRST, state->etag);
        legacy_tag(text, ret_tag);
        return;
    }
    ids_guid(drive, item, true, guid);
    (void)snprintf(ret_tag, TAG_SIZE, "\"{%s},%" PRIu32 "\"", guid, state->etag);
}

void ids_ctag(const struct drive *drive, uint32_t item, const struct state *state,
              char ret_tag[TAG_SIZE])
{
    char guid[GUID_SIZE], text[TAG_SIZE / 2];

    if (drive->profile == PROFILE_CONSUMER_LEGACY) {
        if (state->blob)
            (void)snprintf(text, sizeof text, "c:%s!%" PRIu32 ".%" PRIu32, drive->owner_id,
                           item + LEGACY_FIRST, state->ctag);
        else
            (void)snprintf(text, sizeof text, "t:%s!%" PRIu32 ".%" PRId64, drive->owner_id,
                           item + LEGACY_FIRST, state->changed_ms);
        legacy_tag(text, ret_tag);
        return;
    }
    ids_guid(drive, item, true, guid);
    (void)snprintf(ret_tag, TAG_SIZE, "\"c:{%s},%" PRIu32 "\"", guid, state->ctag);
}
