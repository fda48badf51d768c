/* SPDX-License-Identifier: MIT */
/*
 * Whole small versions, fetched before anybody opens them. They are located together, in groups as
 * large as one request of the remote takes, so that such a file costs little more than the request
 * for its bytes. Nobody holds them open: what is on its way is referenced by its requests, and is
 * at rest once it is on disk.
 */
#include "config.h"

#include "content/content_i.h"

#include <stdlib.h>

#include "base/lock.h"
#include "base/xalloc.h"

/* What a batch of Graph's takes. */
enum { GROUP_MAX = 20 };

struct group {
    struct content *content;
    size_t count;
    struct version *versions[GROUP_MAX]; /* referenced */
    unsigned numbers[GROUP_MAX];         /* of their versions' locates */
    const char *ids[GROUP_MAX];          /* borrowed while the group is gathered */
};

static bool is_wanted(const struct version *version)
{
    return version->handles == 0 && version->present_count == 0 && !version->is_dropped &&
           !version->is_broken && TAILQ_EMPTY(&version->fetches) && !version->is_locating;
}

/* Has the version fetched if that makes sense; true: it is to be located. */
static bool prefetch_begin(struct version *version, const struct content_id *id,
                           unsigned *ret_number)
{
    LOCKED(&version->lock);
    if (version->size != id->size)
        return false;
    if (!version->is_loaded)
        version_load(version);
    if (!is_wanted(version))
        return false;
    version_describe(version, id);
    fetch_want_ahead(version, version_all(version), RANGE_BLOCKS);
    locate_mark(version);
    *ret_number = version->locates;
    return true;
}

static void on_located(struct item_page *page, const struct err *errors, const struct err *err,
                       void *arg)
{
    struct group *group = arg;
    struct content *content = group->content;

    for (size_t i = 0; i < group->count; i++) {
        locate_answer(group->versions[i], page, errors, err, i);
        fetch_advance(group->versions[i]);
        version_unref(group->versions[i]);
    }
    item_page_free(page);
    free(group);
    content_job_end(content);
}

/* For the end of the mount: whoever is asked to give up cancels the request of all. */
static void note_requests(struct content *content, const struct group *sent, uint64_t request)
{
    for (size_t i = 0; i < sent->count; i++) {
        if (locate_note_request(sent->versions[i], request, sent->numbers[i]) &&
            atomic_load(&content->is_closing))
            remote_cancel(content->remote, request);
        version_unref(sent->versions[i]);
    }
}

static void group_send(struct group *group, const char *drive_id)
{
    struct content *content = group->content;
    const struct item_query query = {
        .drive_id = drive_id,
        .ids = group->ids,
        .count = group->count,
        .priority = REMOTE_PREFETCH,
    };

    if (group->count == 0) {
        free(group);
        return;
    }
    const struct group sent = *group; /* which is gone once it is answered */

    for (size_t i = 0; i < sent.count; i++)
        version_ref(sent.versions[i]);
    content_job_begin(content);
    note_requests(content, &sent, remote_items(content->remote, &query, on_located, group));
}

static struct group *group_new(struct content *content)
{
    struct group *group = x_calloc(1, sizeof *group);

    group->content = content;
    return group;
}

static bool has_budget(struct content *content)
{
    return atomic_load(&content->prefetch_bytes) < PREFETCH_BUDGET / 2 &&
           !atomic_load(&content->is_closing);
}

void content_prefetch(struct content *content, const char *drive_id, const struct content_id *ids,
                      size_t count)
{
    struct group *group = group_new(content);

    for (size_t i = 0; i < count && has_budget(content); i++) {
        struct version *version;

        if (ids[i].size <= 0 || ids[i].size > CONTENT_SMALL_SIZE)
            continue;
        version = content_get_version(content, ids[i].generation, ids[i].size);
        if (!prefetch_begin(version, &ids[i], &group->numbers[group->count])) {
            version_unref(version);
            continue;
        }
        group->ids[group->count] = ids[i].item_id;
        group->versions[group->count++] = version;
        if (group->count == GROUP_MAX) {
            group_send(group, drive_id);
            group = group_new(content);
        }
    }
    group_send(group, drive_id);
}
