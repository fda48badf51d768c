/* SPDX-License-Identifier: MIT */
/*
 * Growing strings: the invariants stand in strbuf.h. Memory doubles, but never beyond what the
 * limit can use, so that a limit of 1 MiB costs 1 MiB and not two.
 */
#include "config.h"

#include "base/strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What all empty buffers point to; nothing is ever written there. */
static char strbuf_nothing[1];

void strbuf_init(struct strbuf *b, size_t max)
{
    *b = (struct strbuf){ .data = strbuf_nothing, .max = max };
}

void strbuf_clear(struct strbuf *b)
{
    if (b->capacity)
        free(b->data);
    strbuf_init(b, b->max);
}

void strbuf_reset(struct strbuf *b)
{
    b->error = 0;
    strbuf_truncate(b, 0);
}

void strbuf_truncate(struct strbuf *b, size_t len)
{
    b->len = len;
    if (b->capacity)
        b->data[len] = '\0';
}

/* Makes room for ${extra} more bytes and the NUL. */
static int strbuf_grow(struct strbuf *b, size_t extra)
{
    size_t wanted, capacity;
    char *data;

    if (b->error)
        return b->error;
    if (extra > b->max - b->len)
        return b->error = -ENOBUFS;
    wanted = b->len + extra + 1;
    if (wanted <= b->capacity)
        return 0;
    capacity = b->capacity ? b->capacity : 64;
    while (capacity < wanted)
        capacity *= 2;
    if (capacity > b->max + 1)
        capacity = b->max + 1;
    data = realloc(b->capacity ? b->data : NULL, capacity);
    if (!data)
        return b->error = -ENOMEM;
    data[b->len] = '\0';
    b->data = data;
    b->capacity = capacity;
    return 0;
}

int strbuf_add(struct strbuf *b, const void *data, size_t len)
{
    int r = strbuf_grow(b, len);

    if (r < 0)
        return r;
    if (len)
        memcpy(b->data + b->len, data, len);
    strbuf_truncate(b, b->len + len);
    return 0;
}

int strbuf_addstr(struct strbuf *b, const char *str)
{
    return strbuf_add(b, str, strlen(str));
}

int strbuf_addch(struct strbuf *b, char ch)
{
    return strbuf_add(b, &ch, 1);
}

int strbuf_vaddf(struct strbuf *b, const char *fmt, va_list args)
{
    va_list again;
    int len, r;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, args);
    r = len < 0 ? -ENOMEM : strbuf_grow(b, (size_t)len);
    if (r == 0) {
        (void)vsnprintf(b->data + b->len, (size_t)len + 1, fmt, again);
        b->len += (size_t)len;
    } else {
        b->error = r;
    }
    va_end(again);
    return r;
}

int strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
    va_list args;
    int r;

    va_start(args, fmt);
    r = strbuf_vaddf(b, fmt, args);
    va_end(args);
    return r;
}

int strbuf_error(const struct strbuf *b)
{
    return b->error;
}

char *strbuf_steal(struct strbuf *b)
{
    char *str = NULL;

    if (strbuf_grow(b, 0) == 0) {
        str = b->data;
        b->capacity = 0;
    }
    strbuf_clear(b);
    return str;
}
