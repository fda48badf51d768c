/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_CHECKOUT_H
#define EMULATOR_CHECKOUT_H

struct request;
struct response;

/* POST that keeps a file of SharePoint from all others, and that gives it back. */
void checkout_post(struct request *request, struct response *response);
void checkout_post_checkin(struct request *request, struct response *response);
void checkout_post_discard(struct request *request, struct response *response);

#endif
