/* SPDX-License-Identifier: MIT */
/*
 * An item read can lag behind the delta feed that announced a version. An answer with other content
 * is therefore not yet a proof that the version is gone: if it is older, it says nothing. Which of
 * two answers is older is told by the counter that ends the eTag, else by the server's time of
 * the last change.
 */
#include "config.h"

#include "content/belong.h"

#include <string.h>

static bool same_text(const char *one, const char *other)
{
    return one && other && strcmp(one, other) == 0;
}

static bool is_same_content(const struct content_id *id, const struct item *item)
{
    bool same_size = (item->flags & ITEM_HAS_SIZE) && item->size == id->size;

    if (same_text(id->ctag, item->ctag))
        return true;
    if (!same_size)
        return false;
    if (id->hash_kind != HASH_NONE && id->hash_kind == item->hash_kind &&
        same_text(id->hash, item->hash))
        return true;
    return same_text(id->etag, item->etag);
}

enum belong belong_item(const struct content_id *id, const struct item *item)
{
    enum tag_order order;

    if (is_same_content(id, item))
        return BELONG_SAME;
    order = tag_compare(item->etag, id->etag);
    if (order != TAG_UNRELATED)
        return order == TAG_BEFORE ? BELONG_OLDER : BELONG_OTHER;
    if (item->server_mtime_ns != 0 && item->server_mtime_ns < id->server_mtime_ns)
        return BELONG_OLDER;
    return BELONG_OTHER;
}
