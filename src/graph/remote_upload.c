/* SPDX-License-Identifier: MIT */
/*
 * Content that is sent through Graph itself: a small file in one request; and the begin of an
 * upload session, whose fragments go elsewhere (remote_session.c).
 *
 * A new file is asked for by its name and its folder, and refused if there is anything. Which of
 * these are sent again when their fate is unknown is told in remote_draft.c.
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
#include "graph/secret.h"

/* Who sends more slowly than this is not waited for. */
#define SLOWEST_BYTES_PER_MS 4

struct upload_op {
    struct op op;
    int64_t size;
    remote_page_fn *page_done;
    remote_session_fn *session_done; /* one of the two */
    void *arg;
};

int64_t remote_upload_deadline_ms(int64_t asked_ms, enum remote_priority priority, size_t length)
{
    if (asked_ms > 0)
        return asked_ms;
    return call_default_deadline_ms(priority) + (int64_t)length / SLOWEST_BYTES_PER_MS;
}

/* ---- Ends ---- */

static void put_finish(struct upload_op *upload_op, struct item_page *page, const struct err *err)
{
    upload_op->page_done(page, err, upload_op->arg);
    op_end(&upload_op->op);
    free(upload_op);
}

static void put_fail(struct op *op, const struct err *err)
{
    put_finish((struct upload_op *)(void *)op, NULL, err);
}

static void begin_finish(struct upload_op *upload_op, const struct upload_session *session,
                         const struct err *err)
{
    upload_op->session_done(session, err, upload_op->arg);
    op_end(&upload_op->op);
    free(upload_op);
}

static void begin_fail(struct op *op, const struct err *err)
{
    begin_finish((struct upload_op *)(void *)op, NULL, err);
}

static void on_put(struct call_answer *answer, const struct err *err, void *arg)
{
    struct upload_op *upload_op = arg;
    struct item_page *page = NULL;
    struct err why;
    if (err)
        put_finish(upload_op, NULL, err);
    else if (remote_read_item(answer, &page, &why) < 0)
        put_finish(upload_op, NULL, &why);
    else
        put_finish(upload_op, page, NULL);
}

/* Nothing was sent yet: a session that goes on anywhere but at the begin has something of somebody
 * else's. */
static int read_begun(const struct upload_op *upload_op, struct json_object *json,
                      struct upload_session *session, struct err *err)
{
    if (json_get_str(json, "uploadUrl", &session->url) != JSON_OK ||
        strlen(session->url) > REMOTE_MAX_URL)
        return err_set(err, -EPROTO, "the upload session doesn't say where it is");
    int ret = url_check_content(session->url, err);
    if (ret == 0)
        ret = decode_session(json, upload_op->size, 0, &session->next, &session->expires_ms, err);
    if (ret == 0 && session->next != 0)
        ret = err_set(err, -EPROTO, "the upload session doesn't begin at the begin");
    return ret;
}

static void on_begun(struct call_answer *answer, const struct err *err, void *arg)
{
    struct upload_op *upload_op = arg;
    struct upload_session session = { 0 };
    struct err why;
    if (err) {
        begin_finish(upload_op, NULL, err);
        return;
    }
    cleanup_json struct json_object *json = remote_read_change(answer, &why);
    if (!json) {
        begin_finish(upload_op, NULL, &why);
    } else if (read_begun(upload_op, json, &session, &why) < 0) {
        why.is_fate_unknown = true;
        errmap_note_id(&why, answer->request_id);
        begin_finish(upload_op, NULL, &why);
    } else {
        begin_finish(upload_op, &session, NULL);
    }
    secret_clear_strbuf(&answer->body);
}

/* ---- Asking ---- */

/* Of the content of the target, or of a session for it. */
static void add_target(struct draft *draft, const struct graph_remote *remote,
                       const struct upload_target *target, const char *what)
{
    bool is_new = !target->item_id;
    remote_add_item_url(&draft->url, remote->root, target->drive_id,
                        is_new ? target->parent_id : target->item_id);
    if (is_new) {
        (void)strbuf_addstr(&draft->url, ":/");
        (void)url_add_encoded(&draft->url, target->name);
        (void)strbuf_addch(&draft->url, ':');
        if (target->name[0] == '\0')
            (void)err_set(&draft->err, -EINVAL, "a file needs a name");
    }
    (void)strbuf_addf(&draft->url, "/%s", what);
    draft_add_tag(draft, is_new ? NULL : target->if_match);
}

uint64_t graph_remote_put(struct remote *base, const struct put_query *query, remote_page_fn *done,
                          void *arg)
{
    struct graph_remote *remote = graph_remote_of(base);
    struct upload_op *upload_op = x_calloc(1, sizeof(*upload_op));
    int64_t deadline_ms =
        remote_upload_deadline_ms(query->deadline_ms, query->priority, query->length);
    cleanup_draft struct draft draft;
    upload_op->op.fail = put_fail;
    upload_op->page_done = done;
    upload_op->arg = arg;
    draft_init(&draft);
    add_target(&draft, remote, &query->target, "content");
    if (!query->target.item_id)
        (void)strbuf_addstr(&draft.url, "?@microsoft.graph.conflictBehavior=fail");
    draft.content = query->length > 0 ? query->data : "";
    draft.content_length = query->length;
    draft.is_repeatable = draft.if_match != NULL;
    if (query->length > REMOTE_PUT_MAX)
        (void)err_set(&draft.err, -EFBIG, "the content is too large for one request");
    uint64_t id = op_begin(remote, &upload_op->op, query->priority, deadline_ms);
    draft_send(&draft, &upload_op->op, "PUT", on_put);
    return id;
}

/* What is to become of the content stands in `item`, where alone it is heard. */
static void add_terms(struct draft *draft, const struct session_query *query)
{
    struct strbuf *body = &draft->body;
    bool is_new = !query->target.item_id;
    (void)strbuf_addf(body, "{\"item\":{\"@microsoft.graph.conflictBehavior\":\"%s\"",
                      is_new ? "fail" : "replace");
    if (is_new) {
        (void)strbuf_addstr(body, ",\"name\":");
        json_add_string(body, query->target.name);
    }
    (void)strbuf_addf(body, ",\"fileSize\":%lld", (long long)query->size);
    if (query->has_mtime) {
        (void)strbuf_addstr(body, ",\"fileSystemInfo\":");
        draft_add_times(draft, query->mtime_ns);
    }
    (void)strbuf_addf(body, "}%s}", query->defers_commit ? ",\"deferCommit\":true" : "");
}

uint64_t graph_remote_session_begin(struct remote *base, const struct session_query *query,
                                    remote_session_fn *done, void *arg)
{
    struct graph_remote *remote = graph_remote_of(base);
    struct upload_op *upload_op = x_calloc(1, sizeof(*upload_op));
    cleanup_draft struct draft draft;
    upload_op->op.fail = begin_fail;
    upload_op->session_done = done;
    upload_op->arg = arg;
    upload_op->size = query->size;
    draft_init(&draft);
    add_target(&draft, remote, &query->target, "createUploadSession");
    add_terms(&draft, query);
    if (query->size <= 0)
        (void)err_set(&draft.err, -EINVAL, "no session can end that has nothing to send");
    uint64_t id = op_begin(remote, &upload_op->op, query->priority, query->deadline_ms);
    draft_send(&draft, &upload_op->op, "POST", on_begun);
    return id;
}
