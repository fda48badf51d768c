/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_ENCODE_H
#define EMULATOR_ENCODE_H

#include <stddef.h>
#include <stdint.h>

/* Room for the base64 text of `n` bytes and a NUL. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)

/* Upper case. `out` must hold 2 * length + 1 characters. */
void hex_encode(const void *bytes, size_t length, char *out);

/* Standard alphabet, with padding. */
void base64_encode(const void *bytes, size_t length, char *out);

/* URL alphabet, without padding. */
void base64url_encode(const void *bytes, size_t length, char *out);

/* Takes both alphabets, with or without padding. Returns the length written to `out`, which must
 * hold strlen(text) bytes, or -1. */
long base64_decode(const char *text, void *out);

/* RFC 4648 base32, upper case, without padding; `length` must be a multiple of 5. */
void base32_encode(const void *bytes, size_t length, char *out);

/* Exactly `length` bytes (a multiple of 5) from upper-case base32; -1 when it is not that. */
int base32_decode(const char *text, void *out, size_t length);

/* `text` with %XX replaced once; `plus_is_space` for query strings. The caller frees the result,
 * which is NULL for a broken escape or an encoded NUL. */
char *url_decode(const char *text, size_t length, int plus_is_space);

#endif
