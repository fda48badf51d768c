/* SPDX-License-Identifier: MIT */
/*
 * Changes of items: new folders, other places, names and times, and the end of an item.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/xalloc.h"
#include "graph/remote_i.h"

struct change_op {
    struct op op;
    remote_page_fn *page_done;
    remote_done_fn *done; /* one of the two */
    void *arg;
};

/* ---- Ends ---- */

static void change_finish(struct change_op *change_op, struct item_page *page,
                          const struct err *err)
{
    if (change_op->page_done)
        change_op->page_done(page, err, change_op->arg);
    else
        change_op->done(err, change_op->arg);
    op_end(&change_op->op);
    free(change_op);
}

static void change_fail(struct op *op, const struct err *err)
{
    change_finish((struct change_op *)(void *)op, NULL, err);
}

static void on_item(struct call_answer *answer, const struct err *err, void *arg)
{
    struct change_op *change_op = arg;
    struct item_page *page = NULL;
    struct err why;
    if (err)
        change_finish(change_op, NULL, err);
    else if (remote_read_item(answer, &page, &why) < 0)
        change_finish(change_op, NULL, &why);
    else
        change_finish(change_op, page, NULL);
}

/* A success has nothing to say; if it has, it may be that it is none. */
static void on_deleted(struct call_answer *answer, const struct err *err, void *arg)
{
    struct change_op *change_op = arg;
    struct err why;
    if (err) {
        change_finish(change_op, NULL, err);
        return;
    }
    bool is_bare = answer->status / 100 == 2 && answer->body.len == 0;
    cleanup_json struct json_object *json = is_bare ? NULL : remote_read_change(answer, &why);
    change_finish(change_op, NULL, is_bare || json ? NULL : &why);
}

/* ---- Asking ---- */

static struct change_op *change_op_new(remote_page_fn *page_done, remote_done_fn *done, void *arg)
{
    struct change_op *change_op = x_calloc(1, sizeof(*change_op));
    change_op->op.fail = change_fail;
    change_op->page_done = page_done;
    change_op->done = done;
    change_op->arg = arg;
    return change_op;
}

/* The next property of the object that body becomes. */
static void add_property(struct strbuf *body, const char *name)
{
    (void)strbuf_addf(body, "%s\"%s\":", body->len == 0 ? "{" : ",", name);
}

uint64_t graph_remote_make_folder(struct remote *base, const struct path_query *query,
                                  remote_page_fn *done, void *arg)
{
    struct graph_remote *remote = graph_remote_of(base);
    struct change_op *change_op = change_op_new(done, NULL, arg);
    cleanup_draft struct draft draft;
    draft_init(&draft);
    remote_add_item_url(&draft.url, remote->root, query->drive_id, query->parent_id);
    (void)strbuf_addstr(&draft.url, "/children");
    add_property(&draft.body, "name");
    json_add_string(&draft.body, query->name);
    add_property(&draft.body, "folder");
    (void)strbuf_addstr(&draft.body, "{},\"@microsoft.graph.conflictBehavior\":\"fail\"}");
    uint64_t id = op_begin(remote, &change_op->op, query->priority, query->deadline_ms);
    gathered_send(&draft, &change_op->op, "POST", on_item);
    return id;
}

/* A name that is taken is refused also without being asked for; but a service has been seen that
 * replaced what had it. */
static void add_changes(struct draft *draft, const struct change_query *query)
{
    struct strbuf *body = &draft->body;
    if (query->parent_id) {
        add_property(body, "parentReference");
        (void)strbuf_addstr(body, "{\"id\":");
        json_add_string(body, query->parent_id);
        (void)strbuf_addch(body, '}');
    }
    if (query->name) {
        add_property(body, "name");
        json_add_string(body, query->name);
    }
    if (body->len > 0) {
        add_property(body, "@microsoft.graph.conflictBehavior");
        (void)strbuf_addstr(body, "\"fail\"");
    }
    if (query->has_mtime) {
        add_property(body, "fileSystemInfo");
        draft_add_times(draft, query->mtime_ns);
    }
    if (strbuf_addch(body, '}') == 0 && body->len == 1)
        (void)err_set(&draft->err, -EINVAL, "there is nothing to change");
}

uint64_t graph_remote_change(struct remote *base, const struct change_query *query,
                             remote_page_fn *done, void *arg)
{
    struct graph_remote *remote = graph_remote_of(base);
    struct change_op *change_op = change_op_new(done, NULL, arg);
    cleanup_draft struct draft draft;
    draft_init(&draft);
    remote_add_item_url(&draft.url, remote->root, query->drive_id, query->item_id);
    draft_add_tag(&draft, query->if_match);
    draft.is_repeatable = query->if_match != NULL;
    add_changes(&draft, query);
    uint64_t id = op_begin(remote, &change_op->op, query->priority, query->deadline_ms);
    gathered_send(&draft, &change_op->op, "PATCH", on_item);
    return id;
}

uint64_t graph_remote_delete(struct remote *base, const struct delete_query *query,
                             remote_done_fn *done, void *arg)
{
    struct graph_remote *remote = graph_remote_of(base);
    struct change_op *change_op = change_op_new(NULL, done, arg);
    cleanup_draft struct draft draft;
    draft_init(&draft);
    remote_add_item_url(&draft.url, remote->root, query->drive_id, query->item_id);
    draft_add_tag(&draft, query->if_match);
    uint64_t id = op_begin(remote, &change_op->op, query->priority, query->deadline_ms);
    gathered_send(&draft, &change_op->op, "DELETE", on_deleted);
    return id;
}
