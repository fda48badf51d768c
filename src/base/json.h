/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_JSON_H
#define GRAPHFS_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strbuf.h"

/*
 * Reading JSON that a server sent: nothing about its shape is taken for granted. A look-up names a
 * path ("parentReference.driveId") and has one of four outcomes; what it returned is set only for
 * JSON_OK and belongs to ${obj}. ${obj} may be NULL: everything is missing then.
 *
 * In a path a dot steps into an object, except behind a '@': "@odata.nextLink" is one key, and
 * "image.@odata.type" is the key "@odata.type" of "image".
 */
enum json_got {
    JSON_OK,
    JSON_MISSING,    /* no such key, or something on the way is missing */
    JSON_NULL,       /* there, and null; or something on the way is */
    JSON_WRONG_TYPE, /* there, and not what was asked for, or not representable */
};

/* cleanup_json: json_object_put at the end of the scope */
#define cleanup_json __attribute__((cleanup(json_put_variable)))

DEFINE_CLEANUP_FUNCTION(json_put_variable, struct json_object *, (void)json_object_put)

/* json_get_str: a string without a NUL inside (which would cut it: WRONG_TYPE) */
enum json_got json_get_str(struct json_object *obj, const char *path, const char **ret_str);

/* json_get_i64: an integer, or a string that holds one, within int64_t */
enum json_got json_get_i64(struct json_object *obj, const char *path, int64_t *ret_value);

/* json_get_bool: true or false */
enum json_got json_get_bool(struct json_object *obj, const char *path, bool *ret_value);

/*
 * json_get_time_ns: an RFC 3339 time ("2026-11-23T10:15:30.123Z", or an offset for the Z) in
 * nanoseconds since 1970. Graph's "never" (year 1), and all else too early for int64_t, is 0; what
 * is too late is the last whole second of it.
 */
enum json_got json_get_time_ns(struct json_object *obj, const char *path, int64_t *ret_ns);

/* json_get_obj, json_get_array: an object (even {}), an array (even []) */
enum json_got json_get_obj(struct json_object *obj, const char *path, struct json_object **ret_obj);
enum json_got json_get_array(struct json_object *obj, const char *path,
                             struct json_object **ret_array);

/* json_has(obj, path): Whether the key is there and not null: how Graph marks facets. */
bool json_has(struct json_object *obj, const char *path);

/*
 * json_parse_bounded(buf, len, max_depth, err):
 * Parses exactly one value of valid UTF-8, nested at most ${max_depth} deep. Returns it for the
 * caller to json_object_put; NULL with ${err} set (-EBADMSG) for anything else.
 */
struct json_object *json_parse_bounded(const char *buf, size_t len, int max_depth, struct err *err);

/* json_add_string(b, str): Appends ${str} to ${b} as a JSON string, with its quotes. */
void json_add_string(struct strbuf *b, const char *str);

/* time_parse_rfc3339(str, ret_ns): json_get_time_ns for a bare string; -EINVAL if it is none. */
int time_parse_rfc3339(const char *str, int64_t *ret_ns);

/*
 * time_format_rfc3339(ns, out):
 * The other way round, with a Z and as many digits of a fraction as it takes, but no more than
 * seven: nobody among those that we write to knows anything finer, and it is dropped.
 */
#define TIME_RFC3339_SIZE 96
void time_format_rfc3339(int64_t ns, char out[TIME_RFC3339_SIZE]);

#endif
