/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CMD_MOUNT_OPTIONS_H
#define GRAPHFS_CMD_MOUNT_OPTIONS_H

#include "base/err.h"
#include "base/log.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* The mount options (-o, or keys in the configuration), whoever they are for. */
struct mount_options {
    char *root;
    int64_t uid; /* -1: who mounts */
    int64_t gid;
    int64_t umask;
    int64_t cache_size;   /* bytes */
    int64_t min_free;     /* bytes */
    int64_t dirty_limit;  /* bytes */
    int64_t big_delete;   /* deletions; 0: what is usual */
    int64_t upload_delay; /* seconds */
    int64_t poll;         /* seconds, as the three below */
    int64_t poll_idle;
    int64_t object_ttl;
    char *log; /* NULL: the file in the state directory, or stderr in the foreground */
    char *log_level;
    char *local_only; /* patterns, with colons between them */
    bool debug;
    bool nonempty;
    bool experimental_writing;
    bool read_only;
    bool sync;

    /* What the kernel and libfuse are given. */
    bool allow_other;
    bool allow_root;
    bool noexec;
};

/* The defaults. For mount_options_clear(). */
void mount_options_init(struct mount_options *options);
void mount_options_clear(struct mount_options *options);

/* Whether there is an option of this name. */
bool mount_options_has(const char *name);

/* Sets one option; value is NULL for a bare name. Later values replace earlier ones. -EINVAL with a
 * message that names the option if there is none of this name, or the value isn't one for it. */
int mount_options_set(struct mount_options *options, const char *name, const char *value,
                      struct err *err);

/* The same for a list as -o takes it: "name,name=value"; a comma in a value is written "\,". */
int mount_options_parse(struct mount_options *options, const char *list, struct err *err);

/* Appends those that the kernel and libfuse are given, each behind a comma: ",a,b=c". */
void mount_options_for_fuse(const struct mount_options *options, struct strbuf *out);

/* Writes a line for each option. */
void mount_options_print(FILE *out);

#endif
