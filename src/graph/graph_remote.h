/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_GRAPH_REMOTE_H
#define GRAPHFS_GRAPH_GRAPH_REMOTE_H

/* The remote over HTTP: graph/remote.h done with calls to Graph. */

#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "graph/call.h"
#include "graph/remote.h"

struct graph_remote;

/* root is the service's URL with its version; it is copied. caller, clock and pool outlive it.
 * Returns 0, or -EINVAL if root is no URL. */
int graph_remote_new(struct caller *caller, struct clock *clock, struct pool *pool,
                     const char *root, struct graph_remote **ret_remote, struct err *err);

/* After caller_stop(), which makes operations end: waits until the completions of all have run. Not
 * from a pool thread. */
void graph_remote_stop(struct graph_remote *remote);

/* After graph_remote_stop(). NULL is allowed. */
void graph_remote_free(struct graph_remote *remote);

/* The remote that others see. */
struct remote *graph_remote_base(struct graph_remote *remote);

#endif
