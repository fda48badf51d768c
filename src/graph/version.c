/* SPDX-License-Identifier: MIT */
/* driveItemVersion resources: see decode.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "graph/decode.h"
#include "graph/owner.h"

struct version_infos *decode_versions_new(void)
{
    struct version_infos *list = x_calloc(1, sizeof(*list));
    list->owner = owner_new();
    return list;
}

static void add_version(struct version_infos *list, struct json_object *json)
{
    struct version_info info = { 0 };
    const char *id;
    if (json_get_str(json, "id", &id) != JSON_OK || id[0] == '\0') {
        log_warn("graph", "a version without an id is left out");
        return;
    }
    if (json_get_i64(json, "size", &info.size) != JSON_OK || info.size < 0)
        info.size = -1;
    if (json_get_time_ns(json, "lastModifiedDateTime", &info.mtime_ns) != JSON_OK)
        info.mtime_ns = 0;
    info.id = owner_copy(list->owner, id);
    list->versions = x_reallocarray(list->versions, list->count + 1, sizeof(*list->versions));
    list->versions[list->count++] = info;
}

int decode_versions_add(struct version_infos *list, struct json_object *json, struct err *err)
{
    struct json_object *values;
    if (json_get_array(json, "value", &values) != JSON_OK)
        return err_set(err, -EPROTO, "the answer is not a list of versions");
    for (size_t i = 0; i < json_object_array_length(values); i++)
        add_version(list, json_object_array_get_idx(values, i));
    return 0;
}

void version_infos_free(struct version_infos *list)
{
    if (!list)
        return;
    owner_free(list->owner);
    free(list->versions);
    free(list);
}
