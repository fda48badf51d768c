/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_OVERLAY_MAP_H
#define GRAPHFS_OVERLAY_MAP_H

/*
 * An overlay on disk is two files, named by its generation in 16 hexadecimal digits:
 *
 *     GENERATION.data   its bytes, at their offsets. A plain sparse file as long as the overlay
 *     GENERATION.map    what the overlay is, and where the base doesn't show any more
 *
 * The map is needed as far as the base reaches: behind that all bytes are the data file's. A range
 * is recorded when the data file has its bytes, before the write is acknowledged. So a kill at any
 * moment leaves the base's bytes where a write was not recorded, and whole writes elsewhere: in the
 * same boot the page cache has what was written, in that order.
 *
 * A power cut knows no order. A record names its boot and is believed in that boot only; in later
 * ones if there is a record SYNCED of the same boot that covers it. That one is written after
 * fdatasync() of the data, so the bytes are there, whenever the records themselves reach the disk.
 * Records that did not reach it are zeros and mean nothing. One that is neither zeros nor right is
 * damage: then no one can tell what the overlay shows.
 *
 * The newest record is written again, longer, while writes go on where it ends or begins, so that
 * who writes in order makes one record. That is safe for a kill, which finds the one or the other;
 * and a power cut that would tear it, if a disk did that, takes nothing that was synced: a record
 * that SYNCED is to cover isn't written again.
 *
 * What truncation takes from the base is not recorded before the overlay grows again or is synced:
 * until then the length of the data file says it.
 *
 * Filling copies the base into the data file, and that would move its time. While it goes on the
 * time stands in the map.
 *
 * Not thread safe: the overlay's lock guards it. All functions access the disk.
 */

#include "overlay/format.h"
#include "overlay/ranges.h"

#include <stdbool.h>
#include <stdint.h>

/* The name of one of an overlay's files, with its NUL. */
#define FILE_NAME_SIZE 24

/* Its endings; NEW is a map that is being made. */
#define ENDING_DATA ".data"
#define ENDING_MAP  ".map"
#define ENDING_NEW  ".new"

/* Writes the name of that file. */
void file_name(char out[FILE_NAME_SIZE], uint64_t generation, const char *ending);

struct map {
    int fd;
    uint64_t generation;
    uint64_t boot;     /* goes into records */
    int64_t base_size; /* 0: no base */
    int64_t time_at;   /* where the time is in the file; records follow */
    uint64_t count;    /* of records */
    uint64_t writes;   /* to the file so far; at first 1, for what others wrote */
    bool has_unsynced; /* there are records of this boot that none covers */
    bool may_extend;   /* the newest record was neither sealed nor found */
    struct range newest;
};

/* Makes the map of an overlay; with ${is_full} nothing of its base shows. Its data file is there
 * already. Returns 0 or -errno; then there is none. */
int map_create(int directory_fd, const struct head *head, uint64_t boot, bool is_full,
               struct map *ret_map);

/* Opens it. ${ret_missing}, { 0 } before, is what shows of the base, whatever the length of the
 * data file. Returns 0 or -errno, -EBADMSG if it is damaged. */
int map_open(int directory_fd, uint64_t generation, uint64_t boot, struct map *ret_map,
             struct ranges *ret_missing);

/* Closes it, unless its fd is -1. */
void map_close(struct map *map);

/* Reads the head; its strings live in *ret_bytes, which is for the caller to free. */
int map_read_head(const struct map *map, struct head *ret_head, uint8_t **ret_bytes);

/* Records that nothing of the base shows in the range. After an error the map says what it said
 * before. */
int map_record(struct map *map, struct range range);

/* To sync: seals what is recorded, and returns how many records there are; then the data is synced;
 * then map_record_synced() says so for that many. */
uint64_t map_seal(struct map *map);
int map_record_synced(struct map *map, uint64_t count);

/* The time that counts while it is set; not set, the data file's own does. */
int map_set_time(struct map *map, int64_t mtime_ns);
int map_unset_time(struct map *map);
bool map_get_time(const struct map *map, int64_t *ret_mtime_ns);

#endif
