/* SPDX-License-Identifier: MIT */
/*
 * An item read can lag behind the delta feed that announced a version. An answer with other content
 * is therefore not yet a proof that the version is gone: if it is older, it says nothing. Which of
 * two answers is older is told by the counter that ends the eTag, else by the server's time of
 * the last change.
 */
#include "config.h"

#include "content/belong.h"

#include <ctype.h>
#include <string.h>

#include "base/xalloc.h"

/* A tag without its quotes: a piece of the original. */
struct plain {
    const char *text;
    size_t length;
};

static struct plain plain_of(const char *tag)
{
    struct plain plain = { tag, strlen(tag) };

    if (plain.length >= 2 && memcmp(plain.text, "W/", 2) == 0) {
        plain.text += 2;
        plain.length -= 2;
    }
    if (plain.length >= 2 && plain.text[0] == '"' && plain.text[plain.length - 1] == '"') {
        plain.text++;
        plain.length -= 2;
    }
    return plain;
}

/* The length without the digits at the end. */
static size_t stem_length(struct plain plain)
{
    size_t length = plain.length;

    while (length > 0 && isdigit((unsigned char)plain.text[length - 1]))
        length--;
    return length;
}

/* Compares two numbers by their digits, of any length. */
static int compare_digits(struct plain one, struct plain other)
{
    while (one.length > 1 && *one.text == '0') {
        one.text++;
        one.length--;
    }
    while (other.length > 1 && *other.text == '0') {
        other.text++;
        other.length--;
    }
    if (one.length != other.length)
        return one.length < other.length ? -1 : 1;
    return memcmp(one.text, other.text, one.length);
}

enum tag_order tag_compare(const char *one, const char *other)
{
    struct plain a, b;
    size_t stem;
    int order;

    if (!one || !other)
        return TAG_UNRELATED;
    a = plain_of(one);
    b = plain_of(other);
    if (a.length == b.length && memcmp(a.text, b.text, a.length) == 0)
        return TAG_EQUAL;
    stem = stem_length(a);
    if (stem == 0 || stem != stem_length(b) || memcmp(a.text, b.text, stem) != 0 ||
        stem == a.length || stem == b.length)
        return TAG_UNRELATED;
    order = compare_digits((struct plain){ a.text + stem, a.length - stem },
                           (struct plain){ b.text + stem, b.length - stem });
    return order < 0 ? TAG_BEFORE : order > 0 ? TAG_AFTER : TAG_EQUAL;
}

char *tag_plain(const char *tag)
{
    struct plain plain;

    if (!tag)
        return NULL;
    plain = plain_of(tag);
    return x_strndup(plain.text, plain.length);
}

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
