/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_FIELD_H
#define EMULATOR_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

enum field_type { FIELD_TEXT, FIELD_NUMBER, FIELD_FLAG };

/* What a field of a control request must be if it is there; numbers with their bounds. */
struct field {
    const char *name;
    enum field_type type;
    int64_t least;
    int64_t most;
};

/* NULL if each field of `object` that the table names is as it says, else what is wrong, in words
 * that live for ever. */
const char *fields_check(struct json_object *object, const struct field *fields, size_t count);

/* The value of a field, or `missing` if there is none of that type. Texts live as long as the
 * object. A flag may be a number, too. */
const char *field_text(struct json_object *object, const char *name, const char *missing);
int64_t field_number(struct json_object *object, const char *name, int64_t missing);
bool field_flag(struct json_object *object, const char *name);

#endif
