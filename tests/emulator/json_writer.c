/* SPDX-License-Identifier: MIT */
/*
 * A JSON writer without a tree: a delta page of two hundred items is some 200 kB of text, and
 * building objects for it first would cost more than all the rest of the answer.
 */
#include "json_writer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The length of the text that needs no escape. */
static size_t plain_length(const char *text)
{
    size_t length = 0;

    while ((unsigned char)text[length] >= 0x20 && text[length] != '"' && text[length] != '\\')
        length++;
    return length;
}

/* Adds `text` with a character in front of it and one behind. Most of what an answer costs is
 * spent here and in begin_value(), so both look for room once. */
static void add_between(struct buffer *out, char before, const char *text, size_t length,
                        char after)
{
    buffer_reserve(out, length + 2);

    char *end = out->data + out->length;

    end[0] = before;
    memcpy(end + 1, text, length);
    end[length + 1] = after;
    end[length + 2] = '\0';
    out->length += length + 2;
}

static void add_quoted(struct buffer *out, const char *text)
{
    size_t plain = plain_length(text);

    if (!text[plain]) {
        add_between(out, '"', text, plain, '"');
        return;
    }
    buffer_add_char(out, '"');
    for (; *text; plain = plain_length(text)) {
        buffer_add(out, text, plain);
        text += plain;
        if (*text == '"' || *text == '\\')
            buffer_addf(out, "\\%c", *text++);
        else if (*text)
            buffer_addf(out, "\\u%04x", (unsigned)(unsigned char)*text++);
    }
    buffer_add_char(out, '"');
}

static void begin_value(struct json_writer *json, const char *key)
{
    if (json->wants_comma)
        buffer_add_char(json->out, ',');
    if (key) {
        add_between(json->out, '"', key, strlen(key), '"');
        buffer_add_char(json->out, ':');
    }
    json->wants_comma = true;
}

void json_begin_object(struct json_writer *json, const char *key)
{
    begin_value(json, key);
    buffer_add_char(json->out, '{');
    json->wants_comma = false;
}

void json_end_object(struct json_writer *json)
{
    buffer_add_char(json->out, '}');
    json->wants_comma = true;
}

void json_begin_array(struct json_writer *json, const char *key)
{
    begin_value(json, key);
    buffer_add_char(json->out, '[');
    json->wants_comma = false;
}

void json_end_array(struct json_writer *json)
{
    buffer_add_char(json->out, ']');
    json->wants_comma = true;
}

void json_string(struct json_writer *json, const char *key, const char *text)
{
    begin_value(json, key);
    if (text)
        add_quoted(json->out, text);
    else
        buffer_add_text(json->out, "null");
}

void json_format(struct json_writer *json, const char *key, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_string(json, key, text);
}

void json_number(struct json_writer *json, const char *key, int64_t number)
{
    char digits[24];
    char *end = digits + sizeof digits;
    char *start = end;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        *--start = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0)
        *--start = '-';
    begin_value(json, key);
    buffer_add(json->out, start, (size_t)(end - start));
}

void json_boolean(struct json_writer *json, const char *key, bool value)
{
    begin_value(json, key);
    buffer_add_text(json->out, value ? "true" : "false");
}

void json_null(struct json_writer *json, const char *key)
{
    json_string(json, key, NULL);
}

void json_raw(struct json_writer *json, const char *key, const char *text)
{
    begin_value(json, key);
    buffer_add_text(json->out, text);
}
