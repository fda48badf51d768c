/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_REMOVAL_H
#define EMULATOR_REMOVAL_H

struct request;
struct response;

/* DELETE of an item, into the recycle bin; for good; and back from the bin. */
void removal_delete(struct request *request, struct response *response);
void removal_post_permanent(struct request *request, struct response *response);
void removal_post_restore(struct request *request, struct response *response);

#endif
