/* SPDX-License-Identifier: MIT */
/*
 * Allocation helpers. An arena holds what lives as long as a drive does: item names and content
 * records. With a million items the saving over malloc is a few dozen bytes each, which is what
 * keeps the whole model under its memory limit.
 */
#include "memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 1 << 18, ARENA_ALIGN = 8 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    _Alignas(16) char bytes[];
};

static void *checked(void *ptr)
{
    if (!ptr) {
        (void)fputs("graph-emulator: out of memory\n", stderr);
        abort();
    }
    return ptr;
}

void *mem_alloc(size_t size)
{
    return checked(malloc(size ? size : 1));
}

void *mem_zalloc(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *mem_resize(void *old, size_t count, size_t size)
{
    return checked(reallocarray(old, count, size));
}

char *mem_strdup(const char *text)
{
    return checked(strdup(text));
}

char *mem_strndup(const char *text, size_t length)
{
    return checked(strndup(text, length));
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (!arena->blocks || arena->left < size) {
        size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;
        struct arena_block *block = mem_alloc(sizeof *block + room);

        block->next = arena->blocks;
        block->size = room;
        arena->blocks = block;
        arena->left = room;
    }

    char *start = arena->blocks->bytes + (arena->blocks->size - arena->left);

    arena->left -= size;
    return start;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(arena_alloc(arena, size), text, size);
}

void arena_clear(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *arena = (struct arena){ 0 };
}
