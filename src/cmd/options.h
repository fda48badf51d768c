/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CMD_OPTIONS_H
#define GRAPHFS_CMD_OPTIONS_H

/* Command-line options from a table, which also prints their help. */

#include <stddef.h>
#include <stdio.h>

enum option_kind {
    OPTION_FLAG, /* bool */
    OPTION_TEXT, /* const char *, of argv; the last one counts */
    OPTION_LIST, /* char *, owned: all of them, joined by commas */
};

struct option_row {
    const char *long_name;
    char short_name; /* 0: none */
    enum option_kind kind;
    const char *arg;  /* how the help calls its value; NULL for a flag */
    const char *help; /* may have several lines */
    size_t offset;    /* of the variable, in the struct that options_parse() fills */
};

/* Ends a table. */
#define OPTIONS_END                                                                                \
    {                                                                                              \
        NULL, 0, OPTION_FLAG, NULL, NULL, 0                                                        \
    }

enum options_result {
    OPTIONS_GOOD,
    OPTIONS_HELP,    /* -h or --help was among them */
    OPTIONS_MISUSED, /* said so on stderr, after prefix */
};

/* Reads argv[1] and on into *values. Options and operands may be mixed, argv is permuted; operands
 * begin at ret_first. */
enum options_result options_parse(const struct option_row *rows, const char *prefix, int argc,
                                  char **argv, void *values, int *ret_first);

/* Prints the table, a row or more for each option, --help included. */
void options_print(const struct option_row *rows, FILE *out);

#endif
