/* SPDX-License-Identifier: MIT */
/*
 * mount.graphfs, for fstab and `mount -t graphfs ACCOUNT MOUNTPOINT`: turns what mount(8) says into
 * the arguments of `graphfs mount`. Options that mean something to mount(8) or fstab alone, but are
 * passed on all the same, are left out.
 */
#include "config.h"

#include "cmd/mount_helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/xalloc.h"
#include "cmd/cmd.h"

#define PROGRAM "mount.graphfs"
#define SOURCE  "graphfs:"

enum { OPTIONS_MAX_BYTES = 16 * 1024 };

bool mount_helper_is_meant(const char *program)
{
    const char *slash = strrchr(program, '/');

    return strcmp(slash ? slash + 1 : program, PROGRAM) == 0;
}

static bool is_for_others(const char *option)
{
    static const char *const names[] = {
        "_netdev", "async",    "atime",  "auto",       "defaults", "dev",        "diratime",
        "exec",    "group",    "noauto", "nodiratime", "nofail",   "norelatime", "nouser",
        "owner",   "relatime", "suid",   "user",       "users",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(option, names[i]) == 0)
            return true;
    }
    return strncmp(option, "x-", 2) == 0 || strncmp(option, "X-", 2) == 0 ||
           strncmp(option, "comment=", 8) == 0 || strncmp(option, "user=", 5) == 0;
}

/* A comma in a value is written "\," there, too. */
static void add_options(const char *list, struct strbuf *out)
{
    cleanup_free char *copy = x_strdup(list);
    char *start = copy, *end = copy;

    for (;; end++) {
        bool is_last = *end == '\0';

        if (*end == '\\' && end[1] != '\0') {
            end++;
            continue;
        }
        if (*end != ',' && !is_last)
            continue;
        *end = '\0';
        if (*start != '\0' && !is_for_others(start))
            (void)strbuf_addf(out, "%s%s", out->len > 0 ? "," : "", start);
        if (is_last)
            return;
        start = end + 1;
    }
}

static int misused(void)
{
    (void)fprintf(stderr, "usage: " PROGRAM " ACCOUNT MOUNTPOINT [-o OPT,...] (see graphfs(1))\n");
    return EXIT_USAGE;
}

/* The account, as the kernel and fstab call the mount's source. */
static const char *account_of(const char *source)
{
    return strncmp(source, SOURCE, strlen(SOURCE)) == 0 ? source + strlen(SOURCE) : source;
}

int mount_helper_run(int argc, char **argv)
{
    cleanup_strbuf struct strbuf options;
    bool is_dry = false;
    int option;

    strbuf_init(&options, OPTIONS_MAX_BYTES);
    while ((option = getopt(argc, argv, "sfnvN:o:t:")) != -1) {
        if (option == '?')
            return misused();
        if (option == 'f')
            is_dry = true;
        if (option == 'o')
            add_options(optarg, &options);
    }
    if (argc - optind != 2)
        return misused();
    if (is_dry)
        return EXIT_DONE;
    /* Writable, as getopt wants them. */
    cleanup_free char *verb = x_strdup("mount"), *account_flag = x_strdup("-a");
    cleanup_free char *account = x_strdup(account_of(argv[optind]));
    cleanup_free char *options_flag = x_strdup("-o"), *place = x_strdup(argv[optind + 1]);
    char *arguments[] = {
        verb,         account_flag, account, place, options.len > 0 ? options_flag : NULL,
        options.data, NULL
    };

    optind = 0; /* getopt begins anew */
    return verb_mount.run(&verb_mount, options.len > 0 ? 6 : 4, arguments);
}
