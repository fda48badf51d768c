/* SPDX-License-Identifier: MIT */
/* The text forms of bytes that Graph's ids, tokens and URLs are made of. */
#include "encode.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static size_t encode64(const uint8_t *bytes, size_t length, const char *alphabet, char *out)
{
    size_t used = 0;

    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        unsigned long group = (unsigned long)bytes[i] << 16;

        if (left > 1)
            group |= (unsigned long)bytes[i + 1] << 8;
        if (left > 2)
            group |= bytes[i + 2];
        out[used++] = alphabet[group >> 18];
        out[used++] = alphabet[(group >> 12) & 63];
        if (left > 1)
            out[used++] = alphabet[(group >> 6) & 63];
        if (left > 2)
            out[used++] = alphabet[group & 63];
    }
    return used;
}

void hex_encode(const void *bytes, size_t length, char *out)
{
    const uint8_t *next = bytes;

    for (size_t i = 0; i < length; i++) {
        *out++ = "0123456789ABCDEF"[next[i] >> 4];
        *out++ = "0123456789ABCDEF"[next[i] & 15];
    }
    *out = '\0';
}

void base64_encode(const void *bytes, size_t length, char *out)
{
    size_t used = encode64(bytes, length, standard, out);

    while (used % 4)
        out[used++] = '=';
    out[used] = '\0';
}

void base64url_encode(const void *bytes, size_t length, char *out)
{
    out[encode64(bytes, length, url_safe, out)] = '\0';
}

long base64_decode(const char *text, void *out)
{
    uint8_t *bytes = out;
    unsigned long group = 0;
    unsigned bits = 0;
    long used = 0;

    for (; *text && *text != '='; text++) {
        const char *place = strchr(standard, *text);
        const char *alphabet = standard;

        if (!place) {
            place = strchr(url_safe, *text);
            alphabet = url_safe;
        }
        if (!place)
            return -1;
        group = (group << 6 | (unsigned long)(place - alphabet)) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[used++] = (uint8_t)(group >> bits);
        }
    }
    return used;
}

void base32_encode(const void *bytes, size_t length, char *out)
{
    const uint8_t *next = bytes;

    for (size_t i = 0; i < length; i += 5) {
        uint64_t group = 0;

        for (size_t j = 0; j < 5; j++)
            group = group << 8 | next[i + j];
        for (int shift = 35; shift >= 0; shift -= 5)
            *out++ = base32[(group >> shift) & 31];
    }
    *out = '\0';
}

int base32_decode(const char *text, void *out, size_t length)
{
    uint8_t *bytes = out;

    if (strlen(text) != length / 5 * 8)
        return -1;
    for (size_t i = 0; i < length; i += 5) {
        uint64_t group = 0;

        for (size_t j = 0; j < 8; j++) {
            const char *place = strchr(base32, *text++);

            if (!place)
                return -1;
            group = group << 5 | (uint64_t)(place - base32);
        }
        for (size_t j = 0; j < 5; j++)
            bytes[i + j] = (uint8_t)(group >> (32 - 8 * j));
    }
    return 0;
}

/* The value of the two hex digits at `text`, or -1. */
static int hex_pair(const char *text)
{
    int value = 0;

    for (int i = 0; i < 2; i++) {
        char c = text[i];

        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            value = value * 16 + ((c | 0x20) - 'a') + 10;
        else
            return -1;
    }
    return value;
}

char *url_decode(const char *text, size_t length, int plus_is_space)
{
    char *out = mem_alloc(length + 1), *next = out;

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '%') {
            int value = length - i > 2 ? hex_pair(text + i + 1) : -1;

            if (value <= 0) {
                free(out);
                return NULL;
            }
            *next++ = (char)value;
            i += 2;
        } else {
            *next++ = plus_is_space && text[i] == '+' ? ' ' : text[i];
        }
    }
    *next = '\0';
    return out;
}
