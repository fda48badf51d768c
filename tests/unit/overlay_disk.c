/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "overlay_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "unit.h"

#define SECTOR 512

static disk_hook_fn *_Atomic looking;
static const char *_Atomic looked_at;
static _Thread_local bool is_quiet_now; /* the test's own calls */

void disk_set_hook(disk_hook_fn *hook, const char *directory)
{
    if (directory)
        atomic_store(&looked_at, directory); /* who looked before may be about to ask for it */
    atomic_store(&looking, hook);
}

void disk_path(int fd, char *path, size_t size)
{
    cleanup_free char *link = x_asprintf("/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, size - 1);

    assert_true(n > 0);
    path[n] = '\0';
}

/* Whether it is the directory, or a file in it. */
static bool is_looked_at(int fd)
{
    const char *directory = atomic_load(&looked_at);
    size_t length = strlen(directory);
    char path[256];

    disk_path(fd, path, sizeof path);
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Who looks at what this is about, or NULL. */
static disk_hook_fn *hook_for(int fd)
{
    disk_hook_fn *hook = atomic_load(&looking);

    return hook && !is_quiet_now && is_looked_at(fd) ? hook : NULL;
}

/* 0, or -1 and errno: what the call is to return. */
static int ask_hook(enum disk_call call, int fd)
{
    disk_hook_fn *hook = hook_for(fd);
    int code = hook ? hook(call, fd) : 0;

    if (code == 0)
        return 0;
    errno = code;
    return -1;
}

/* ---- the linker's names ---- */

/* NOLINTBEGIN(bugprone-reserved-identifier) */
ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __real_futimens(int fd, const struct timespec times[2]);
int __wrap_futimens(int fd, const struct timespec times[2]);
int __real_fallocate(int fd, int mode, off_t offset, off_t length);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t length);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_unlinkat(int fd, const char *path, int flags);
int __wrap_unlinkat(int fd, const char *path, int flags);
int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (ask_hook(DISK_CHANGE, fd) != 0) {
        int code = errno;

        (void)__real_pwrite(fd, data, size / 2 / SECTOR * SECTOR, offset);
        errno = code;
        return -1;
    }
    return __real_pwrite(fd, data, size, offset);
}

int __wrap_ftruncate(int fd, off_t size)
{
    return ask_hook(DISK_CHANGE, fd) != 0 ? -1 : __real_ftruncate(fd, size);
}

int __wrap_futimens(int fd, const struct timespec times[2])
{
    return ask_hook(DISK_CHANGE, fd) != 0 ? -1 : __real_futimens(fd, times);
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t length)
{
    return ask_hook(DISK_CHANGE, fd) != 0 ? -1 : __real_fallocate(fd, mode, offset, length);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return ask_hook(DISK_CHANGE, from_fd) != 0 ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

int __wrap_unlinkat(int fd, const char *path, int flags)
{
    return ask_hook(DISK_CHANGE, fd) != 0 ? -1 : __real_unlinkat(fd, path, flags);
}

int __wrap_openat(int fd, const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list args;

    if (flags & O_CREAT) {
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
        if (ask_hook(DISK_CHANGE, fd) != 0)
            return -1;
    }
    return __real_openat(fd, path, flags, mode);
}

int __wrap_fdatasync(int fd)
{
    return hook_for(fd) ? ask_hook(DISK_SYNC, fd) : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
    return hook_for(fd) ? ask_hook(DISK_SYNC, fd) : __real_fsync(fd);
}

/* NOLINTEND(bugprone-reserved-identifier) */

/* ---- copies ---- */

/* In the place of what is there: to cut that to nothing would have ext4 write it out. */
static int open_new(int directory, const char *name)
{
    (void)unlinkat(directory, name, 0);
    return openat(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
}

static void copy_file(int from_directory, int to_directory, const char *name)
{
    cleanup_close int from = openat(from_directory, name, O_RDONLY);
    cleanup_close int to = open_new(to_directory, name);
    static _Thread_local char bytes[65536];
    struct timespec times[2];
    struct stat st;
    off_t at = 0;
    ssize_t n;

    assert_true(from >= 0 && to >= 0);
    while ((n = pread(from, bytes, sizeof bytes, at)) > 0) {
        assert_int_equal(pwrite(to, bytes, (size_t)n, at), n);
        at += n;
    }
    assert_int_equal(fstat(from, &st), 0);
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    assert_int_equal(futimens(to, times), 0);
}

void disk_copy_file(const char *from, const char *to, const char *name)
{
    cleanup_dir DIR *source = opendir(from);
    cleanup_dir DIR *target = opendir(to);

    assert_true(source && target);
    is_quiet_now = true;
    copy_file(dirfd(source), dirfd(target), name);
    is_quiet_now = false;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

void disk_snapshot(const char *from, const char *to)
{
    cleanup_dir DIR *source = opendir(from);
    cleanup_dir DIR *target = NULL;
    const struct dirent *entry;

    is_quiet_now = true;
    assert_int_equal(mkdir(to, 0700), 0);
    target = opendir(to);
    assert_true(source && target);
    while ((entry = readdir(source)))
        if (!is_dots(entry->d_name))
            copy_file(dirfd(source), dirfd(target), entry->d_name);
    is_quiet_now = false;
}

void disk_remove(const char *path)
{
    cleanup_dir DIR *directory = opendir(path);
    const struct dirent *entry;

    is_quiet_now = true;
    while (directory && (entry = readdir(directory)))
        if (!is_dots(entry->d_name))
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
    (void)rmdir(path);
    is_quiet_now = false;
}
