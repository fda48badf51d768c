/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_REFUSAL_H
#define GRAPHFS_SYNC_REFUSAL_H

/* What the service refuses for good, or until somebody does something about it. */

#include "base/err.h"

#include <stdint.h>

struct refusal {
    const char *why;    /* NULL: as the service says */
    const char *remedy; /* what the user can do */
    int64_t retry_ms;   /* when it is tried again, for the cause may have gone */
};

/* The refusal that an error is; NULL if it passes by itself, or with the network or a sign-in. */
const struct refusal *refusal_find(const struct err *err);

#endif
