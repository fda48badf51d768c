/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_DOWNLOAD_H
#define EMULATOR_DOWNLOAD_H

#include <stdint.h>

#include "buffer.h"

/* What the paths of the legacy host begin with, before their token. */
#define DOWNLOAD_LEGACY_PATH "/y4m"

struct drive;
struct request;
struct response;

/* Adds the content origin, as this client finds it. */
void download_add_origin(const struct request *request, struct buffer *url);

/* Adds a preauthenticated URL of the item's content: of whatever is current when it is used
 * (`version` 0), or of that version. */
void download_add_url(const struct request *request, const struct drive *drive, uint32_t item,
                      uint32_t version, struct buffer *url);

/* GET and HEAD of an item's content: the redirect to such a URL. */
void download_get_redirect(struct request *request, struct response *response);

/* Any request to the content origin. */
void download_serve(struct request *request, struct response *response);

/* Ends the life of the URL that this request to the content origin uses. */
void download_expire_url(struct request *request);

#endif
