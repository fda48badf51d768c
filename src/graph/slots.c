/* SPDX-License-Identifier: MIT */
/*
 * Who goes on the wire next.
 *
 * Each class has a number of slots and a queue per priority. The lower a priority, the smaller the
 * share of the slots that it may see taken when it starts: so prefetching and background work can't
 * fill all of them, and somebody who waits in a system call finds one free.
 *
 * The API class learns how many requests the service bears: it begins with a few slots, gains one
 * whenever as many answers as it has slots came well while others waited, and loses half when the
 * service says 429.
 */
#include "config.h"

#include "graph/net_i.h"

#include <errno.h>
#include <stdio.h>

static const struct {
    unsigned first;
    unsigned most;
} class_limits[NET_CLASSES] = {
    [NET_API] = { 8, 32 },
    [NET_CONTENT] = { 8, 8 },
    [NET_LOGIN] = { 4, 4 },
};

/* In eighths of the slots, by priority: read, prefetch, upload, background. */
static const unsigned shares[NET_PRIORITIES] = { 8, 6, 6, 4 };

#define FEWEST_SLOTS 2
/* Answers to what was sent before a cut would only repeat the news. */
#define CUT_PAUSE_MS 1000

void slots_init(struct net *net)
{
    for (unsigned i = 0; i < NET_CLASSES; i++) {
        net->slots[i].limit = class_limits[i].first;
        for (unsigned j = 0; j < NET_PRIORITIES; j++)
            TAILQ_INIT(&net->slots[i].queues[j]);
    }
}

static struct net_slots *slots_of(struct net_request *request)
{
    return &request->net->slots[request->class];
}

static bool has_waiting(const struct net_slots *slots)
{
    for (unsigned i = 0; i < NET_PRIORITIES; i++) {
        if (!TAILQ_EMPTY(&slots->queues[i]))
            return true;
    }
    return false;
}

static void answer(struct net_request *request, enum net_outcome outcome, const char *why)
{
    request->outcome = outcome;
    (void)snprintf(request->error, sizeof(request->error), "%s", why);
    request->done(request, request->arg);
}

static void leave_queue(struct net_request *request)
{
    TAILQ_REMOVE(&slots_of(request)->queues[request->priority], request, queue_link);
    request->is_queued = false;
}

/* When the request has to be looked at again: its deadline, or the end of its patience. */
static int64_t due_ms(const struct net_request *request)
{
    int64_t idle_ms = transfer_patience_ms(request);
    return idle_ms < request->deadline_ms ? idle_ms : request->deadline_ms;
}

static void on_timer(void *arg)
{
    struct net_request *request = arg;
    int64_t now = net_now_ms(request->net);
    bool is_late = now >= request->deadline_ms;
    if (request->is_queued) {
        leave_queue(request);
        answer(request, NET_LATE, "it waited too long for its turn");
        return;
    }
    if (!is_late && due_ms(request) > now) {
        net_timer_set(request->net, &request->timer, due_ms(request), on_timer, request);
        return;
    }
    request->outcome = is_late ? NET_LATE : NET_IDLE;
    transfer_forsake(request);
    transfer_stop(request);
    slots_release(request);
    answer(request, request->outcome, is_late ? "no answer in time" : "the server stopped sending");
}

static void put_on_wire(struct net_request *request)
{
    struct net *net = request->net;
    struct net_slots *slots = slots_of(request);
    leave_queue(request);
    net_timer_clear(&request->timer);
    if (transfer_start(request) < 0) {
        answer(request, NET_BROKEN, "no memory for the request");
        return;
    }
    slots->running++;
    request->started_ms = net_now_ms(net);
    atomic_fetch_add(&net->requests, 1);
    atomic_fetch_add(&net->bytes_sent, request->body_length);
    net_timer_set(net, &request->timer, due_ms(request), on_timer, request);
}

static void fill_class(struct net_slots *slots)
{
    for (unsigned i = 0; i < NET_PRIORITIES; i++) {
        unsigned share = slots->limit * shares[i] / 8;
        while (slots->running < share && !TAILQ_EMPTY(&slots->queues[i]))
            put_on_wire(TAILQ_FIRST(&slots->queues[i]));
    }
}

void slots_fill(struct net *net)
{
    for (unsigned i = 0; i < NET_CLASSES; i++)
        fill_class(&net->slots[i]);
}

void slots_release(struct net_request *request)
{
    struct net_slots *slots = slots_of(request);
    net_timer_clear(&request->timer);
    slots->running--;
    if (request->outcome != NET_ANSWERED || request->status >= 400 || !has_waiting(slots))
        return;
    if (++slots->successes >= slots->limit && slots->limit < class_limits[request->class].most) {
        slots->limit++;
        slots->successes = 0;
    }
}

void net_slow_down(struct net *net)
{
    struct net_slots *slots = &net->slots[NET_API];
    int64_t now = net_now_ms(net);
    slots->successes = 0;
    if (slots->cut_ms != 0 && now - slots->cut_ms < CUT_PAUSE_MS)
        return;
    slots->cut_ms = now;
    slots->limit = slots->limit / 2 > FEWEST_SLOTS ? slots->limit / 2 : FEWEST_SLOTS;
}

void net_start(struct net *net, struct net_request *request)
{
    request->net = net;
    request->is_queued = true;
    request->transfer = NULL;
    TAILQ_INSERT_TAIL(&slots_of(request)->queues[request->priority], request, queue_link);
    net_timer_set(net, &request->timer, request->deadline_ms, on_timer, request);
}

void net_cancel(struct net_request *request)
{
    net_timer_clear(&request->timer);
    if (request->is_queued) {
        leave_queue(request);
        return;
    }
    request->outcome = NET_BROKEN;
    transfer_stop(request);
    slots_release(request);
}
