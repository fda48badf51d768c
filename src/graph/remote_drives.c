/* SPDX-License-Identifier: MIT */
/*
 * The user's drives: /me/drive, which is the default one, then all pages of /me/drives.
 *
 * The list alone wouldn't do: on personal accounts it has phantoms before the real one, and it is
 * refused for some seconds after a sign-in. So a refused list (4xx) is left out when there is a
 * default drive, and a missing default drive (an account without a licence) when there is a list.
 * Then no drive is called the default one, which doesn't say that the one known so far isn't.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "graph/decode.h"
#include "graph/errmap.h"
#include "graph/remote_i.h"

#define MAX_PAGES 100

struct drives_op {
    struct op op;
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
    op_end(&drives_op->op);
    free(drives_op);
}

static void drives_fail(struct op *op, const struct err *err)
{
    drives_finish((struct drives_op *)(void *)op, err);
}

static bool is_refused(const struct err *err)
{
    return err->http_status >= 400 && err->http_status < 500 && err->http_status != 401 &&
           err->http_status != 429;
}

static void ask(struct drives_op *drives_op, const char *url, call_done_fn *done)
{
    struct call_request request = {
        .kind = CALL_GRAPH,
        .method = "GET",
        .url = url,
        .is_repeatable = true,
        .max_body = REMOTE_MAX_ANSWER,
    };
    if (op_call(&drives_op->op, &request, done) < 0) {
        struct err err;
        (void)err_set(&err, -ECANCELED, "cancelled");
        drives_finish(drives_op, &err);
    }
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

static void on_list(struct call_answer *answer, const struct err *err, void *arg)
{
    struct drives_op *drives_op = arg;
    struct json_object *values;
    struct err why;
    if (err) {
        bool is_enough = is_refused(err) && drives_op->list->count > 0;
        drives_finish(drives_op, is_enough ? NULL : err);
        return;
    }
    cleanup_json struct json_object *json = decode_answer(&answer->body, &why);
    if (!json || json_get_array(json, "value", &values) != JSON_OK) {
        if (json)
            (void)err_set(&why, -EPROTO, "the answer is not a list of drives");
        errmap_note_id(&why, answer->request_id);
        drives_finish(drives_op, &why);
        return;
    }
    add_all(drives_op->list, values);
    const char *link = NULL;
    bool is_wrong = next_link(drives_op, json, &link, &why) < 0;
    if (is_wrong)
        errmap_note_id(&why, answer->request_id);
    if (link)
        ask(drives_op, link, on_list);
    else
        drives_finish(drives_op, is_wrong ? &why : NULL);
}

static void on_default(struct call_answer *answer, const struct err *err, void *arg)
{
    struct drives_op *drives_op = arg;
    struct err why;
    if (err && !is_refused(err)) {
        drives_finish(drives_op, err);
        return;
    }
    if (!err) {
        cleanup_json struct json_object *json = decode_answer(&answer->body, &why);
        if (!json || decode_drives_add(drives_op->list, json, true, &why) < 0) {
            errmap_note_id(&why, answer->request_id);
            drives_finish(drives_op, &why);
            return;
        }
    }
    cleanup_free char *url = x_asprintf("%s/me/drives", drives_op->op.remote->root);
    ask(drives_op, url, on_list);
}

void graph_remote_drives(struct remote *base, remote_drives_fn *done, void *arg)
{
    struct graph_remote *remote = graph_remote_of(base);
    struct drives_op *drives_op = x_calloc(1, sizeof(*drives_op));
    cleanup_free char *url = x_asprintf("%s/me/drive", remote->root);
    drives_op->op.fail = drives_fail;
    drives_op->list = decode_drives_new();
    drives_op->done = done;
    drives_op->arg = arg;
    (void)op_begin(remote, &drives_op->op, REMOTE_READ, 0);
    ask(drives_op, url, on_default);
}
