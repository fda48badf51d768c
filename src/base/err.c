/* SPDX-License-Identifier: MIT */
/*
 * Error values: see err.h. A message that doesn't fit is cut; that is better than failing to report
 * a failure.
 */
#include "config.h"

#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Control characters are those below a blank, DEL, and U+0080 to U+009F. */
static void make_printable(char *msg)
{
    for (unsigned char *p = (unsigned char *)msg; *p; p++) {
        if (*p < ' ' || *p == 0x7F)
            *p = '?';
        else if (*p == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0)
            p[0] = p[1] = '?';
    }
}

static __attribute__((format(printf, 3, 0))) void err_start(struct err *err, int code,
                                                            const char *fmt, va_list args)
{
    /* The message is formatted before anything is cleared: it may quote this very error. */
    char msg[ERR_MSG_SIZE];

    (void)vsnprintf(msg, sizeof msg, fmt, args);
    memset(err, 0, sizeof *err);
    err->code = code;
    err->scope = ERR_SCOPE_ITEM;
    err->retry = ERR_RETRY_NEVER;
    make_printable(msg);
    memcpy(err->msg, msg, sizeof msg);
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list args;

    if (err) {
        va_start(args, fmt);
        err_start(err, code, fmt, args);
        va_end(args);
    }
    return code;
}

int err_set_errno(struct err *err, int errnum, const char *fmt, ...)
{
    int code = -abs(errnum);
    size_t used;
    va_list args;

    if (err) {
        va_start(args, fmt);
        err_start(err, code, fmt, args);
        va_end(args);
        used = strlen(err->msg);
        (void)snprintf(err->msg + used, sizeof err->msg - used, ": %s", ERRNO_TEXT(code));
    }
    return code;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    char inner[ERR_MSG_SIZE];
    size_t used;
    va_list args;

    if (!err)
        return -EIO;
    memcpy(inner, err->msg, sizeof inner);
    va_start(args, fmt);
    (void)vsnprintf(err->msg, sizeof err->msg, fmt, args);
    va_end(args);
    make_printable(err->msg);
    used = strlen(err->msg);
    (void)snprintf(err->msg + used, sizeof err->msg - used, ": %s", inner);
    return err->code;
}

void err_clear(struct err *err)
{
    if (err)
        memset(err, 0, sizeof *err);
}

const char *errno_text(int errnum, char *buf, size_t size)
{
    return strerror_r(abs(errnum), buf, size);
}
