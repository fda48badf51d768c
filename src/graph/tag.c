/* SPDX-License-Identifier: MIT */
/* Tags: see tag.h. */
#include "config.h"

#include "graph/tag.h"

#include <ctype.h>
#include <stddef.h>
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
