/* SPDX-License-Identifier: MIT */
/*
 * How blocks that were synced leave the disk: their bits are cleared, that is synced, and then
 * their space is freed, so that no power cut leaves a bit without its bytes. A sync can take the
 * disk long, so it is waited for without the version's lock: who reads what stays isn't held up.
 *
 * Meanwhile the blocks count as pending. So nobody reads them, and nobody fetches them into the
 * space that is about to be freed; who wants one has it fetched afterwards.
 */
#include "config.h"

#include "content/content_i.h"

#include <unistd.h>

#include "base/lock.h"

/* Blocks on their way out. */
struct leaving {
    struct block_range blocks;
    bool must_sync;
    bool may_punch;
};

/* False: there is nothing to take. */
static bool begin(struct version *version, leave_pick_fn *pick, struct leaving *ret)
{
    LOCKED(&version->lock);
    if (!version->is_loaded || version->fd < 0)
        return false;
    ret->blocks = pick(version);
    if (ret->blocks.first >= ret->blocks.end)
        return false;
    /* Bits that could not be cleared must keep their data. */
    ret->may_punch = version_clear(version, ret->blocks, &ret->must_sync) == 0;
    bitmap_fill(version->pending, ret->blocks, true);
    return true;
}

static void free_space(const struct version *version, const struct leaving *leaving)
{
    bool is_safe = leaving->may_punch && (!leaving->must_sync || fdatasync(version->fd) == 0);

    if (is_safe)
        version_punch(version, leaving->blocks);
}

void version_release(struct version *version, struct block_range blocks)
{
    LOCKED(&version->lock);
    bitmap_fill(version->pending, blocks, false);
    if (LIST_EMPTY(&version->waits))
        return;
    read_want_again(version);
    fetch_advance_later(version);
}

int64_t version_leave(struct version *version, leave_pick_fn *pick)
{
    struct leaving leaving;
    int64_t bytes;

    if (!begin(version, pick, &leaving))
        return 0;
    bytes = block_range_bytes(leaving.blocks, version->size);
    free_space(version, &leaving);
    version_release(version, leaving.blocks);
    return bytes;
}
