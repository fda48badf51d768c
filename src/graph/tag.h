/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_TAG_H
#define GRAPHFS_GRAPH_TAG_H

/*
 * eTags and cTags. They are opaque, but for two habits that all back ends share: the content host's
 * ETag is the item's without its quotes, and a tag ends in a counter. Pure functions.
 */

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
