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

/* The version's lock is held. */
static int check_evictable(const struct version *version)
{
    if (version->is_pinned)
        return -EPERM;
    /* Reads that are listed still have had their answer, or the file would be open. */
    return version->handles > 0 ? -EBUSY : 0;
}

static struct block_range pick(struct version *version)
{
    struct block_range none = { 0, 0 };

    return check_evictable(version) < 0 ? none : version_present_run(version);
}

/* What can be told without waiting for the disk: *ret_freed, or that blocks have to leave. */
static int begin_eviction(struct version *version, int64_t *ret_freed, bool *ret_must_leave)
{
    int r;

    LOCKED(&version->lock);
    r = check_evictable(version);
    if (r < 0)
        return r;
    if (!version->is_loaded && !version->has_file)
        version_load(version); /* the scan may not have come here yet */
    *ret_must_leave = version->is_loaded;
    *ret_freed = 0;
    if (!version->is_loaded) {
        *ret_freed = version->used;
        version_remove(version);
    }
    return 0;
}

static int version_evict(struct version *version, int64_t *ret_freed)
{
    bool must_leave = false;
    int64_t left;
    int r = begin_eviction(version, ret_freed, &must_leave);

    while (must_leave && (left = version_leave(version, pick)) > 0)
        *ret_freed += left;
    return r;
}

int content_evict(struct content *content, uint64_t generation, int64_t size, int64_t *ret_freed)
{
    struct version *version = content_get_version(content, generation, size);
    int r = version_evict(version, ret_freed);

    version_unref(version);
    return r;
}
