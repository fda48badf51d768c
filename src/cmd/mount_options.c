/* SPDX-License-Identifier: MIT */
/*
 * All mount options in one table, which parses them, prints --help, and is held against
 * graphfs.conf(5) by the checks. A row has a parser and the place of its value; rows without a
 * parser go to libfuse as they are, or nowhere.
 */
#include "config.h"

#include "cmd/mount_options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "tree/names.h"

#define KIB (INT64_C(1) << 10)
#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)

struct mount_option {
    const char *name;
    const char *argument; /* what the value is called; NULL: it has none */
    const char *help;
    int (*parse)(const char *value, void *field); /* 0 or -EINVAL */
    size_t offset;                                /* of the field in struct mount_options */
    bool is_for_fuse;
};

/* ---- values ---- */

static int parse_number(const char *value, int base, int64_t max, int64_t *ret)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(value, &end, base);
    if (errno != 0 || end == value || *end != '\0' || number < 0 || number > max)
        return -EINVAL;
    *ret = number;
    return 0;
}

static int parse_id(const char *value, void *field)
{
    return parse_number(value, 10, UINT32_MAX - 1, field);
}

static int parse_count(const char *value, void *field)
{
    return parse_number(value, 10, INT64_MAX, field);
}

static int parse_mode(const char *value, void *field)
{
    return parse_number(value, 8, 0777, field);
}

enum { PAUSE_MIN_S = 5 };

static int parse_seconds(const char *value, void *field)
{
    return parse_number(value, 10, INT_MAX / 1000, field);
}

/* A pause between requests: with none they would never end. */
static int parse_pause(const char *value, void *field)
{
    int64_t seconds;

    if (parse_seconds(value, &seconds) < 0 || seconds < PAUSE_MIN_S)
        return -EINVAL;
    *(int64_t *)field = seconds;
    return 0;
}

/* A number of bytes, or with a letter of KiB, MiB, GiB, TiB. */
static int parse_size(const char *value, void *field)
{
    static const struct {
        char letter;
        int64_t bytes;
    } units[] = { { 'K', KIB }, { 'M', MIB }, { 'G', GIB }, { 'T', GIB * 1024 } };

    cleanup_free char *digits = x_strdup(value);
    size_t length = strlen(digits);
    int64_t unit = 1, number;

    for (size_t i = 0; i < sizeof units / sizeof units[0] && length > 0; i++) {
        if (toupper((unsigned char)digits[length - 1]) == units[i].letter) {
            unit = units[i].bytes;
            digits[length - 1] = '\0';
            break;
        }
    }
    if (parse_number(digits, 10, INT64_MAX / unit, &number) < 0)
        return -EINVAL;
    *(int64_t *)field = number * unit;
    return 0;
}

static int parse_string(const char *value, void *field)
{
    char **string = field;

    free(*string);
    *string = x_strdup(value);
    return 0;
}

static int parse_level(const char *value, void *field)
{
    enum log_level level;
    int r = log_level_from_name(value, &level);

    return r < 0 ? r : parse_string(value, field);
}

static int parse_flag(const char *value, void *field)
{
    static const char *const words[][2] = { { "no", "yes" }, { "false", "true" }, { "0", "1" } };
    bool *flag = field;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (int is_set = 0; is_set < 2; is_set++) {
            if (strcmp(value, words[i][is_set]) == 0) {
                *flag = is_set;
                return 0;
            }
        }
    }
    return -EINVAL;
}

static int parse_opposite(const char *value, void *field)
{
    bool *flag = field;
    int r = parse_flag(value, field);

    if (r == 0)
        *flag = !*flag;
    return r;
}

/* ---- the table ---- */

#define FIELD(name) offsetof(struct mount_options, name)

static const struct mount_option table[] = {
    { "root", "PATH", "the Graph path to mount (default /)", parse_string, FIELD(root), false },
    { "uid", "N", "who owns all files (default: who mounts)", parse_id, FIELD(uid), false },
    { "gid", "N", "their group", parse_id, FIELD(gid), false },
    { "umask", "MODE", "permissions that files and folders lack (default 022)", parse_mode,
      FIELD(umask), false },
    { "cache_size", "SIZE", "limit of cached content, with K, M, G or T (default 10G)", parse_size,
      FIELD(cache_size), false },
    { "min_free", "SIZE", "disk space that the cache leaves free (default 1G)", parse_size,
      FIELD(min_free), false },
    { "dirty_limit", "SIZE", "limit of what was written and isn't sent yet (default 50G)",
      parse_size, FIELD(dirty_limit), false },
    { "upload_delay", "SECONDS", "how long a change rests before it is sent (default 2)",
      parse_seconds, FIELD(upload_delay), false },
    { "sync", NULL, "close waits until the service has what was written", parse_flag, FIELD(sync),
      false },
    { "async", NULL, "takes sync back", parse_opposite, FIELD(sync), false },
    { "big_delete", "N", "more deletions at once are held (default 1000, or a fifth of the drive)",
      parse_count, FIELD(big_delete), false },
    { "local_only", "PATTERNS", "names that aren't sent (default " NAME_LOCAL_ONLY_USUAL ")",
      parse_string, FIELD(local_only), false },
    { "poll", "SECONDS", "pause between looks for changes, in use: 5 or more (default 30)",
      parse_pause, FIELD(poll), false },
    { "poll_idle", "SECONDS", "the same when nobody uses the mount (default 300)", parse_pause,
      FIELD(poll_idle), false },
    { "object_ttl", "SECONDS", "how long a place without change reports is believed (default 60)",
      parse_seconds, FIELD(object_ttl), false },
    { "log", "FILE", "log to this file", parse_string, FIELD(log), false },
    { "log_level", "LEVEL", "error, warn, info or debug (default info)", parse_level,
      FIELD(log_level), false },
    { "debug", NULL, "log every request of the kernel", parse_flag, FIELD(debug), false },
    { "nonempty", NULL, "mount over a directory that isn't empty", parse_flag, FIELD(nonempty),
      false },
    { "experimental_writing", NULL, "let files be changed: not finished, don't rely on it",
      parse_flag, FIELD(experimental_writing), false },
    { "allow_other", NULL, "let other users in", parse_flag, FIELD(allow_other), true },
    { "allow_root", NULL, "let root in", parse_flag, FIELD(allow_root), true },
    { "noexec", NULL, "run no programs from it", parse_flag, FIELD(noexec), true },
    { "default_permissions", NULL, "always on: the kernel checks permissions", NULL, 0, false },
    { "nosuid", NULL, "always on", NULL, 0, false },
    { "nodev", NULL, "always on", NULL, 0, false },
    { "noatime", NULL, "always on", NULL, 0, false },
    { "ro", NULL, "let nothing be changed: always so, but for experimental_writing", parse_flag,
      FIELD(read_only), false },
    { "rw", NULL, "takes ro back", parse_opposite, FIELD(read_only), false },
};

static const struct mount_option *find(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

bool mount_options_has(const char *name)
{
    return find(name) != NULL;
}

/* ---- options ---- */

void mount_options_init(struct mount_options *options)
{
    *options = (struct mount_options){
        .root = x_strdup("/"),
        .uid = -1,
        .gid = -1,
        .umask = 022,
        .cache_size = 10 * GIB,
        .min_free = GIB,
        .dirty_limit = 50 * GIB,
        .upload_delay = 2,
        .poll = 30,
        .poll_idle = 300,
        .object_ttl = 60,
        .log_level = x_strdup("info"),
        .local_only = x_strdup(NAME_LOCAL_ONLY_USUAL),
    };
}

void mount_options_clear(struct mount_options *options)
{
    free(options->root);
    free(options->log);
    free(options->log_level);
    free(options->local_only);
}

void mount_options_for_fuse(const struct mount_options *options, struct strbuf *out)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const bool *is_wanted = (const bool *)((const char *)options + table[i].offset);

        if (table[i].is_for_fuse && *is_wanted)
            (void)strbuf_addf(out, ",%s", table[i].name);
    }
}

int mount_options_set(struct mount_options *options, const char *name, const char *value,
                      struct err *err)
{
    const struct mount_option *option = find(name);
    bool ignored;
    int r = 0;

    if (!option)
        return err_set(err, -EINVAL, "there is no mount option %s (graphfs mount --help)", name);
    if (option->argument && !value)
        return err_set(err, -EINVAL, "the mount option %s needs a value: %s=%s", name, name,
                       option->argument);
    if (!option->argument && !value)
        value = "yes";
    if (option->parse)
        r = option->parse(value, (char *)options + option->offset);
    else if (!option->argument)
        r = parse_flag(value, &ignored);
    if (r < 0)
        return err_set(err, -EINVAL, "the mount option %s can't be \"%s\" (%s%s%s: %s)", name,
                       value, name, option->argument ? "=" : "",
                       option->argument ? option->argument : "",
                       option->argument ? option->help : "yes or no");
    return 0;
}

/* Cuts the first option off the list, and undoes escapes in it. */
static char *take_one(char **list)
{
    char *start = *list, *in = start, *out = start;

    while (*in && *in != ',') {
        if (*in == '\\' && in[1])
            in++;
        *out++ = *in++;
    }
    *list = *in ? in + 1 : NULL;
    *out = '\0';
    return start;
}

int mount_options_parse(struct mount_options *options, const char *list, struct err *err)
{
    cleanup_free char *copy = x_strdup(list);
    char *rest = copy;

    while (rest) {
        char *name = take_one(&rest);
        char *value = strchr(name, '=');
        int r;

        if (*name == '\0')
            continue;
        if (value)
            *value++ = '\0';
        r = mount_options_set(options, name, value, err);
        if (r < 0)
            return r;
    }
    return 0;
}

void mount_options_print(FILE *out)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        cleanup_free char *form = x_asprintf("%s%s%s", table[i].name, table[i].argument ? "=" : "",
                                             table[i].argument ? table[i].argument : "");

        (void)fprintf(out, "  %-22s  %s\n", form, table[i].help);
    }
}
