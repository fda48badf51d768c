/* SPDX-License-Identifier: MIT */
/*
 * What content knows of pins. It is told of generations: of those that the last pass found, which
 * may be behind the store, in both directions. Whoever evicts asks the store, therefore.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/lock.h"
#include "fs/pinner_i.h"

int wanted_by_generation(const void *one, const void *other)
{
    const struct wanted *a = one, *b = other;

    return a->generation < b->generation ? -1 : a->generation > b->generation;
}

void wanted_sort(struct wanted_list *list, int (*compare)(const void *, const void *))
{
    if (list->len > 0)
        qsort(list->items, list->len, sizeof *list->items, compare);
}

void pinner_tell(struct pinner *pinner, struct wanted_list *wanted)
{
    struct content *content = pinner->fs->conf.content;
    struct wanted_list *told = &pinner->told;
    size_t old = 0;

    LOCKED(&pinner->telling);
    for (size_t i = 0; i < wanted->len; i++)
        content_pin(content, wanted->items[i].generation, wanted->items[i].size);
    for (size_t i = 0; old < told->len; old++) {
        while (i < wanted->len && wanted_by_generation(&wanted->items[i], &told->items[old]) < 0)
            i++;
        if (i == wanted->len || wanted->items[i].generation != told->items[old].generation)
            content_unpin(content, told->items[old].generation);
    }
    wanted_list_clear(told);
    *told = *wanted;
}

static int find_pin(struct fs *fs, ino_nr ino, ino_nr *ret)
{
    READING(fs);
    return store_find_pin(fs->conf.store, ino, ret);
}

/* The store has the last word: content may not have been told yet, of a pin or that it is gone.
 * What is pinned after the question is told to content after the eviction, and fetched again. */
int pinner_evict(struct pinner *pinner, const struct node_attr *attr, int64_t *ret_freed)
{
    struct content *content = pinner->fs->conf.content;
    ino_nr pin = STORE_INO_NONE;
    int r;

    LOCKED(&pinner->telling);
    r = find_pin(pinner->fs, attr->ino, &pin);
    if (r < 0 || pin != STORE_INO_NONE)
        return r < 0 ? r : -EPERM;
    r = content_evict(content, attr->generation, attr->size, ret_freed);
    if (r == -EPERM) {
        content_unpin(content, attr->generation);
        r = content_evict(content, attr->generation, attr->size, ret_freed);
    }
    return r;
}
