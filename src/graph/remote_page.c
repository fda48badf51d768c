/* SPDX-License-Identifier: MIT */
/*
 * Pages of children and delta, and one child by name.
 *
 * Links are followed verbatim, since their tokens are opaque, but only to the origin of the
 * service: the bearer goes with them.
 *
 * The pages of delta come one after the other, each with the link to the next. That one is asked
 * for as soon as the link has arrived, while the items before it are decoded: it is the early page.
 * Whoever follows the link gets it, at once if it has come by then. There is at most one; if nobody
 * follows its link for a while it is dropped.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/xalloc.h"
#include "graph/decode.h"
#include "graph/errmap.h"
#include "graph/remote_i.h"

/* Without `deleted` and `root` tombstones would look alive. */
#define ITEM_SELECT                                                                                \
    "$select=id,name,size,eTag,cTag,file,folder,package,remoteItem,root,deleted,parentReference,"  \
    "fileSystemInfo,specialFolder,malware,pendingOperations,lastModifiedDateTime,lastModifiedBy,"  \
    "webUrl"
/* The most that the service gives at once; it may give less. */
#define PAGE_TOP 1000
/* An early page older than this is not what the service would say now. */
#define EARLY_AGE_MS (10 * INT64_C(1000))

struct page_op {
    struct op op;
    enum page_query_kind kind;
    bool reads_on; /* the page after it is asked for early */
    char *link;    /* the one followed; NULL */
    char *name;    /* the child asked for; NULL */
    int64_t deadline_ms;
    remote_page_fn *done; /* NULL: nobody has asked for it */
    void *arg;
    /* Of the early page: */
    int64_t begun_ms; /* monotonic */
    bool has_come;    /* lock; with what follows */
    struct item_page *page;
    struct err err;
};

static void page_op_free(struct page_op *page_op)
{
    free(page_op->link);
    free(page_op->name);
    free(page_op);
}

static void page_end(struct page_op *page_op, struct item_page *page)
{
    item_page_free(page);
    op_end(&page_op->op);
    page_op_free(page_op);
}

/* The early page has come before anybody has asked for it: it is kept. */
static bool keep_early(struct page_op *page_op, struct item_page *page, const struct err *err)
{
    struct graph_remote *remote = page_op->op.remote;
    LOCKED(&remote->lock);
    if (remote->early != page_op)
        return false;
    page_op->has_come = true;
    page_op->page = page;
    if (err)
        page_op->err = *err;
    return true;
}

static void page_finish(struct page_op *page_op, struct item_page *page, const struct err *err)
{
    if (keep_early(page_op, page, err))
        return;
    if (page_op->done) {
        page_op->done(page, err, page_op->arg);
        page = NULL;
    }
    page_end(page_op, page);
}

static void page_fail(struct op *op, const struct err *err)
{
    page_finish((struct page_op *)(void *)op, NULL, err);
}

static struct page_op *page_op_new(remote_page_fn *done, void *arg)
{
    struct page_op *page_op = x_calloc(1, sizeof(*page_op));
    page_op->op.fail = page_fail;
    page_op->done = done;
    page_op->arg = arg;
    return page_op;
}

int remote_check_link(const struct graph_remote *remote, const char *link, struct err *err)
{
    struct url_origin origin;
    if (url_parse_origin(link, &origin, NULL) < 0)
        return err_set(err, -EPROTO, "a link of the service is not a URL");
    if (!url_same_origin(&origin, &remote->origin))
        return err_set(
            err, -EPROTO,
            "a link of the service leads to another host, %s: links are followed only to "
            "%s, because the token goes with them",
            origin.host, remote->origin.host);
    return 0;
}

static int check_links(const struct page_op *page_op, const struct item_page *page, struct err *err)
{
    if (page_op->link && page->next_link && strcmp(page_op->link, page->next_link) == 0)
        return err_set(err, -EPROTO, "the page's next link leads back to the page itself");
    if (page_op->kind == PAGE_DELTA && !page->next_link && !page->delta_link)
        return err_set(err, -EPROTO, "a page of delta without a link onward");
    /* Here already: a bad link that was stored would be followed again and again. */
    if (page->next_link && remote_check_link(page_op->op.remote, page->next_link, err) < 0)
        return -EPROTO;
    return page->delta_link ? remote_check_link(page_op->op.remote, page->delta_link, err) : 0;
}

static void begin_early(const struct page_op *before, const struct strbuf *body);

static void on_page(struct call_answer *answer, const struct err *err, void *arg)
{
    struct page_op *page_op = arg;
    struct item_page *page = NULL;
    struct err why;
    if (err) {
        page_finish(page_op, NULL, err);
        return;
    }
    if (page_op->reads_on)
        begin_early(page_op, &answer->body);
    cleanup_json struct json_object *json = decode_answer(&answer->body, &why);
    if (!json || decode_page(json, &page, &why) < 0) {
        errmap_note_id(&why, answer->request_id);
        page_finish(page_op, NULL, &why);
        return;
    }
    if (check_links(page_op, page, &why) < 0) {
        item_page_free(page);
        errmap_note_id(&why, answer->request_id);
        page_finish(page_op, NULL, &why);
        return;
    }
    page_finish(page_op, page, NULL);
}

static void add_query(struct strbuf *url, const char *what, unsigned top)
{
    (void)strbuf_addf(url, "/%s?$top=%u&" ITEM_SELECT, what, top);
}

void remote_add_children(struct strbuf *url, unsigned top)
{
    add_query(url, "children", top);
}

static void add_drive_url(struct strbuf *url, const char *root, const struct page_query *query)
{
    (void)strbuf_addf(url, "%s/drives/", root);
    (void)url_add_encoded(url, query->drive_id);
    (void)strbuf_addstr(url, "/root");
}

static void add_folder_url(struct strbuf *url, const char *root, const struct page_query *query)
{
    if (query->item_id)
        remote_add_item_url(url, root, query->drive_id, query->item_id);
    else
        add_drive_url(url, root, query);
}

static int build_url(const struct graph_remote *remote, const struct page_query *query,
                     struct strbuf *url, struct err *err)
{
    int ret = 0;
    switch (query->kind) {
    case PAGE_CHILDREN:
        add_folder_url(url, remote->root, query);
        remote_add_children(url, PAGE_TOP);
        break;
    case PAGE_DELTA:
        add_drive_url(url, remote->root, query);
        add_query(url, "delta", PAGE_TOP);
        break;
    case PAGE_LINK:
        ret = remote_check_link(remote, query->link, err);
        (void)strbuf_addstr(url, query->link);
        break;
    }
    if (ret == 0 && strbuf_error(url) < 0)
        ret = err_set(err, -EPROTO, "the URL of the request is too long");
    return ret;
}

static int page_call(struct page_op *page_op, const struct strbuf *url, call_done_fn *done)
{
    struct call_request request = {
        .kind = CALL_GRAPH,
        .method = "GET",
        .url = url->data,
        .prefer = REMOTE_SHOW_SHORTCUTS,
        .is_repeatable = true,
        .max_body = REMOTE_MAX_ANSWER,
    };
    return op_call(&page_op->op, &request, done);
}

/* ---- The early page ---- */

/* Unlinks the early page, unless it began after that. Returns it if it has come: for the caller to
 * end. What is still on its way ends by itself. */
static struct page_op *unlink_early(struct graph_remote *remote, int64_t before_ms)
{
    struct page_op *early;
    LOCKED(&remote->lock);
    early = remote->early;
    if (!early || early->begun_ms > before_ms)
        return NULL;
    remote->early = NULL;
    if (early->has_come)
        return early;
    early->op.is_cancelled = true;
    if (early->op.call_id != 0)
        call_cancel(remote->caller, early->op.call_id);
    return NULL;
}

static void drop_early(struct graph_remote *remote, int64_t before_ms)
{
    struct page_op *early = unlink_early(remote, before_ms);
    if (early)
        page_end(early, early->page);
}

void graph_remote_page_stop(struct graph_remote *remote)
{
    {
        LOCKED(&remote->lock);
        remote->is_stopping = true;
    }
    drop_early(remote, INT64_MAX);
}

/* False if there is one already: that of another drive. */
static bool link_early(struct graph_remote *remote, struct page_op *early)
{
    LOCKED(&remote->lock);
    if (remote->early || remote->is_stopping)
        return false;
    remote->early = early;
    return true;
}

/* Asks for the page behind this one. */
static void begin_early(const struct page_op *before, const struct strbuf *body)
{
    struct graph_remote *remote = before->op.remote;
    int64_t now_ms = clock_mono_ms(remote->clock);
    cleanup_free char *link = decode_next_link(body);
    cleanup_strbuf struct strbuf url;
    strbuf_init(&url, REMOTE_MAX_URL);
    if (!link || remote_check_link(remote, link, NULL) < 0 || strbuf_addstr(&url, link) < 0 ||
        (before->link && strcmp(before->link, link) == 0))
        return;
    drop_early(remote, now_ms - EARLY_AGE_MS);
    struct page_op *early = page_op_new(NULL, NULL);
    early->kind = PAGE_LINK;
    early->link = steal_ptr(&link);
    early->reads_on = true;
    early->deadline_ms = before->deadline_ms;
    early->begun_ms = now_ms;
    if (!link_early(remote, early)) {
        page_op_free(early);
        return;
    }
    (void)op_begin(remote, &early->op, before->op.priority, before->deadline_ms);
    if (page_call(early, &url, on_page) < 0)
        page_fail(&early->op, &(struct err){ .code = -ECANCELED });
}

static void deliver_early(void *arg)
{
    struct page_op *early = arg;
    page_finish(early, early->page, early->err.code != 0 ? &early->err : NULL);
}

/* Hands the early page over, if this is it. Returns its id, 0 if not. */
static uint64_t take_early(struct graph_remote *remote, const struct page_query *query,
                           remote_page_fn *done, void *arg)
{
    struct page_op *early;
    drop_early(remote, clock_mono_ms(remote->clock) - EARLY_AGE_MS);
    LOCKED(&remote->lock);
    early = remote->early;
    if (!early || query->kind != PAGE_LINK || strcmp(early->link, query->link) != 0)
        return 0;
    remote->early = NULL;
    early->done = done;
    early->arg = arg;
    uint64_t id = early->op.id;
    if (early->has_come)
        pool_submit(remote->pool, deliver_early, early);
    return id;
}

/* ---- Asking ---- */

uint64_t graph_remote_page(struct remote *base, const struct page_query *query,
                           remote_page_fn *done, void *arg)
{
    struct graph_remote *remote = graph_remote_of(base);
    uint64_t early_id = take_early(remote, query, done, arg);
    if (early_id != 0)
        return early_id;
    struct page_op *page_op = page_op_new(done, arg);
    cleanup_strbuf struct strbuf url;
    strbuf_init(&url, REMOTE_MAX_URL);
    page_op->kind = query->kind;
    page_op->reads_on = query->kind != PAGE_CHILDREN && query->priority == REMOTE_BACKGROUND;
    page_op->deadline_ms = query->deadline_ms;
    if (query->kind == PAGE_LINK)
        page_op->link = x_strdup(query->link);
    uint64_t id = op_begin(remote, &page_op->op, query->priority, query->deadline_ms);
    if (build_url(remote, query, &url, &page_op->op.err) < 0)
        op_fail_later(&page_op->op);
    else
        (void)page_call(page_op, &url, on_page); /* nobody knows its id yet who could cancel it */
    return id;
}

static int no_such_name(struct err *err)
{
    (void)err_set(err, -ENOENT, "there is no such name");
    err->http_status = 404;
    return -ENOENT;
}

/* The service finds names without regard to case; here they are exact, unless that is wanted. */
static int read_child(const struct page_op *page_op, const struct call_answer *answer,
                      struct item_page **ret_page, struct err *err)
{
    cleanup_json struct json_object *json = decode_answer(&answer->body, err);
    if (!json)
        return err->code;
    struct item_page *page = decode_page_new(1);
    int ret = decode_page_put(page, 0, json, err);
    if (ret == 0 && page_op->name &&
        (!page->items[0].name || strcmp(page->items[0].name, page_op->name) != 0))
        ret = no_such_name(err);
    if (ret < 0)
        item_page_free(page);
    else
        *ret_page = page;
    return ret;
}

static void on_child(struct call_answer *answer, const struct err *err, void *arg)
{
    struct page_op *page_op = arg;
    struct item_page *page = NULL;
    struct err why;
    if (err) {
        why = *err;
        /* A name that the service refuses can't be there either. */
        if (err->http_status == 400)
            (void)no_such_name(&why);
        page_finish(page_op, NULL, &why);
    } else if (read_child(page_op, answer, &page, &why) < 0) {
        errmap_note_id(&why, answer->request_id);
        page_finish(page_op, NULL, &why);
    } else {
        page_finish(page_op, page, NULL);
    }
}

uint64_t graph_remote_child(struct remote *base, const struct path_query *query,
                            remote_page_fn *done, void *arg)
{
    struct graph_remote *remote = graph_remote_of(base);
    struct page_op *page_op = page_op_new(done, arg);
    cleanup_strbuf struct strbuf url;
    strbuf_init(&url, REMOTE_MAX_URL);
    page_op->name = query->in_any_case ? NULL : x_strdup(query->name);
    uint64_t id = op_begin(remote, &page_op->op, query->priority, query->deadline_ms);
    remote_add_item_url(&url, remote->root, query->drive_id, query->parent_id);
    (void)strbuf_addstr(&url, ":/");
    (void)url_add_encoded(&url, query->name);
    if (strbuf_error(&url) < 0) {
        (void)no_such_name(&page_op->op.err);
        op_fail_later(&page_op->op);
    } else {
        (void)page_call(page_op, &url, on_child);
    }
    return id;
}
