/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CMD_BACKGROUND_H
#define GRAPHFS_CMD_BACKGROUND_H

#include <stdbool.h>

/*
 * Going to the background, with the truth for whoever waits: the parent ends only when the child
 * says that it serves, or has failed.
 */
struct background {
    int report; /* to the parent; -1: there is none */
};

/*
 * Forks; to be called before there are threads. In the child: true. In the parent: false, after the
 * child was ready or has ended, with the exit status for the command.
 */
bool background_start(struct background *background, int *ret_status);

/* In the child: lets go of the terminal and of the directory, and ends the parent with success.
 * stderr is gone after this. Does nothing without a parent. */
void background_ready(struct background *background);

#endif
