/* SPDX-License-Identifier: MIT */
/*
 * Two independent facts, reachable and signed in, are seen by two parties (calls and the token);
 * the state that others see is made of both: without a sign-in a connection is of no use.
 */
#include "config.h"

#include "graph/link.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/xalloc.h"

struct link_news {
    graph_listener_fn *listener;
    void *arg;
    enum graph_link state;
};

void link_init(struct link *link, struct pool *pool)
{
    *link = (struct link){ .pool = pool, .is_reachable = true, .is_signed_in = true };
    (void)pthread_mutex_init(&link->lock, NULL);
}

void link_clear(struct link *link)
{
    (void)pthread_mutex_destroy(&link->lock);
}

/* The lock is held. */
static enum graph_link state_of(const struct link *link)
{
    if (!link->is_signed_in)
        return GRAPH_SIGNED_OUT;
    return link->is_reachable ? GRAPH_ONLINE : GRAPH_OFFLINE;
}

static void tell(void *arg)
{
    struct link_news *news = arg;
    news->listener(news->state, news->arg);
    free(news);
}

static void set(struct link *link, bool *fact, bool value, char *reason, size_t size,
                const char *why)
{
    enum graph_link before;

    enum graph_link after;
    {
        LOCKED(&link->lock);
        before = state_of(link);
        *fact = value;
        (void)snprintf(reason, size, "%s", value ? "" : why);
        after = state_of(link);
    }

    if (before == after || !link->listener)
        return;
    struct link_news *news = x_malloc(sizeof(*news));
    *news = (struct link_news){ link->listener, link->listener_arg, after };
    pool_submit(link->pool, tell, news);
}

void link_set_reachable(struct link *link, bool is_reachable, const char *why)
{
    set(link, &link->is_reachable, is_reachable, link->unreachable, sizeof(link->unreachable), why);
}

void link_set_signed_in(struct link *link, bool is_signed_in, const char *why)
{
    set(link, &link->is_signed_in, is_signed_in, link->signed_out, sizeof(link->signed_out), why);
}

enum graph_link link_state(struct link *link, char *message, size_t size)
{
    LOCKED(&link->lock);
    enum graph_link state = state_of(link);
    const char *reason = "";
    if (state == GRAPH_SIGNED_OUT)
        reason = link->signed_out;
    else if (state == GRAPH_OFFLINE)
        reason = link->unreachable;
    if (size > 0)
        (void)snprintf(message, size, "%s", reason);
    return state;
}
