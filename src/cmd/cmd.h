/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CMD_CMD_H
#define GRAPHFS_CMD_CMD_H

/* The verbs of graphfs: `graphfs login`, `graphfs mount`, … One row each, a file each. */

#include "base/err.h"
#include "cmd/options.h"

#include <stdbool.h>
#include <stdio.h>

#define EXIT_DONE   0
#define EXIT_FAILED 1
#define EXIT_USAGE  2

struct verb {
    const char *name;
    const char *args;    /* of the usage line, behind the options: "MOUNTPOINT" */
    const char *summary; /* one line */
    const char *details; /* more, for its own help; NULL: none */
    const struct option_row *options;
    void (*print_more)(FILE *out); /* behind the options; NULL: nothing */
    /* Gets the arguments from its name on. Returns an exit code. */
    int (*run)(const struct verb *verb, int argc, char **argv);
};

/* All verbs, ended by NULL, in the order of the help. */
extern const struct verb *const verbs[];

/* Reads the options of a verb into values (see options.h). Returns true with the index of the first
 * operand; false with the exit code if the verb is over: its help was wanted, or it was used wrong.
 */
bool verb_parse(const struct verb *verb, int argc, char **argv, void *values, int *ret_first,
                int *ret_exit);

/* Says on stderr how the verb is used wrong; EXIT_USAGE. */
int verb_misused(const struct verb *verb, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Says "graphfs: what: why" on stderr; EXIT_FAILED. */
int verb_failed(const struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

extern const struct verb verb_api;
extern const struct verb verb_evict;
extern const struct verb verb_login;
extern const struct verb verb_logout;
extern const struct verb verb_mount;
extern const struct verb verb_pin;
extern const struct verb verb_status;
extern const struct verb verb_sync;
extern const struct verb verb_unmount;
extern const struct verb verb_unpin;

#endif
