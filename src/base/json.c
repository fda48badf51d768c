/* SPDX-License-Identifier: MIT */
/*
 * Look-ups in JSON that is not ours: see json.h. json-c converts freely between types and clamps
 * numbers; here each look-up first asks for the type that is really there.
 *
 * json-c's strict mode is not used: it refuses a whole page for one number that is too large. What
 * it would also refuse (a trailing comma, single quotes) does no harm.
 */
#include "config.h"

#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_tokener.h>

#include "base/utf8.h"

/* The largest integer up to which a double is exact. */
#define DOUBLE_EXACT_MAX 9007199254740992.0

/* Takes the first key off ${path}: up to a dot, but all of it if there is a '@' before the dot. */
static size_t path_key_length(const char *path)
{
    size_t len = strcspn(path, ".@");

    return path[len] == '@' ? strlen(path) : len;
}

/* JSON_OK with what stands at ${path}, which is not null; never WRONG_TYPE for the last step. */
static enum json_got json_find(struct json_object *obj, const char *path,
                               struct json_object **ret_found)
{
    char key[128];

    for (;;) {
        size_t len = path_key_length(path);

        if (!obj || len >= sizeof key)
            return JSON_MISSING;
        if (!json_object_is_type(obj, json_type_object))
            return JSON_WRONG_TYPE;
        memcpy(key, path, len);
        key[len] = '\0';
        if (!json_object_object_get_ex(obj, key, &obj))
            return JSON_MISSING;
        if (!obj)
            return JSON_NULL;
        if (path[len] == '\0')
            break;
        path += len + 1;
    }
    *ret_found = obj;
    return JSON_OK;
}

static enum json_got json_find_type(struct json_object *obj, const char *path, enum json_type type,
                                    struct json_object **ret_found)
{
    struct json_object *found = NULL;
    enum json_got got = json_find(obj, path, &found);

    if (got == JSON_OK && !json_object_is_type(found, type))
        got = JSON_WRONG_TYPE;
    if (got == JSON_OK)
        *ret_found = found;
    return got;
}

enum json_got json_get_str(struct json_object *obj, const char *path, const char **ret_str)
{
    struct json_object *found = NULL;
    enum json_got got = json_find_type(obj, path, json_type_string, &found);
    const char *str;

    if (got != JSON_OK)
        return got;
    str = json_object_get_string(found);
    if (strlen(str) != (size_t)json_object_get_string_len(found))
        return JSON_WRONG_TYPE;
    *ret_str = str;
    return JSON_OK;
}

/* An integer that json-c clamped while parsing can't be told from one at the very end of the range:
 * both are refused. */
static bool int_value(struct json_object *number, int64_t *ret_value)
{
    int64_t value = json_object_get_int64(number);

    if (value == INT64_MAX || value == INT64_MIN)
        return false;
    *ret_value = value;
    return true;
}

static bool double_value(struct json_object *number, int64_t *ret_value)
{
    double value = json_object_get_double(number);

    if (!(value > -DOUBLE_EXACT_MAX && value < DOUBLE_EXACT_MAX) || (double)(int64_t)value != value)
        return false;
    *ret_value = (int64_t)value;
    return true;
}

static bool digits_value(struct json_object *string, int64_t *ret_value)
{
    const char *digits = json_object_get_string(string);
    size_t len = strlen(digits), sign = digits[0] == '-';
    int64_t value;

    if (len != (size_t)json_object_get_string_len(string) || len == sign ||
        strspn(digits + sign, "0123456789") != len - sign)
        return false;
    errno = 0;
    value = strtoimax(digits, NULL, 10);
    if (errno == ERANGE)
        return false;
    *ret_value = value;
    return true;
}

enum json_got json_get_i64(struct json_object *obj, const char *path, int64_t *ret_value)
{
    struct json_object *found = NULL;
    enum json_got got = json_find(obj, path, &found);
    bool good = false;

    if (got != JSON_OK)
        return got;
    if (json_object_is_type(found, json_type_int))
        good = int_value(found, ret_value);
    else if (json_object_is_type(found, json_type_double))
        good = double_value(found, ret_value);
    else if (json_object_is_type(found, json_type_string))
        good = digits_value(found, ret_value);
    return good ? JSON_OK : JSON_WRONG_TYPE;
}

enum json_got json_get_bool(struct json_object *obj, const char *path, bool *ret_value)
{
    struct json_object *found = NULL;
    enum json_got got = json_find_type(obj, path, json_type_boolean, &found);

    if (got == JSON_OK)
        *ret_value = json_object_get_boolean(found);
    return got;
}

enum json_got json_get_time_ns(struct json_object *obj, const char *path, int64_t *ret_ns)
{
    const char *str = NULL;
    enum json_got got = json_get_str(obj, path, &str);

    if (got == JSON_OK && time_parse_rfc3339(str, ret_ns) != 0)
        got = JSON_WRONG_TYPE;
    return got;
}

enum json_got json_get_obj(struct json_object *obj, const char *path, struct json_object **ret_obj)
{
    return json_find_type(obj, path, json_type_object, ret_obj);
}

enum json_got json_get_array(struct json_object *obj, const char *path,
                             struct json_object **ret_array)
{
    return json_find_type(obj, path, json_type_array, ret_array);
}

bool json_has(struct json_object *obj, const char *path)
{
    struct json_object *found = NULL;

    return json_find(obj, path, &found) == JSON_OK;
}

/* Parses and says where the value ended. */
static struct json_object *parse_value(struct json_tokener *tokener, const char *buf, size_t len,
                                       size_t *ret_end)
{
    struct json_object *value = json_tokener_parse_ex(tokener, buf, (int)len);

    *ret_end = json_tokener_get_parse_end(tokener);
    /* A bare number at the end of the text could go on; an end of text tells that it doesn't. */
    if (!value && json_tokener_get_error(tokener) == json_tokener_continue && *ret_end == len)
        value = json_tokener_parse_ex(tokener, "", 1);
    return value;
}

struct json_object *json_parse_bounded(const char *buf, size_t len, int max_depth, struct err *err)
{
    struct json_tokener *tokener = NULL;
    cleanup_json struct json_object *value = NULL;
    enum json_tokener_error error;
    size_t end = 0;

    if (len > INT32_MAX || !utf8_valid(buf, len)) {
        (void)err_set(err, -EBADMSG, "JSON: %s", len > INT32_MAX ? "too long" : "not UTF-8");
        return NULL;
    }
    tokener = json_tokener_new_ex(max_depth + 1);
    if (!tokener) {
        (void)err_set(err, -ENOMEM, "JSON: out of memory");
        return NULL;
    }
    value = parse_value(tokener, buf, len, &end);
    error = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    while (end < len && strchr(" \t\r\n", buf[end]) && buf[end])
        end++;
    if (error != json_tokener_success) {
        (void)err_set(err, -EBADMSG, "JSON: %s at byte %zu",
                      error == json_tokener_continue ? "ends too early"
                                                     : json_tokener_error_desc(error),
                      end);
        return NULL;
    }
    if (!value || end != len) {
        (void)err_set(err, -EBADMSG, "JSON: %s", value ? "more than one value" : "just null");
        return NULL;
    }
    return steal_ptr(&value);
}

void json_add_string(struct strbuf *b, const char *str)
{
    static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD, for bytes that are not UTF-8 */
    size_t len = strlen(str), n;
    uint32_t character;

    (void)strbuf_addch(b, '"');
    for (; len; str += n, len -= n) {
        n = utf8_next(str, len, &character);
        if (n == 0) {
            (void)strbuf_addstr(b, replacement);
            n = 1;
        } else if (character < 0x20) {
            (void)strbuf_addf(b, "\\u%04x", (unsigned)character);
        } else {
            if (character == '"' || character == '\\')
                (void)strbuf_addch(b, '\\');
            (void)strbuf_add(b, str, n);
        }
    }
    (void)strbuf_addch(b, '"');
}
