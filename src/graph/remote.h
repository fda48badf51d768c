/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_REMOTE_H
#define GRAPHFS_GRAPH_REMOTE_H

/*
 * The remote: what sync and content ask of the service, and nothing else.
 *
 * It is a seam: graph/ implements it over HTTP, tests implement it in the process. All calls are
 * asynchronous: they return at once and `done` runs later, exactly once, on a pool thread (never
 * inside the call, never on the net thread), so it may take locks and write to disk. Arguments are
 * copied, but for content that is sent. Retry with backoff, Retry-After, token refresh and link
 * checks have happened before `done` is called; an error that arrives is to be acted on. err is
 * NULL on success and valid only during the call; err->code is -ENETDOWN when there is no network
 * or no sign-in, -ETIMEDOUT when the deadline passed first, -ECANCELED after remote_cancel() or at
 * shutdown.
 *
 * An error of what changes the service has err->is_fate_unknown set if the change may have been
 * made all the same: look at the server before it is asked for again. Then the rest of the error
 * tells only how the last attempt has ended: even a refusal may be due to an attempt before it.
 */

#include "base/err.h"
#include "graph/item.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who is served first. READ: somebody's system call waits for it. */
enum remote_priority {
    REMOTE_READ,
    REMOTE_PREFETCH,
    REMOTE_UPLOAD,
    REMOTE_BACKGROUND,
};

enum page_query_kind {
    PAGE_CHILDREN, /* of (drive_id, item_id); without item_id, of the root */
    PAGE_DELTA,    /* of drive_id, from the beginning: a full enumeration */
    PAGE_LINK,     /* a next or delta link, followed verbatim; another host is refused (-EPROTO) */
};

struct page_query {
    enum page_query_kind kind;
    const char *drive_id;
    const char *item_id;
    const char *link;
    enum remote_priority priority;
    int64_t deadline_ms; /* from now, retries included; 0: the default of the priority */
};

/* Gives the page to the callee, who frees it; NULL with err set on failure. A dead delta link is
 * err->http_status 410, with err->graph_code. */
typedef void remote_page_fn(struct item_page *page, const struct err *err, void *arg);

/* Gives the list to the callee, who frees it; the default drive comes first. */
typedef void remote_drives_fn(struct drive_list *list, const struct err *err, void *arg);

struct item_query {
    const char *drive_id;
    const char *const *ids; /* item ids */
    size_t count;           /* any number: split into batches of 20 */
    enum remote_priority priority;
    int64_t deadline_ms;
};

/* Answers in the order of ids: page->items[i] is the item, or one with id and ITEM_DELETED where
 * errors[i].http_status is 404; other failures of one item leave errors[i].code set. err is set,
 * and page NULL, only if the request failed as a whole. page is the callee's to free; errors is
 * borrowed. download_url is set on files. */
typedef void remote_items_fn(struct item_page *page, const struct err *errors,
                             const struct err *err, void *arg);

struct listings_query {
    const char *drive_id;
    const char *const *ids; /* of folders */
    size_t count;           /* 1 to LISTINGS_MAX */
    enum remote_priority priority;
    int64_t deadline_ms;
};

#define LISTINGS_MAX 20

/* One for each folder, in the order of ids. */
struct listing_part {
    struct item_page *page; /* the first page of its children; NULL with err set */
    struct err err;         /* -EAGAIN: throttled, for retry_after_ms */
};

/* parts are borrowed; who wants to keep a page sets it to NULL there. err is set, and parts NULL,
 * if the request failed as a whole. */
typedef void remote_listings_fn(struct listing_part *parts, const struct err *err, void *arg);

struct path_query {
    const char *drive_id;
    const char *parent_id;
    const char *name; /* as the server has it (encoded by tree/names, not percent-encoded) */
    bool in_any_case; /* of a lookup: an item whose name differs in case is one, too */
    enum remote_priority priority;
    int64_t deadline_ms;
};

/* One name in a folder. A page of one item; -ENOENT if the service says there is none. */

struct fetch_answer;

/* A piece of a range, while the rest of it is still on its way. */
typedef void remote_piece_fn(const struct fetch_answer *answer, void *arg);

struct fetch_query {
    const char *url; /* preauthenticated; the bearer is never sent to it */
    int64_t offset;  /* bytes */
    size_t length;   /* bytes, > 0 */
    enum remote_priority priority;
    int64_t deadline_ms;
    /* Of more than piece_length bytes, piece gets so many at a time: in order, one after the other,
     * all before done, which gets the rest. If the connection breaks off the range is taken up
     * again behind the last piece. NULL: done gets the whole range. */
    remote_piece_fn *piece;
    size_t piece_length;
};

struct fetch_answer {
    const char *data; /* borrowed during the call */
    int64_t offset;   /* of data[0] in the content */
    size_t length;    /* bytes; to the end of the range, or of the content, if it is for done */
    int64_t total;    /* size of the whole content; -1 if the host did not say */
    const char *etag; /* of the content host, quotes stripped; NULL if it did not say */
};

/* err->http_status 401, 403, 404 or 410: the URL is dead, locate the item again, once. */
typedef void remote_fetch_fn(const struct fetch_answer *answer, const struct err *err, void *arg);

struct version_query {
    const char *drive_id;
    const char *item_id;
    const char *version_id; /* for remote_version_url() */
    enum remote_priority priority;
    int64_t deadline_ms;
};

/* Gives the list to the callee, who frees it; NULL with err set on failure. */
typedef void remote_versions_fn(struct version_infos *list, const struct err *err, void *arg);

/* url is preauthenticated, a secret, and borrowed; NULL with err set on failure. */
typedef void remote_url_fn(const char *url, const struct err *err, void *arg);

/* ---- What changes the service ---- */

/* What had no answer but success or failure. */
typedef void remote_done_fn(const struct err *err, void *arg);

/* A tag is an eTag exactly as it was received; if the item has another one by now nothing is done,
 * and err->http_status is 412. NULL: the item is changed whatever it is. */

struct change_query {
    const char *drive_id;
    const char *item_id;
    const char *if_match;  /* a tag, or NULL */
    const char *parent_id; /* where to move it, in the same drive; NULL: nowhere */
    const char *name;      /* as the server is to have it; NULL: as before */
    bool has_mtime;
    int64_t mtime_ns; /* since the epoch; the service keeps seconds, seldom more */
    enum remote_priority priority;
    int64_t deadline_ms;
};

struct delete_query {
    const char *drive_id;
    const char *item_id;
    const char *if_match; /* a tag, or NULL */
    enum remote_priority priority;
    int64_t deadline_ms;
};

/* Where content goes: into a file that is there, or into a new one. */
struct upload_target {
    const char *drive_id;
    const char *item_id;   /* NULL: a new file */
    const char *if_match;  /* a tag of the item, or NULL */
    const char *parent_id; /* of a new file; if there is anything of its name, -EEXIST */
    const char *name;      /* as the server is to have it */
};

/* What goes in one request, in bytes. */
#define REMOTE_PUT_MAX ((size_t)4 * 1024 * 1024)

struct put_query {
    struct upload_target target;
    const void *data; /* the whole content; borrowed until done runs */
    size_t length;    /* bytes, at most REMOTE_PUT_MAX; 0 is allowed */
    enum remote_priority priority;
    int64_t deadline_ms; /* 0: the default of the priority, and more the more there is to send */
};

/* Bytes: each fragment of a session but the last one is a multiple of the unit, and each is less
 * than 60 MiB: one of exactly that is refused. */
#define REMOTE_FRAGMENT_UNIT ((size_t)320 * 1024)
#define REMOTE_FRAGMENT_MAX  (191 * REMOTE_FRAGMENT_UNIT)

/* For a new session. Where the target is an item, beginning may move its eTag on some services, so
 * that its own tag fails the session at its end; and a session that nobody ends keeps others off
 * the name for minutes, or days. */
struct session_query {
    struct upload_target target;
    int64_t size; /* bytes, > 0: of the whole content */
    bool has_mtime;
    int64_t mtime_ns;   /* the file's; the service keeps seconds, seldom more */
    bool defers_commit; /* there is no file before remote_session_commit() */
    enum remote_priority priority;
    int64_t deadline_ms; /* from now, retries included; 0: the default of the priority */
};

struct upload_session {
    const char *url; /* preauthenticated: a secret, never logged; the bearer is never sent to it */
    int64_t next;    /* where it goes on, in bytes; the whole size: nothing is missing */
    int64_t expires_ms; /* since the epoch, by the server's clock; 0: not told */
};

/* The session is borrowed; NULL with err set on failure. */
typedef void remote_session_fn(const struct upload_session *session, const struct err *err,
                               void *arg);

/* Of a session that has begun. An error with http_status 401, 404 or 410 (code -ENOENT) means that
 * it is lost, or over because the file has been made; 416, that it goes on at another place than
 * this one: ask. After an error that leaves the fate of a fragment unknown, ask as well. */
struct fragment_query {
    const char *url;
    int64_t total;    /* bytes: of the whole content */
    int64_t offset;   /* bytes; with what follows: for remote_session_put() alone */
    const void *data; /* borrowed until done runs */
    size_t length;    /* bytes, > 0, at most REMOTE_FRAGMENT_MAX */
    enum remote_priority priority;
    int64_t deadline_ms; /* as of put_query */
};

/* Either a page of one item, for the callee to free: that was the last fragment; or a session,
 * borrowed, that goes on, or waits for its commit. Both NULL with err set on failure. */
typedef void remote_fragment_fn(struct item_page *page, const struct upload_session *session,
                                const struct err *err, void *arg);

struct remote;

struct remote_ops {
    void (*drives)(struct remote *remote, remote_drives_fn *done, void *arg);
    uint64_t (*page)(struct remote *remote, const struct page_query *query, remote_page_fn *done,
                     void *arg);
    uint64_t (*items)(struct remote *remote, const struct item_query *query, remote_items_fn *done,
                      void *arg);
    uint64_t (*listings)(struct remote *remote, const struct listings_query *query,
                         remote_listings_fn *done, void *arg);
    uint64_t (*child)(struct remote *remote, const struct path_query *query, remote_page_fn *done,
                      void *arg);
    uint64_t (*fetch)(struct remote *remote, const struct fetch_query *query, remote_fetch_fn *done,
                      void *arg);
    uint64_t (*versions)(struct remote *remote, const struct version_query *query,
                         remote_versions_fn *done, void *arg);
    uint64_t (*version_url)(struct remote *remote, const struct version_query *query,
                            remote_url_fn *done, void *arg);
    uint64_t (*make_folder)(struct remote *remote, const struct path_query *query,
                            remote_page_fn *done, void *arg);
    uint64_t (*change)(struct remote *remote, const struct change_query *query,
                       remote_page_fn *done, void *arg);
    uint64_t (*remove)(struct remote *remote, const struct delete_query *query,
                       remote_done_fn *done, void *arg);
    uint64_t (*put)(struct remote *remote, const struct put_query *query, remote_page_fn *done,
                    void *arg);
    uint64_t (*session_begin)(struct remote *remote, const struct session_query *query,
                              remote_session_fn *done, void *arg);
    uint64_t (*session_put)(struct remote *remote, const struct fragment_query *query,
                            remote_fragment_fn *done, void *arg);
    uint64_t (*session_ask)(struct remote *remote, const struct fragment_query *query,
                            remote_session_fn *done, void *arg);
    uint64_t (*session_commit)(struct remote *remote, const struct fragment_query *query,
                               remote_page_fn *done, void *arg);
    uint64_t (*session_end)(struct remote *remote, const struct fragment_query *query,
                            remote_done_fn *done, void *arg);
    void (*gather)(struct remote *remote);
    void (*send_gathered)(struct remote *remote);
    void (*cancel)(struct remote *remote, uint64_t id);
};

struct remote {
    const struct remote_ops *ops;
};

/* Every drive that the user has, with quota. */
static inline void remote_drives(struct remote *remote, remote_drives_fn *done, void *arg)
{
    remote->ops->drives(remote, done, arg);
}

/* One page of children or delta. Returns an id for remote_cancel(). */
static inline uint64_t remote_page(struct remote *remote, const struct page_query *query,
                                   remote_page_fn *done, void *arg)
{
    return remote->ops->page(remote, query, done, arg);
}

/* Items by id, batched. */
static inline uint64_t remote_items(struct remote *remote, const struct item_query *query,
                                    remote_items_fn *done, void *arg)
{
    return remote->ops->items(remote, query, done, arg);
}

/* The children of several folders, in one request, for which nobody waits: it is made once. Where
 * others would pause, as while the service asks to wait, it fails. */
static inline uint64_t remote_listings(struct remote *remote, const struct listings_query *query,
                                       remote_listings_fn *done, void *arg)
{
    return remote->ops->listings(remote, query, done, arg);
}

/* One child by name. */
static inline uint64_t remote_child(struct remote *remote, const struct path_query *query,
                                    remote_page_fn *done, void *arg)
{
    return remote->ops->child(remote, query, done, arg);
}

/* A range of content from a preauthenticated URL. */
static inline uint64_t remote_fetch(struct remote *remote, const struct fetch_query *query,
                                    remote_fetch_fn *done, void *arg)
{
    return remote->ops->fetch(remote, query, done, arg);
}

/* The versions of a file, the newest first: that is the content of now. */
static inline uint64_t remote_versions(struct remote *remote, const struct version_query *query,
                                       remote_versions_fn *done, void *arg)
{
    return remote->ops->versions(remote, query, done, arg);
}

/* Where the content of a version is to be had, for remote_fetch(). The service refuses that of the
 * newest one (400), which the item's own URL leads to. */
static inline uint64_t remote_version_url(struct remote *remote, const struct version_query *query,
                                          remote_url_fn *done, void *arg)
{
    return remote->ops->version_url(remote, query, done, arg);
}

/* Makes a folder: a page of one item. If there is anything of that name, -EEXIST. */
static inline uint64_t remote_make_folder(struct remote *remote, const struct path_query *query,
                                          remote_page_fn *done, void *arg)
{
    return remote->ops->make_folder(remote, query, done, arg);
}

/* Moves, renames, gives another time, or all of it at once: a page of one item, as it is then. A
 * name that is taken is -EEXIST, and then nothing of it is done. */
static inline uint64_t remote_change(struct remote *remote, const struct change_query *query,
                                     remote_page_fn *done, void *arg)
{
    return remote->ops->change(remote, query, done, arg);
}

/* Deletes an item, a folder with all that is in it. -ENOENT if it isn't there (any more). */
static inline uint64_t remote_delete(struct remote *remote, const struct delete_query *query,
                                     remote_done_fn *done, void *arg)
{
    return remote->ops->remove(remote, query, done, arg);
}

/* From now on new folders, changes and deletions are kept back until remote_send_gathered(), and go
 * out together then, many in one request, in any order. Nothing else is. Who asks for these is one
 * thread. */
static inline void remote_gather(struct remote *remote)
{
    remote->ops->gather(remote);
}

static inline void remote_send_gathered(struct remote *remote)
{
    remote->ops->send_gathered(remote);
}

/* Sends a whole content: a page of one item. Its mtime is the time of day on the server. */
static inline uint64_t remote_put(struct remote *remote, const struct put_query *query,
                                  remote_page_fn *done, void *arg)
{
    return remote->ops->put(remote, query, done, arg);
}

/* Begins to send a content in fragments: says where they go. */
static inline uint64_t remote_session_begin(struct remote *remote,
                                            const struct session_query *query,
                                            remote_session_fn *done, void *arg)
{
    return remote->ops->session_begin(remote, query, done, arg);
}

/* Sends one fragment; of a session there is one on its way at a time. */
static inline uint64_t remote_session_put(struct remote *remote, const struct fragment_query *query,
                                          remote_fragment_fn *done, void *arg)
{
    return remote->ops->session_put(remote, query, done, arg);
}

/* Where a session goes on. */
static inline uint64_t remote_session_ask(struct remote *remote, const struct fragment_query *query,
                                          remote_session_fn *done, void *arg)
{
    return remote->ops->session_ask(remote, query, done, arg);
}

/* Makes the file of a session that defers its commit: a page of one item. Personal drives have no
 * such thing (405). */
static inline uint64_t remote_session_commit(struct remote *remote,
                                             const struct fragment_query *query,
                                             remote_page_fn *done, void *arg)
{
    return remote->ops->session_commit(remote, query, done, arg);
}

/* Gives a session up, with what it has received. -ENOENT: there was none any more. */
static inline uint64_t remote_session_end(struct remote *remote, const struct fragment_query *query,
                                          remote_done_fn *done, void *arg)
{
    return remote->ops->session_end(remote, query, done, arg);
}

/* Ends a request early: its done runs with -ECANCELED, unless it ran already. */
static inline void remote_cancel(struct remote *remote, uint64_t id)
{
    remote->ops->cancel(remote, id);
}

#endif
