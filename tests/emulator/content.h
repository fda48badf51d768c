/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_CONTENT_H
#define EMULATOR_CONTENT_H

struct request;
struct response;

/* The content origin: URLs that carry their own permission. */

/* Notes in the request's pattern which kind of URL it is. */
void content_find(struct request *request);

void content_serve(struct request *request, struct response *response);

#endif
