/* SPDX-License-Identifier: MIT */
/* Allocation that can't fail: see xalloc.h for where it may be used. */
#include "config.h"

#include "base/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *allocated(void *p)
{
    if (!p) {
        (void)fputs("graphfs: out of memory\n", stderr);
        abort();
    }
    return p;
}

/* The allocators may answer NULL for nothing at all, hence a byte at least. */
void *x_malloc(size_t size)
{
    return allocated(malloc(size ? size : 1));
}

void *x_calloc(size_t n, size_t size)
{
    return allocated(n && size ? calloc(n, size) : calloc(1, 1));
}

void *x_reallocarray(void *p, size_t n, size_t size)
{
    return allocated(n && size ? reallocarray(p, n, size) : realloc(p, 1));
}

char *x_strdup(const char *str)
{
    return str ? allocated(strdup(str)) : NULL;
}

char *x_strndup(const char *str, size_t n)
{
    return str ? allocated(strndup(str, n)) : NULL;
}

void *x_memdup(const void *data, size_t size)
{
    return data ? memcpy(x_malloc(size), data, size) : NULL;
}

char *x_asprintf(const char *fmt, ...)
{
    char *str = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&str, fmt, args) < 0)
        str = NULL;
    va_end(args);
    return allocated(str);
}
