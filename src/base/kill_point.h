/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_KILL_POINT_H
#define GRAPHFS_BASE_KILL_POINT_H

/*
 * Points at which a test has the process killed, by SIGKILL: wherever a kill could leave something
 * half done. A build without --enable-test-hooks has none.
 *
 * The environment arms them for a whole run: GRAPHFS_KILL_AT="NAME N"; while it runs kill_arm()
 * does. All is thread safe.
 */

#ifdef GRAPHFS_TEST_HOOKS

#include "base/strbuf.h"

#define KILL_POINT(name) kill_point_pass(name)

/* The name lives for ever. */
void kill_point_pass(const char *name);

/* From now on passes are counted, from none, and the process is killed at the one that ${text}
 * says: "NAME N"; without a text passes are but counted. -EINVAL if it says something else. */
int kill_arm(const char *text);

/* Appends the points that were passed since then, as a JSON object: name and number. */
void kill_tell(struct strbuf *out);

#else
#define KILL_POINT(name) ((void)0)
#endif

#endif
