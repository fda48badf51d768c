/* SPDX-License-Identifier: MIT */
/*
 * The user's drives: /me/drive, which is the default one, then all pages of /me/drives. The first
 * round can't begin before, so both are asked for at once; the answers are looked at in this order
 * when both are there.
 *
 * The list alone wouldn't do: on personal accounts it has phantoms before the real one, and it is
 * refused for some seconds after a sign-in. So a refused list (4xx) is left out when there is a
 * default drive, and a missing default drive (an account without a licence) when there is a list.
 * Then no drive is called the default one, which doesn't say that the one known so far isn't.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "graph/decode.h"
#include "graph/errmap.h"
#include "graph/remote_i.h"

#define MAX_PAGES 100

/* How a call has ended. */
struct drives_answer {
    struct json_object *json; /* NULL: err says why */
    struct err err;
    char request_id[UUID_SIZE];
};

struct drives_op {
    struct op op;         /* asks for the list */
    struct op default_op; /* asks for the default drive */
    unsigned awaited;     /* lock of the remote: of the first two answers */
    struct drives_answer default_answer;
    struct drives_answer list_answer; /* its first page */
    struct drive_list *list;
    unsigned pages;
    remote_drives_fn *done;
    void *arg;
};

static void drives_finish(struct drives_op *drives_op, const struct err *err)
{
    if (err) {
        drive_list_free(drives_op->list);
        drives_op->list = NULL;
    }
    drives_op->done(drives_op->list, err, drives_op->arg);
    (void)json_object_put(drives_op->default_answer.json);
    (void)json_object_put(drives_op->list_answer.json);
    op_end(&drives_op->default_op);
    op_end(&drives_op->op);
    free(drives_op);
}

static bool is_refused(const struct err *err)
{
    return err->http_status >= 400 && err->http_status < 500 && err->http_status != 401 &&
           err->http_status != 429;
}

static int ask(struct op *op, const char *url, call_done_fn *done)
{
    struct call_request request = {
        .kind = CALL_GRAPH,
        .method = "GET",
        .url = url,
        .is_repeatable = true,
        .max_body = REMOTE_MAX_ANSWER,
    };
    return op_call(op, &request, done);
}

static void add_all(struct drive_list *list, struct json_object *values)
{
    for (size_t i = 0; i < json_object_array_length(values); i++) {
        struct err why;
        if (decode_drives_add(list, json_object_array_get_idx(values, i), false, &why) < 0)
            log_warn("graph", "an entry of the list of drives is left out: %s", why.msg);
    }
}

/* Sets the link to the page after this one, NULL if there is none. It must lead to the service, and
 * not in circles. */
static int next_link(struct drives_op *drives_op, struct json_object *json, const char **ret_link,
                     struct err *err)
{
    const char *link = NULL;
    struct url_origin origin;
    if (json_get_str(json, "@odata.nextLink", &link) != JSON_OK) {
        *ret_link = NULL;
        return 0;
    }
    if (url_parse_origin(link, &origin, NULL) < 0 ||
        !url_same_origin(&origin, &drives_op->op.remote->origin))
        return err_set(err, -EPROTO, "the list of drives goes on at another host");
    if (++drives_op->pages >= MAX_PAGES)
        return err_set(err, -EPROTO, "the list of drives has no end");
    *ret_link = link;
    return 0;
}

static void on_more(struct call_answer *answer, const struct err *err, void *arg);

/* A page of the list, and what comes after it. */
static void take_list(struct drives_op *drives_op, const struct drives_answer *answer)
{
    struct json_object *values;
    const char *link = NULL;
    struct err why = answer->err;
    if (!answer->json) {
        bool is_enough = is_refused(&why) && drives_op->list->count > 0;
        drives_finish(drives_op, is_enough ? NULL : &why);
        return;
    }
    if (json_get_array(answer->json, "value", &values) == JSON_OK) {
        add_all(drives_op->list, values);
        (void)next_link(drives_op, answer->json, &link, &why);
    } else {
        (void)err_set(&why, -EPROTO, "the answer is not a list of drives");
    }
    if (why.code != 0)
        errmap_note_id(&why, answer->request_id);
    else if (link && ask(&drives_op->op, link, on_more) < 0)
        (void)err_set(&why, -ECANCELED, "cancelled");
    if (why.code != 0 || !link)
        drives_finish(drives_op, why.code != 0 ? &why : NULL);
}

static void take_first(struct drives_op *drives_op)
{
    struct drives_answer *answer = &drives_op->default_answer;
    struct err *err = &answer->err;
    if (answer->json && decode_drives_add(drives_op->list, answer->json, true, err) < 0)
        errmap_note_id(err, answer->request_id);
    if (err->code != 0 && (answer->json || !is_refused(err)))
        drives_finish(drives_op, err);
    else
        take_list(drives_op, &drives_op->list_answer);
}

static void read_answer(struct call_answer *answer, const struct err *err,
                        struct drives_answer *ret)
{
    *ret = (struct drives_answer){ 0 };
    if (err) {
        ret->err = *err;
        return;
    }
    memcpy(ret->request_id, answer->request_id, sizeof(ret->request_id));
    ret->json = decode_answer(&answer->body, &ret->err);
    if (!ret->json)
        errmap_note_id(&ret->err, ret->request_id);
}

static void on_more(struct call_answer *answer, const struct err *err, void *arg)
{
    struct drives_op *drives_op = arg;
    struct drives_answer more;
    read_answer(answer, err, &more);
    take_list(drives_op, &more);
    (void)json_object_put(more.json);
}

/* The one that comes second goes on with both. */
static bool is_second(struct drives_op *drives_op)
{
    LOCKED(&drives_op->op.remote->lock);
    return --drives_op->awaited == 0;
}

static void on_list(struct call_answer *answer, const struct err *err, void *arg)
{
    struct drives_op *drives_op = arg;
    read_answer(answer, err, &drives_op->list_answer);
    if (is_second(drives_op))
        take_first(drives_op);
}

static void on_default(struct call_answer *answer, const struct err *err, void *arg)
{
    struct drives_op *drives_op =
        (struct drives_op *)(void *)((char *)arg - offsetof(struct drives_op, default_op));
    read_answer(answer, err, &drives_op->default_answer);
    if (is_second(drives_op))
        take_first(drives_op);
}

void graph_remote_drives(struct remote *base, remote_drives_fn *done, void *arg)
{
    struct graph_remote *remote = graph_remote_of(base);
    struct drives_op *drives_op = x_calloc(1, sizeof(*drives_op));
    cleanup_free char *default_url = x_asprintf("%s/me/drive", remote->root);
    cleanup_free char *list_url = x_asprintf("%s/me/drives", remote->root);
    drives_op->awaited = 2;
    drives_op->list = decode_drives_new();
    drives_op->done = done;
    drives_op->arg = arg;
    (void)op_begin(remote, &drives_op->default_op, REMOTE_READ, 0);
    (void)op_begin(remote, &drives_op->op, REMOTE_READ, 0);
    /* Nobody knows their ids who could cancel them. */
    (void)ask(&drives_op->default_op, default_url, on_default);
    (void)ask(&drives_op->op, list_url, on_list);
}
