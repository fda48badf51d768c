/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_ENCODE_H
#define GRAPHFS_BASE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes as text. Encoders return an allocated string for the caller to free. Decoders write at most
 * ${size} bytes to ${out}, set *ret_len, and return -EINVAL for anything that is not the encoding
 * of some bytes, -ENOBUFS if they don't fit.
 */

/* base64_encode: RFC 4648 section 4, padded */
char *base64_encode(const uint8_t *data, size_t len);

/* base64url_encode: RFC 4648 section 5, not padded */
char *base64url_encode(const uint8_t *data, size_t len);

/* base64_decode: either alphabet, padded or not */
int base64_decode(const char *text, uint8_t *out, size_t size, size_t *ret_len);

/* hex_encode: two lower-case digits a byte */
char *hex_encode(const uint8_t *data, size_t len);

/* hex_decode: digits of either case */
int hex_decode(const char *text, uint8_t *out, size_t size, size_t *ret_len);

#endif
