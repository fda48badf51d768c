/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_BATCH_H
#define GRAPHFS_GRAPH_BATCH_H

/* JSON batching: several requests in one. Pure functions. */

#include "base/err.h"
#include "base/strbuf.h"

#include <json-c/json_object.h>
#include <stddef.h>
#include <stdint.h>

/* More in one batch make the service refuse all of it. */
#define BATCH_MAX 20

/* One answer. */
struct batch_part {
    long status;              /* 0: the service left this one out */
    struct json_object *body; /* borrowed from the answer; NULL if it isn't an object */
    int64_t retry_after_ms;   /* -1: not told */
};

/* Begins, continues and ends the body of a batch. The parts are numbered by number, from 0; url is
 * relative to the version and needs no encoding any more. prefer is the value of a Prefer header,
 * which no part has from the batch; NULL: none. */
void batch_begin(struct strbuf *body);
void batch_add_get(struct strbuf *body, size_t number, const char *url, const char *prefer);
int batch_end(struct strbuf *body);

/* A part that changes something. */
struct batch_change {
    const char *method;
    const char *url;
    const char *if_match; /* the value of a header; NULL: none */
    const char *body;     /* JSON; NULL: none */
};

/* The same for such a part. */
void batch_add_change(struct strbuf *body, size_t number, const struct batch_change *change);

/* Sorts the answers, which come in any order, into parts[0..count). Unknown and repeated numbers
 * are ignored. now_ms is the wall clock. Returns 0, or -EPROTO if answer isn't that of a batch. */
int batch_read(struct json_object *answer, int64_t now_ms, struct batch_part *parts, size_t count,
               struct err *err);

#endif
