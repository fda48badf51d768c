/* SPDX-License-Identifier: MIT */
/*
 * All calls of an account: what holds them up together, and how other threads reach them.
 *
 * A floor is a time before which nothing may be sent to the service; Retry-After raises it for the
 * whole account. Content hosts have a floor of their own.
 */
#include "config.h"

#include "graph/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/xalloc.h"
#include "graph/call_i.h"

void caller_raise_floor(struct caller *caller, enum call_kind kind, int64_t pause_ms)
{
    int64_t floor_ms = net_now_ms(caller->net) + pause_ms;
    if (floor_ms > caller->floor_ms[kind])
        caller->floor_ms[kind] = floor_ms;
}

static void wake_all(struct caller *caller)
{
    struct call *call;
    LIST_FOREACH (call, &caller->calls, link) {
        if (call->is_pausing && call->timer.is_set)
            net_timer_set(caller->net, &call->timer, net_now_ms(caller->net), call_step, call);
    }
}

void caller_saw_offline(struct caller *caller, const char *why)
{
    caller->is_offline = true;
    caller->offline_ms = net_now_ms(caller->net);
    (void)snprintf(caller->offline_why, sizeof(caller->offline_why), "%s", why);
    link_set_reachable(caller->link, false, why);
}

void caller_saw_online(struct caller *caller)
{
    if (!caller->is_offline)
        return;
    caller->is_offline = false;
    link_set_reachable(caller->link, true, "");
    wake_all(caller);
}

/* ---- Entry from other threads ---- */

struct caller_task {
    struct caller *caller;
    uint64_t id;
    int64_t pause_ms;
};

static void post_task(struct caller *caller, void (*fn)(void *arg), uint64_t id, int64_t pause_ms)
{
    struct caller_task *task = x_malloc(sizeof(*task));
    *task = (struct caller_task){ caller, id, pause_ms };
    net_post(caller->net, fn, task);
}

static void do_cancel(void *arg)
{
    cleanup_free struct caller_task *task = arg;
    struct call *call;
    LIST_FOREACH (call, &task->caller->calls, link) {
        if (call->id == task->id) {
            call_fail(call, -ECANCELED, "cancelled");
            return;
        }
    }
}

void call_cancel(struct caller *caller, uint64_t id)
{
    post_task(caller, do_cancel, id, 0);
}

static void do_go_on(void *arg)
{
    cleanup_free struct caller_task *task = arg;
    struct call *call;
    LIST_FOREACH (call, &task->caller->calls, link) {
        if (call->id == task->id && call->is_on_wire) {
            net_go_on(&call->request);
            return;
        }
    }
}

void call_go_on(struct caller *caller, uint64_t id)
{
    post_task(caller, do_go_on, id, 0);
}

static void do_hold(void *arg)
{
    cleanup_free struct caller_task *task = arg;
    net_slow_down(task->caller->net);
    caller_raise_floor(task->caller, CALL_GRAPH, task->pause_ms);
}

void call_hold(struct caller *caller, int64_t pause_ms)
{
    post_task(caller, do_hold, 0, pause_ms);
}

static void do_wake(void *arg)
{
    cleanup_free struct caller_task *task = arg;
    task->caller->offline_ms = INT64_MIN / 2;
    wake_all(task->caller);
}

void caller_wake(struct caller *caller)
{
    post_task(caller, do_wake, 0, 0);
}

static void do_stop(void *arg)
{
    struct caller *caller = arg;
    caller->is_stopping = true;
    while (!LIST_EMPTY(&caller->calls))
        call_fail(LIST_FIRST(&caller->calls), -ECANCELED, "the program ends");
    auth_stop(caller->auth);
}

void caller_stop(struct caller *caller)
{
    net_post(caller->net, do_stop, caller);
}

void caller_drain(struct caller *caller)
{
    LOCKED(&caller->lock);
    while (caller->outstanding > 0)
        (void)pthread_cond_wait(&caller->idle, &caller->lock);
}

struct caller *caller_new(struct net *net, struct auth *auth, struct link *link,
                          struct clock *clock, struct pool *pool)
{
    struct caller *caller = x_calloc(1, sizeof(*caller));
    caller->net = net;
    caller->auth = auth;
    caller->link = link;
    caller->clock = clock;
    caller->pool = pool;
    LIST_INIT(&caller->calls);
    (void)pthread_mutex_init(&caller->lock, NULL);
    (void)pthread_cond_init(&caller->idle, NULL);
    return caller;
}

void caller_free(struct caller *caller)
{
    if (!caller)
        return;
    (void)pthread_cond_destroy(&caller->idle);
    (void)pthread_mutex_destroy(&caller->lock);
    free(caller);
}
