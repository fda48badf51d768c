/* SPDX-License-Identifier: MIT */
/* The map file: how it is made, read and added to. What must hold on the disk is in map.h. */
#include "config.h"

#include "overlay/map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "content/disk.h"

DEFINE_VEC(record_list, struct record);

/* How many records of a boot are covered. */
struct synced {
    uint64_t boot;
    int64_t count;
};

DEFINE_VEC(synced_list, struct synced);

void file_name(char out[FILE_NAME_SIZE], uint64_t generation, const char *ending)
{
    (void)snprintf(out, FILE_NAME_SIZE, "%016" PRIx64 "%s", generation, ending);
}

void map_close(struct map *map)
{
    if (map->fd >= 0)
        (void)close(steal_fd(&map->fd));
}

static int64_t record_place(const struct map *map, uint64_t number)
{
    return map->time_at + UNIT * (1 + (int64_t)number);
}

/* ---- making ---- */

/* All that a new map holds. */
static int encode_new(const struct head *head, uint64_t boot, bool is_full, struct strbuf *out)
{
    struct record all = { RECORD_OURS, boot, { 0, head->base.size } };
    uint8_t unit[UNIT];
    int r = head_encode(head, out);

    if (r < 0)
        return r;
    time_encode(false, 0, head->generation, unit);
    (void)strbuf_add(out, unit, UNIT);
    if (is_full && head->base.size > 0) {
        record_encode(&all, head->generation, unit);
        (void)strbuf_add(out, unit, UNIT);
    }
    return strbuf_error(out);
}

int map_create(int directory_fd, const struct head *head, uint64_t boot, bool is_full,
               struct map *ret_map)
{
    cleanup_strbuf struct strbuf bytes;
    cleanup_close int fd = -1;
    char made[FILE_NAME_SIZE], name[FILE_NAME_SIZE];
    bool has_record = is_full && head->base.size > 0;
    int r;

    strbuf_init(&bytes, HEAD_MAX + 2 * UNIT);
    r = encode_new(head, boot, is_full, &bytes);
    if (r < 0)
        return r;
    file_name(made, head->generation, ENDING_NEW);
    file_name(name, head->generation, ENDING_MAP);
    fd = openat(directory_fd, made, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r = disk_write(fd, bytes.data, bytes.len, 0);
    KILL_POINT("overlay-map");
    if (r == 0 && renameat(directory_fd, made, directory_fd, name) != 0)
        r = -errno;
    if (r < 0) {
        (void)unlinkat(directory_fd, made, 0);
        return r;
    }
    *ret_map = (struct map){
        .fd = steal_fd(&fd),
        .generation = head->generation,
        .boot = boot,
        .base_size = head->base.size,
        .time_at = (int64_t)bytes.len - UNIT - (has_record ? UNIT : 0),
        .count = has_record,
        .has_unsynced = has_record,
        .writes = 1,
    };
    return 0;
}

/* ---- reading ---- */

int map_read_head(const struct map *map, struct head *ret_head, uint8_t **ret_bytes)
{
    cleanup_free uint8_t *bytes = malloc((size_t)map->time_at);
    int r;

    if (!bytes)
        return -ENOMEM;
    r = disk_read(map->fd, bytes, (size_t)map->time_at, 0);
    if (r == 0)
        r = head_decode(bytes, (size_t)map->time_at, ret_head);
    if (r == 0)
        *ret_bytes = steal_ptr(&bytes);
    return r;
}

/* Sets what the head says. */
static int take_head(struct map *map)
{
    cleanup_free uint8_t *bytes = NULL;
    uint8_t begin[HEAD_BEGIN];
    struct head head = { 0 };
    int r = disk_read(map->fd, begin, sizeof begin, 0);

    if (r < 0)
        return r;
    map->time_at = head_length(begin);
    if (map->time_at < 0)
        return (int)map->time_at;
    r = map_read_head(map, &head, &bytes);
    if (r < 0)
        return r;
    map->base_size = head.base.size;
    return head.generation == map->generation ? 0 : -EBADMSG;
}

/* Reads the whole records of the file. A part of one at the end was never acknowledged. */
static int read_records(const struct map *map, struct record_list *ret)
{
    int64_t begin = record_place(map, 0);
    cleanup_free uint8_t *bytes = NULL;
    struct stat st;
    size_t count;
    int r;

    if (fstat(map->fd, &st) != 0)
        return -errno;
    count = st.st_size > begin ? (size_t)(st.st_size - begin) / UNIT : 0;
    bytes = malloc(count * UNIT + 1);
    if (!bytes)
        return -ENOMEM;
    r = disk_read(map->fd, bytes, count * UNIT, begin);
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct record record;

        r = record_decode(bytes + i * UNIT, map->generation, &record);
        if (r == 0)
            (void)record_list_push(ret, record);
    }
    return r;
}

/* Finds or makes the entry of a boot. There are few. */
static struct synced *synced_of(struct synced_list *list, uint64_t boot)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->items[i].boot == boot)
            return &list->items[i];
    return synced_list_push(list, (struct synced){ boot, 0 });
}

static void believe(struct map *map, const struct record_list *records, struct ranges *missing)
{
    struct synced_list synced = { 0 };

    for (size_t i = 0; i < records->len; i++) {
        const struct record *record = &records->items[i];

        if (record->kind == RECORD_SYNCED &&
            record->range.end > synced_of(&synced, record->boot)->count)
            synced_of(&synced, record->boot)->count = record->range.end;
    }
    for (size_t i = 0; i < records->len; i++) {
        const struct record *record = &records->items[i];
        bool is_covered, is_of_now = record->boot == map->boot;

        if (record->kind != RECORD_OURS)
            continue;
        is_covered = (int64_t)i < synced_of(&synced, record->boot)->count;
        if (is_covered || is_of_now)
            ranges_remove(missing, record->range);
        map->has_unsynced |= is_of_now && !is_covered;
    }
    map->count = records->len;
    synced_list_clear(&synced);
}

static int take_records(struct map *map, struct ranges *ret_missing)
{
    struct record_list records = { 0 };
    int r = read_records(map, &records);

    if (r == 0) {
        ranges_fill(ret_missing, map->base_size);
        believe(map, &records, ret_missing);
    }
    record_list_clear(&records);
    return r;
}

int map_open(int directory_fd, uint64_t generation, uint64_t boot, struct map *ret_map,
             struct ranges *ret_missing)
{
    struct map map = { .generation = generation, .boot = boot, .writes = 1 };
    char name[FILE_NAME_SIZE];
    int r;

    file_name(name, generation, ENDING_MAP);
    map.fd = openat(directory_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (map.fd < 0)
        return -errno;
    r = take_head(&map);
    if (r == 0)
        r = take_records(&map, ret_missing);
    if (r < 0) {
        map_close(&map);
        return r == -ENODATA ? -EBADMSG : r;
    }
    *ret_map = map;
    return 0;
}

/* ---- adding ---- */

static int write_record(struct map *map, uint64_t number, const struct record *record)
{
    uint8_t unit[UNIT];

    record_encode(record, map->generation, unit);
    map->writes++;
    return disk_write(map->fd, unit, UNIT, record_place(map, number));
}

static int append(struct map *map, const struct record *record)
{
    int r = write_record(map, map->count, record);

    if (r < 0) {
        if (ftruncate(map->fd, record_place(map, map->count)) != 0) /* a part may be there */
            log_debug("overlay", "cutting off what was not recorded: %s", ERRNO_TEXT(errno));
        return r;
    }
    map->count++;
    return 0;
}

/* The newest record with the range, if they touch. */
static bool extend_newest(const struct map *map, struct range range, struct range *ret)
{
    struct range newest = map->newest;

    if (!map->may_extend || range.first > newest.end || range.end < newest.first)
        return false;
    ret->first = range.first < newest.first ? range.first : newest.first;
    ret->end = range.end > newest.end ? range.end : newest.end;
    return true;
}

int map_record(struct map *map, struct range range)
{
    struct record record = { RECORD_OURS, map->boot, range };
    int r;

    if (extend_newest(map, range, &record.range))
        r = write_record(map, map->count - 1, &record);
    else
        r = append(map, &record);
    if (r < 0)
        return r;
    map->newest = record.range;
    map->may_extend = true;
    map->has_unsynced = true;
    return 0;
}

uint64_t map_seal(struct map *map)
{
    map->may_extend = false;
    return map->count;
}

int map_record_synced(struct map *map, uint64_t count)
{
    struct record record = { RECORD_SYNCED, map->boot, { 0, (int64_t)count } };
    bool has_more = map->count > count;
    int r = append(map, &record);

    if (r < 0)
        return r;
    map->may_extend = false;
    map->has_unsynced = has_more;
    return 0;
}

/* ---- the time ---- */

static int write_time(struct map *map, bool is_set, int64_t mtime_ns)
{
    uint8_t unit[UNIT];

    time_encode(is_set, mtime_ns, map->generation, unit);
    map->writes++;
    return disk_write(map->fd, unit, UNIT, map->time_at);
}

int map_set_time(struct map *map, int64_t mtime_ns)
{
    return write_time(map, true, mtime_ns);
}

int map_unset_time(struct map *map)
{
    return write_time(map, false, 0);
}

bool map_get_time(const struct map *map, int64_t *ret_mtime_ns)
{
    uint8_t unit[UNIT];

    return disk_read(map->fd, unit, UNIT, map->time_at) == 0 &&
           time_decode(unit, map->generation, ret_mtime_ns);
}
