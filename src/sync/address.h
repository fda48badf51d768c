/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_ADDRESS_H
#define GRAPHFS_SYNC_ADDRESS_H

/* Where the children of a folder are to be asked for. */

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

struct address {
    int64_t drive; /* row id */
    char *drive_id;
    char *rid;      /* the folder's id there; NULL: a root that no answer has named yet */
    bool has_delta; /* the drive's changes can be followed */
};

/* Of a folder, a drive's root, or a shortcut. -ENOTDIR for anything else. Clear with
 * address_clear(). */
int address_find(struct store *store, const struct node *node, struct address *ret);
void address_clear(struct address *address);

#endif
