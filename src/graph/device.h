/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_DEVICE_H
#define GRAPHFS_GRAPH_DEVICE_H

/* Sign-in by device code (RFC 8628): the user enters a code in a browser, anywhere. */

#include "base/clock.h"
#include "base/err.h"
#include "graph/graph.h"
#include "graph/net.h"
#include "graph/tokens.h"

struct device;

struct device_conf {
    struct tokens_place place; /* borrowed until device_free() */
    const char *graph_root;    /* with the version; asked who has signed in */
    const char *client_id;
    const char *tenant;
    const char *scopes;
};

/* Gives the tokens to the callee, with the user's identity in them, or err. Net thread. */
typedef void device_done_fn(struct tokens *tokens, const struct err *err, void *arg);

/* Copies the rest of conf. */
struct device *device_new(const struct device_conf *conf, struct net *net, struct clock *clock,
                          graph_prompt_fn *prompt, device_done_fn *done, void *arg);

/* Begins; prompt runs once, then done once. Any thread. */
void device_start(struct device *device);

/* After done has run. NULL is allowed. */
void device_free(struct device *device);

#endif
