/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_LINK_H
#define GRAPHFS_GRAPH_LINK_H

/* Whether the service can be reached and the user is signed in, and who wants to know of it. */

#include "base/pool.h"
#include "graph/graph.h"

#include <pthread.h>

/* Written by the net thread, read by any. */
struct link {
    struct pool *pool;           /* const after init */
    graph_listener_fn *listener; /* const once requests are made */
    void *listener_arg;          /* same */

    pthread_mutex_t lock;
    bool is_reachable;              /* lock */
    bool is_signed_in;              /* lock */
    char unreachable[ERR_MSG_SIZE]; /* lock; why */
    char signed_out[ERR_MSG_SIZE];  /* lock; why */
};

/* Begin and end; at the end nobody may use it any more. */
void link_init(struct link *link, struct pool *pool);
void link_clear(struct link *link);

/* Report what was seen; the listener runs on the pool if the state has changed by it. */
void link_set_reachable(struct link *link, bool is_reachable, const char *why);
void link_set_signed_in(struct link *link, bool is_signed_in, const char *why);

/* As graph_state(). */
enum graph_link link_state(struct link *link, char *message, size_t size);

#endif
