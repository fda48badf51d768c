/* SPDX-License-Identifier: MIT */
/* uploadSession resources: see decode.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "graph/decode.h"

#define DIGITS "0123456789"
/* So many always fit. */
#define MAX_DIGITS 18
#define NS_PER_MS  1000000

/* `26-` or `26-41`: where the range ends is of no interest, a fragment ends where the sender likes.
 */
static bool parse_begin(const char *range, int64_t *ret_begin)
{
    size_t digits = strspn(range, DIGITS);
    const char *rest = range + digits;
    int64_t begin = 0;
    if (digits == 0 || digits > MAX_DIGITS || *rest != '-' || rest[1 + strspn(rest + 1, DIGITS)])
        return false;
    for (size_t i = 0; i < digits; i++)
        begin = begin * 10 + (range[i] - '0');
    *ret_begin = begin;
    return true;
}

static int read_next(struct json_object *json, int64_t total, int64_t fallback, int64_t *ret_next,
                     struct err *err)
{
    struct json_object *ranges;
    enum json_got got = json_get_array(json, "nextExpectedRanges", &ranges);
    int64_t next = total;
    if (got == JSON_MISSING || got == JSON_NULL) {
        next = fallback;
    } else if (got != JSON_OK) {
        next = -1;
    } else if (json_object_array_length(ranges) > 0) {
        struct json_object *first = json_object_array_get_idx(ranges, 0);
        if (!json_object_is_type(first, json_type_string) ||
            !parse_begin(json_object_get_string(first), &next))
            next = -1;
    }
    if (next < 0 || next > total)
        return err_set(err, -EPROTO, "the upload session doesn't say where it goes on");
    *ret_next = next;
    return 0;
}

int decode_session(struct json_object *json, int64_t total, int64_t fallback, int64_t *ret_next,
                   int64_t *ret_expires_ms, struct err *err)
{
    int64_t expires_ns;
    int ret = read_next(json, total, fallback, ret_next, err);
    if (ret < 0)
        return ret;
    bool is_told = json_get_time_ns(json, "expirationDateTime", &expires_ns) == JSON_OK;
    *ret_expires_ms = is_told && expires_ns > 0 ? expires_ns / NS_PER_MS : 0;
    return 0;
}
