/* SPDX-License-Identifier: MIT */
/* graphfs VERB: finds the verb in the table and runs it. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/mount_helper.h"

static int print_help(void)
{
    (void)printf("usage: graphfs COMMAND [OPTION]... [ARGUMENT]...\n\n"
                 "Microsoft Graph as a file system.\n\n");
    for (size_t i = 0; verbs[i]; i++)
        (void)printf("  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
    (void)printf(
        "\n`graphfs COMMAND --help` tells more of a command; --version prints the version.\n"
        "Exit status: 0 done, 1 failed, 2 wrong usage.\n");
    return EXIT_DONE;
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; verbs[i]; i++) {
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    }
    return NULL;
}

/* What could not be written was not told: a full disk, a reader that has gone. */
static int end(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    perror("graphfs: writing the output");
    return code == EXIT_DONE ? EXIT_FAILED : code;
}

int main(int argc, char **argv)
{
    if (argc > 0 && mount_helper_is_meant(argv[0]))
        return mount_helper_run(argc, argv);
    if (argc < 2) {
        (void)fprintf(stderr, "graphfs: no command is given\nTry `graphfs --help`.\n");
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return end(print_help());
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("graphfs %s\n", PACKAGE_VERSION);
        return end(EXIT_DONE);
    }
    const struct verb *verb = find_verb(argv[1]);
    if (!verb) {
        (void)fprintf(stderr, "graphfs: %s: there is no such command\nTry `graphfs --help`.\n",
                      argv[1]);
        return EXIT_USAGE;
    }
    return end(verb->run(verb, argc - 1, argv + 1));
}
