/* SPDX-License-Identifier: MIT */
/*
 * Finds what earlier runs left in the cache directory, so that the limit counts it and eviction
 * knows how long it has not been used. Nobody waits for that: what is opened before the scan has
 * come to it is loaded then. Directories of other stores are removed; so is what is damaged, or of
 * an earlier format, and whatever isn't named like a version.
 */
#include "config.h"

#include "content/content_i.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/vec.h"
#include "base/xalloc.h"

#define NAME_DIGITS 16

/* A file that is a version's, by its name. */
struct found {
    uint64_t generation;
    int64_t size; /* of the content, as the header says */
    struct timespec used;
};

DEFINE_VEC(founds, struct found);

static bool parse_generation(const char *name, uint64_t *ret_generation)
{
    size_t digits = strspn(name, "0123456789abcdef");

    if (digits != NAME_DIGITS || name[digits] != '\0')
        return false;
    *ret_generation = strtoull(name, NULL, 16);
    return true;
}

/* Reads what a file says it is. False: nothing that can be used. */
static bool identify(int directory_fd, const char *name, struct found *ret_found)
{
    struct format_header header;
    struct stat st;
    uint64_t generation;
    cleanup_close int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (!parse_generation(name, &generation) || fd < 0 || fstat(fd, &st) != 0 ||
        version_read_header(fd, &header) < 0 || header.generation != generation)
        return false;
    *ret_found = (struct found){ generation, header.size, st.st_mtim };
    return true;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int compare_used(const void *one, const void *other)
{
    const struct found *a = one, *b = other;

    if (a->used.tv_sec != b->used.tv_sec)
        return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
    if (a->used.tv_nsec != b->used.tv_nsec)
        return a->used.tv_nsec < b->used.tv_nsec ? -1 : 1;
    return 0;
}

/* Makes the version known: loaded once, it is counted, and goes to the end of the idle ones. */
static void take_in(struct content *content, const struct found *found)
{
    struct version *version = content_get_version(content, found->generation, found->size);

    {
        LOCKED(&version->lock);
        if (!version->is_loaded && !version->has_file && version->size == found->size)
            version_load(version);
    }

    version_unref(version);
}

/* A file that somebody is just making may look damaged: it is left to its version. */
static void remove_stranger(struct content *content, int directory_fd, const char *name)
{
    struct version *version = NULL;
    uint64_t generation;

    if (parse_generation(name, &generation))
        version = content_find_version(content, generation);
    if (version) {
        version_unref(version);
        return;
    }
    log_info("content", "removing what is no version from the cache: %s", name);
    (void)unlinkat(directory_fd, name, 0);
}

static void scan_versions(struct content *content)
{
    cleanup_dir DIR *directory = opendir(content->directory);
    struct founds founds = { 0 };
    const struct dirent *entry;
    struct found found;

    while (directory && (entry = readdir(directory)) && !atomic_load(&content->is_closing)) {
        if (is_dots(entry->d_name))
            continue;
        if (identify(dirfd(directory), entry->d_name, &found))
            founds_push(&founds, found);
        else
            remove_stranger(content, dirfd(directory), entry->d_name);
    }
    if (founds.len > 0)
        qsort(founds.items, founds.len, sizeof founds.items[0], compare_used);
    for (size_t i = 0; i < founds.len && !atomic_load(&content->is_closing); i++)
        take_in(content, &founds.items[i]);
    founds_clear(&founds);
}

/* A store's directory holds plain files only; anything else in it is not ours, and keeps it. */
static void remove_store(const char *path)
{
    cleanup_dir DIR *directory = opendir(path);
    const struct dirent *entry;

    while (directory && (entry = readdir(directory)))
        if (!is_dots(entry->d_name))
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
    (void)rmdir(path);
}

static bool looks_like_uuid(const char *name)
{
    for (size_t i = 0; i < UUID_SIZE - 1; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_dash ? name[i] != '-' : !isxdigit((unsigned char)name[i]))
            return false;
    }
    return name[UUID_SIZE - 1] == '\0';
}

static void remove_other_stores(const struct content *content)
{
    cleanup_dir DIR *directory = opendir(content->base_directory);
    const char *ours = strrchr(content->directory, '/') + 1;
    const struct dirent *entry;

    while (directory && (entry = readdir(directory))) {
        cleanup_free char *path = x_asprintf("%s/%s", content->base_directory, entry->d_name);

        if (looks_like_uuid(entry->d_name) && strcmp(entry->d_name, ours) != 0)
            remove_store(path);
    }
}

static void scan_job(void *arg)
{
    struct content *content = arg;

    scan_versions(content);
    remove_other_stores(content);
    (void)room_reserve(content, 0, false);
    content_job_end(content);
}

void scan_start(struct content *content)
{
    content_job_begin(content);
    pool_submit(content->pool, scan_job, content);
}
