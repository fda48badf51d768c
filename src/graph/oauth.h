/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_OAUTH_H
#define GRAPHFS_GRAPH_OAUTH_H

/* The wire forms of the sign-in service: URLs, requests and answers. Pure functions. */

#include "base/err.h"
#include "base/strbuf.h"
#include "graph/autherr.h"

#include <stddef.h>
#include <stdint.h>

/* LOGIN_URL/TENANT/oauth2/v2.0/LEAF, for the caller to free. login_url ends without a slash. */
char *oauth_url(const char *login_url, const char *tenant, const char *leaf);

/* What a successful token request gives. Strings are owned; all but access_token may be NULL. */
struct oauth_grant {
    char *access_token;
    char *refresh_token;
    char *id_token;
    int64_t lifetime_s;
};

/* Wipes the tokens and frees what the grant holds. */
void oauth_grant_clear(struct oauth_grant *grant);

/* Reads an answer of the token endpoint. AUTH_GRANTED fills ret_grant; any other verdict fills err.
 */
enum auth_verdict oauth_read_grant(long status, const char *body, size_t length,
                                   struct oauth_grant *ret_grant, struct err *err);

/* What starts a device sign-in (RFC 8628). Strings are owned. */
struct oauth_device {
    char *device_code;
    char *user_code;
    char *verification_uri;
    char *message; /* a ready sentence; NULL if the service sent none */
    int64_t lifetime_s;
    int64_t interval_s;
};

/* Wipes the code and frees what it holds. */
void oauth_device_clear(struct oauth_device *device);

/* Reads an answer of the devicecode endpoint, as oauth_read_grant(). */
enum auth_verdict oauth_read_device(long status, const char *body, size_t length,
                                    struct oauth_device *ret_device, struct err *err);

/* A string claim of an id token, whose signature does not matter here (it came over TLS from its
 * issuer). Returns a string for the caller to free, NULL if there is none. */
char *oauth_claim(const char *id_token, const char *claim);

#endif
