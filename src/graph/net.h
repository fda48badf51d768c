/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_NET_H
#define GRAPHFS_GRAPH_NET_H

/*
 * The net thread: one thread, one libcurl multi handle, every HTTP request of the process.
 *
 * What the upper rooms of graph/ keep (calls, the token, the throttling floor) belongs to this
 * thread too: they are entered by net_post(), by timers and by answers, all of which run here one
 * at a time, and so need no lock. Nothing that runs here may wait: no disk beyond a token file, no
 * lock that is held over anything slow.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct net;
struct transfer;

struct net_conf {
    const char *user_agent;
    const char *ca_file;     /* NULL: the system's certificates */
    int64_t idle_timeout_ms; /* an answer that stops for so long is given up; one that hasn't begun
                                may take half as long again */
    bool force_http1;
};

/* Starts the thread. Strings of conf are copied; the clock must outlive it. Returns 0 or -errno. */
int net_new(const struct net_conf *conf, struct clock *clock, struct net **ret_net,
            struct err *err);

/* Ends the thread and frees all. Requests that still run are dropped without an answer, so whoever
 * started them has cancelled them before. Not from the net thread. NULL is allowed. */
void net_free(struct net *net);

/* Runs fn(arg) on the net thread, in the order of posting. Any thread; does not block. */
void net_post(struct net *net, void (*fn)(void *arg), void *arg);

/* Has the thread look at its timers again, after the clock was moved. Any thread. */
void net_wake(struct net *net);

/* ---- All that follows: net thread only. ---- */

/* The monotonic time of the net's clock. */
int64_t net_now_ms(const struct net *net);

/* A timer, embedded in what it belongs to; zeroed memory is a timer that isn't set. */
struct net_timer {
    LIST_ENTRY(net_timer) link;
    bool is_set;
    int64_t due_ms; /* monotonic */
    void (*fn)(void *arg);
    void *arg;
};

/* Runs fn(arg) once, when the clock reaches due_ms. A timer that is set already is moved. */
void net_timer_set(struct net *net, struct net_timer *timer, int64_t due_ms, void (*fn)(void *arg),
                   void *arg);

/* Does nothing if the timer isn't set. */
void net_timer_clear(struct net_timer *timer);

/* Each class has slots of its own. */
enum net_class {
    NET_API,     /* Graph: few slots at first, more as long as it isn't throttled; HTTP/2 streams */
    NET_CONTENT, /* content hosts: a connection per slot, because a window limits each of them */
    NET_LOGIN,   /* the sign-in service */
};

#define NET_CLASSES    3
#define NET_PRIORITIES 4 /* 0 is served first: enum remote_priority */

enum net_outcome {
    NET_ANSWERED,    /* status, headers and body are whole */
    NET_UNREACHABLE, /* no connection: name look-up, connect */
    NET_UNTRUSTED,   /* no connection: TLS failed */
    NET_BROKEN,      /* the connection or the answer broke off */
    NET_IDLE,        /* nothing came for too long, see idle_timeout_ms */
    NET_LATE,        /* deadline_ms passed */
    NET_INVALID,     /* not a URL that anything can be sent to */
    NET_TOO_LARGE,   /* the body is larger than max_body */
};

struct net_request {
    /* Asked: set by the owner, who keeps it all until the answer. */
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value", ended by NULL */
    const char *body;           /* NULL: none; sent from where it is */
    size_t body_length;
    enum net_class class;
    unsigned priority;
    bool is_compressed; /* gzip is welcome */
    size_t max_body;    /* bytes, decoded */
    int64_t
        range_first; /* bytes; with range_length > 0 a Range is asked for, and if the host sends */
    size_t range_length; /* everything instead (200), body is just that window of it */
    size_t piece_length; /* > 0: with range_length, the range is handed over in pieces */
    /* Runs whenever body_received holds piece_length bytes and more is to come, with status and
     * headers known: takes them off it. False: it isn't the range that was asked for, and the
     * request ends as NET_BROKEN. Neither ends the request, nor frees it. */
    bool (*on_piece)(struct net_request *request, void *arg);
    bool is_secret;      /* the answer is wiped before its memory is freed */
    bool is_fresh;       /* on a new connection: the last one was dead */
    bool is_once;        /* goes out once: not again when a connection that was kept breaks off */
    int64_t deadline_ms; /* monotonic */
    void (*done)(struct net_request *request, void *arg); /* may free the request */
    void *arg;

    /* Answered: valid in done, and until net_request_clear(). */
    enum net_outcome outcome;
    bool was_sent; /* it may have reached the server, whole or in part */
    long status;
    struct strbuf body_received; /* what on_piece has not taken */
    int64_t content_length;      /* as announced; -1 if it wasn't */
    char error[CURL_ERROR_SIZE];

    /* net's own. */
    TAILQ_ENTRY(net_request) queue_link;
    struct net *net;
    struct net_timer timer;
    struct transfer *transfer; /* NULL while it waits for a slot, and after net_request_clear() */
    bool is_queued;
    bool is_held;
    size_t handed; /* bytes that on_piece has taken */
    int64_t started_ms;
};

/* Queues the request. done runs later, never inside this call, unless net_cancel() comes before. */
void net_start(struct net *net, struct net_request *request);

/* Takes nothing more from the connection until net_go_on(): its bytes come faster than they can be
 * worked on. Between start and done, also in on_piece. Waiting costs no patience. */
void net_hold(struct net_request *request);
void net_go_on(struct net_request *request);

/* Drops a request that was started; its done won't run. Any time between start and done. */
void net_cancel(struct net_request *request);

/* A header of the answer, borrowed until net_request_clear(); NULL if there is none. */
const char *net_header(const struct net_request *request, const char *name);

/* Frees what the answer holds. Harmless on a request that was never started. */
void net_request_clear(struct net_request *request);

/* The service said that there are too many requests: halves the slots of the API class. */
void net_slow_down(struct net *net);

struct net_counters {
    uint64_t requests; /* handed to the wire, repetitions included */
    uint64_t bytes_received;
    uint64_t bytes_sent; /* bodies */
};

/* Any thread. */
struct net_counters net_count(struct net *net);

#endif
