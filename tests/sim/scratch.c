/* SPDX-License-Identifier: MIT */
/*
 * Each directory is locked by whoever uses it, and a lock ends with its process, however that ends.
 * So what can be locked is nobody's. Between its making and its locking a directory can be taken
 * for that by another run: who finds his own removed makes another one.
 */
#include "config.h"

#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

#define PREFIX "/tmp/graphfs-sim-"

static int open_directory(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The directory holds files only. */
static void remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    while (directory && (entry = readdir(directory)))
        (void)unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        (void)closedir(directory);
    (void)rmdir(path);
}

static void remove_left(void)
{
    glob_t found;

    if (glob(PREFIX "*", GLOB_NOSORT, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        cleanup_close int fd = open_directory(found.gl_pathv[i]);

        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            remove_directory(found.gl_pathv[i]);
    }
    globfree(&found);
}

static bool is_there(int fd)
{
    struct stat stat;

    return fstat(fd, &stat) == 0 && stat.st_nlink > 0;
}

/* False: another run has removed it. */
static bool make(struct scratch *scratch)
{
    scratch->path = x_strdup(PREFIX "XXXXXX");
    if (!mkdtemp(scratch->path))
        abort();
    scratch->lock = open_directory(scratch->path);
    if (scratch->lock >= 0 && flock(scratch->lock, LOCK_EX) == 0 && is_there(scratch->lock))
        return true;
    if (scratch->lock >= 0)
        (void)close(scratch->lock);
    free(scratch->path);
    return false;
}

void scratch_init(struct scratch *scratch)
{
    remove_left();
    while (!make(scratch))
        ;
}

void scratch_clear(struct scratch *scratch)
{
    remove_directory(scratch->path);
    (void)close(scratch->lock);
    free(scratch->path);
}
