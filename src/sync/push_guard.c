/* SPDX-License-Identifier: MIT */
/*
 * The guard of a content that goes to an item in a session, so that nothing is written over that
 * somebody else has saved meanwhile. A session takes the item's tag for that, when it begins. But
 * on some services its beginning gives the item another tag, so that its end is refused for no
 * other reason. Where that was seen, and for sessions of a former process, the item is read right
 * before the last fragment instead: its content must be base's, whatever its tag is.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sync/apply_i.h"
#include "sync/push_i.h"

/* Pauses double from two seconds on: that is longer than reads lag. */
#define REFUSALS_BELIEVED 4

static bool is_equal(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool has_content_of(const struct item *item, const struct node_state *base)
{
    if (is_equal(base->ctag, item->ctag))
        return true;
    if (base->hash && item->hash && base->hash_kind == item->hash_kind)
        return is_equal(base->hash, item->hash);
    return is_equal(base->etag, item->etag);
}

static bool is_as_base(struct sync *sync, const struct push_job *job, const struct item *item)
{
    struct node node;
    bool ret;

    if (store_get_node(sync->conf.store, job->ino, &node) < 0)
        return false;
    ret = node.attr.flags & NODE_BASE && !(item->flags & ITEM_DELETED) &&
          has_content_of(item, &node.base);
    node_clear(&node);
    return ret;
}

/* The tag that the end was refused for: then what was read is older than that. But a session that
 * moves the tag each time is never seen otherwise where reads lag: after some times it is believed.
 */
static bool may_be_older(struct sync *sync, const struct push_job *job, const struct item *item)
{
    struct node node;
    bool ret;

    if (store_get_node(sync->conf.store, job->ino, &node) < 0)
        return false;
    ret = is_equal(node.base.etag, item->etag) &&
          pauses_count_failures(&sync->push.pauses, job->ino) < REFUSALS_BELIEVED;
    node_clear(&node);
    return ret;
}

bool guard_takes_tag(const struct sync *sync, const struct push_job *job)
{
    return job->intent.rid && !sync->push.sessions_move_tags;
}

bool guard_has_to_look(const struct push_job *job)
{
    return job->intent.rid && !job->has_tag_guard;
}

void guard_learn(struct sync *sync, const struct push_job *job, const struct item *item)
{
    if (!job->end_was_refused || sync->push.sessions_move_tags || !is_as_base(sync, job, item) ||
        may_be_older(sync, job, item))
        return;
    log_info("sync", "the service gives files a new tag when an upload of them begins");
    sync->push.sessions_move_tags = true;
}

/* ---- looking ---- */

static void on_item(struct sync *sync, struct answer *answer, void *owner)
{
    struct push_job *job = owner;
    bool has_item = answer->err.code == 0 && answer->page && answer->page->count > 0;
    const struct err *err = has_item && answer->errors ? &answer->errors[0] : &answer->err;
    struct err changed = { .code = -EAGAIN, .http_status = 412 };

    job->request = NULL;
    if (err->code == 0 && has_item && is_as_base(sync, job, &answer->page->items[0])) {
        push_send_fragment(sync, job);
        return;
    }
    free(job->buffer);
    job->buffer = NULL;
    push_end_session(sync, job);
    push_refused(sync, job, err->code == 0 ? &changed : err);
}

void guard_look(struct sync *sync, struct push_job *job)
{
    const struct item_query query = {
        .drive_id = job->drive.drive_id,
        .ids = (const char *const[]){ job->intent.rid },
        .count = 1,
        .priority = REMOTE_UPLOAD,
    };

    job->request = request_items(sync, &query, on_item, job);
}
