/* SPDX-License-Identifier: MIT */
/* The table of verbs, and what all of them say in the same way. */
#include "config.h"

#include "cmd/cmd.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

const struct verb *const verbs[] = {
    &verb_login, &verb_logout, &verb_mount, &verb_unmount, &verb_status, &verb_sync,
    &verb_pin,   &verb_unpin,  &verb_evict, &verb_api,     NULL,
};

static void print_help(const struct verb *verb)
{
    (void)printf("usage: graphfs %s [OPTION]...%s%s\n\n%s\n", verb->name, *verb->args ? " " : "",
                 verb->args, verb->summary);
    if (verb->details)
        (void)printf("\n%s\n", verb->details);
    (void)printf("\n");
    options_print(verb->options, stdout);
    if (verb->print_more) {
        (void)printf("\n");
        verb->print_more(stdout);
    }
}

bool verb_parse(const struct verb *verb, int argc, char **argv, void *values, int *ret_first,
                int *ret_exit)
{
    cleanup_free char *prefix = x_asprintf("graphfs: %s", verb->name);
    switch (options_parse(verb->options, prefix, argc, argv, values, ret_first)) {
    case OPTIONS_GOOD:
        return true;
    case OPTIONS_HELP:
        print_help(verb);
        *ret_exit = EXIT_DONE;
        return false;
    case OPTIONS_MISUSED:
        (void)fprintf(stderr, "Try `graphfs %s --help`.\n", verb->name);
        break;
    }
    *ret_exit = EXIT_USAGE;
    return false;
}

int verb_misused(const struct verb *verb, const char *fmt, ...)
{
    va_list args;
    (void)fprintf(stderr, "graphfs: %s: ", verb->name);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fprintf(stderr, "\nTry `graphfs %s --help`.\n", verb->name);
    return EXIT_USAGE;
}

int verb_failed(const struct err *err, const char *fmt, ...)
{
    va_list args;
    (void)fprintf(stderr, "graphfs: ");
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fprintf(stderr, ": %s\n", err->msg);
    return EXIT_FAILED;
}
