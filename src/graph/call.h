/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_CALL_H
#define GRAPHFS_GRAPH_CALL_H

/*
 * A call: a request that is repeated, with a token where one is due, until there is an answer to
 * act on or the deadline has passed.
 *
 * A change of the service is not as easily repeated as a question. What was throttled, or refused
 * for its token, certainly was not carried out, and goes out again. If a connection breaks off, or
 * an answer leaves its fate unknown (errmap_leaves_doubt()), it goes out again only if it is
 * repeatable; any other error ends the call, also what passes by itself, such as a lock. Once there
 * was a doubt, whatever error ends the call has is_fate_unknown set: that a repetition was refused
 * may be because of what came before.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/uuid.h"
#include "graph/auth.h"
#include "graph/link.h"
#include "graph/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct caller;

enum call_kind {
    CALL_GRAPH,   /* to Graph's own host, with the bearer token */
    CALL_CONTENT, /* to a preauthenticated URL, never with the token */
};

struct call_answer;

/* Gets a piece of a range, on a pool thread: one after the other, and all before done. The answer
 * is borrowed; its body begins at content offset answer->first. */
typedef void call_piece_fn(struct call_answer *answer, void *arg);

struct call_request {
    enum call_kind kind;
    const char *method;
    const char *url;
    const char *prefer;   /* value of a Prefer header; NULL: none */
    const char *if_match; /* value of an If-Match header; NULL: none */
    const char *body;     /* JSON; NULL: none */
    size_t body_length;
    bool is_content;       /* the body is no JSON but content, and is borrowed until done runs */
    int64_t content_first; /* with content_total > 0: where in the whole content the body begins, */
    int64_t content_total; /* which has so many bytes: a Content-Range is sent */
    bool is_change;        /* of the service; an error tells whether its fate is unknown */
    bool is_repeatable;    /* may be sent again after an error that leaves its fate unknown */
    bool never_pauses;     /* ends with what went wrong where it would have to wait */
    unsigned priority;     /* enum remote_priority */
    int64_t pause_ms;      /* before the first attempt */
    int64_t deadline_ms;   /* from now; 0: the default of the priority */
    size_t max_body;       /* bytes of the answer */
    int64_t range_first;   /* with range_length > 0: only these bytes, see net.h */
    size_t range_length;
    size_t piece_length;  /* with piece: what it gets at a time; the rest comes with done */
    call_piece_fn *piece; /* NULL: done gets all at once */
};

struct call_answer {
    long status; /* 2xx, 3xx, or 416 to a range; 0 if there was none; else what the error says */
    struct strbuf body;
    char *etag;
    char *content_range;
    char *content_encoding;
    char *location;
    int64_t first;              /* of a range: content offset of the body's first byte */
    int64_t content_length;     /* -1: not told */
    char request_id[UUID_SIZE]; /* the client-request-id of the request that it answers */
};

/* Runs once on a pool thread. The answer is borrowed; on failure it holds the last status that
 * came, if any, and its body if the call ended with it. err is NULL on success. */
typedef void call_done_fn(struct call_answer *answer, const struct err *err, void *arg);

/* All outlive the caller. */
struct caller *caller_new(struct net *net, struct auth *auth, struct link *link,
                          struct clock *clock, struct pool *pool);

/* Has every call end with -ECANCELED, also those that begin later. Any thread, does not wait. */
void caller_stop(struct caller *caller);

/* After caller_stop(), when nobody begins calls any more: waits until all completions have run. Not
 * from a pool thread, nor from the net thread. */
void caller_drain(struct caller *caller);

/* After caller_drain(). NULL is allowed. */
void caller_free(struct caller *caller);

/* How long a request of that priority may take if nothing else is said. */
int64_t call_default_deadline_ms(unsigned priority);

/* Begins a call; the request is copied. Returns its id, which is never 0. Any thread, never blocks.
 */
uint64_t call_start(struct caller *caller, const struct call_request *request, call_done_fn *done,
                    void *arg);

/* Ends a call early: done runs with -ECANCELED, unless it ran or is about to. Any thread. */
void call_cancel(struct caller *caller, uint64_t id);

/* No call to Graph goes out for so long: a part of a batch was throttled. Any thread. */
void call_hold(struct caller *caller, int64_t pause_ms);

/* Ends the pauses after failures (but not those that the service asked for). Any thread. */
void caller_wake(struct caller *caller);

#endif
