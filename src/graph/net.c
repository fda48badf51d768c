/* SPDX-License-Identifier: MIT */
/*
 * The net thread: its loop, what is posted to it, and its timers.
 *
 * A turn of the loop runs what was posted, then the timers that are due, puts waiting requests on
 * the wire, lets libcurl work, and hands over the answers. Then it sleeps until a socket, a post or
 * the next timer. All code of the upper rooms runs between two sleeps, so the order in which it
 * changes anything is plain.
 *
 * Timers are few (one for each request and each waiting call), so they are a list, not a heap.
 */
#include "config.h"

#include "graph/net.h"

#include "graph/net_i.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/xalloc.h"

/* While a timer is set the loop looks at the clock this often, because a test, and a resume from
 * suspend, move the clock without a sign to the poll. */
#define LONGEST_NAP_MS       1000
#define MAX_IDLE_CONNECTIONS 48

int64_t net_now_ms(const struct net *net)
{
    return clock_mono_ms(net->clock);
}

void net_post(struct net *net, void (*fn)(void *arg), void *arg)
{
    struct net_task *task = x_malloc(sizeof(*task));
    task->fn = fn;
    task->arg = arg;
    {
        LOCKED(&net->lock);
        STAILQ_INSERT_TAIL(&net->tasks, task, link);
    }
    (void)curl_multi_wakeup(net->multi);
}

void net_wake(struct net *net)
{
    (void)curl_multi_wakeup(net->multi);
}

/* Returns false once the thread has to end. */
static bool run_tasks(struct net *net)
{
    struct net_task_list tasks = STAILQ_HEAD_INITIALIZER(tasks);
    bool is_stopping;
    {
        LOCKED(&net->lock);
        STAILQ_CONCAT(&tasks, &net->tasks);
        is_stopping = net->is_stopping;
    }
    while (!STAILQ_EMPTY(&tasks)) {
        struct net_task *task = STAILQ_FIRST(&tasks);
        STAILQ_REMOVE_HEAD(&tasks, link);
        task->fn(task->arg);
        free(task);
    }
    return !is_stopping;
}

void net_timer_set(struct net *net, struct net_timer *timer, int64_t due_ms, void (*fn)(void *arg),
                   void *arg)
{
    net_timer_clear(timer);
    timer->due_ms = due_ms;
    timer->fn = fn;
    timer->arg = arg;
    timer->is_set = true;
    LIST_INSERT_HEAD(&net->timers, timer, link);
}

void net_timer_clear(struct net_timer *timer)
{
    if (!timer->is_set)
        return;
    LIST_REMOVE(timer, link);
    timer->is_set = false;
}

static struct net_timer *next_timer(struct net *net)
{
    struct net_timer *next = NULL;
    struct net_timer *timer;
    LIST_FOREACH (timer, &net->timers, link) {
        if (!next || timer->due_ms < next->due_ms)
            next = timer;
    }
    return next;
}

/* A timer that runs may set and clear others, also itself, hence the search from the start. */
static void run_timers(struct net *net)
{
    int64_t now = net_now_ms(net);
    struct net_timer *timer = next_timer(net);
    while (timer && timer->due_ms <= now) {
        net_timer_clear(timer);
        timer->fn(timer->arg);
        timer = next_timer(net);
    }
}

static int nap_ms(struct net *net)
{
    const struct net_timer *timer = next_timer(net);
    if (!timer)
        return INT_MAX;
    int64_t left = timer->due_ms - net_now_ms(net);
    if (left < 0)
        return 0;
    return left < LONGEST_NAP_MS ? (int)left : LONGEST_NAP_MS;
}

static void reap_transfers(struct net *net)
{
    CURLMsg *message;
    int waiting;
    while ((message = curl_multi_info_read(net->multi, &waiting))) {
        struct net_request *request = NULL;
        CURLcode result = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
        transfer_finish(request, result);
        slots_release(request);
        request->done(request, request->arg);
    }
}

static void *net_main(void *arg)
{
    struct net *net = arg;
    while (run_tasks(net)) {
        int running;
        run_timers(net);
        slots_fill(net);
        (void)curl_multi_perform(net->multi, &running);
        reap_transfers(net);
        slots_fill(net);
        (void)curl_multi_poll(net->multi, NULL, 0, nap_ms(net), NULL);
    }
    return NULL;
}

/* All signals stay with the main thread. */
static int start_thread(struct net *net)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int ret = pthread_create(&net->thread, NULL, net_main, net);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ret == 0)
        (void)pthread_setname_np(net->thread, "net");
    return -ret;
}

static void free_parts(struct net *net)
{
    curl_multi_cleanup(net->multi);
    (void)pthread_mutex_destroy(&net->lock);
    free(net->user_agent);
    free(net->ca_file);
    free(net);
}

int net_new(const struct net_conf *conf, struct clock *clock, struct net **ret_net, struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, -EIO, "libcurl can't be initialised");
    CURLM *multi = curl_multi_init();
    if (!multi)
        return err_set(err, -ENOMEM, "no memory for libcurl");
    struct net *net = x_calloc(1, sizeof(*net));
    net->multi = multi;
    net->clock = clock;
    net->user_agent = x_strdup(conf->user_agent);
    net->ca_file = x_strdup(conf->ca_file);
    net->idle_timeout_ms = conf->idle_timeout_ms;
    net->force_http1 = conf->force_http1;
    (void)pthread_mutex_init(&net->lock, NULL);
    STAILQ_INIT(&net->tasks);
    LIST_INIT(&net->timers);
    slots_init(net);
    (void)curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS);
    int ret = start_thread(net);
    if (ret < 0) {
        free_parts(net);
        return err_set_errno(err, ret, "starting the net thread");
    }
    *ret_net = net;
    return 0;
}

void net_free(struct net *net)
{
    if (!net)
        return;
    {
        LOCKED(&net->lock);
        net->is_stopping = true;
    }
    (void)curl_multi_wakeup(net->multi);
    (void)pthread_join(net->thread, NULL);
    free_parts(net);
}

struct net_counters net_count(struct net *net)
{
    return (struct net_counters){
        .requests = atomic_load(&net->requests),
        .bytes_received = atomic_load(&net->bytes_received),
        .bytes_sent = atomic_load(&net->bytes_sent),
    };
}
