/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_AUTH_H
#define GRAPHFS_GRAPH_AUTH_H

/*
 * The access token: where to get one, and how it is renewed. Net thread only, but for auth_new()
 * and auth_free(), which run while that thread does nothing of this.
 */

#include "base/clock.h"
#include "base/err.h"
#include "graph/link.h"
#include "graph/net.h"
#include "graph/oauth.h"
#include "graph/tokens.h"

#include <sys/queue.h>

struct auth;

struct auth_conf {
    const char *state_dir;
    struct tokens_place place; /* borrowed for good */
    const char *client_id;     /* this and the next: where the token file doesn't tell */
    const char *tenant;
};

/* Other strings are copied; net, clock and link outlive it. Reads no file yet. */
struct auth *auth_new(const struct auth_conf *conf, struct net *net, struct clock *clock,
                      struct link *link);

/* Nobody waits any more, see auth_stop(). NULL is allowed. */
void auth_free(struct auth *auth);

/* Drops a renewal that is under way. */
void auth_stop(struct auth *auth);

/* A token to send now, borrowed until the next turn of the loop, and its number in ret_generation;
 * NULL if it has to be renewed first, or can't be. */
const char *auth_token(struct auth *auth, unsigned *ret_generation);

/* The service refused the token of that generation: it isn't used again. */
void auth_reject(struct auth *auth, unsigned generation);

/* Somebody who waits for a token, embedded in what it belongs to. */
struct auth_waiter {
    TAILQ_ENTRY(auth_waiter) link;
    bool is_waiting;
    void (*fn)(const struct err *err, void *arg);
    void *arg;
};

/* Runs fn later, never inside this call: with NULL when auth_token() has one, else with the reason:
 * -ENETDOWN with ERR_RETRY_AFTER_LOGIN if the user has to sign in, -ENETDOWN with ERR_RETRY_LATER
 * if there is no connection to the sign-in service, and another error with it if that is in
 * trouble. All who wait share one renewal. */
void auth_wait(struct auth *auth, struct auth_waiter *waiter);

/* Does nothing if it doesn't wait. */
void auth_unwait(struct auth *auth, struct auth_waiter *waiter);

#endif
