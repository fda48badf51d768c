/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_SERVER_H
#define EMULATOR_SERVER_H

struct emulator;
struct server;

/* Listens on both addresses and answers from then on; fills in the emulator's ports. Returns NULL
 * after a message on stderr. The emulator must outlive the server. */
struct server *server_start(struct emulator *emulator);

/* Wakes whoever waits in a request, closes all connections, and waits for their threads. NULL is
 * allowed. */
void server_stop(struct server *server);

#endif
