/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_GRAPH_PEER_H
#define GRAPHFS_TESTS_GRAPH_PEER_H

/*
 * A host that says what a test has written down, for what the emulator, which behaves like the
 * service, never says; and that remembers what it was asked, byte for byte. It speaks no TLS, and
 * hangs up on who does.
 */

#include <stddef.h>

/* Answers that are none. */
#define PEER_SILENCE ""  /* nothing comes, the connection stays open */
#define PEER_HANGUP  "!" /* the connection is closed */

struct peer_request {
    unsigned connection; /* on which it came, from 0 */
    char *head;          /* request line and headers */
    char *body;
    size_t body_length;
};

struct peer {
    char *url;
    struct peer_parts *parts;
};

/* Starts one. answers, ended by NULL, are whole HTTP answers, borrowed; one that begins with `{` is
 * the body of a 200. The first request gets the first of them, whatever it is and whichever
 * connection it comes on, and so on; those beyond the end get the last. */
struct peer *peer_start(const char *const *answers);

/* Ends it. NULL is allowed. */
void peer_stop(struct peer *peer);

/* How many requests have come. */
size_t peer_count(struct peer *peer);

/* Waits until so many have. */
void peer_wait_for(struct peer *peer, size_t count);

/* Request number i, which has come; it stays until peer_stop(). */
const struct peer_request *peer_request(struct peer *peer, size_t i);

/* The value of a header of request i, for the caller to free; NULL if there is none. */
char *peer_header(struct peer *peer, size_t i, const char *name);

#endif
