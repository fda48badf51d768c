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
    struct err *errors;            /* of items: one for each id */
    struct listing_part *parts;    /* of listings: one for each folder */
    char *session_url;             /* of an upload, a secret */
    struct upload_session session; /* its url is not to be used */
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
struct request *request_make_folder(struct sync *sync, const struct path_query *query,
                                    answer_fn *fn, void *owner);
struct request *request_change(struct sync *sync, const struct change_query *query, answer_fn *fn,
                               void *owner);
struct request *request_delete(struct sync *sync, const struct delete_query *query, answer_fn *fn,
                               void *owner);

/* Content: whole, or a session of fragments, see remote.h. data, which query->data points to (NULL:
 * no bytes), is the request's from now on. */
struct request *request_put(struct sync *sync, const struct put_query *query, char *data,
                            answer_fn *fn, void *owner);
struct request *request_session_begin(struct sync *sync, const struct session_query *query,
                                      answer_fn *fn, void *owner);
struct request *request_session_put(struct sync *sync, const struct fragment_query *query,
                                    char *data, answer_fn *fn, void *owner);
struct request *request_session_ask(struct sync *sync, const struct fragment_query *query,
                                    answer_fn *fn, void *owner);
/* Nobody is told how that ends. */
void request_session_end(struct sync *sync, const struct fragment_query *query);

/* fn will not run. Cancels the request. NULL is allowed. */
void request_abandon(struct sync *sync, struct request *request);
void request_abandon_all(struct sync *sync);

#endif
