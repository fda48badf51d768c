/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_TRACE_H
#define GRAPHFS_TESTS_TRACE_H

/* Recorded answers, in tests/data/traces. */

#include "unit.h"

#include "base/json.h"
#include "base/paths.h"
#include "base/strbuf.h"
#include "base/xalloc.h"

#include <stdlib.h>

/* Reads a file below tests/data/traces into an empty buffer; its absence fails the test. */
static inline void trace_read(const char *name, struct strbuf *text)
{
    const char *srcdir = getenv("srcdir");
    cleanup_free char *path = x_asprintf("%s/tests/data/traces/%s", srcdir ? srcdir : ".", name);

    strbuf_init(text, 1024 * 1024);
    if (file_read_all(path, text->max, text) < 0)
        fail_msg("%s can't be read", path);
}

/* The answer in a file, for the caller to put: the file itself, or (of those in misc/) its `body`.
 */
static inline struct json_object *trace_json(const char *name)
{
    cleanup_strbuf struct strbuf text;
    struct json_object *body;

    trace_read(name, &text);
    struct json_object *json = json_parse_bounded(text.data, text.len, 32, NULL);
    if (!json)
        fail_msg("%s is not JSON", name);
    if (json_get_obj(json, "body", &body) != JSON_OK)
        return json;
    body = json_object_get(body);
    (void)json_object_put(json);
    return body;
}

#endif
