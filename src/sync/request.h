/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_REQUEST_H
#define GRAPHFS_SYNC_REQUEST_H

/* Requests to the remote whose answers are handled on the sync thread. For that thread alone. */

#include "base/err.h"
#include "graph/remote.h"

struct sync;
struct request;

/* What came back: err.code 0 with what was asked for, or an error. Freed after the handler has run.
 */
struct answer {
    struct item_page *page;
    struct drive_list *drives;
    struct err *errors;         /* of items: one for each id */
    struct listing_part *parts; /* of listings: one for each folder */
    struct err err;
};

/* The request is gone when this runs. */
typedef void answer_fn(struct sync *sync, struct answer *answer, void *owner);

/* Each returns a handle for request_abandon(). */
struct request *request_drives(struct sync *sync, answer_fn *fn, void *owner);
struct request *request_page(struct sync *sync, const struct page_query *query, answer_fn *fn,
                             void *owner);
struct request *request_items(struct sync *sync, const struct item_query *query, answer_fn *fn,
                              void *owner);
struct request *request_listings(struct sync *sync, const struct listings_query *query,
                                 answer_fn *fn, void *owner);
struct request *request_child(struct sync *sync, const struct path_query *query, answer_fn *fn,
                              void *owner);

/* fn will not run. Cancels the request. NULL is allowed. */
void request_abandon(struct sync *sync, struct request *request);
void request_abandon_all(struct sync *sync);

#endif
