/* SPDX-License-Identifier: MIT */
/* The fake remote: requests that change the service, on their way in and out. */
#include "config.h"

#include "base/xalloc.h"
#include "fake_remote_i.h"

static struct asked *change_new(enum fake_request kind, void *arg)
{
    struct asked *asked = asked_new(kind, arg);

    asked->change.kind = kind;
    return asked;
}

uint64_t ask_make_folder(struct remote *remote, const struct path_query *query,
                         remote_page_fn *done, void *arg)
{
    struct asked *asked = change_new(FAKE_MAKE_FOLDER, arg);

    asked->page_done = done;
    asked->change.parent_id = x_strdup(query->parent_id);
    asked->change.name = x_strdup(query->name);
    return asked_enqueue(remote, asked);
}

uint64_t ask_change(struct remote *remote, const struct change_query *query, remote_page_fn *done,
                    void *arg)
{
    struct asked *asked = change_new(FAKE_CHANGE, arg);

    asked->page_done = done;
    asked->change.item_id = x_strdup(query->item_id);
    asked->change.if_match = x_strdup(query->if_match);
    asked->change.parent_id = x_strdup(query->parent_id);
    asked->change.name = x_strdup(query->name);
    asked->change.has_mtime = query->has_mtime;
    asked->change.mtime_ns = query->mtime_ns;
    return asked_enqueue(remote, asked);
}

uint64_t ask_delete(struct remote *remote, const struct delete_query *query, remote_done_fn *done,
                    void *arg)
{
    struct asked *asked = change_new(FAKE_DELETE, arg);

    asked->done = done;
    asked->change.item_id = x_strdup(query->item_id);
    asked->change.if_match = x_strdup(query->if_match);
    return asked_enqueue(remote, asked);
}

static void take_target(struct asked *asked, const struct upload_target *target)
{
    asked->change.item_id = x_strdup(target->item_id);
    asked->change.if_match = x_strdup(target->if_match);
    asked->change.parent_id = x_strdup(target->parent_id);
    asked->change.name = x_strdup(target->name);
}

uint64_t ask_put(struct remote *remote, const struct put_query *query, remote_page_fn *done,
                 void *arg)
{
    struct asked *asked = change_new(FAKE_PUT, arg);

    asked->page_done = done;
    take_target(asked, &query->target);
    asked->change.data = query->data;
    asked->change.length = query->length;
    return asked_enqueue(remote, asked);
}

uint64_t ask_session(struct remote *remote, const struct session_query *query,
                     remote_session_fn *done, void *arg)
{
    struct asked *asked = change_new(FAKE_SESSION, arg);

    asked->session_done = done;
    take_target(asked, &query->target);
    asked->change.size = query->size;
    asked->change.has_mtime = query->has_mtime;
    asked->change.mtime_ns = query->mtime_ns;
    return asked_enqueue(remote, asked);
}

static struct asked *fragment_new(enum fake_request kind, const struct fragment_query *query,
                                  void *arg)
{
    struct asked *asked = change_new(kind, arg);

    asked->change.url = x_strdup(query->url);
    asked->change.size = query->total;
    asked->change.offset = query->offset;
    asked->change.data = query->data;
    asked->change.length = query->length;
    return asked;
}

uint64_t ask_fragment(struct remote *remote, const struct fragment_query *query,
                      remote_fragment_fn *done, void *arg)
{
    struct asked *asked = fragment_new(FAKE_FRAGMENT, query, arg);

    asked->fragment_done = done;
    return asked_enqueue(remote, asked);
}

uint64_t ask_where(struct remote *remote, const struct fragment_query *query,
                   remote_session_fn *done, void *arg)
{
    struct asked *asked = fragment_new(FAKE_ASK_SESSION, query, arg);

    asked->session_done = done;
    return asked_enqueue(remote, asked);
}

uint64_t ask_end(struct remote *remote, const struct fragment_query *query, remote_done_fn *done,
                 void *arg)
{
    struct asked *asked = fragment_new(FAKE_END_SESSION, query, arg);

    asked->done = done;
    return asked_enqueue(remote, asked);
}

void asked_deliver_reply(struct asked *asked, const struct err *err)
{
    struct item_page *page = err ? NULL : asked->reply.page;
    const struct upload_session *session =
        !err && asked->reply.has_session ? &asked->reply.session : NULL;

    asked->reply.session.url = asked->reply.url;
    if (page)
        asked->reply.page = NULL;
    if (asked->fragment_done)
        asked->fragment_done(page, session, err, asked->arg);
    else if (asked->session_done)
        asked->session_done(session, err, asked->arg);
    else if (asked->page_done)
        asked->page_done(page, err, asked->arg);
    else
        asked->done(err, asked->arg);
}
