/* SPDX-License-Identifier: MIT */
/* graph-emulator: an HTTP server that behaves as Microsoft Graph does for drives. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "emulator.h"
#include "options.h"
#include "server.h"
#include "state.h"

enum { EXIT_USAGE = 2 };

/* Writes both ports, all or nothing, so that who waits for the file never reads half of it. */
static int write_port_file(const struct emulator *emulator)
{
    const char *path = emulator->options->port_file;
    struct buffer temporary = { 0 };
    FILE *file;
    int result = -1;

    if (!path)
        return 0;
    buffer_addf(&temporary, "%s.%ld", path, (long)getpid());
    file = fopen(temporary.data, "we");
    if (file) {
        (void)fprintf(file, "%u\n%u\n", (unsigned)emulator->api_port,
                      (unsigned)emulator->content_port);
        if (fclose(file) == 0 && rename(temporary.data, path) == 0)
            result = 0;
    }
    if (result < 0)
        (void)fprintf(stderr, "graph-emulator: %s: %m\n", path);
    buffer_free(&temporary);
    return result;
}

/* Serves until one of these signals comes. */
static int run(struct emulator *emulator, const sigset_t *signals)
{
    struct server *server = server_start(emulator);
    int caught, result = server ? write_port_file(emulator) : -1;

    if (result == 0) {
        if (!emulator->options->port_file) {
            printf("graph http%s://127.0.0.1:%u\n", emulator->options->tls_cert ? "s" : "",
                   (unsigned)emulator->api_port);
            (void)fflush(stdout);
        }
        sigwait(signals, &caught);
    }
    server_stop(server);
    return result;
}

int main(int argc, char **argv)
{
    static struct emulator emulator;
    struct options options;
    sigset_t signals;
    int parsed = options_parse(&options, argc, argv), result;

    if (parsed)
        return parsed < 0 ? EXIT_USAGE : EXIT_SUCCESS;
    if (!setlocale(LC_CTYPE, "C.UTF-8")) {
        (void)fprintf(stderr, "graph-emulator: the locale C.UTF-8 is missing\n");
        return EXIT_FAILURE;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    /* Blocked before any thread begins, so that only sigwait() takes them. */
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    result = emulator_init(&emulator, &options) < 0 ? -1 : run(&emulator, &signals);
    if (result == 0)
        result = state_save(&emulator);
    emulator_clear(&emulator);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
