/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_ERRMAP_H
#define GRAPHFS_GRAPH_ERRMAP_H

/* What an answer that isn't a success means here: errno, scope and retry class. Pure functions. */

#include "base/err.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>

/* Fills err from an HTTP status and its body, which may be Graph's error object, HTML or empty.
 * request_id is the client-request-id, put into the message unless it is NULL. Returns the negative
 * errno. */
int errmap_answer(struct err *err, long status, const char *body, size_t length,
                  const char *request_id);

/* The same for a body that is parsed already (a part of a $batch), NULL if there is none. */
int errmap_object(struct err *err, long status, struct json_object *body, const char *request_id);

/* Whether the request that got this answer may have been carried out all the same: the service or
 * something before it failed, which can happen after the deed. It was not, if the service refuses,
 * or says when to ask again (a Retry-After). */
bool errmap_leaves_doubt(const struct err *err, bool has_retry_after);

/* Puts the client-request-id, by which the service's operators find a request, behind the message,
 * of which it cuts off what leaves no room. */
void errmap_note_id(struct err *err, const char *request_id);

#endif
