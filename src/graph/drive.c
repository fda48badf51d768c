/* SPDX-License-Identifier: MIT */
/* drive resources: see decode.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/xalloc.h"
#include "graph/decode.h"
#include "graph/id.h"
#include "graph/owner.h"

static const char *read_text(struct json_object *json, const char *path)
{
    const char *text;
    return json_get_str(json, path, &text) == JSON_OK ? text : NULL;
}

static const char *read_owner(struct json_object *json)
{
    static const char *const paths[] = {
        "owner.user.displayName",
        "owner.user.email",
        "owner.group.displayName",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const char *text = read_text(json, paths[i]);
        if (text)
            return text;
    }
    return NULL;
}

/* Restricted accounts get no numbers, or negative ones. */
static int64_t read_bytes(struct json_object *json, const char *path)
{
    int64_t bytes;
    return json_get_i64(json, path, &bytes) == JSON_OK && bytes > 0 ? bytes : 0;
}

static bool is_listed(const struct drive_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->drives[i].id, id) == 0)
            return true;
    }
    return false;
}

static bool is_phantom(const char *id, const char *type)
{
    return type && strcmp(type, "personal") == 0 && !id_is_personal_drive(id);
}

struct drive_list *decode_drives_new(void)
{
    struct drive_list *list = x_calloc(1, sizeof(*list));
    list->owner = owner_new();
    return list;
}

int decode_drives_add(struct drive_list *list, struct json_object *json, bool is_default,
                      struct err *err)
{
    const char *id = read_text(json, "id");
    const char *type = read_text(json, "driveType");
    if (!id || id[0] == '\0')
        return err_set(err, -EPROTO, "a drive without an id");
    cleanup_free char *normal = id_normalise_drive(id);
    if (normal)
        id = normal;
    if (is_listed(list, id) || (!is_default && is_phantom(id, type)))
        return 0;
    list->drives = x_reallocarray(list->drives, list->count + 1, sizeof(*list->drives));
    list->drives[list->count++] = (struct drive_info){
        .id = owner_copy(list->owner, id),
        .type = owner_copy(list->owner, type),
        .name = owner_copy(list->owner, read_text(json, "name")),
        .owner = owner_copy(list->owner, read_owner(json)),
        .web_url = owner_copy(list->owner, read_text(json, "webUrl")),
        .quota_total = read_bytes(json, "quota.total"),
        .quota_used = read_bytes(json, "quota.used"),
        .quota_remaining = read_bytes(json, "quota.remaining"),
        .is_default = is_default,
    };
    return 0;
}

void drive_list_free(struct drive_list *list)
{
    if (!list)
        return;
    owner_free(list->owner);
    free(list->drives);
    free(list);
}
