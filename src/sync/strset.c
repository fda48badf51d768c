/* SPDX-License-Identifier: MIT */
/*
 * An array of the strings and an open-addressing table of indices into it. Nothing is ever removed
 * singly. The hash is FNV-1a: the server picks the strings, and could make a lookup slow; the
 * number of strings is bounded by what one round or one listing may bring.
 */
#include "config.h"

#include "sync/strset.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "base/xalloc.h"

static size_t hash(const char *string)
{
    uint64_t h = 0xcbf29ce484222325;

    for (; *string; string++)
        h = (h ^ (unsigned char)*string) * 0x100000001b3;
    return (size_t)(h ^ h >> 32);
}

/* Where the string is, or the free slot where it belongs. */
static uint32_t *find_slot(const struct strset *set, const char *string)
{
    size_t at = hash(string);

    for (;; at++) {
        uint32_t *slot = &set->slots[at & (set->slot_count - 1)];

        if (*slot == 0 || strcmp(set->items[*slot - 1], string) == 0)
            return slot;
    }
}

static void grow_slots(struct strset *set)
{
    free(set->slots);
    set->slot_count = set->slot_count ? set->slot_count * 2 : 16;
    set->slots = x_calloc(set->slot_count, sizeof *set->slots);
    for (size_t i = 0; i < set->len; i++)
        *find_slot(set, set->items[i]) = (uint32_t)i + 1;
}

bool strset_add(struct strset *set, const char *string)
{
    uint32_t *slot;

    if (set->len * 3 / 2 >= set->slot_count / 2)
        grow_slots(set);
    slot = find_slot(set, string);
    if (*slot != 0)
        return false;
    set->items = vec_grow(set->items, &set->capacity, set->len, 1, sizeof *set->items);
    set->items[set->len++] = x_strdup(string);
    *slot = (uint32_t)set->len;
    return true;
}

bool strset_has(const struct strset *set, const char *string)
{
    return set->len > 0 && *find_slot(set, string) != 0;
}

void strset_clear(struct strset *set)
{
    for (size_t i = 0; i < set->len; i++)
        free(set->items[i]);
    free(set->items);
    free(set->slots);
    *set = (struct strset){ 0 };
}
