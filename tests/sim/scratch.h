/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_SCRATCH_H
#define GRAPHFS_TESTS_SCRATCH_H

/* A directory of a run's own. One whose process was killed is removed by the next run. */
struct scratch {
    char *path;
    int lock; /* held as long as the process lives */
};

/* Aborts if there can't be one. */
void scratch_init(struct scratch *scratch);

/* Removes it with the files in it. */
void scratch_clear(struct scratch *scratch);

#endif
