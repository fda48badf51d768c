/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_MEMORY_H
#define EMULATOR_MEMORY_H

#include <stddef.h>

/* Allocation that ends the process when memory is out: the emulator holds nothing that could be
 * lost. Results are released with free(). */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_resize(void *old, size_t count, size_t size);
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t length);

/* Grows a vector `ptr` of `cap` elements so that it holds one more than `len`. */
#define MEM_GROW(ptr, len, cap)                                                                    \
    do {                                                                                           \
        if ((len) == (cap)) {                                                                      \
            (cap) = (cap) ? (cap)*2 : 16;                                                          \
            (ptr) = mem_resize((ptr), (cap), sizeof *(ptr));                                       \
        }                                                                                          \
    } while (0)

/* Memory that is only ever released as a whole. */
struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t left; /* bytes free at the end of the newest block */
};

void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
void arena_clear(struct arena *arena);

#endif
