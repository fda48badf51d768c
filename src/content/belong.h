/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_CONTENT_BELONG_H
#define GRAPHFS_CONTENT_BELONG_H

/*
 * Whether what the service says now is about the content that a version stands for. Tags are
 * opaque, but for two habits that all back ends share: the content host's ETag is the item's
 * without its quotes, and a tag ends in a counter. Pure functions.
 */

#include "content/content.h"
#include "graph/item.h"

#include <stdbool.h>

enum belong {
    BELONG_SAME,  /* the same content */
    BELONG_OLDER, /* the answer is older than what the version is known by: reads may lag */
    BELONG_OTHER, /* other content now */
};

/* Compares an item with what is known of the version. */
enum belong belong_item(const struct content_id *id, const struct item *item);

enum tag_order {
    TAG_EQUAL,
    TAG_BEFORE,    /* the first has the smaller counter */
    TAG_AFTER,     /* the first has the larger counter */
    TAG_UNRELATED, /* nothing can be said, or one of them is NULL */
};

/* Compares two tags, with or without quotes. */
enum tag_order tag_compare(const char *one, const char *other);

/* A copy of the tag without weak mark and quotes, for the caller to free. NULL for NULL. */
char *tag_plain(const char *tag);

#endif
