/* SPDX-License-Identifier: MIT */
/*
 * A request is a message to the sync thread that travels through the remote first. From the moment
 * it is sent until it is handled it is in the list of sync, so that all can be abandoned at the
 * end. An abandoned one has no handler any more and frees itself when its answer arrives, which may
 * be after sync has gone: it holds the inbox, nothing else.
 *
 * The fields that the remote's thread writes (answer) are its own until it posts the message; the
 * rest is the sync thread's.
 */
#include "config.h"

#include "sync/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "sync/sync_i.h"

struct request {
    struct message message;
    LIST_ENTRY(request) link;
    struct inbox *inbox;
    answer_fn *fn; /* NULL: abandoned */
    void *owner;
    uint64_t remote_id; /* 0: can't be cancelled */
    size_t count;       /* items or folders asked for */
    char *data;         /* that is being sent */
    struct answer answer;
};

static void request_free(struct request *request)
{
    item_page_free(request->answer.page);
    drive_list_free(request->answer.drives);
    free(request->answer.errors);
    for (size_t i = 0; request->answer.parts && i < request->count; i++)
        item_page_free(request->answer.parts[i].page);
    free(request->answer.parts);
    free(request->answer.session_url);
    free(request->data);
    inbox_unref(request->inbox);
    free(request);
}

static void handle_answer(struct sync *sync, struct message *message)
{
    struct request *request = (struct request *)message;

    if (sync && request->fn) {
        LIST_REMOVE(request, link);
        request->fn(sync, &request->answer, request->owner);
    }
    request_free(request);
}

static struct request *request_new(struct sync *sync, answer_fn *fn, void *owner)
{
    struct request *request = x_calloc(1, sizeof *request);

    request->message.handle = handle_answer;
    request->inbox = inbox_ref(sync->inbox);
    request->fn = fn;
    request->owner = owner;
    LIST_INSERT_HEAD(&sync->requests, request, link);
    return request;
}

/* ---- on the remote's threads ---- */

static void finish(struct request *request, const struct err *err)
{
    if (err)
        request->answer.err = *err;
    inbox_post(request->inbox, &request->message);
}

static void on_drives(struct drive_list *list, const struct err *err, void *arg)
{
    struct request *request = arg;

    request->answer.drives = list;
    finish(request, err);
}

static void on_page(struct item_page *page, const struct err *err, void *arg)
{
    struct request *request = arg;

    request->answer.page = page;
    finish(request, err);
}

static void on_items(struct item_page *page, const struct err *errors, const struct err *err,
                     void *arg)
{
    struct request *request = arg;

    request->answer.page = page;
    if (errors && request->count > 0) {
        request->answer.errors = x_calloc(request->count, sizeof *errors);
        memcpy(request->answer.errors, errors, request->count * sizeof *errors);
    }
    finish(request, err);
}

static void on_listings(struct listing_part *parts, const struct err *err, void *arg)
{
    struct request *request = arg;

    if (parts) {
        request->answer.parts = x_calloc(request->count, sizeof *parts);
        for (size_t i = 0; i < request->count; i++) {
            request->answer.parts[i] = parts[i];
            parts[i].page = NULL;
        }
    }
    finish(request, err);
}

static void on_session(const struct upload_session *session, const struct err *err, void *arg)
{
    struct request *request = arg;

    if (session) {
        request->answer.session_url = x_strdup(session->url);
        request->answer.session = *session;
    }
    finish(request, err);
}

static void on_fragment(struct item_page *page, const struct upload_session *session,
                        const struct err *err, void *arg)
{
    struct request *request = arg;

    request->answer.page = page;
    on_session(session, err, request);
}

static void on_done(const struct err *err, void *arg)
{
    finish(arg, err);
}

/* ---- on the sync thread ---- */

struct request *request_drives(struct sync *sync, answer_fn *fn, void *owner)
{
    struct request *request = request_new(sync, fn, owner);

    remote_drives(sync->conf.remote, on_drives, request);
    return request;
}

struct request *request_page(struct sync *sync, const struct page_query *query, answer_fn *fn,
                             void *owner)
{
    struct request *request = request_new(sync, fn, owner);

    request->remote_id = remote_page(sync->conf.remote, query, on_page, request);
    return request;
}

struct request *request_items(struct sync *sync, const struct item_query *query, answer_fn *fn,
                              void *owner)
{
    struct request *request = request_new(sync, fn, owner);

    request->count = query->count;
    request->remote_id = remote_items(sync->conf.remote, query, on_items, request);
    return request;
}

struct request *request_listings(struct sync *sync, const struct listings_query *query,
                                 answer_fn *fn, void *owner)
{
    struct request *request = request_new(sync, fn, owner);

    request->count = query->count;
    request->remote_id = remote_listings(sync->conf.remote, query, on_listings, request);
    return request;
}

struct request *request_child(struct sync *sync, const struct path_query *query, answer_fn *fn,
                              void *owner)
{
    struct request *request = request_new(sync, fn, owner);

    request->remote_id = remote_child(sync->conf.remote, query, on_page, request);
    return request;
}

struct request *request_make_folder(struct sync *sync, const struct path_query *query,
                                    answer_fn *fn, void *owner)
{
    struct request *request = request_new(sync, fn, owner);

    request->remote_id = remote_make_folder(sync->conf.remote, query, on_page, request);
    return request;
}

struct request *request_change(struct sync *sync, const struct change_query *query, answer_fn *fn,
                               void *owner)
{
    struct request *request = request_new(sync, fn, owner);

    request->remote_id = remote_change(sync->conf.remote, query, on_page, request);
    return request;
}

struct request *request_delete(struct sync *sync, const struct delete_query *query, answer_fn *fn,
                               void *owner)
{
    struct request *request = request_new(sync, fn, owner);

    request->remote_id = remote_delete(sync->conf.remote, query, on_done, request);
    return request;
}

struct request *request_put(struct sync *sync, const struct put_query *query, char *data,
                            answer_fn *fn, void *owner)
{
    struct request *request = request_new(sync, fn, owner);

    request->data = data;
    request->remote_id = remote_put(sync->conf.remote, query, on_page, request);
    return request;
}

struct request *request_session_begin(struct sync *sync, const struct session_query *query,
                                      answer_fn *fn, void *owner)
{
    struct request *request = request_new(sync, fn, owner);

    request->remote_id = remote_session_begin(sync->conf.remote, query, on_session, request);
    return request;
}

struct request *request_session_put(struct sync *sync, const struct fragment_query *query,
                                    char *data, answer_fn *fn, void *owner)
{
    struct request *request = request_new(sync, fn, owner);

    request->data = data;
    request->remote_id = remote_session_put(sync->conf.remote, query, on_fragment, request);
    return request;
}

struct request *request_session_ask(struct sync *sync, const struct fragment_query *query,
                                    answer_fn *fn, void *owner)
{
    struct request *request = request_new(sync, fn, owner);

    request->remote_id = remote_session_ask(sync->conf.remote, query, on_session, request);
    return request;
}

static void ignore(struct sync *sync, struct answer *answer, void *owner)
{
    (void)sync, (void)answer, (void)owner;
}

void request_session_end(struct sync *sync, const struct fragment_query *query)
{
    struct request *request = request_new(sync, ignore, NULL);

    request->remote_id = remote_session_end(sync->conf.remote, query, on_done, request);
}

void request_abandon(struct sync *sync, struct request *request)
{
    uint64_t remote_id;

    if (!request)
        return;
    LIST_REMOVE(request, link);
    request->fn = NULL;
    remote_id = request->remote_id;
    if (remote_id != 0)
        remote_cancel(sync->conf.remote, remote_id);
}

void request_abandon_all(struct sync *sync)
{
    while (!LIST_EMPTY(&sync->requests))
        request_abandon(sync, LIST_FIRST(&sync->requests));
}
