/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_DECODE_H
#define GRAPHFS_GRAPH_DECODE_H

/* Graph's JSON into the structs of item.h, which hold copies and no part of it. Pure functions; the
 * only place that knows its shape. */

#include "base/err.h"
#include "base/strbuf.h"
#include "graph/item.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How deep an answer may be nested; Graph's own stay below a third of it. */
#define DECODE_MAX_DEPTH 32

/* Parses an answer. Returns it for the caller to put; NULL with err (-EPROTO) if it isn't JSON, and
 * with what errmap says if it is an error object, which Graph has been seen to send with 200. */
struct json_object *decode_answer(const struct strbuf *body, struct err *err);

/* The link to the page after this one, without parsing the whole of it: for the caller to free.
 * NULL if there is none, or if it doesn't stand where the service puts it, before the items. */
char *decode_next_link(const struct strbuf *body);

/* A page of a collection of items. Entries without an id are left out, with a line in the log.
 * Returns -EPROTO if it isn't a collection. */
int decode_page(struct json_object *json, struct item_page **ret_page, struct err *err);

/* A page of count items, each of which is to be put. */
struct item_page *decode_page_new(size_t count);

/* Makes item i what json says. Returns -EPROTO, and leaves it, if json has no id. */
int decode_page_put(struct item_page *page, size_t i, struct json_object *json, struct err *err);

/* Makes item i one of which nothing but its id and flags are known. */
void decode_page_put_bare(struct item_page *page, size_t i, const char *id, unsigned flags);

/* An empty list of drives. */
struct drive_list *decode_drives_new(void);

/* Appends the drive that json is, as the default one or not. Left out are one that is there
 * already, and a personal account's phantoms: hidden libraries that the service lists but refuses
 * to open. Returns -EPROTO if it has no id. */
int decode_drives_add(struct drive_list *list, struct json_object *json, bool is_default,
                      struct err *err);

/* Where an upload session goes on, in bytes: the begin of the first range that it expects; total if
 * it expects none any more, and fallback if it says nothing of it. -EPROTO if that isn't a place in
 * a content of that size. Also reads when it expires, in ms since the epoch; 0: not told. */
int decode_session(struct json_object *json, int64_t total, int64_t fallback, int64_t *ret_next,
                   int64_t *ret_expires_ms, struct err *err);

/* An empty list of versions. */
struct version_infos *decode_versions_new(void);

/* Appends a page of versions. Entries without an id are left out, with a line in the log. Returns
 * -EPROTO if it isn't a collection. */
int decode_versions_add(struct version_infos *list, struct json_object *json, struct err *err);

#endif
