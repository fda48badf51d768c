/* SPDX-License-Identifier: MIT */
/*
 * Base64 and hexadecimal. Decoding is strict about what it can see: bits that would be dropped at
 * the end must be zero, so that equal bytes have one unpadded text and comparing texts is safe.
 */
#include "config.h"

#include "base/encode.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/xalloc.h"

static const char base64_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex_digits[] = "0123456789abcdef";

static char *encode_base64(const uint8_t *data, size_t len, const char *alphabet, bool padded)
{
    char *text = x_malloc((len + 2) / 3 * 4 + 1), *out = text;

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)data[i] << 16;

        if (n > 1)
            group |= (uint32_t)data[i + 1] << 8;
        if (n > 2)
            group |= data[i + 2];
        for (size_t digit = 0; digit < 4; digit++) {
            if (digit <= n)
                *out++ = alphabet[group >> (18 - 6 * digit) & 0x3F];
            else if (padded)
                *out++ = '=';
        }
    }
    *out = '\0';
    return text;
}

char *base64_encode(const uint8_t *data, size_t len)
{
    return encode_base64(data, len, base64_standard, true);
}

char *base64url_encode(const uint8_t *data, size_t len)
{
    return encode_base64(data, len, base64_url, false);
}

/* The value of a digit of either alphabet, -1 if it is none. */
static int base64_value(char digit)
{
    const char *found;

    if (digit == '\0')
        return -1;
    found = strchr(base64_standard, digit);
    if (found)
        return (int)(found - base64_standard);
    found = strchr(base64_url, digit);
    return found ? (int)(found - base64_url) : -1;
}

int base64_decode(const char *text, uint8_t *out, size_t size, size_t *ret_len)
{
    size_t digits = strlen(text), padding = 0, len = 0;
    uint32_t bits = 0;
    unsigned held = 0;

    while (padding < 2 && digits && text[digits - 1] == '=') {
        digits--;
        padding++;
    }
    if (digits % 4 == 1 || (padding && (digits + padding) % 4 != 0))
        return -EINVAL;
    for (size_t i = 0; i < digits; i++) {
        int value = base64_value(text[i]);

        if (value < 0)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held < 8)
            continue;
        if (len == size)
            return -ENOBUFS;
        held -= 8;
        out[len++] = (uint8_t)(bits >> held);
        bits &= (1U << held) - 1;
    }
    if (bits != 0)
        return -EINVAL;
    *ret_len = len;
    return 0;
}

char *hex_encode(const uint8_t *data, size_t len)
{
    char *text = x_malloc(2 * len + 1);

    for (size_t i = 0; i < len; i++) {
        text[2 * i] = hex_digits[data[i] >> 4];
        text[2 * i + 1] = hex_digits[data[i] & 0xF];
    }
    text[2 * len] = '\0';
    return text;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

int hex_decode(const char *text, uint8_t *out, size_t size, size_t *ret_len)
{
    size_t digits = strlen(text);

    if (digits % 2 != 0)
        return -EINVAL;
    for (size_t i = 0; i < digits; i += 2) {
        int high = hex_value(text[i]), low = hex_value(text[i + 1]);

        if (high < 0 || low < 0)
            return -EINVAL;
        if (i / 2 == size)
            return -ENOBUFS;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *ret_len = digits / 2;
    return 0;
}
