/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_BUFFER_H
#define EMULATOR_BUFFER_H

#include <stdarg.h>
#include <stddef.h>

/* A growable run of bytes; `data` is NUL-terminated once anything was added. A zeroed struct is an
 * empty buffer. */
struct buffer {
    char *data;
    size_t length;
    size_t capacity;
};

/* Makes room for `extra` bytes and a NUL. */
void buffer_reserve(struct buffer *buffer, size_t extra);

void buffer_add(struct buffer *buffer, const void *bytes, size_t length);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_add_char(struct buffer *buffer, char c);
void buffer_addf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The text so far; never NULL. Borrowed until the next change. */
const char *buffer_text(const struct buffer *buffer);

/* Adds `text` with everything outside A-Z a-z 0-9 - . _ ~ percent-encoded, and what is in `keep`.
 */
void buffer_add_url(struct buffer *buffer, const char *text, const char *keep);

void buffer_clear(struct buffer *buffer);

/* Releases the memory; the buffer is empty afterwards. */
void buffer_free(struct buffer *buffer);

#endif
