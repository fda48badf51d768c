/* SPDX-License-Identifier: MIT */
/* What somebody wants to have here, and what somebody wants to be rid of. */
#include "config.h"

#include "content/content_i.h"

#include <errno.h>

#include "base/lock.h"

void content_pin(struct content *content, uint64_t generation, int64_t size)
{
    struct version *version = content_get_version(content, generation, size);

    {
        LOCKED(&version->lock);
        if (!version->is_dropped)
            version_set_pinned(version, true);
    }

    version_unref(version);
}

void content_unpin(struct content *content, uint64_t generation)
{
    struct version *version = content_find_version(content, generation);

    if (!version)
        return;
    {
        LOCKED(&version->lock);
        version_set_pinned(version, false);
    }
    version_unref(version);
    /* Its bytes count again: the limit holds from now on. */
    (void)room_reserve(content, 0, false);
}

void content_pins_known(struct content *content)
{
    atomic_store(&content->knows_pins, true);
    (void)room_reserve(content, 0, false);
}

static int64_t forget_all(struct version *version)
{
    struct block_range rest = version_all(version), run;
    int64_t freed = 0;

    while ((run.first = bitmap_find(version->present, rest, true)) < rest.end) {
        rest.first = run.first;
        run.end = bitmap_find(version->present, rest, false);
        freed += version_forget(version, run);
        rest.first = run.end;
    }
    return freed;
}

static int version_evict(struct version *version, int64_t *ret_freed)
{
    LOCKED(&version->lock);
    if (version->is_pinned)
        return -EPERM;
    /* Reads that are listed still have had their answer, or the file would be open. */
    if (version->handles > 0)
        return -EBUSY;
    if (!version->is_loaded && !version->has_file)
        version_load(version); /* the scan may not have come here yet */
    if (version->is_loaded) {
        *ret_freed = version->fd >= 0 ? forget_all(version) : 0;
    } else {
        *ret_freed = version->used;
        version_remove(version);
    }
    return 0;
}

int content_evict(struct content *content, uint64_t generation, int64_t size, int64_t *ret_freed)
{
    struct version *version = content_get_version(content, generation, size);
    int r = version_evict(version, ret_freed);

    version_unref(version);
    return r;
}
