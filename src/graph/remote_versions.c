/* SPDX-License-Identifier: MIT */
/*
 * The versions of a file, and where the content of one is to be had.
 *
 * The latter is asked for with the token, but leads to a preauthenticated URL at another host: the
 * redirection is taken as an answer, never followed here.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/xalloc.h"
#include "graph/decode.h"
#include "graph/errmap.h"
#include "graph/remote_i.h"

/* A library keeps 500 versions of a file unless told otherwise, a page has some hundred. */
#define MAX_PAGES 20

struct versions_op {
    struct op op;
    struct version_infos *list; /* of the pages so far */
    unsigned pages;
    remote_versions_fn *done;
    remote_url_fn *url_done; /* one of the two */
    void *arg;
};

/* ---- ends ---- */

static void versions_finish(struct versions_op *versions_op, const struct err *err)
{
    struct version_infos *list = err ? NULL : steal_ptr(&versions_op->list);
    versions_op->done(list, err, versions_op->arg);
    op_end(&versions_op->op);
    version_infos_free(versions_op->list);
    free(versions_op);
}

static void url_finish(struct versions_op *versions_op, const char *url, const struct err *err)
{
    versions_op->url_done(url, err, versions_op->arg);
    op_end(&versions_op->op);
    free(versions_op);
}

static void versions_fail(struct op *op, const struct err *err)
{
    versions_finish((struct versions_op *)(void *)op, err);
}

static void url_fail(struct op *op, const struct err *err)
{
    url_finish((struct versions_op *)(void *)op, NULL, err);
}

/* ---- calls ---- */

static int ask(struct versions_op *versions_op, const char *url, call_done_fn *done,
               struct err *err)
{
    struct call_request request = {
        .kind = CALL_GRAPH,
        .method = "GET",
        .url = url,
        .is_repeatable = true,
        .max_body = REMOTE_MAX_ANSWER,
    };
    int ret = op_call(&versions_op->op, &request, done);
    return ret < 0 ? err_set(err, ret, "cancelled") : 0;
}

/* Adds the page that came. Returns 1 if another one was asked for, 0 if it was the last one. */
static int take_page(struct versions_op *versions_op, const struct call_answer *answer,
                     call_done_fn *again, struct err *err)
{
    const char *link;
    cleanup_json struct json_object *json = decode_answer(&answer->body, err);
    if (!json)
        return err->code;
    int ret = decode_versions_add(versions_op->list, json, err);
    if (ret < 0 || json_get_str(json, "@odata.nextLink", &link) != JSON_OK)
        return ret;
    ret = remote_check_link(versions_op->op.remote, link, err);
    if (ret < 0)
        return ret;
    if (++versions_op->pages >= MAX_PAGES)
        return 0; /* those are old */
    ret = ask(versions_op, link, again, err);
    return ret < 0 ? ret : 1;
}

static void on_page(struct call_answer *answer, const struct err *err, void *arg)
{
    struct versions_op *versions_op = arg;
    struct err why;
    if (err) {
        versions_finish(versions_op, err);
        return;
    }
    int ret = take_page(versions_op, answer, on_page, &why);
    if (ret < 0)
        errmap_note_id(&why, answer->request_id);
    if (ret <= 0)
        versions_finish(versions_op, ret < 0 ? &why : NULL);
}

static void on_redirection(struct call_answer *answer, const struct err *err, void *arg)
{
    struct versions_op *versions_op = arg;
    struct err why;
    if (err) {
        url_finish(versions_op, NULL, err);
    } else if (!answer->location || url_check_content(answer->location, NULL) < 0) {
        (void)err_set(&why, -EPROTO, "the service does not say where an old version is");
        errmap_note_id(&why, answer->request_id);
        url_finish(versions_op, NULL, &why);
    } else {
        url_finish(versions_op, answer->location, NULL);
    }
}

/* ---- operations ---- */

static uint64_t begin(struct remote *base, const struct version_query *query,
                      struct versions_op *versions_op, struct strbuf *url)
{
    struct graph_remote *remote = graph_remote_of(base);
    strbuf_init(url, REMOTE_MAX_URL);
    remote_add_item_url(url, remote->root, query->drive_id, query->item_id);
    (void)strbuf_addstr(url, "/versions");
    return op_begin(remote, &versions_op->op, query->priority, query->deadline_ms);
}

/* Nobody knows the operation's id yet who could cancel it. */
static void start(struct versions_op *versions_op, const struct strbuf *url, call_done_fn *done)
{
    struct err *err = &versions_op->op.err;
    if (strbuf_error(url) < 0) {
        (void)err_set(err, -EINVAL, "an id is too long");
        op_fail_later(&versions_op->op);
    } else {
        (void)ask(versions_op, url->data, done, err);
    }
}

uint64_t graph_remote_versions(struct remote *base, const struct version_query *query,
                               remote_versions_fn *done, void *arg)
{
    struct versions_op *versions_op = x_calloc(1, sizeof(*versions_op));
    cleanup_strbuf struct strbuf url;
    versions_op->op.fail = versions_fail;
    versions_op->list = decode_versions_new();
    versions_op->done = done;
    versions_op->arg = arg;
    uint64_t id = begin(base, query, versions_op, &url);
    start(versions_op, &url, on_page);
    return id;
}

uint64_t graph_remote_version_url(struct remote *base, const struct version_query *query,
                                  remote_url_fn *done, void *arg)
{
    struct versions_op *versions_op = x_calloc(1, sizeof(*versions_op));
    cleanup_strbuf struct strbuf url;
    versions_op->op.fail = url_fail;
    versions_op->url_done = done;
    versions_op->arg = arg;
    uint64_t id = begin(base, query, versions_op, &url);
    (void)strbuf_addch(&url, '/');
    (void)url_add_encoded(&url, query->version_id);
    (void)strbuf_addstr(&url, "/content");
    start(versions_op, &url, on_redirection);
    return id;
}
