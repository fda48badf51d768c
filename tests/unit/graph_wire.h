/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_GRAPH_WIRE_H
#define GRAPHFS_TESTS_GRAPH_WIRE_H

#include "graph_fixture.h"
#include "graph_peer.h"

/* A service that is signed in to a peer. */
struct wire {
    struct peer *peer;
    struct emulator disguise; /* the peer, as the service's emulator */
    struct service *service;
};

/* Starts both; answers as for peer_start(). */
struct wire *wire_new(const char *const *answers);

/* The same, while the service is told to speak another protocol than http. */
struct wire *wire_new_at(const char *scheme, const char *const *answers);

void wire_free(struct wire *wire);

#endif
