/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_FRAGMENT_H
#define EMULATOR_FRAGMENT_H

struct request;
struct response;

/* POST that begins an upload session. */
void fragment_post_session(struct request *request, struct response *response);

/* PUT of an item that is to get what a session has received. */
void fragment_put_item(struct request *request, struct response *response);

/* Any request to the URL of a session. */
void fragment_serve(struct request *request, struct response *response);

/* Ends the session whose URL this request uses. */
void fragment_lose_session(struct request *request);

#endif
