/* SPDX-License-Identifier: MIT */
/*
 * Deletions. The service deletes a folder with all that is in it, also with what somebody else has
 * put there and nobody here knows of. So a folder's children are listed right before: if anything
 * is left but what was just deleted from here (listings lag), the folder comes back instead.
 */
#include "config.h"

#include <errno.h>

#include "base/cleanup.h"
#include "graph/tag.h"
#include "sync/apply_i.h"
#include "sync/push_i.h"

static void on_deleted(struct sync *sync, struct answer *answer, void *owner)
{
    struct push_job *job = owner;

    job->request = NULL;
    if (answer->err.code == 0)
        push_succeed_gone(sync, job);
    else
        push_refused(sync, job, &answer->err); /* 404 is no proof: it may lag */
}

static void send_delete(struct sync *sync, struct push_job *job)
{
    const struct delete_query query = {
        .drive_id = job->drive.drive_id,
        .item_id = job->intent.rid,
        .if_match = job->if_match,
        .priority = REMOTE_UPLOAD,
    };

    job->request = request_delete(sync, &query, on_deleted, job);
}

/* ---- folders ---- */

/* Whether it is but an echo of what was deleted or moved away from here. */
static int is_ours(struct store_txn *txn, const struct push_job *job, const struct item *item,
                   bool *ret)
{
    struct node node;
    int r = txn_find_node(txn, job->drive.id, item->id, &node);

    if (r == -ENOENT)
        return txn_has_tombstone(txn, job->drive.id, item->id, ret);
    if (r < 0)
        return r;
    *ret = !(node.attr.flags & NODE_LOCAL) ||
           (node.base.parent != job->ino && tag_compare(item->etag, node.base.etag) == TAG_BEFORE);
    node_clear(&node);
    return 0;
}

static int count_foreign(struct store_txn *txn, const struct push_job *job,
                         const struct item_page *page, size_t *ret)
{
    int r = 0;

    *ret = page->next_link != NULL;
    for (size_t i = 0; i < page->count && r == 0; i++) {
        bool ours = false;

        r = is_ours(txn, job, &page->items[i], &ours);
        *ret += !ours;
    }
    return r;
}

/* The folder as the server has it, with what is in it. */
static int bring_back(struct store_txn *txn, const struct apply_context *context, ino_nr ino)
{
    struct applying applying = { .txn = txn, .context = context };

    return place_settle(&applying, place_revive(&applying, ino));
}

/* What somebody has moved into the folder after it was deleted here; a listing may not have it yet.
 */
static int count_shown(struct store_txn *txn, ino_nr folder, size_t *ret)
{
    cleanup_free ino_nr *related = NULL;
    size_t count = 0;
    int r = txn_list_related(txn, folder, &related, &count);

    for (size_t i = 0; i < count && r == 0; i++) {
        struct node node;

        r = txn_get_node(txn, related[i], &node);
        if (r < 0)
            break;
        *ret += node.attr.flags & NODE_LOCAL && node.local.parent == folder;
        node_clear(&node);
    }
    return r;
}

/* Returns 1 if the folder may be deleted, 0 if it has come back. */
static int judge(struct sync *sync, const struct push_job *job, const struct item_page *page,
                 struct err *err)
{
    const struct apply_context context = push_context(sync, job);
    cleanup_txn struct store_txn *txn = NULL;
    size_t foreign = 0;
    int r = store_begin(sync->conf.store, &txn, err);

    if (r == 0)
        r = count_foreign(txn, job, page, &foreign);
    if (r == 0)
        r = count_shown(txn, job->ino, &foreign);
    if (r == 0 && foreign == 0)
        return 1;
    if (r == 0)
        r = txn_clear_intent(txn, job->ino);
    if (r == 0)
        r = bring_back(txn, &context, job->ino);
    return r < 0 ? sync_explain(err, r, "reading a folder that is to be deleted")
                 : sync_commit(&txn, err);
}

/* That a listing lacks the folder is no word about it: the listing may lag. */
static void tell_refusal(struct sync *sync, struct push_job *job, const struct err *err)
{
    struct err late = *err;

    if (err->http_status == 404) {
        late.http_status = 0;
        late.retry = ERR_RETRY_LATER;
        late.is_fate_unknown = false;
    }
    push_refused(sync, job, &late);
}

static void on_children(struct sync *sync, struct answer *answer, void *owner)
{
    struct push_job *job = owner;
    struct err err = { 0 };
    int r;

    job->request = NULL;
    if (answer->err.code != 0) {
        tell_refusal(sync, job, &answer->err);
        return;
    }
    r = judge(sync, job, answer->page, &err);
    if (r < 0)
        push_end_failed(sync, job, &err);
    else if (r > 0)
        send_delete(sync, job);
    else
        push_end(sync, job);
}

void push_delete(struct sync *sync, struct push_job *job)
{
    const struct page_query query = {
        .kind = PAGE_CHILDREN,
        .drive_id = job->drive.drive_id,
        .item_id = job->intent.rid,
        .priority = REMOTE_UPLOAD,
    };

    if (job->is_folder)
        job->request = request_page(sync, &query, on_children, job);
    else
        send_delete(sync, job);
}
