/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_AGREE_H
#define GRAPHFS_TESTS_AGREE_H

/* Whether both sides agree: the same names, contents and times, and nothing left to be sent. */

struct world;

/* What differs first, for the caller to free; NULL: nothing. */
char *agree_compare(struct world *world);

/* Tells all rows and items to the log. */
void agree_log(struct world *world);

#endif
