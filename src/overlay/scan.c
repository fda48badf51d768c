/* SPDX-License-Identifier: MIT */
/*
 * What earlier runs left. Every overlay is opened once: its map says whether it can be used, and
 * the table needs what stat shows. What can't be used goes into the directory "recovered", under
 * the same name, or a number in it where that is taken; whoever looks there finds in the map where
 * it was. What isn't named like ours stays where it is.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/vec.h"
#include "base/xalloc.h"
#include "overlay/overlay_i.h"

#define NAME_DIGITS 16

static const char *const endings[] = { ENDING_DATA, ENDING_MAP, ENDING_NEW };

#define ENDINGS_COUNT (sizeof endings / sizeof endings[0])

DEFINE_VEC(generations, uint64_t);

/* Whether a file of this name is an overlay's. */
static bool parse_name(const char *name, uint64_t *ret_generation)
{
    size_t digits = strspn(name, "0123456789abcdef");

    for (size_t i = 0; digits == NAME_DIGITS && i < ENDINGS_COUNT; i++)
        if (strcmp(name + digits, endings[i]) == 0) {
            *ret_generation = strtoull(name, NULL, 16);
            return true;
        }
    return false;
}

static int compare(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

    return a < b ? -1 : a > b;
}

/* Of all files, one or more times, in order. */
static int list_generations(const struct overlays *overlays, struct generations *ret)
{
    cleanup_dir DIR *directory = opendir(overlays->directory);
    const struct dirent *entry;
    uint64_t generation;

    if (!directory)
        return -errno;
    while ((errno = 0, entry = readdir(directory)))
        if (parse_name(entry->d_name, &generation))
            (void)generations_push(ret, generation);
    if (errno != 0)
        return -errno;
    if (ret->len > 0)
        qsort(ret->items, ret->len, sizeof ret->items[0], compare);
    return 0;
}

/* ---- setting aside ---- */

/* The path in "recovered" of the n-th overlay of that generation. */
static char *recovered_path(const struct overlays *overlays, uint64_t generation, unsigned n,
                            const char *ending)
{
    if (n == 0)
        return x_asprintf("%s/%016" PRIx64 "%s", overlays->recovered, generation, ending);
    return x_asprintf("%s/%016" PRIx64 ".%u%s", overlays->recovered, generation, n, ending);
}

static bool is_taken(const struct overlays *overlays, uint64_t generation, unsigned n)
{
    for (size_t i = 0; i < ENDINGS_COUNT; i++) {
        cleanup_free char *path = recovered_path(overlays, generation, n, endings[i]);
        struct stat st;

        if (lstat(path, &st) == 0)
            return true;
    }
    return false;
}

int overlays_recover_files(const struct overlays *overlays, uint64_t generation)
{
    int r = mkdir_p(overlays->recovered, 0700);
    unsigned n = 0;

    if (r < 0)
        return r;
    while (is_taken(overlays, generation, n))
        n++;
    for (size_t i = 0; i < ENDINGS_COUNT; i++) {
        cleanup_free char *path = recovered_path(overlays, generation, n, endings[i]);
        char name[FILE_NAME_SIZE];

        file_name(name, generation, endings[i]);
        if (renameat(overlays->directory_fd, name, AT_FDCWD, path) != 0 && errno != ENOENT)
            return -errno;
    }
    return 0;
}

/* ---- taking in ---- */

/* Whether no further try will do better. */
static bool is_damage(int code)
{
    return code == -EBADMSG || code == -ENOENT || code == -EIO;
}

/* Opens it once, to know of it what stat says. */
static int look_at(struct overlay *overlay)
{
    struct body body;
    int r = overlay_open_files(overlay);

    if (r < 0)
        return r;
    overlay_settle(overlay);
    overlay->references = 0; /* at rest */
    body = overlay_take_body(overlay);
    body_close(&body);
    return 0;
}

static int take_in(struct overlays *overlays, uint64_t generation)
{
    struct overlay *overlay = overlay_new(overlays, generation);
    int r = look_at(overlay);

    if (r == 0) {
        overlays_add(overlay);
        return 0;
    }
    overlay_free(overlay);
    if (!is_damage(r))
        return r;
    log_error("overlay", "what was written to a file is %s, and set aside: %s/%016" PRIx64,
              r == -ENOENT ? "not whole"
              : r == -EIO  ? "not readable"
                           : "damaged",
              overlays->recovered, generation);
    return overlays_recover_files(overlays, generation);
}

int overlays_scan(struct overlays *overlays, struct err *err)
{
    struct generations found = { 0 };
    int r = list_generations(overlays, &found);

    for (size_t i = 0; r == 0 && i < found.len; i++)
        if (i == 0 || found.items[i] != found.items[i - 1])
            r = take_in(overlays, found.items[i]);
    generations_clear(&found);
    if (r < 0)
        return err_set_errno(err, r, "reading %s", overlays->directory);
    return 0;
}
