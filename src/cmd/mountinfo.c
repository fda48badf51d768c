/* SPDX-License-Identifier: MIT */
/*
 * A line of mountinfo, by proc(5): "ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [TAG...] - TYPE
 * SOURCE SUPEROPTIONS". Spaces and the like in a path are written as \040, in octal. Later lines
 * are mounted over earlier ones.
 */
#include "config.h"

#include "cmd/mountinfo.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "base/xalloc.h"

#define MOUNTINFO "/proc/self/mountinfo"
#define TYPE      "fuse.graphfs"
#define SOURCE    "graphfs:"
#define USER      "user_id="

DEFINE_VEC(mount_entries, struct mount_entry);

void mount_entry_clear(struct mount_entry *entry)
{
    free(entry->path);
    free(entry->account);
    *entry = (struct mount_entry){ 0 };
}

static bool is_octal(const char *digits)
{
    for (int i = 0; i < 3; i++) {
        if (digits[i] < '0' || digits[i] > '7')
            return false;
    }
    return true;
}

/* In place: the text only becomes shorter. */
static void unescape(char *text)
{
    char *out = text;

    while (*text) {
        if (text[0] == '\\' && is_octal(text + 1)) {
            *out++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
            text += 4;
        } else {
            *out++ = *text++;
        }
    }
    *out = '\0';
}

bool mountinfo_parse(const char *line, struct mount_entry *ret)
{
    cleanup_free char *copy = x_strdup(line);
    char *rest = copy, *fields[5], *type, *source, *user;

    for (int i = 0; i < 5; i++) {
        fields[i] = strsep(&rest, " ");
        if (!rest)
            return false;
    }
    rest = strstr(rest, " - ");
    if (!rest)
        return false;
    rest += strlen(" - ");
    type = strsep(&rest, " ");
    source = strsep(&rest, " \n");
    if (strcmp(type, TYPE) != 0 || !source)
        return false;
    user = rest ? strstr(rest, USER) : NULL;
    unescape(fields[4]);
    unescape(source);
    *ret = (struct mount_entry){ .path = x_strdup(fields[4]) };
    if (user)
        ret->uid = (uid_t)strtoul(user + strlen(USER), NULL, 10);
    if (strncmp(source, SOURCE, strlen(SOURCE)) == 0)
        ret->account = x_strdup(source + strlen(SOURCE));
    return true;
}

static void clear_all(struct mount_entries *entries)
{
    for (size_t i = 0; i < entries->len; i++)
        mount_entry_clear(&entries->items[i]);
    mount_entries_clear(entries);
}

static int read_all(struct mount_entries *ret, struct err *err)
{
    cleanup_file FILE *file = fopen(MOUNTINFO, "re");
    cleanup_free char *line = NULL;
    size_t size = 0;

    if (!file)
        return err_set_errno(err, errno, "reading %s", MOUNTINFO);
    while (getline(&line, &size, file) >= 0) {
        struct mount_entry entry;

        if (mountinfo_parse(line, &entry))
            (void)mount_entries_push(ret, entry);
    }
    return 0;
}

/* Takes an entry out, which the caller clears. */
static struct mount_entry take(struct mount_entry *entry)
{
    struct mount_entry taken = *entry;

    *entry = (struct mount_entry){ 0 };
    return taken;
}

int mountinfo_find_at(const char *path, struct mount_entry *ret, struct err *err)
{
    struct mount_entries entries = { 0 };
    int r = read_all(&entries, err);

    if (r == 0)
        r = -ENOENT;
    for (size_t i = entries.len; i > 0 && r == -ENOENT; i--) {
        if (strcmp(entries.items[i - 1].path, path) == 0) {
            *ret = take(&entries.items[i - 1]);
            r = 0;
        }
    }
    clear_all(&entries);
    return r;
}

static bool is_at_or_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    return strncmp(path, directory, length) == 0 &&
           (path[length] == '/' || path[length] == '\0' || strcmp(directory, "/") == 0);
}

/* The longest mount point that is at or above path; NULL if there is none. */
static struct mount_entry *find_longest(const struct mount_entries *entries, const char *path)
{
    struct mount_entry *best = NULL;

    for (size_t i = 0; i < entries->len; i++) {
        struct mount_entry *entry = &entries->items[i];

        if (is_at_or_below(path, entry->path) &&
            (!best || strlen(entry->path) >= strlen(best->path)))
            best = entry;
    }
    return best;
}

int mountinfo_absolute_path(const char *path, char **ret, struct err *err)
{
    cleanup_free char *copy = x_strdup(path);
    cleanup_free char *above = NULL;
    size_t length = strlen(copy);
    char *slash;

    while (length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    slash = strrchr(copy, '/');
    /* These have no name of their own to put behind the directory above. */
    if (strcmp(slash ? slash + 1 : copy, "..") == 0 || strcmp(slash ? slash + 1 : copy, ".") == 0 ||
        strcmp(copy, "/") == 0) {
        *ret = realpath(copy, NULL);
        return *ret ? 0 : err_set_errno(err, errno, "%s", path);
    }
    if (slash)
        *slash = '\0';
    above = realpath(!slash ? "." : slash == copy ? "/" : copy, NULL);
    if (!above)
        return err_set_errno(err, errno, "%s", path);
    *ret = x_asprintf("%s/%s", strcmp(above, "/") == 0 ? "" : above, slash ? slash + 1 : copy);
    return 0;
}

/* Follows symlinks if it can; the root of a mount whose daemon has died can't be looked at. */
static int resolve(const char *path, char **ret, struct err *err)
{
    *ret = realpath(path, NULL);
    if (*ret)
        return 0;
    return mountinfo_absolute_path(path, ret, err);
}

static int choose(struct mount_entries *entries, const char *path, struct mount_entry *ret,
                  struct err *err)
{
    cleanup_free char *absolute = NULL;
    struct mount_entry *entry;
    int r = resolve(path, &absolute, err);

    if (r < 0)
        return r;
    entry = find_longest(entries, absolute);
    if (!entry)
        return err_set(err, -ENOENT, "%s: not in a mount of graphfs", path);
    *ret = take(entry);
    return 0;
}

int mountinfo_each_own(mountinfo_fn *fn, void *arg, struct err *err)
{
    struct mount_entries entries = { 0 };
    size_t own = 0;
    int r = read_all(&entries, err);

    for (size_t i = 0; i < entries.len && r == 0; i++) {
        if (entries.items[i].uid != geteuid())
            continue;
        own++;
        r = fn(&entries.items[i], arg, err);
    }
    clear_all(&entries);
    if (r == 0 && own == 0)
        return err_set(err, -ENOENT, "nothing is mounted (graphfs mount MOUNTPOINT)");
    return r;
}

bool mountinfo_is_at(const char *path, const struct mount_entry *mount)
{
    cleanup_free char *absolute = realpath(path, NULL);

    if (!absolute)
        return errno == ENOTCONN || errno == ECONNABORTED;
    return strcmp(absolute, mount->path) == 0;
}

int mountinfo_find_holding(const char *path, struct mount_entry *ret, struct err *err)
{
    struct mount_entries entries = { 0 };
    int r = read_all(&entries, err);

    if (r == 0)
        r = choose(&entries, path, ret, err);
    clear_all(&entries);
    return r;
}
