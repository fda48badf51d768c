/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_STRBUF_H
#define GRAPHFS_BASE_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

/*
 * A string that grows up to a limit. Whoever creates it says how large it may become: what the
 * server or a caller sends is never allowed to decide.
 *
 * Always holds: data is never NULL, data[len] is '\0', len <= max. The first failure is remembered,
 * later additions do nothing: a sequence of them can be checked once, at the end, by strbuf_error.
 * An addition is made whole or not at all. Not thread safe.
 */
struct strbuf {
    char *data;
    size_t len;
    size_t max;      /* the largest len allowed */
    size_t capacity; /* bytes allocated; 0 while data is the shared empty string */
    int error;       /* 0, -ENOBUFS or -ENOMEM */
};

/* cleanup_strbuf: strbuf_clear at the end of the scope */
#define cleanup_strbuf __attribute__((cleanup(strbuf_clear)))

/* strbuf_init(b, max): Empty, allocates nothing. */
void strbuf_init(struct strbuf *b, size_t max);

/* strbuf_clear(b): Frees the memory; ${b} is as after strbuf_init and can be used again. */
void strbuf_clear(struct strbuf *b);

/* strbuf_reset(b): Empty and without error, keeping the memory for what comes next. */
void strbuf_reset(struct strbuf *b);

/* strbuf_truncate(b, len): Cuts ${b} to ${len}, which is at most its length. */
void strbuf_truncate(struct strbuf *b, size_t len);

/*
 * strbuf_add(b, data, len), strbuf_addstr(b, str), strbuf_addch(b, ch), strbuf_addf(b, fmt, ...):
 * Append. Return 0, -ENOBUFS (would pass the limit) or -ENOMEM, now or from an earlier addition.
 */
int strbuf_add(struct strbuf *b, const void *data, size_t len);
int strbuf_addstr(struct strbuf *b, const char *str);
int strbuf_addch(struct strbuf *b, char ch);
int strbuf_addf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* strbuf_vaddf(b, fmt, args): strbuf_addf for a va_list, which it leaves used. */
int strbuf_vaddf(struct strbuf *b, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

/* strbuf_error(b): The first failure since init or reset, 0 if none. */
int strbuf_error(const struct strbuf *b);

/*
 * strbuf_steal(b):
 * The string, allocated, for the caller to free; ${b} is left empty. NULL if an addition failed.
 */
char *strbuf_steal(struct strbuf *b);

#endif
