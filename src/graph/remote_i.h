/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_REMOTE_I_H
#define GRAPHFS_GRAPH_REMOTE_I_H

/*
 * What the files of the remote share: operations, each of which is one call to Graph or several,
 * one after the other. An operation belongs to whoever runs its next piece: the thread that begins
 * it, then the pool thread on which a call ended.
 */

#include "base/clock.h"
#include "base/pool.h"
#include "base/strbuf.h"
#include "graph/call.h"
#include "graph/graph_remote.h"
#include "graph/remote.h"
#include "graph/url.h"

#include <pthread.h>
#include <sys/queue.h>

/* Bounds of what an answer may be, in bytes: a page of a thousand items has about two million. */
#define REMOTE_MAX_ANSWER ((size_t)32 * 1024 * 1024)
/* Tokens in links grow with the drive. */
#define REMOTE_MAX_URL ((size_t)64 * 1024)

struct op;

struct graph_remote {
    struct remote base;
    struct caller *caller;    /* const after init */
    struct clock *clock;      /* const after init */
    struct pool *pool;        /* const after init */
    char *root;               /* const after init; the service's URL with its version */
    struct url_origin origin; /* const after init; of root */

    pthread_mutex_t lock;
    pthread_cond_t idle;
    LIST_HEAD(, op) ops;              /* lock */
    struct page_op *early;            /* lock; see remote_page.c */
    bool is_gathering;                /* lock; see remote_gather.c */
    unsigned answering;               /* lock; batches whose parts are being answered */
    STAILQ_HEAD(, gathered) gathered; /* lock */
    bool is_stopping;                 /* lock */
    uint64_t last_id;                 /* lock */
};

/* The first member of each kind of operation. */
struct op {
    LIST_ENTRY(op) link; /* lock */
    struct graph_remote *remote;
    uint64_t id;
    uint64_t call_id;  /* lock; of the call under way, 0: none */
    bool is_cancelled; /* lock */
    unsigned priority;
    int64_t due_ms;                                     /* monotonic */
    void (*fail)(struct op *op, const struct err *err); /* ends it without a call */
    struct err err;                                     /* why, for op_fail_later() */
};

static inline struct graph_remote *graph_remote_of(struct remote *remote)
{
    return (struct graph_remote *)(void *)remote;
}

/* Enters an operation, which is zeroed but for `fail`, into the list; its id is the result. */
uint64_t op_begin(struct graph_remote *remote, struct op *op, enum remote_priority priority,
                  int64_t deadline_ms);

/* Makes the next call of the operation, with its priority and what is left of its time; done gets
 * the operation as its arg. After 0 the operation belongs to done. -ECANCELED: it was cancelled. */
int op_call(struct op *op, struct call_request *request, call_done_fn *done);

/* Runs op->fail with op->err on a pool thread. */
void op_fail_later(struct op *op);

/* Takes the operation off the list: the caller may free it now. To be done after its completion has
 * run, since graph_remote_stop() waits for it. */
void op_end(struct op *op);

/* Starts the URL of something in a drive: ROOT/drives/ID/items/ID. */
void remote_add_item_url(struct strbuf *url, const char *root, const char *drive_id,
                         const char *item_id);

/* Appends to the URL of a folder: its children, so many at a time. */
void remote_add_children(struct strbuf *url, unsigned top);

/* Shows shortcuts to shared folders, which are hidden otherwise: a Prefer header. */
#define REMOTE_SHOW_SHORTCUTS "Include-Feature=AddToOneDrive"

/* A link that the bearer is to follow must lead to the origin of the service itself: -EPROTO. */
int remote_check_link(const struct graph_remote *remote, const char *link, struct err *err);

/* ---- remote_draft.c: changes ---- */

/* What is sent to change something, while it is put together; what goes wrong meanwhile is told by
 * draft_send(). */
struct draft {
    struct strbuf url;
    struct strbuf body;  /* JSON; empty: none */
    const char *content; /* NULL, or the body instead of JSON; borrowed, see call.h */
    size_t content_length;
    char *if_match;     /* the value of a header; NULL: none */
    bool is_repeatable; /* see there */
    struct err err;
};

/* cleanup_draft: draft_clear at the end of the scope */
#define cleanup_draft __attribute__((cleanup(draft_clear)))

void draft_init(struct draft *draft);
void draft_clear(struct draft *draft);

/* Has it go only to an item that still has that tag; NULL: to any. */
void draft_add_tag(struct draft *draft, const char *tag);

/* Appends to the body: the value of the property fileSystemInfo. */
void draft_add_times(struct draft *draft, int64_t mtime_ns);

/* Sends it to Graph, as the only call of the operation, which has just begun. */
void draft_send(const struct draft *draft, struct op *op, const char *method, call_done_fn *done);

/* The same for any call of the operation. -errno, with err set: it isn't made. */
int draft_call(const struct draft *draft, struct op *op, const char *method, call_done_fn *done,
               struct err *err);

/* Whether it can be sent. */
int draft_check(const struct draft *draft, struct err *err);

/* ---- remote_gather.c: changes that go out together ---- */

struct gathered {
    STAILQ_ENTRY(gathered) next; /* lock of the remote */
    struct op *op;
    struct draft draft;
    const char *method;
    call_done_fn *done;
};

/* As draft_send(), with others if they are being gathered. Takes what the draft holds. */
void gathered_send(struct draft *draft, struct op *op, const char *method, call_done_fn *done);

/* What the answer to a change says, for the caller to put; NULL with err set, if it isn't a success
 * or can't be read. In that case the change may have been made. */
struct json_object *remote_read_change(const struct call_answer *answer, struct err *err);

/* Makes a page of the one item that this is. */
int remote_take_item(struct json_object *json, const struct call_answer *answer,
                     struct item_page **ret_page, struct err *err);

/* Both of it. */
int remote_read_item(const struct call_answer *answer, struct item_page **ret_page,
                     struct err *err);

/* How long it may take to send so many bytes, if nothing else is asked for (0). */
int64_t remote_upload_deadline_ms(int64_t asked_ms, enum remote_priority priority, size_t length);

/* ---- All of them ---- */

/* Nothing is asked for early any more, and what was is forgotten. */
void graph_remote_page_stop(struct graph_remote *remote);

/* The operations, as struct remote_ops has them. */
void graph_remote_gather(struct remote *base);
void graph_remote_send_gathered(struct remote *base);
void graph_remote_drives(struct remote *base, remote_drives_fn *done, void *arg);
uint64_t graph_remote_items(struct remote *base, const struct item_query *query,
                            remote_items_fn *done, void *arg);
uint64_t graph_remote_listings(struct remote *base, const struct listings_query *query,
                               remote_listings_fn *done, void *arg);
uint64_t graph_remote_page(struct remote *base, const struct page_query *query,
                           remote_page_fn *done, void *arg);
uint64_t graph_remote_child(struct remote *base, const struct path_query *query,
                            remote_page_fn *done, void *arg);
uint64_t graph_remote_fetch(struct remote *base, const struct fetch_query *query,
                            remote_fetch_fn *done, void *arg);
uint64_t graph_remote_versions(struct remote *base, const struct version_query *query,
                               remote_versions_fn *done, void *arg);
uint64_t graph_remote_version_url(struct remote *base, const struct version_query *query,
                                  remote_url_fn *done, void *arg);
uint64_t graph_remote_make_folder(struct remote *base, const struct path_query *query,
                                  remote_page_fn *done, void *arg);
uint64_t graph_remote_change(struct remote *base, const struct change_query *query,
                             remote_page_fn *done, void *arg);
uint64_t graph_remote_delete(struct remote *base, const struct delete_query *query,
                             remote_done_fn *done, void *arg);
uint64_t graph_remote_put(struct remote *base, const struct put_query *query, remote_page_fn *done,
                          void *arg);
uint64_t graph_remote_session_begin(struct remote *base, const struct session_query *query,
                                    remote_session_fn *done, void *arg);
uint64_t graph_remote_session_put(struct remote *base, const struct fragment_query *query,
                                  remote_fragment_fn *done, void *arg);
uint64_t graph_remote_session_ask(struct remote *base, const struct fragment_query *query,
                                  remote_session_fn *done, void *arg);
uint64_t graph_remote_session_commit(struct remote *base, const struct fragment_query *query,
                                     remote_page_fn *done, void *arg);
uint64_t graph_remote_session_end(struct remote *base, const struct fragment_query *query,
                                  remote_done_fn *done, void *arg);

#endif
