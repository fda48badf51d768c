/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_BASE_ERR_H
#define GRAPHFS_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What went wrong, for a person to read and for the caller to decide on. Lives on the caller's
 * stack and holds no pointers: filling it in cannot fail, and nothing has to be freed.
 *
 * Functions that take a `struct err *` take it last, allow NULL, and leave it alone when they
 * succeed. They return 0 or a negative errno, the same as ${code}.
 */

/* How much is broken, and so what has to pause. Ordered: the larger includes the smaller. */
enum err_scope {
    ERR_SCOPE_ITEM,    /* this one thing; go on with the next */
    ERR_SCOPE_DRIVE,   /* all of this drive */
    ERR_SCOPE_ACCOUNT, /* all requests of this account: throttled, signed out, offline */
    ERR_SCOPE_FATAL,   /* the process can't go on */
};

enum err_retry {
    ERR_RETRY_NEVER,       /* the same request gets the same answer */
    ERR_RETRY_LATER,       /* after retry_after_ms, or a backoff of the caller's */
    ERR_RETRY_AFTER_LOGIN, /* once the user has signed in again */
};

/* The longest message, with its NUL; longer ones are cut. */
#define ERR_MSG_SIZE 512

struct err {
    int code;         /* negative errno; 0: no error */
    long http_status; /* 0 if no response was received */
    enum err_scope scope;
    enum err_retry retry;
    int64_t retry_after_ms; /* what the server asked for; 0 if it didn't */
    bool is_fate_unknown;   /* a change may have been carried out, though no answer says so */
    char graph_code[64];    /* error.code of the response, "" if none */
    char msg[ERR_MSG_SIZE]; /* "what: why (what to do)"; no newline, nor other control characters */
};

/*
 * err_set(err, code, fmt, ...):
 * Starts ${err} anew with ${code} and the message, in which `?` stands for control characters, for
 * it may quote a server; scope is ITEM, retry is NEVER, the rest empty.
 * ${code} is a negative errno. Returns ${code}. ${err} may be NULL.
 */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * err_set_errno(err, errnum, fmt, ...):
 * As err_set, with ": " and the system's text for ${errnum} behind the message. ${errnum} may have
 * either sign. Returns the negative errno.
 */
int err_set_errno(struct err *err, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * err_wrap(err, fmt, ...):
 * Puts "message: " in front of what ${err} says and keeps all else. Returns err->code; for a NULL
 * ${err}, which remembers no code, -EIO.
 */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_clear(err): Back to no error. ${err} may be NULL. */
void err_clear(struct err *err);

/*
 * errno_text(errnum, buf, size):
 * The system's text for ${errnum}, of either sign; thread safe. The result is ${buf} or a constant.
 */
const char *errno_text(int errnum, char *buf, size_t size);

/* ERRNO_TEXT(errnum): errno_text in a buffer that lives until the end of the block. */
#define ERRNO_TEXT(errnum) errno_text((errnum), (char[128]){ 0 }, 128)

#endif
