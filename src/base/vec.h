/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_VEC_H
#define GRAPHFS_BASE_VEC_H

#include <stddef.h>
#include <stdlib.h>

#include "base/xalloc.h"

/*
 * DEFINE_VEC(name, type):
 * Defines `struct name`, an array of ${type} that grows, and its functions:
 *
 *     name_reserve(v, n)    makes room for ${n} more; pointers into the array may move
 *     name_push(v, item)    appends a copy of ${item}, and returns where it is
 *     name_clear(v)         frees the array, not what its items own; the vector is empty again
 *
 * Initialise with { 0 }; read ${items} and ${len} directly. Running out of memory aborts, so the
 * number of items must have a bound elsewhere when it comes from the server.
 */
#define DEFINE_VEC(name, type)                                                                     \
    struct name {                                                                                  \
        type *items;                                                                               \
        size_t len;                                                                                \
        size_t capacity;                                                                           \
    };                                                                                             \
                                                                                                   \
    static inline __attribute__((unused)) void name##_reserve(struct name *v, size_t n)            \
    {                                                                                              \
        v->items = vec_grow(v->items, &v->capacity, v->len, n, sizeof(type));                      \
    }                                                                                              \
                                                                                                   \
    static inline __attribute__((unused)) type *name##_push(struct name *v, type item)             \
    {                                                                                              \
        name##_reserve(v, 1);                                                                      \
        v->items[v->len] = item;                                                                   \
        return &v->items[v->len++];                                                                \
    }                                                                                              \
                                                                                                   \
    static inline __attribute__((unused)) void name##_clear(struct name *v)                        \
    {                                                                                              \
        free(v->items);                                                                            \
        v->items = NULL;                                                                           \
        v->len = v->capacity = 0;                                                                  \
    }                                                                                              \
    struct name

/*
 * vec_grow(items, capacity, len, n, size):
 * What name_reserve does, for items of any ${size}: returns ${items}, moved if ${n} more did not
 * fit into ${capacity}, which it updates.
 */
static inline void *vec_grow(void *items, size_t *capacity, size_t len, size_t n, size_t size)
{
    size_t wanted = *capacity ? *capacity : 8;

    if (n <= *capacity - len)
        return items;
    while (wanted - len < n)
        wanted *= 2;
    *capacity = wanted;
    return x_reallocarray(items, wanted, size);
}

#endif
