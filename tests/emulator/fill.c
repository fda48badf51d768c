/* SPDX-License-Identifier: MIT */
/*
 * The contents that drives begin with. They were there before any client looked, so nothing of
 * them lags. Imported files are read where they are; what the service would refuse is left out,
 * with a line on stderr.
 */
#include "fill.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buffer.h"
#include "emulator.h"
#include "names.h"

/* Contents up to this size are hashed at the start, so that no page waits for it. */
enum { HASHED_AHEAD_MAX = 1 << 14 };

static struct change initial_change(struct emulator *emulator, struct drive *drive)
{
    return (struct change){ .drive = drive,
                            .random = &emulator->random,
                            .now_ms = emulator->started_ms / 1000 * 1000,
                            .is_initial = true };
}

/* A tree of folders with ten folders in each, and the files spread over them evenly. A thousand
 * contents or so serve any number of files: a page of them must not cost the hashing of each. */
static void generate(struct emulator *emulator, struct drive *drive)
{
    enum { FAN_OUT = 10, CONTENTS = 997 };
    struct blob *contents[CONTENTS];
    const struct options *options = emulator->options;
    struct change change = initial_change(emulator, drive);
    uint64_t seed = random_mix((uint64_t)options->generate_seed);
    uint32_t first_folder = drive->count;
    char name[48];

    for (int64_t i = 0; i < options->generate_folders; i++) {
        uint32_t parent =
            i < FAN_OUT ? (uint32_t)ITEM_ROOT : first_folder + (uint32_t)(i / FAN_OUT - 1);

        (void)snprintf(name, sizeof name, "folder %05" PRId64, i);
        change_create(&change, parent, name, NULL, change.now_ms);
    }
    for (int64_t i = 0; i < options->generate_files; i++) {
        uint32_t parent = options->generate_folders
                              ? first_folder + (uint32_t)(i % options->generate_folders)
                              : (uint32_t)ITEM_ROOT;

        if (i < CONTENTS) {
            contents[i] = blob_from_pattern(&drive->arena, random_mix(seed + (uint64_t)i),
                                            options->generate_size);
            if (options->generate_size <= HASHED_AHEAD_MAX)
                blob_digests(&drive->arena, contents[i]);
        }
        (void)snprintf(name, sizeof name, "file %07" PRId64 ".dat", i);
        change_create(&change, parent, name, contents[i % CONTENTS],
                      change.now_ms - (int64_t)(random_mix(seed ^ (uint64_t)i) % 100000) * 1000);
    }
}

static int import_directory(const struct change *change, uint32_t folder, const char *path);

static int import_entry(const struct change *change, uint32_t folder, const char *path,
                        const char *name)
{
    struct drive *drive = change->drive;
    struct stat status;

    if (lstat(path, &status) < 0) {
        (void)fprintf(stderr, "graph-emulator: %s: %m\n", path);
        return -1;
    }
    if (names_refusal(name) ||
        drive_find_child(drive, folder, name, VIEW_TRUTH, change->now_ms) != ITEM_NONE ||
        (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))) {
        (void)fprintf(
            stderr, "graph-emulator: %s: left out: the service has no such names or kinds\n", path);
        return 0;
    }

    int64_t mtime_ms = (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;

    if (S_ISREG(status.st_mode)) {
        struct blob *blob = blob_from_file(&drive->arena, path, status.st_size);

        change_create(change, folder, name, blob, mtime_ms);
        return 0;
    }
    return import_directory(change, change_create(change, folder, name, NULL, mtime_ms), path);
}

static int import_directory(const struct change *change, uint32_t folder, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort), result = 0;

    if (count < 0) {
        (void)fprintf(stderr, "graph-emulator: %s: %m\n", path);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        struct buffer child = { 0 };

        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && result == 0) {
            buffer_addf(&child, "%s/%s", path, name);
            result = import_entry(change, folder, child.data, name);
        }
        buffer_free(&child);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static void fill_library(struct emulator *emulator, struct drive *drive)
{
    static const char welcome[] = "Files in this library belong to the team.\n";
    struct change change = initial_change(emulator, drive);
    uint32_t folder = change_create(&change, ITEM_ROOT, "General", NULL, change.now_ms);

    change_create(&change, folder, "Read me.txt",
                  blob_from_bytes(&drive->arena, welcome, sizeof welcome - 1), change.now_ms);
    change_create(&change, folder, "Plan.bin",
                  blob_from_pattern(&drive->arena, drive->seed, 100000), change.now_ms);
}

int fill_drives(struct emulator *emulator)
{
    struct drive *drive = emulator_drive(emulator, DRIVE_DEFAULT);
    struct drive *library = emulator_drive(emulator, DRIVE_LIBRARY);

    if (library)
        fill_library(emulator, library);
    generate(emulator, drive);
    if (emulator->options->import_dir) {
        struct change change = initial_change(emulator, drive);

        return import_directory(&change, ITEM_ROOT, emulator->options->import_dir);
    }
    return 0;
}
