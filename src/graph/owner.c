/* SPDX-License-Identifier: MIT */
/* See owner.h. */
#include "config.h"

#include "graph/owner.h"

#include <stdlib.h>

#include "base/vec.h"
#include "base/xalloc.h"

DEFINE_VEC(json_vec, struct json_object *);
DEFINE_VEC(string_vec, char *);

struct owner {
    struct json_vec jsons;
    struct string_vec strings;
};

struct owner *owner_new(void)
{
    return x_calloc(1, sizeof(struct owner));
}

void owner_free(struct owner *owner)
{
    if (!owner)
        return;
    for (size_t i = 0; i < owner->jsons.len; i++)
        (void)json_object_put(owner->jsons.items[i]);
    for (size_t i = 0; i < owner->strings.len; i++)
        free(owner->strings.items[i]);
    json_vec_clear(&owner->jsons);
    string_vec_clear(&owner->strings);
    free(owner);
}

void owner_keep_json(struct owner *owner, struct json_object *json)
{
    (void)json_vec_push(&owner->jsons, json_object_get(json));
}

const char *owner_keep_string(struct owner *owner, char *text)
{
    (void)string_vec_push(&owner->strings, text);
    return text;
}
