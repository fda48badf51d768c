/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_GRAPH_H
#define GRAPHFS_GRAPH_GRAPH_H

/*
 * The service: an account's connection to Microsoft Graph.
 *
 * It owns the net thread, the token and all calls. Requests are made through the struct remote that
 * it gives out; what stands here is its life, its state, and raw calls.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/strbuf.h"
#include "graph/remote.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct graph;

/* A national cloud. Tokens and application registrations of one aren't known in another. */
struct graph_cloud {
    const char *name; /* global, usgov, dod, china */
    const char *graph_url;
    const char *login_url;
};

/* The cloud of that name; NULL if there is none. */
const struct graph_cloud *graph_cloud_find(const char *name);

/* Strings are borrowed during graph_new(). */
struct graph_conf {
    const char *state_dir;   /* where the token file is */
    const char *client_id;   /* the application that the user registered */
    const char *tenant;      /* NULL: common, or organizations where personal accounts can't be */
    const char *cloud;       /* NULL: global */
    const char *graph_url;   /* without a version; NULL: the cloud's */
    const char *login_url;   /* NULL: the cloud's */
    const char *ca_file;     /* NULL: the system's certificates */
    const char *scopes;      /* NULL: what drives need; what a sign-in needs is added */
    bool writes;             /* what they need to be changed, too */
    int64_t idle_timeout_ms; /* an answer that stops is given up after it, one that doesn't begin
                                after half as long again; 0: 60 s */
    bool force_http1;
};

/* Checks conf and starts the net thread; sends nothing yet, and nobody needs to be signed in. The
 * pool runs the completions; it and the clock must outlive the graph. Returns 0, or -EINVAL with a
 * message for the user. */
int graph_new(const struct graph_conf *conf, struct clock *clock, struct pool *pool,
              struct graph **ret_graph, struct err *err);

/* Ends all requests with -ECANCELED, waits until their completions have run, and frees all. Not
 * from a pool thread. NULL is allowed. */
void graph_free(struct graph *graph);

/* The remote of this account; it lives as long as the graph. */
struct remote *graph_remote(struct graph *graph);

enum graph_link {
    GRAPH_ONLINE,     /* as far as is known */
    GRAPH_OFFLINE,    /* no connection; looked for again by what runs in the background */
    GRAPH_SIGNED_OUT, /* the token is void: only `graphfs login` helps */
};

/* The present state, and in message (if size > 0) why it isn't online; "" if it is. Any thread. */
enum graph_link graph_state(struct graph *graph, char *message, size_t size);

typedef void graph_listener_fn(enum graph_link state, void *arg);

/* Has listener called on a pool thread after each change of the state. Once, before any request. */
void graph_listen(struct graph *graph, graph_listener_fn *listener, void *arg);

/* Retry now: pauses after failures end, except those that the service asked for; also needed after
 * the clock was moved. Any thread. */
void graph_wake(struct graph *graph);

struct graph_counters {
    uint64_t requests; /* on the wire, repetitions included */
    uint64_t bytes_received;
    uint64_t bytes_sent;
};

/* What was asked and received since the start. */
struct graph_counters graph_count(struct graph *graph);

/* The raw answer to graph_call_sync(). */
struct graph_response {
    long status;
    struct strbuf body;
    char *location; /* of a 3xx, or of what was made; NULL: none was told */
};

/* Frees what the response holds. */
void graph_response_clear(struct graph_response *response);

/* Makes one Graph call and waits for it; not from a pool thread. path is relative to the version
 * ("/me/drive") or an absolute URL on Graph's own host; body may be NULL, else it is JSON. GET is
 * repeated on transient errors. Returns 0 for a 2xx or 3xx status, else -errno; the response is set
 * in either case (status 0: no answer), for graph_response_clear(). */
int graph_call_sync(struct graph *graph, const char *method, const char *path, const char *body,
                    size_t length, struct graph_response *ret_response, struct err *err);

/* What to show the user during a sign-in by device code. Called on the net thread. */
typedef void graph_prompt_fn(const char *message, const char *user_code, const char *url,
                             void *arg);

/* Signs in by device code and waits for the user to finish; not from a pool thread. Asks /me who
 * that is, and stores the tokens. If the token file is of another user, the new tokens are dropped:
 * -EPERM. Other errors: -EACCES (declined, expired, refused), -ENETDOWN, -ETIMEDOUT. */
int graph_login_device(struct graph *graph, graph_prompt_fn *prompt, void *arg, struct err *err);

/* Forgets who is signed in: removes the token file. Returns 0 also if nobody was. */
int graph_logout(const char *state_dir, struct err *err);

/* Who is signed in, as the token file says. Strings are owned and may be NULL. */
struct graph_identity {
    char *client_id;      /* that was used to sign in */
    char *sign_in_tenant; /* same: common, a GUID, … */
    char *cloud;
    char *tenant; /* GUID of the user's tenant, if the service told it */
    char *user_id;
    char *user_name; /* userPrincipalName */
    bool writes;     /* the permission to change files was asked for */
};

/* Reads the token file. Returns 0; -ENOENT with a message if nobody is signed in, or -errno. */
int graph_identity_load(const char *state_dir, struct graph_identity *ret_identity,
                        struct err *err);

/* Frees what the identity holds. */
void graph_identity_clear(struct graph_identity *identity);

#endif
