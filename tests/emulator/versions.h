/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_VERSIONS_H
#define EMULATOR_VERSIONS_H

struct request;
struct response;

/* GET of a file's versions, of one, and the redirect to the bytes of one. */
void versions_get(struct request *request, struct response *response);
void versions_get_one(struct request *request, struct response *response);
void versions_get_redirect(struct request *request, struct response *response);

/* POST that makes an older version the current one again. */
void versions_post_restore(struct request *request, struct response *response);

#endif
