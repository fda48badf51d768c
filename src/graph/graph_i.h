/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_GRAPH_I_H
#define GRAPHFS_GRAPH_GRAPH_I_H

/* What graph.c, graph_call.c and graph_login.c share. */

#include "base/clock.h"
#include "graph/auth.h"
#include "graph/call.h"
#include "graph/graph_remote.h"
#include "graph/link.h"
#include "graph/net.h"
#include "graph/url.h"

/* Const after graph_new(); what it points to looks after its own locks. */
struct graph {
    struct clock *clock;
    struct net *net;
    struct link link;
    struct auth *auth;
    struct caller *caller;
    struct graph_remote *remote;
    struct url_origin origin;
    char *state_dir;
    char *graph_url;
    char *root; /* graph_url with the version */
    char *login_url;
    char *cloud;
    char *client_id;
    char *tenant;
    char *scopes;
};

/* Whether one of the scopes is of that name, with or without a host before it. */
bool graph_has_scope(const char *scopes, const char *name);

#endif
