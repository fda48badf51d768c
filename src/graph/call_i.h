/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_CALL_I_H
#define GRAPHFS_GRAPH_CALL_I_H

/* What call.c (one call), caller.c (all of them), compose.c (what is sent) and deliver.c (what
 * comes back) share. */

#include "graph/call.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#define CALL_MAX_HEADERS 8
#define CALL_KINDS       2

LIST_HEAD(call_list, call);
STAILQ_HEAD(call_piece_list, call_piece);

/* Touched by the net thread alone, but for what is marked. */
struct caller {
    struct net *net;     /* const after init */
    struct auth *auth;   /* const after init */
    struct link *link;   /* const after init */
    struct clock *clock; /* const after init */
    struct pool *pool;   /* const after init */
    struct call_list calls;
    int64_t floor_ms[CALL_KINDS]; /* monotonic */
    bool is_offline;
    int64_t offline_ms;             /* when a connection last failed */
    char offline_why[ERR_MSG_SIZE]; /* same; with the client-request-id */
    bool is_stopping;
    atomic_uint_fast64_t last_id;

    pthread_mutex_t lock;
    pthread_cond_t idle;
    size_t outstanding; /* lock; calls whose completion has not returned */
};

/* Owned by the net thread until finish(), then by a pool thread. */
struct call {
    LIST_ENTRY(call) link;
    struct caller *caller;
    uint64_t id;
    struct call_request asked; /* its strings are owned */
    call_done_fn *done;
    void *arg;
    int64_t due_ms; /* the deadline, monotonic */
    unsigned attempts;
    unsigned failed_connects;
    unsigned redirects;   /* that were followed */
    bool is_reauthorised; /* the token was renewed once for this call */
    bool is_stalled;      /* a connection went dead over it: not that one again */
    bool is_pausing;      /* after a failure, so that caller_wake() may end it */
    bool is_on_wire;
    bool is_in_doubt;    /* a change, that may have been carried out */
    unsigned generation; /* of the token that was sent */
    struct net_timer timer;
    struct auth_waiter waiter;
    struct net_request request;
    char request_id[UUID_SIZE];
    char *headers[CALL_MAX_HEADERS]; /* one of them a secret */
    struct call_answer answer;
    struct err err;      /* why it failed; of the last attempt while it goes on */
    bool is_wrong_range; /* the attempt was ended for it */

    /* What goes to the pool; the caller's lock. */
    struct call_piece_list pieces;
    unsigned pieces_waiting; /* in the list */
    bool is_held;            /* the connection is: there were too many */
    bool is_delivering;      /* a job runs, or is about to */
    bool is_over;            /* the completion comes after the pieces */
};

/* ---- caller.c; net thread only ---- */

/* Nothing of that kind is sent for so long. */
void caller_raise_floor(struct caller *caller, enum call_kind kind, int64_t pause_ms);

/* Reports whether Graph's host could be reached. */
void caller_saw_offline(struct caller *caller, const char *why);
void caller_saw_online(struct caller *caller);

/* Has the call take more from its connection, see call_deliver_piece(). Any thread. */
void call_go_on(struct caller *caller, uint64_t id);

/* ---- compose.c ---- */

/* A copy of what was asked for; the memory of content is borrowed. */
struct call_request call_request_copy(const struct call_request *request);
void call_request_clear(struct call_request *request);

/* Makes the net request of an attempt, with the token unless it is NULL; its completions are left
 * for the caller to set. */
void call_compose(struct call *call, const char *token);

/* Forgets the headers of an attempt. */
void call_headers_clear(struct call *call);

/* ---- deliver.c; net thread only ---- */

void call_answer_clear(struct call_answer *answer);

/* Gives a piece to the call's owner; takes over the answer. False: no more of them for now, before
 * call_go_on() has been called. */
bool call_deliver_piece(struct call *call, struct call_answer *answer);

/* Has the completion run, after what was delivered before; the call is the pool's from now on. */
void call_deliver_end(struct call *call);

/* ---- call.c; net thread only ---- */

/* The next attempt, or whatever has to be waited for before it; arg is the call. */
void call_step(void *arg);

/* Ends the call with that error. */
void call_fail(struct call *call, int code, const char *why);

#endif
