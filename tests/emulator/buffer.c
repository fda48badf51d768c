/* SPDX-License-Identifier: MIT */
/* Growable text. Invariant: either data is NULL, or data[length] is NUL and length < capacity. */
#include "buffer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

void buffer_reserve(struct buffer *buffer, size_t extra)
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
    buffer_reserve(buffer, length);
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
    buffer_reserve(buffer, 1);
    buffer->data[buffer->length++] = c;
    buffer->data[buffer->length] = '\0';
}

void buffer_addf(struct buffer *buffer, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);

    int length = vsnprintf(NULL, 0, format, args);

    va_end(args);
    if (length > 0) {
        buffer_reserve(buffer, (size_t)length);
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
    while (*text) {
        size_t plain = 0;

        while (text[plain] && (is_unreserved(text[plain]) || strchr(keep, text[plain])))
            plain++;
        buffer_add(buffer, text, plain);
        text += plain;
        if (*text)
            buffer_addf(buffer, "%%%02X", (unsigned)(unsigned char)*text++);
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
