/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_AUTHERR_H
#define GRAPHFS_GRAPH_AUTHERR_H

/* What a refusal of the sign-in service means, in words that a user can act on. Pure functions. */

#include "base/err.h"

#include <stddef.h>

/* Decided by `error` alone: Microsoft asks clients not to depend on AADSTS numbers, so those only
 * choose the words. */
enum auth_verdict {
    AUTH_GRANTED,   /* no refusal */
    AUTH_PENDING,   /* device code: the user isn't done yet */
    AUTH_SLOW_DOWN, /* device code: poll less often */
    AUTH_OVER,      /* device code: declined, expired or wrong; start over */
    AUTH_DEAD,      /* the refresh token is void, or policy wants the user: sign in again */
    AUTH_REFUSED,   /* the configuration is wrong: repeating is useless */
    AUTH_TRANSIENT, /* not an answer of the service, or its own trouble: ask again later */
};

/* Judges the answer of the token or devicecode endpoint to a request that did not succeed (status
 * isn't 200, or the body has no grant) and fills err: the message says what to do. Only well-formed
 * OAuth JSON can be anything but transient; so a captive portal never ends a sign-in. */
enum auth_verdict autherr_judge(long status, const char *body, size_t length, struct err *err);

#endif
