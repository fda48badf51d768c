/* SPDX-License-Identifier: MIT */
/* See push_fragment.h. */
#include "config.h"

#include "sync/push_fragment.h"

#include "graph/remote.h"

#define UNITS_MAX ((unsigned)(REMOTE_FRAGMENT_MAX / REMOTE_FRAGMENT_UNIT))

/* How long a fragment is to be on its way. */
#define WANTED_MS 4000

static unsigned bounded(int64_t units, unsigned most)
{
    if (units < 1)
        return 1;
    return units > most ? most : (unsigned)units;
}

/* It grows twofold at most: one answer says little. */
unsigned fragment_after(unsigned units, size_t length, int64_t took_ms)
{
    unsigned most = bounded((int64_t)units * 2, UNITS_MAX);
    int64_t fitting;

    if (took_ms <= 0)
        return most;
    fitting = (int64_t)length * WANTED_MS / took_ms / (int64_t)REMOTE_FRAGMENT_UNIT;
    /* The end of a content is short, and says nothing of longer ones. */
    if (length < (size_t)units * REMOTE_FRAGMENT_UNIT && fitting < units)
        return units;
    return bounded(fitting, most);
}

unsigned fragment_after_failure(unsigned units)
{
    return bounded(units / 2, UNITS_MAX);
}

size_t fragment_length(unsigned units, size_t uploads, int64_t left)
{
    unsigned most = bounded((int64_t)(UNITS_MAX / (uploads > 0 ? uploads : 1)), UNITS_MAX);
    size_t length = (size_t)(units < most ? units : most) * REMOTE_FRAGMENT_UNIT;

    return left < (int64_t)length ? (size_t)left : length;
}
