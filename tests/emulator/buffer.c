/* SPDX-License-Identifier: MIT */
/* Growable text. Invariant: either data is NULL, or data[length] is NUL and length < capacity. */
#include "buffer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

static void reserve(struct buffer *buffer, size_t extra)
{
    size_t need = buffer->length + extra + 1;

    if (need <= buffer->capacity)
        return;
    if (need < buffer->capacity * 2)
        need = buffer->capacity * 2;
    if (need < 256)
        need = 256;
    buffer->data = mem_resize(buffer->data, need, 1);
    buffer->capacity = need;
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t length)
{
    reserve(buffer, length);
    if (length)
        memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_add_char(struct buffer *buffer, char c)
{
    buffer_add(buffer, &c, 1);
}

void buffer_addf(struct buffer *buffer, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);

    int length = vsnprintf(NULL, 0, format, args);

    va_end(args);
    if (length > 0) {
        reserve(buffer, (size_t)length);
        (void)vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data ? buffer->data : "";
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void buffer_add_url(struct buffer *buffer, const char *text, const char *keep)
{
    for (; *text; text++) {
        if (is_unreserved(*text) || strchr(keep, *text))
            buffer_add_char(buffer, *text);
        else
            buffer_addf(buffer, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    if (buffer->data)
        buffer->data[0] = '\0';
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){ 0 };
}
