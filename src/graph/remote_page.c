/* SPDX-License-Identifier: MIT */
/*
 * Pages of children and delta, and one child by name.
 *
 * Links are followed verbatim, since their tokens are opaque, but only to the origin of the
 * service: the bearer goes with them.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
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
#define PAGE_TOP "$top=1000"
/* Shows shortcuts to shared folders, which are hidden otherwise. */
#define SHOW_SHORTCUTS "Include-Feature=AddToOneDrive"

struct page_op {
    struct op op;
    enum page_query_kind kind;
    char *link; /* the one followed; NULL */
    char *name; /* the child asked for; NULL */
    remote_page_fn *done;
    void *arg;
};

static void page_finish(struct page_op *page_op, struct item_page *page, const struct err *err)
{
    page_op->done(page, err, page_op->arg);
    op_end(&page_op->op);
    free(page_op->link);
    free(page_op->name);
    free(page_op);
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

/* A link must lead to the origin of the service itself. */
static int check_link(const struct graph_remote *remote, const char *link, struct err *err)
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
    if (page->next_link && check_link(page_op->op.remote, page->next_link, err) < 0)
        return -EPROTO;
    return page->delta_link ? check_link(page_op->op.remote, page->delta_link, err) : 0;
}

static void on_page(struct call_answer *answer, const struct err *err, void *arg)
{
    struct page_op *page_op = arg;
    struct item_page *page = NULL;
    struct err why;
    if (err) {
        page_finish(page_op, NULL, err);
        return;
    }
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
        (void)strbuf_addstr(url, "/children?" PAGE_TOP "&" ITEM_SELECT);
        break;
    case PAGE_DELTA:
        add_drive_url(url, remote->root, query);
        (void)strbuf_addstr(url, "/delta?" PAGE_TOP "&" ITEM_SELECT);
        break;
    case PAGE_LINK:
        ret = check_link(remote, query->link, err);
        (void)strbuf_addstr(url, query->link);
        break;
    }
    if (ret == 0 && strbuf_error(url) < 0)
        ret = err_set(err, -EPROTO, "the URL of the request is too long");
    return ret;
}

static void page_call(struct page_op *page_op, const struct strbuf *url, call_done_fn *done)
{
    struct call_request request = {
        .kind = CALL_GRAPH,
        .method = "GET",
        .url = url->data,
        .prefer = SHOW_SHORTCUTS,
        .is_repeatable = true,
        .max_body = REMOTE_MAX_ANSWER,
    };
    /* Nobody knows its id yet who could have cancelled it. */
    (void)op_call(&page_op->op, &request, done);
}

uint64_t graph_remote_page(struct remote *base, const struct page_query *query,
                           remote_page_fn *done, void *arg)
{
    struct graph_remote *remote = graph_remote_of(base);
    struct page_op *page_op = page_op_new(done, arg);
    cleanup_strbuf struct strbuf url;
    strbuf_init(&url, REMOTE_MAX_URL);
    page_op->kind = query->kind;
    if (query->kind == PAGE_LINK)
        page_op->link = x_strdup(query->link);
    uint64_t id = op_begin(remote, &page_op->op, query->priority, query->deadline_ms);
    if (build_url(remote, query, &url, &page_op->op.err) < 0)
        op_fail_later(&page_op->op);
    else
        page_call(page_op, &url, on_page);
    return id;
}

static int no_such_name(struct err *err)
{
    (void)err_set(err, -ENOENT, "there is no such name");
    err->http_status = 404;
    return -ENOENT;
}

/* The service finds names without regard to case; here they are exact. */
static int read_child(const struct page_op *page_op, const struct call_answer *answer,
                      struct item_page **ret_page, struct err *err)
{
    cleanup_json struct json_object *json = decode_answer(&answer->body, err);
    if (!json)
        return err->code;
    struct item_page *page = decode_page_new(1);
    int ret = decode_page_put(page, 0, json, err);
    if (ret == 0 && (!page->items[0].name || strcmp(page->items[0].name, page_op->name) != 0))
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
    page_op->name = x_strdup(query->name);
    uint64_t id = op_begin(remote, &page_op->op, query->priority, query->deadline_ms);
    remote_add_item_url(&url, remote->root, query->drive_id, query->parent_id);
    (void)strbuf_addstr(&url, ":/");
    (void)url_add_encoded(&url, query->name);
    if (strbuf_error(&url) < 0) {
        (void)no_such_name(&page_op->op.err);
        op_fail_later(&page_op->op);
    } else {
        page_call(page_op, &url, on_child);
    }
    return id;
}
