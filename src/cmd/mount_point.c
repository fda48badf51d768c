/* SPDX-License-Identifier: MIT */
/*
 * The place to mount at. Everything that can be known to fail is looked at first, because what the
 * kernel and fusermount3 say about it doesn't tell what to do.
 */
#include "config.h"

#include "cmd/mount_point.h"

#include <dirent.h>
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "cmd/mountinfo.h"

#define HELPER      "fusermount3"
#define DEVICE      "/dev/fuse"
#define FUSE_DEVICE makedev(10, 229) /* by Linux's list of devices */
#define FUSE_CONF   "/etc/fuse.conf"

bool mount_point_is_stale(const char *path)
{
    struct statvfs status;

    /* Not stat(): the kernel may still know that. */
    return statvfs(path, &status) < 0 && (errno == ENOTCONN || errno == ECONNABORTED);
}

/* Runs the setuid helper, which says on stderr itself what is wrong. */
static int run_helper(const char *options, const char *path, struct err *err)
{
    cleanup_free char *helper = x_strdup(HELPER), *flags = x_strdup(options);
    cleanup_free char *end = x_strdup("--"), *place = x_strdup(path);
    char *const arguments[] = { helper, flags, end, place, NULL };
    int status;
    pid_t child;
    int r = posix_spawnp(&child, HELPER, NULL, NULL, arguments, environ);

    if (r != 0)
        return err_set_errno(err, r, "starting %s (Debian package fuse3)", HELPER);
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return err_set_errno(err, errno, "waiting for %s", HELPER);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_set(err, -EBUSY,
                       "%s: can't be unmounted (in use? fuser -vm %s tells by whom; another user's "
                       "only root can unmount)",
                       path, path);
    return 0;
}

int mount_point_detach(const char *path, struct err *err)
{
    if (geteuid() != 0)
        return run_helper("-uz", path, err);
    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
        return err_set_errno(err, errno, "unmounting %s", path);
    return 0;
}

int mount_point_unmount(const char *path, struct err *err)
{
    if (geteuid() != 0)
        return run_helper("-u", path, err);
    if (umount2(path, UMOUNT_NOFOLLOW) < 0)
        return errno == EBUSY
                   ? err_set(err, -EBUSY, "%s: in use (fuser -vm %s tells by whom)", path, path)
                   : err_set_errno(err, errno, "unmounting %s", path);
    return 0;
}

static int clear_stale(const char *path, struct err *err)
{
    struct mount_entry entry;
    bool is_stale;
    int r = mountinfo_find_at(path, &entry, err);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    mount_entry_clear(&entry);
    is_stale = mount_point_is_stale(path);
    if (!is_stale)
        return err_set(err, -EBUSY, "%s: graphfs is mounted there already (graphfs unmount %s)",
                       path, path);
    return mount_point_detach(path, err);
}

static int check_empty(const char *path, struct err *err)
{
    cleanup_dir DIR *directory = opendir(path);
    const struct dirent *entry;

    if (!directory)
        return err_set_errno(err, errno, "%s", path);
    while ((entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return err_set(err, -ENOTEMPTY,
                           "%s: not empty (choose another place, or -o nonempty to hide what is "
                           "in it)",
                           path);
    }
    return 0;
}

static int check_directory(const char *path, bool may_have_files, struct err *err)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return errno == ENOENT
                   ? err_set(err, -ENOENT, "%s: no such directory (mkdir %s)", path, path)
                   : err_set_errno(err, errno, "%s", path);
    if (!S_ISDIR(status.st_mode))
        return err_set(err, -ENOTDIR, "%s: not a directory", path);
    if (access(path, W_OK) < 0 && errno == EACCES)
        return err_set(err, -EACCES, "%s: not yours to mount at (choose a directory of your own)",
                       path);
    return may_have_files ? 0 : check_empty(path, err);
}

/* The real path of the nearest directory above that is there, the path itself included. */
static char *nearest_real(const char *path)
{
    cleanup_free char *copy = x_strdup(path);

    for (;;) {
        char *real = realpath(copy, NULL), *slash;

        if (real)
            return real;
        slash = strrchr(copy, '/');
        if (!slash || slash == copy)
            return x_strdup("/");
        *slash = '\0';
    }
}

int mount_point_check_hides(const char *mountpoint, const char *path, const char *what,
                            struct err *err)
{
    cleanup_free char *real = nearest_real(path);
    size_t length = strlen(mountpoint);

    if (strncmp(real, mountpoint, length) != 0 || (real[length] != '/' && real[length] != '\0'))
        return 0;
    return err_set(err, -EINVAL,
                   "%s: the mount would hide %s, %s, and wait for itself (choose another place)",
                   mountpoint, what, path);
}

static bool is_in_path(const char *program)
{
    const char *path = getenv("PATH");
    cleanup_free char *copy = x_strdup(path ? path : "/usr/bin:/bin");
    char *rest = copy, *directory;

    while ((directory = strsep(&rest, ":"))) {
        cleanup_free char *candidate = x_asprintf("%s/%s", directory, program);

        if (access(candidate, X_OK) == 0)
            return true;
    }
    return false;
}

/* Whether /etc/fuse.conf lets users let others in. */
static bool is_user_allow_other(void)
{
    cleanup_file FILE *file = fopen(FUSE_CONF, "re");
    cleanup_free char *line = NULL;
    size_t size = 0;

    while (file && getline(&line, &size, file) >= 0) {
        if (strncmp(line + strspn(line, " \t"), "user_allow_other", 16) == 0)
            return true;
    }
    return false;
}

int mount_point_check_fuse(bool lets_others_in, struct err *err)
{
    struct stat status;

    if (stat(DEVICE, &status) < 0 || !S_ISCHR(status.st_mode) || status.st_rdev != FUSE_DEVICE)
        return err_set(err, -ENODEV,
                       "there is no " DEVICE " (modprobe fuse; in a container it has to be passed "
                       "in)");
    if (access(DEVICE, R_OK | W_OK) < 0)
        return err_set_errno(err, errno, DEVICE " can't be used by you");
    if (geteuid() == 0)
        return 0;
    if (!is_in_path(HELPER))
        return err_set(err, -ENOENT, "there is no %s (Debian package fuse3)", HELPER);
    if (lets_others_in && !is_user_allow_other())
        return err_set(err, -EPERM,
                       "users may not let others in here (have user_allow_other put into " FUSE_CONF
                       ", or leave out allow_other)");
    return 0;
}

int mount_point_prepare(const char *path, bool may_have_files, char **ret_path, struct err *err)
{
    cleanup_free char *absolute = NULL, *real = NULL;
    int r = mountinfo_absolute_path(path, &absolute, err);

    if (r == 0)
        r = clear_stale(absolute, err);
    if (r == 0)
        r = check_directory(absolute, may_have_files, err);
    if (r < 0)
        return r;
    /* The place itself may be a symlink. */
    real = realpath(absolute, NULL);
    if (!real)
        return err_set_errno(err, errno, "%s", path);
    if (strcmp(real, absolute) != 0)
        r = clear_stale(real, err);
    if (r == 0)
        *ret_path = steal_ptr(&real);
    return r;
}
