/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_NET_I_H
#define GRAPHFS_GRAPH_NET_I_H

/* What net.c (thread, timers), slots.c (who goes next) and transfer.c (one exchange) share. */

#include "graph/net.h"

#include <pthread.h>
#include <stdatomic.h>

struct net_task {
    STAILQ_ENTRY(net_task) link;
    void (*fn)(void *arg);
    void *arg;
};

STAILQ_HEAD(net_task_list, net_task);
TAILQ_HEAD(net_request_list, net_request);

/* The slots of a class: how many of its requests may be on the wire. */
struct net_slots {
    unsigned running;
    unsigned limit;
    unsigned successes; /* since limit last changed */
    int64_t cut_ms;     /* when limit was last halved */
    struct net_request_list queues[NET_PRIORITIES];
};

/* Touched by the net thread alone, but for what is marked. */
struct net {
    struct clock *clock;     /* const after init */
    char *user_agent;        /* const after init */
    char *ca_file;           /* const after init */
    int64_t idle_timeout_ms; /* const after init */
    bool force_http1;        /* const after init */
    CURLM *multi;            /* const after init; curl_multi_wakeup() from any thread */
    pthread_t thread;        /* const after init */
    LIST_HEAD(, net_timer) timers;
    struct net_slots slots[NET_CLASSES];
    atomic_uint_fast64_t requests;
    atomic_uint_fast64_t bytes_received;
    atomic_uint_fast64_t bytes_sent;

    pthread_mutex_t lock;
    struct net_task_list tasks; /* lock */
    bool is_stopping;           /* lock */
};

/* slots.c */
void slots_init(struct net *net);
/* Puts requests that wait on the wire, as far as there are slots. */
void slots_fill(struct net *net);
/* The request has left the wire: its slot is free. */
void slots_release(struct net_request *request);

/* transfer.c */
/* Puts the request on the wire. Returns 0 or -ENOMEM. */
int transfer_start(struct net_request *request);
/* Takes it from the wire, whole or not. */
void transfer_stop(struct net_request *request);
/* Has nobody use its connection any more, once it is taken from the wire, if no byte of an answer
 * came over it: more likely the connection is dead than the server that slow. */
void transfer_forsake(struct net_request *request);
/* Frees what transfer_start() made. */
void transfer_free(struct net_request *request);
/* When the patience with it ends, if nothing comes or goes until then. */
int64_t transfer_patience_ms(const struct net_request *request);
/* Reads the end of a transfer that curl reports into the request. */
void transfer_finish(struct net_request *request, CURLcode result);

#endif
