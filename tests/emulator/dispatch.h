/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_DISPATCH_H
#define EMULATOR_DISPATCH_H

struct request;
struct response;

/* Answers a request from the wire. `socket` is the client's, to notice that it left. Takes the
 * world lock; may sleep or stall, without it. */
void dispatch(struct request *request, struct response *response, int socket);

/* Answers a request from inside a batch, with the world lock held. Never waits. */
void dispatch_inner(struct request *request, struct response *response);

#endif
