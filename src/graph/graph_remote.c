/* SPDX-License-Identifier: MIT */
/*
 * The remote's operations in general: their list, cancelling, and the end.
 *
 * The list, under the lock, is there for remote_cancel() and for shutdown. It says which call an
 * operation has under way; between two calls of it a cancel is remembered in the operation.
 * Lock order: this lock is taken before those of the caller and the net thread's queue.
 */
#include "config.h"

#include "graph/graph_remote.h"

#include <errno.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/xalloc.h"
#include "graph/remote_i.h"

static void cancel(struct remote *base, uint64_t id)
{
    struct graph_remote *remote = graph_remote_of(base);
    struct op *op;
    LOCKED(&remote->lock);
    LIST_FOREACH (op, &remote->ops, link) {
        if (op->id != id)
            continue;
        op->is_cancelled = true;
        if (op->call_id != 0)
            call_cancel(remote->caller, op->call_id);
        return;
    }
}

uint64_t op_begin(struct graph_remote *remote, struct op *op, enum remote_priority priority,
                  int64_t deadline_ms)
{
    op->remote = remote;
    op->priority = priority;
    op->due_ms = clock_mono_ms(remote->clock) +
                 (deadline_ms > 0 ? deadline_ms : call_default_deadline_ms(priority));
    LOCKED(&remote->lock);
    op->id = ++remote->last_id;
    LIST_INSERT_HEAD(&remote->ops, op, link);
    return op->id;
}

int op_call(struct op *op, struct call_request *request, call_done_fn *done)
{
    struct graph_remote *remote = op->remote;
    int64_t left_ms = op->due_ms - clock_mono_ms(remote->clock);
    request->priority = op->priority;
    request->deadline_ms = left_ms > 0 ? left_ms : 1;
    LOCKED(&remote->lock);
    if (op->is_cancelled)
        return -ECANCELED;
    op->call_id = call_start(remote->caller, request, done, op);
    return 0;
}

static void fail_now(void *arg)
{
    struct op *op = arg;
    op->fail(op, &op->err);
}

void op_fail_later(struct op *op)
{
    pool_submit(op->remote->pool, fail_now, op);
}

void op_end(struct op *op)
{
    struct graph_remote *remote = op->remote;
    LOCKED(&remote->lock);
    LIST_REMOVE(op, link);
    if (LIST_EMPTY(&remote->ops))
        (void)pthread_cond_broadcast(&remote->idle);
}

void remote_add_item_url(struct strbuf *url, const char *root, const char *drive_id,
                         const char *item_id)
{
    (void)strbuf_addf(url, "%s/drives/", root);
    (void)url_add_encoded(url, drive_id);
    (void)strbuf_addstr(url, "/items/");
    (void)url_add_encoded(url, item_id);
}

static const struct remote_ops graph_remote_ops = {
    .drives = graph_remote_drives,
    .page = graph_remote_page,
    .items = graph_remote_items,
    .listings = graph_remote_listings,
    .child = graph_remote_child,
    .fetch = graph_remote_fetch,
    .versions = graph_remote_versions,
    .version_url = graph_remote_version_url,
    .make_folder = graph_remote_make_folder,
    .change = graph_remote_change,
    .remove = graph_remote_delete,
    .put = graph_remote_put,
    .session_begin = graph_remote_session_begin,
    .session_put = graph_remote_session_put,
    .session_ask = graph_remote_session_ask,
    .session_commit = graph_remote_session_commit,
    .session_end = graph_remote_session_end,
    .gather = graph_remote_gather,
    .send_gathered = graph_remote_send_gathered,
    .cancel = cancel,
};

int graph_remote_new(struct caller *caller, struct clock *clock, struct pool *pool,
                     const char *root, struct graph_remote **ret_remote, struct err *err)
{
    struct url_origin origin;
    int ret = url_parse_origin(root, &origin, err);
    if (ret < 0)
        return ret;
    struct graph_remote *remote = x_calloc(1, sizeof(*remote));
    remote->base.ops = &graph_remote_ops;
    remote->caller = caller;
    remote->clock = clock;
    remote->pool = pool;
    remote->root = x_strdup(root);
    remote->origin = origin;
    LIST_INIT(&remote->ops);
    STAILQ_INIT(&remote->gathered);
    (void)pthread_mutex_init(&remote->lock, NULL);
    (void)pthread_cond_init(&remote->idle, NULL);
    *ret_remote = remote;
    return 0;
}

void graph_remote_stop(struct graph_remote *remote)
{
    graph_remote_page_stop(remote);
    LOCKED(&remote->lock);
    while (!LIST_EMPTY(&remote->ops))
        (void)pthread_cond_wait(&remote->idle, &remote->lock);
}

void graph_remote_free(struct graph_remote *remote)
{
    if (!remote)
        return;
    (void)pthread_cond_destroy(&remote->idle);
    (void)pthread_mutex_destroy(&remote->lock);
    free(remote->root);
    free(remote);
}

struct remote *graph_remote_base(struct graph_remote *remote)
{
    return &remote->base;
}
