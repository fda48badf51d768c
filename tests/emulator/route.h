/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_ROUTE_H
#define EMULATOR_ROUTE_H

#include <stdbool.h>

struct request;
struct response;

enum route_flags {
    ROUTE_BEARER = 1,  /* wants an access token */
    ROUTE_FILES = 3,   /* wants one that is good for drives */
    ROUTE_WRITES = 11, /* wants one that may change them */
    ROUTE_CONTROL = 4, /* of the test's own side: not logged, never late, never faulty */
};

/* A pattern's segments are literal, or {drive} and {item}, which stand for each way to name one,
 * or any other {word}, which stands for one segment and goes into the request's vars. */
struct route {
    const char *method;
    const char *pattern;
    unsigned flags;
    void (*handle)(struct request *, struct response *);
};

/* The route for a request on the API port, NULL if there is none. Fills in what the path says.
 * *ret_is_known tells whether another method would have found one. */
const struct route *route_find(struct request *request, bool *ret_is_known);

#endif
