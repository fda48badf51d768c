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

static void add_quoted(struct buffer *out, const char *text)
{
    buffer_add_char(out, '"');
    while (*text) {
        size_t plain = 0;

        while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\')
            plain++;
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
        buffer_add_char(json->out, '"');
        buffer_add_text(json->out, key);
        buffer_add(json->out, "\":", 2);
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
