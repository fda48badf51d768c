/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_URL_H
#define GRAPHFS_GRAPH_URL_H

/* URLs: which origin they name, and how to write one. Pure functions, callable from any thread. */

#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>

/* Scheme, host and port: what must be equal before a bearer token may be sent. */
struct url_origin {
    char scheme[8]; /* lower case */
    char host[256]; /* lower case; an IPv6 address in brackets */
    unsigned port;
};

/* Reads the origin of an absolute http or https URL. Returns 0, or -EINVAL for anything else, also
 * for a URL with a user name in it. */
int url_parse_origin(const char *url, struct url_origin *ret_origin, struct err *err);

/* Whether scheme, host and port are all equal. */
bool url_same_origin(const struct url_origin *one, const struct url_origin *other);

/* Whether a preauthenticated URL may be asked for: https, or http to a loopback address. Returns 0,
 * or -EPROTO with a message. */
int url_check_content(const char *url, struct err *err);

/* What a Location header means that came from base, which is absolute. Returns an absolute URL for
 * the caller to free; NULL if it isn't one. */
char *url_resolve(const char *base, const char *location);

/* True for localhost, 127.0.0.0/8 and ::1. */
bool url_is_loopback(const struct url_origin *origin);

/* A service URL from the configuration: https, or http to a loopback address only, without query or
 * fragment. Returns 0, or -EINVAL with a message for the user that names `key`. */
int url_check_service(const char *key, const char *url, struct err *err);

/* A copy of a URL without slashes at its end, for the caller to free. */
char *url_base(const char *url);

/* Appends text percent-encoded: all but A-Z a-z 0-9 - . _ ~ (so a `/` too). Returns what
 * strbuf_add() returns. */
int url_add_encoded(struct strbuf *out, const char *text);

/* Appends a URL, or a part of one, as people write it: encodes what no URL may hold, blanks and
 * bytes beyond ASCII above all, and `#`, for Graph knows no fragments; keeps all else, a `%` too.
 * Returns what strbuf_add() returns. */
int url_add_lenient(struct strbuf *out, const char *text);

/* Appends `name=value` to an application/x-www-form-urlencoded body, after a `&` unless it is the
 * first. */
int url_add_form(struct strbuf *out, const char *name, const char *value);

#endif
