/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CONTENT_BELONG_H
#define GRAPHFS_CONTENT_BELONG_H

/* Whether what the service says now is about the content that a version stands for. Pure functions.
 */

#include "content/content.h"
#include "graph/item.h"
#include "graph/tag.h"

#include <stdbool.h>

enum belong {
    BELONG_SAME,  /* the same content */
    BELONG_OLDER, /* the answer is older than what the version is known by: reads may lag */
    BELONG_OTHER, /* other content now */
};

/* Compares an item with what is known of the version. */
enum belong belong_item(const struct content_id *id, const struct item *item);

#endif
