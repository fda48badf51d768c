/* SPDX-License-Identifier: MIT */
/* Raw calls, for `graphfs api`: one thread begins a call and waits for its completion. */
#include "config.h"

#include "graph/graph.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/xalloc.h"
#include "graph/graph_i.h"

#define MAX_ANSWER ((size_t)64 * 1024 * 1024)
#define MAX_URL    ((size_t)128 * 1024)

/* On the stack of the waiting thread. */
struct waiting_call {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done; /* lock */
    struct graph_response *response;
    struct err err;
};

static void on_answer(struct call_answer *answer, const struct err *err, void *arg)
{
    struct waiting_call *waiting = arg;
    LOCKED(&waiting->lock);
    err_clear(&waiting->err);
    if (err)
        waiting->err = *err;
    waiting->response->status = answer->status;
    waiting->response->body = answer->body;
    strbuf_init(&answer->body, 0);
    waiting->response->location = steal_ptr(&answer->location);
    waiting->is_done = true;
    (void)pthread_cond_signal(&waiting->done);
}

/* The token goes only to the service itself. */
static int build_url(const struct graph *graph, const char *path, char **ret_url, struct err *err)
{
    struct url_origin origin;
    cleanup_strbuf struct strbuf url;
    strbuf_init(&url, MAX_URL);
    bool is_absolute = strncmp(path, "https://", 8) == 0 || strncmp(path, "http://", 7) == 0;
    if (!is_absolute)
        (void)strbuf_addf(&url, "%s%s", graph->root, path[0] == '/' ? "" : "/");
    if (url_add_lenient(&url, path) < 0)
        return err_set(err, -EINVAL, "the path is too long");
    if (url_parse_origin(url.data, &origin, err) < 0)
        return -EINVAL;
    if (!url_same_origin(&origin, &graph->origin))
        return err_set(err, -EPROTO, "%s is not the service's host, %s: it doesn't get the token",
                       origin.host, graph->origin.host);
    *ret_url = strbuf_steal(&url);
    return 0;
}

void graph_response_clear(struct graph_response *response)
{
    strbuf_clear(&response->body);
    free(response->location);
    response->location = NULL;
    response->status = 0;
}

int graph_call_sync(struct graph *graph, const char *method, const char *path, const char *body,
                    size_t length, struct graph_response *ret_response, struct err *err)
{
    cleanup_free char *url = NULL;
    strbuf_init(&ret_response->body, 0);
    ret_response->status = 0;
    ret_response->location = NULL;
    int ret = build_url(graph, path, &url, err);
    if (ret < 0)
        return ret;
    struct waiting_call waiting = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .done = PTHREAD_COND_INITIALIZER,
        .response = ret_response,
    };
    bool is_question = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    struct call_request request = {
        .kind = CALL_GRAPH,
        .method = method,
        .url = url,
        .body = body,
        .body_length = length,
        .is_change = !is_question,
        .is_repeatable = is_question,
        .priority = REMOTE_READ,
        .max_body = MAX_ANSWER,
    };
    (void)call_start(graph->caller, &request, on_answer, &waiting);
    {
        LOCKED(&waiting.lock);
        while (!waiting.is_done)
            (void)pthread_cond_wait(&waiting.done, &waiting.lock);
    }
    if (waiting.err.code < 0 && err)
        *err = waiting.err;
    return waiting.err.code;
}
