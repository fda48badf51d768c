/* SPDX-License-Identifier: MIT */
/*
 * The child holds the writing end of a pipe. One byte in it is success; its end without one is
 * failure, and then the child's exit status is the command's. Until it is ready the child stays in
 * the terminal's foreground: its messages are seen, and Ctrl-C reaches it.
 */
#include "config.h"

#include "cmd/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

static int exit_status_of(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return EXIT_FAILURE;
    }
    if (WIFEXITED(status))
        return WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EXIT_FAILURE;
    (void)fprintf(stderr, "graphfs: mount: the daemon was ended by signal %d\n", WTERMSIG(status));
    return EXIT_FAILURE;
}

static int wait_for_report(int report, pid_t child)
{
    char byte;
    ssize_t got;

    do {
        got = read(report, &byte, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1 ? EXIT_SUCCESS : exit_status_of(child);
}

bool background_start(struct background *background, int *ret_status)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        perror("graphfs: mount: pipe");
        *ret_status = EXIT_FAILURE;
        return false;
    }
    child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        background->report = ends[1];
        return true;
    }
    (void)close(ends[1]);
    if (child < 0) {
        perror("graphfs: mount: fork");
        *ret_status = EXIT_FAILURE;
    } else {
        *ret_status = wait_for_report(ends[0], child);
    }
    (void)close(ends[0]);
    return false;
}

static void leave_terminal(void)
{
    cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)setsid();
    if (chdir("/") < 0)
        log_warn("mount", "leaving the directory: %s", ERRNO_TEXT(errno));
    if (null < 0)
        return;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        (void)dup2(null, fd);
}

void background_ready(struct background *background)
{
    cleanup_close int report = steal_fd(&background->report);

    if (report < 0)
        return;
    leave_terminal();
    if (write(report, "", 1) < 0)
        log_info("mount", "whoever asked for the mount has gone; it is there all the same");
}
