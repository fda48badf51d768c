/* SPDX-License-Identifier: MIT */
/* Fields of the JSON that control requests carry. Null is no value of any type: what a test meant
 * to say is not guessed. */
#include "field.h"

#include <json-c/json.h>

static struct json_object *get(struct json_object *object, const char *name, json_type type)
{
    struct json_object *value;

    return json_object_object_get_ex(object, name, &value) && json_object_is_type(value, type)
               ? value
               : NULL;
}

const char *fields_check(struct json_object *object, const struct field *fields, size_t count)
{
    static const json_type types[] = {
        [FIELD_TEXT] = json_type_string,
        [FIELD_NUMBER] = json_type_int,
        [FIELD_FLAG] = json_type_boolean,
    };

    for (size_t i = 0; i < count; i++) {
        struct json_object *value;

        if (!json_object_object_get_ex(object, fields[i].name, &value))
            continue;
        if (!json_object_is_type(value, types[fields[i].type]) &&
            (fields[i].type != FIELD_FLAG || !json_object_is_type(value, json_type_int)))
            return "a field has a value of the wrong type";
        if (fields[i].type == FIELD_NUMBER && (json_object_get_int64(value) < fields[i].least ||
                                               json_object_get_int64(value) > fields[i].most))
            return "a number is out of range";
    }
    return NULL;
}

const char *field_text(struct json_object *object, const char *name, const char *missing)
{
    struct json_object *value = get(object, name, json_type_string);

    return value ? json_object_get_string(value) : missing;
}

int64_t field_number(struct json_object *object, const char *name, int64_t missing)
{
    struct json_object *value = get(object, name, json_type_int);

    return value ? json_object_get_int64(value) : missing;
}

bool field_flag(struct json_object *object, const char *name)
{
    struct json_object *value;

    return json_object_object_get_ex(object, name, &value) && json_object_get_boolean(value);
}
