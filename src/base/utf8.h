/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_UTF8_H
#define GRAPHFS_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */

/*
 * utf8_next(str, len, ret_char):
 * Decodes the character at the start of ${str}. Returns its length in bytes, 1 to 4; 0 if ${len} is
 * 0 or the bytes there are not valid.
 */
size_t utf8_next(const char *str, size_t len, uint32_t *ret_char);

/*
 * utf8_put(character, out):
 * Encodes ${character}, a valid one, to ${out} without a NUL. Returns its length in bytes, 1 to 4.
 */
size_t utf8_put(uint32_t character, char out[4]);

/* utf8_valid(str, len): Whether all ${len} bytes are valid. An embedded NUL is. */
bool utf8_valid(const char *str, size_t len);

/*
 * utf8_printable(str):
 * A copy of ${str}, for the caller to free, with U+FFFD in place of what a terminal would not print
 * but act on, and of bytes that are not valid: control characters, and those that turn the
 * direction of writing.
 */
char *utf8_printable(const char *str);

/*
 * utf8_repair(str, len, out):
 * Appends ${len} bytes to ${out}, with U+FFFD in place of each byte that is not valid. Returns what
 * strbuf_add does.
 */
int utf8_repair(const char *str, size_t len, struct strbuf *out);

/* utf8_utf16_units(str, len): How long valid UTF-8 is in UTF-16 code units, as OneDrive counts. */
size_t utf8_utf16_units(const char *str, size_t len);

#endif
