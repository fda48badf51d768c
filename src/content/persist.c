/* SPDX-License-Identifier: MIT */
/*
 * Makes what is present survive a power cut, off everybody's way: versions that were closed queue
 * up, and one job at a time syncs their data and then writes `synced`. The bits themselves are not
 * synced: they reach the disk in time, or are missing after the cut, and either is right.
 *
 * Many small files are synced by one syncfs, since a file's own fdatasync costs a turn of the disk
 * each. A block that was lost while its version was being synced may have come back since,
 * unsynced: such a version is left for its next close.
 */
#include "config.h"

#include "content/content_i.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/xalloc.h"

#define BATCH 64

/* What a version had before the sync. */
struct snapshot {
    struct version *version; /* referenced */
    uint8_t *present;
    uint64_t losses;
    int fd; /* -1: nothing to do */
    enum verdict verdict;
};

static struct snapshot snapshot_take(struct version *version)
{
    struct snapshot snapshot = { .version = version, .fd = -1 };
    size_t map_size;

    LOCKED(&version->lock);
    if (version->fd < 0 || version->is_dropped || !version->has_unsynced)
        return snapshot;
    map_size = bitmap_size(version->blocks);
    snapshot.fd = version->fd;
    snapshot.present = x_malloc(map_size);
    memcpy(snapshot.present, version->present, map_size);
    snapshot.losses = version->losses;
    snapshot.verdict = version->verdict;
    return snapshot;
}

static void snapshot_record(const struct snapshot *snapshot)
{
    struct version *version = snapshot->version;
    size_t map_size;

    LOCKED(&version->lock);
    if (version->losses != snapshot->losses)
        return;
    map_size = bitmap_size(version->blocks);
    memcpy(version->synced, snapshot->present, map_size);
    version->verdict_synced = snapshot->verdict;
    version->has_unsynced = version->verdict != version->verdict_synced ||
                            memcmp(version->synced, version->present, map_size) != 0;
    (void)version_write_map(version, FORMAT_SYNCED, version_all(version));
    version_write_header(version);
}

static bool snapshots_sync(const struct snapshot *snapshots, size_t count)
{
    int fd = -1;
    size_t files = 0;

    for (size_t i = 0; i < count; i++) {
        if (snapshots[i].fd >= 0) {
            fd = snapshots[i].fd;
            files++;
        }
    }
    if (files == 0)
        return false;
    return (files == 1 ? fdatasync(fd) : syncfs(fd)) == 0;
}

/* Takes up to BATCH versions off the queue; 0 ends the job. */
static size_t queue_take(struct content *content, struct version *versions[BATCH])
{
    size_t count = 0;

    LOCKED(&content->lock);
    while (count < BATCH && !STAILQ_EMPTY(&content->persist_queue)) {
        struct version *version = STAILQ_FIRST(&content->persist_queue);

        STAILQ_REMOVE_HEAD(&content->persist_queue, persist_link);
        version->is_queued = false;
        versions[count++] = version;
    }
    if (count == 0)
        content->is_persisting = false;
    return count;
}

static void persist_job(void *arg)
{
    struct content *content = arg;
    struct version *versions[BATCH];
    struct snapshot snapshots[BATCH];
    size_t count;

    while ((count = queue_take(content, versions)) > 0) {
        bool is_synced;

        for (size_t i = 0; i < count; i++)
            snapshots[i] = snapshot_take(versions[i]);
        is_synced = snapshots_sync(snapshots, count);
        for (size_t i = 0; i < count; i++) {
            if (is_synced && snapshots[i].fd >= 0)
                snapshot_record(&snapshots[i]);
            free(snapshots[i].present);
            version_unref(versions[i]);
        }
    }
    content_job_end(content);
}

void version_persist_later(struct version *version)
{
    struct content *content = version->content;

    LOCKED(&content->lock);
    if (version->is_queued)
        return;
    version_ref(version);
    version->is_queued = true;
    STAILQ_INSERT_TAIL(&content->persist_queue, version, persist_link);
    if (content->is_persisting)
        return;
    content->is_persisting = true;
    content_job_begin(content);
    pool_submit(content->pool, persist_job, content);
}
