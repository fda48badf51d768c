/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_XALLOC_H
#define GRAPHFS_BASE_XALLOC_H

#include <stddef.h>

/*
 * Allocation that aborts the process when there is no memory: for small things, whose size neither
 * the server nor a caller decides (those take a strbuf with a limit, or check). That loses nothing:
 * what was acknowledged is on disk. What they return is never NULL and is released by free().
 */

/* x_malloc(size), x_calloc(n, size), x_reallocarray(p, n, size): as malloc, calloc, reallocarray */
void *x_malloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *x_calloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
void *x_reallocarray(void *p, size_t n, size_t size)
    __attribute__((returns_nonnull, alloc_size(2, 3)));

/* x_strdup(str), x_strndup(str, n): as strdup, strndup; for a NULL ${str}, NULL. */
char *x_strdup(const char *str) __attribute__((malloc));
char *x_strndup(const char *str, size_t n) __attribute__((malloc));

/* x_memdup(data, size): a copy of ${size} bytes, whatever they are; for a NULL ${data}, NULL */
void *x_memdup(const void *data, size_t size) __attribute__((malloc));

/* x_asprintf(fmt, ...): the formatted string */
char *x_asprintf(const char *fmt, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

#endif
