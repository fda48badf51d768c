/* SPDX-License-Identifier: MIT */
/* The map of an overlay: what it holds, and what of it is believed when. */
#include "config.h"

#include "overlay/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "content/disk.h"
#include "unit.h"

#define GENERATION 77
#define SIZE       1000

enum { BOOT_ONE = 1, BOOT_TWO, BOOT_THREE };

static const struct head some_head = {
    .generation = GENERATION,
    .place = { "drive", "", "na\nme", "/path/na\nme" },
    .has_base = true,
    .base = {
        .generation = 12,
        .drive_id = "other drive",
        .item_id = "item",
        .size = SIZE,
        .etag = "\"e\"",
        .hash_kind = HASH_QUICKXOR,
        .hash = "hash",
        .server_mtime_ns = -5,
    },
};

struct place {
    char directory[64];
    int fd;
};

static int place_setup(void **state)
{
    struct place *place = x_calloc(1, sizeof *place);

    (void)snprintf(place->directory, sizeof place->directory, "/tmp/graphfs-map-XXXXXX");
    if (!mkdtemp(place->directory))
        return -1;
    place->fd = open(place->directory, O_RDONLY | O_DIRECTORY);
    *state = place;
    return 0;
}

static int place_teardown(void **state)
{
    struct place *place = *state;
    char name[FILE_NAME_SIZE];

    file_name(name, GENERATION, ENDING_MAP);
    (void)unlinkat(place->fd, name, 0);
    (void)close(place->fd);
    (void)rmdir(place->directory);
    free(place);
    return 0;
}

static struct map make_map(const struct place *place)
{
    struct map map;

    assert_int_equal(map_create(place->fd, &some_head, BOOT_ONE, false, &map), 0);
    return map;
}

/* What shows of the base in that boot, as one range; the map is closed. */
static struct range shown(const struct place *place, uint64_t boot)
{
    struct ranges missing = { 0 };
    struct range hull;
    struct map map;

    assert_int_equal(map_open(place->fd, GENERATION, boot, &map, &missing), 0);
    hull = ranges_hull(&missing, (struct range){ 0, SIZE });
    if (missing.total == 0)
        hull = (struct range){ 0, 0 };
    else
        assert_int_equal(missing.total, hull.end - hull.first);
    ranges_clear(&missing);
    map_close(&map);
    return hull;
}

static void assert_shown(const struct place *place, uint64_t boot, int64_t first, int64_t end)
{
    struct range range = shown(place, boot);

    assert_int_equal(range.first, first);
    assert_int_equal(range.end, end);
}

static void test_the_head_says_what_it_was_told(void **state)
{
    struct place *place = *state;
    cleanup_free uint8_t *bytes = NULL;
    struct map map = make_map(place);
    struct head head;

    assert_int_equal(map_read_head(&map, &head, &bytes), 0);
    assert_int_equal(head.generation, GENERATION);
    assert_string_equal(head.place.drive_id, "drive");
    assert_string_equal(head.place.parent_id, "");
    assert_string_equal(head.place.name, "na\nme");
    assert_string_equal(head.place.path, "/path/na\nme");
    assert_true(head.has_base);
    assert_int_equal(head.base.generation, 12);
    assert_string_equal(head.base.drive_id, "other drive");
    assert_string_equal(head.base.item_id, "item");
    assert_int_equal(head.base.size, SIZE);
    assert_string_equal(head.base.etag, "\"e\"");
    assert_null(head.base.ctag);
    assert_int_equal(head.base.hash_kind, HASH_QUICKXOR);
    assert_string_equal(head.base.hash, "hash");
    assert_int_equal(head.base.server_mtime_ns, -5);
    map_close(&map);
}

static void test_a_head_that_is_too_long_is_refused(void **state)
{
    struct place *place = *state;
    cleanup_free char *path = x_calloc(1, HEAD_MAX + 1);
    struct head head = some_head;
    struct map map;

    memset(path, 'x', HEAD_MAX);
    head.place.path = path;
    assert_int_equal(map_create(place->fd, &head, BOOT_ONE, false, &map), -ENAMETOOLONG);
}

/* Any byte of it, but not those that only align what follows: they are nobody's. */
static void test_each_damaged_byte_of_a_head_is_found(void **state)
{
    cleanup_strbuf struct strbuf out;
    struct head head;

    (void)state;
    strbuf_init(&out, HEAD_MAX);
    assert_int_equal(head_encode(&some_head, &out), 0);
    assert_int_equal(head_decode((uint8_t *)out.data, out.len, &head), 0);
    for (size_t i = 0; i < out.len; i++) {
        out.data[i] ^= 0x10;
        assert_int_equal(head_decode((uint8_t *)out.data, out.len, &head), -EBADMSG);
        out.data[i] ^= 0x10;
    }
    assert_int_equal(head_decode((uint8_t *)out.data, out.len - UNIT, &head), -EBADMSG);
}

static void test_records_count_at_once_in_the_same_boot_only(void **state)
{
    struct place *place = *state;
    struct map map = make_map(place);

    assert_shown(place, BOOT_ONE, 0, SIZE);
    assert_int_equal(map_record(&map, (struct range){ 0, 100 }), 0);
    assert_shown(place, BOOT_ONE, 100, SIZE);
    assert_shown(place, BOOT_TWO, 0, SIZE);
    map_close(&map);
}

static void test_a_record_that_says_so_makes_the_ones_before_it_count_for_ever(void **state)
{
    struct place *place = *state;
    struct map map = make_map(place);
    uint64_t count;

    assert_int_equal(map_record(&map, (struct range){ 0, 100 }), 0);
    count = map_seal(&map);
    assert_int_equal(map_record(&map, (struct range){ 100, 200 }), 0);
    assert_int_equal(map_record_synced(&map, count), 0);
    assert_true(map.has_unsynced);
    assert_shown(place, BOOT_ONE, 200, SIZE);
    assert_shown(place, BOOT_TWO, 100, SIZE);
    assert_int_equal(map_record_synced(&map, map_seal(&map)), 0);
    assert_false(map.has_unsynced);
    assert_shown(place, BOOT_TWO, 200, SIZE);
    assert_int_equal(map_record(&map, (struct range){ 200, 300 }), 0);
    assert_shown(place, BOOT_ONE, 300, SIZE);
    assert_shown(place, BOOT_TWO, 200, SIZE);
    map_close(&map);
}

static void test_a_sync_of_a_later_boot_does_not_speak_for_an_earlier_one(void **state)
{
    struct place *place = *state;
    struct map map = make_map(place);
    struct ranges missing = { 0 };

    assert_int_equal(map_record(&map, (struct range){ 900, SIZE }), 0);
    map_close(&map);
    assert_int_equal(map_open(place->fd, GENERATION, BOOT_TWO, &map, &missing), 0);
    ranges_clear(&missing);
    assert_false(map.has_unsynced);
    assert_int_equal(map_record(&map, (struct range){ 0, 100 }), 0);
    assert_int_equal(map_record_synced(&map, map_seal(&map)), 0);
    map_close(&map);
    assert_shown(place, BOOT_TWO, 100, SIZE);
    assert_shown(place, BOOT_THREE, 100, SIZE);
}

static int64_t file_size(const struct map *map)
{
    struct stat st;

    assert_int_equal(fstat(map->fd, &st), 0);
    return st.st_size;
}

static void test_writing_on_makes_one_record_until_it_is_sealed(void **state)
{
    struct place *place = *state;
    struct map map = make_map(place);
    int64_t empty = file_size(&map);

    for (int64_t at = 100; at < 200; at += 10)
        assert_int_equal(map_record(&map, (struct range){ at, at + 10 }), 0);
    assert_int_equal(map_record(&map, (struct range){ 0, 100 }), 0);
    assert_int_equal(file_size(&map), empty + UNIT);
    assert_shown(place, BOOT_ONE, 200, SIZE);
    (void)map_seal(&map);
    assert_int_equal(map_record(&map, (struct range){ 200, 300 }), 0);
    assert_int_equal(file_size(&map), empty + 2 * UNIT);
    assert_int_equal(map_record(&map, (struct range){ 400, SIZE }), 0);
    assert_int_equal(file_size(&map), empty + 3 * UNIT);
    assert_shown(place, BOOT_ONE, 300, 400);
    map_close(&map);
}

/* Three records, the middle one of which is what the disk makes of it. */
static void test_what_did_not_reach_the_disk_means_nothing_and_damage_is_found(void **state)
{
    static const uint8_t zeros[UNIT];
    struct place *place = *state;
    struct map map = make_map(place);
    struct ranges missing = { 0 };
    int64_t middle = map.time_at + 2 * (int64_t)UNIT;
    uint8_t unit[UNIT];

    assert_int_equal(map_record(&map, (struct range){ 0, 10 }), 0);
    assert_int_equal(map_record(&map, (struct range){ 500, 510 }), 0);
    assert_int_equal(map_record(&map, (struct range){ 990, SIZE }), 0);
    assert_int_equal(disk_read(map.fd, unit, UNIT, middle), 0);
    assert_int_equal(disk_write(map.fd, zeros, UNIT, middle), 0);
    assert_shown(place, BOOT_ONE, 10, 990);
    unit[20] ^= 1;
    assert_int_equal(disk_write(map.fd, unit, UNIT, middle), 0);
    map_close(&map);
    assert_int_equal(map_open(place->fd, GENERATION, BOOT_ONE, &map, &missing), -EBADMSG);
}

static void test_a_part_of_a_record_at_the_end_is_written_over(void **state)
{
    struct place *place = *state;
    struct map map = make_map(place);
    struct ranges missing = { 0 };

    assert_int_equal(map_record(&map, (struct range){ 0, 10 }), 0);
    assert_int_equal(disk_write(map.fd, "part", 4, file_size(&map)), 0);
    map_close(&map);
    assert_int_equal(map_open(place->fd, GENERATION, BOOT_ONE, &map, &missing), 0);
    ranges_clear(&missing);
    assert_int_equal(map_record(&map, (struct range){ 20, SIZE }), 0);
    map_close(&map);
    assert_shown(place, BOOT_ONE, 10, 20);
}

static void test_a_map_of_another_overlay_is_damage(void **state)
{
    struct place *place = *state;
    struct map map = make_map(place);
    struct ranges missing = { 0 };
    char name[FILE_NAME_SIZE], other[FILE_NAME_SIZE];

    map_close(&map);
    file_name(name, GENERATION, ENDING_MAP);
    file_name(other, GENERATION + 1, ENDING_MAP);
    assert_int_equal(renameat(place->fd, name, place->fd, other), 0);
    assert_int_equal(map_open(place->fd, GENERATION + 1, BOOT_ONE, &map, &missing), -EBADMSG);
    assert_int_equal(unlinkat(place->fd, other, 0), 0);
}

static void test_the_time_is_there_while_it_is_set(void **state)
{
    struct place *place = *state;
    struct map map = make_map(place);
    int64_t mtime_ns = 0;

    assert_false(map_get_time(&map, &mtime_ns));
    assert_int_equal(map_set_time(&map, -123456789), 0);
    assert_true(map_get_time(&map, &mtime_ns));
    assert_int_equal(mtime_ns, -123456789);
    assert_int_equal(map_unset_time(&map), 0);
    assert_false(map_get_time(&map, &mtime_ns));
    map_close(&map);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_head_says_what_it_was_told),
        TEST(test_a_head_that_is_too_long_is_refused),
        TEST(test_each_damaged_byte_of_a_head_is_found),
        TEST(test_records_count_at_once_in_the_same_boot_only),
        TEST(test_a_record_that_says_so_makes_the_ones_before_it_count_for_ever),
        TEST(test_a_sync_of_a_later_boot_does_not_speak_for_an_earlier_one),
        TEST(test_writing_on_makes_one_record_until_it_is_sealed),
        TEST(test_what_did_not_reach_the_disk_means_nothing_and_damage_is_found),
        TEST(test_a_part_of_a_record_at_the_end_is_written_over),
        TEST(test_a_map_of_another_overlay_is_damage),
        TEST(test_the_time_is_there_while_it_is_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
