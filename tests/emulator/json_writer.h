/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_JSON_WRITER_H
#define EMULATOR_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"

/* Writes JSON text straight into a buffer. `key` is NULL for an element of an array and for the
 * outermost value; commas come by themselves. Keys must need no escaping. */
struct json_writer {
    struct buffer *out;
    bool wants_comma;
};

void json_begin_object(struct json_writer *json, const char *key);
void json_end_object(struct json_writer *json);
void json_begin_array(struct json_writer *json, const char *key);
void json_end_array(struct json_writer *json);

/* `text` may be NULL, which writes null. Bytes that are not UTF-8 are written as they are. */
void json_string(struct json_writer *json, const char *key, const char *text);
void json_format(struct json_writer *json, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void json_number(struct json_writer *json, const char *key, int64_t number);
void json_boolean(struct json_writer *json, const char *key, bool value);
void json_null(struct json_writer *json, const char *key);

/* `text` is complete JSON already. */
void json_raw(struct json_writer *json, const char *key, const char *text);

#endif
