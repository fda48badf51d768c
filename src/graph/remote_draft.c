/* SPDX-License-Identifier: MIT */
/*
 * What all changes have in common: how one is put together and sent, and how its answer is read.
 *
 * Which of them are sent again when their fate is unknown: what alters an item and carries its tag,
 * and nothing else. With a tag the service does it only to the item as it was, and doing it gives
 * the item another tag. So the second execution is none: it is refused (412), and since the caller
 * is told that an attempt before may have succeeded, he looks. Without a tag a second move or
 * upload might undo what somebody else has done since the first. A folder, file or session that is
 * made twice would be refused because of itself, and be taken for somebody else's. A delete takes
 * along what came into a folder since, of which the folder's tag says nothing: the caller looks
 * first.
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

/* A name has 255 characters, an id less: what is larger than this is none of them. */
#define MAX_BODY_BYTES ((size_t)64 * 1024)

void draft_init(struct draft *draft)
{
    *draft = (struct draft){ .content = NULL };
    strbuf_init(&draft->url, REMOTE_MAX_URL);
    strbuf_init(&draft->body, MAX_BODY_BYTES);
}

void draft_clear(struct draft *draft)
{
    strbuf_clear(&draft->url);
    strbuf_clear(&draft->body);
    free(draft->if_match);
}

void draft_add_tag(struct draft *draft, const char *tag)
{
    if (!tag)
        return;
    for (const unsigned char *p = (const unsigned char *)tag; *p != '\0'; p++) {
        if (*p < ' ' || *p == 0x7F)
            (void)err_set(&draft->err, -EINVAL, "the item's tag has control characters in it");
    }
    /* Those of old personal accounts come without the quotes that a header needs. */
    bool is_quoted = tag[0] == '"' || (tag[0] == 'W' && tag[1] == '/');
    draft->if_match = is_quoted ? x_strdup(tag) : x_asprintf("\"%s\"", tag);
}

void draft_add_times(struct draft *draft, int64_t mtime_ns)
{
    char text[TIME_RFC3339_SIZE];
    time_format_rfc3339(mtime_ns, text);
    (void)strbuf_addf(&draft->body, "{\"lastModifiedDateTime\":\"%s\"}", text);
}

int draft_check(const struct draft *draft, struct err *err)
{
    if (strbuf_error(&draft->url) < 0 || strbuf_error(&draft->body) < 0)
        return err_set(err, -EINVAL, "an id or a name is too long");
    if (draft->err.code < 0)
        *err = draft->err;
    return draft->err.code;
}

int draft_call(const struct draft *draft, struct op *op, const char *method, call_done_fn *done,
               struct err *err)
{
    struct call_request request = {
        .kind = CALL_GRAPH,
        .method = method,
        .url = draft->url.data,
        .if_match = draft->if_match,
        .body = draft->body.len > 0 ? draft->body.data : NULL,
        .body_length = draft->body.len,
        .is_change = true,
        .is_repeatable = draft->is_repeatable,
        .max_body = REMOTE_MAX_ANSWER,
    };
    if (draft->content) {
        request.body = draft->content;
        request.body_length = draft->content_length;
        request.is_content = true;
    }
    if (draft_check(draft, err) < 0)
        return err->code;
    return op_call(op, &request, done) < 0 ? err_set(err, -ECANCELED, "cancelled") : 0;
}

void draft_send(const struct draft *draft, struct op *op, const char *method, call_done_fn *done)
{
    /* Nobody knows its id yet who could cancel it. */
    if (draft_call(draft, op, method, done, &op->err) < 0)
        op_fail_later(op);
}

struct json_object *remote_read_change(const struct call_answer *answer, struct err *err)
{
    struct json_object *json = NULL;
    if (answer->status / 100 == 2)
        json = decode_answer(&answer->body, err);
    else
        (void)err_set(err, -EPROTO, "HTTP %ld instead of what was asked for", answer->status);
    if (!json) {
        /* An error object is an answer, whatever its status is. */
        err->is_fate_unknown = err->code == -EPROTO || errmap_leaves_doubt(err, false);
        errmap_note_id(err, answer->request_id);
    }
    return json;
}

int remote_take_item(struct json_object *json, const struct call_answer *answer,
                     struct item_page **ret_page, struct err *err)
{
    struct item_page *page = decode_page_new(1);
    if (decode_page_put(page, 0, json, err) < 0) {
        item_page_free(page);
        err->is_fate_unknown = true;
        errmap_note_id(err, answer->request_id);
        return err->code;
    }
    *ret_page = page;
    return 0;
}

int remote_read_item(const struct call_answer *answer, struct item_page **ret_page, struct err *err)
{
    cleanup_json struct json_object *json = remote_read_change(answer, err);
    return json ? remote_take_item(json, answer, ret_page, err) : err->code;
}
