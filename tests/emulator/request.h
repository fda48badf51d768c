/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_REQUEST_H
#define EMULATOR_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "emulator.h"

struct blob;

enum origin { ORIGIN_API, ORIGIN_CONTENT };

struct pair {
    char *name;
    char *value;
};

struct pairs {
    struct pair *list;
    size_t count;
    size_t capacity;
};

void pairs_add(struct pairs *pairs, const char *name, const char *value);

/* The value under `name` (without case), or NULL. */
const char *pairs_get(const struct pairs *pairs, const char *name);
void pairs_remove(struct pairs *pairs, const char *name);
void pairs_clear(struct pairs *pairs);

/* Splits and decodes "a=b&c=d" (a query or a form). */
void pairs_parse(struct pairs *pairs, const char *text);

enum { REQUEST_VARS = 2 };

/* One request, from the wire or from inside a batch. */
struct request {
    struct emulator *emulator;
    enum origin origin;
    bool is_inner;       /* of a batch */
    struct buffer inner; /* of a batch: "GET pattern status" of each, by semicolons */
    char *method;
    char *path;         /* as sent, without the query */
    char *raw_query;    /* as sent; NULL: none */
    struct pairs query; /* decoded */
    struct pairs headers;
    struct buffer body;
    int64_t kept_bytes; /* of a fragment, by a fault; -1: all */
    char http_version[12];
    char request_id[37];
    char base_url[160]; /* "http://127.0.0.1:1234", as the client named this host */

    /* what the route found */
    struct buffer pattern; /* the path with its variable parts named */
    char *vars[REQUEST_VARS];
    int var_count;
    char *drive_id;  /* NULL: the user's own */
    char *item_id;   /* NULL: the root */
    char *item_path; /* decoded, below the item; NULL if there is none */
    bool has_bad_path;
    char *special; /* name of a special folder */
};

void request_clear(struct request *request);

/* True if it is for the sign-in service. */
bool request_is_login(const struct request *request);

/* True if the query has `name`; with or without the dollar sign that Graph lets one leave out. */
const char *request_option(const struct request *request, const char *name);

/* How many items a page has that was asked for with `asked`, of a service that allows `most`. */
int64_t request_page_limit(const struct request *request, int64_t asked, int64_t most);

/* True if a "Prefer" header names this preference. */
bool request_prefers(const struct request *request, const char *preference);

/* An answer. The body is in `body`, or it is a part of a blob. */
struct response {
    unsigned status;
    struct pairs headers;
    struct buffer body;
    struct blob *blob; /* borrowed */
    int64_t blob_offset;
    int64_t blob_length;
    bool may_pack;   /* compressed for clients that take it */
    bool is_batch;   /* which has no headers of OData and of caches */
    bool is_no_json; /* whatever its type says: a gateway's page, or broken */
    bool is_chunked; /* sent without its length, as Graph sends JSON */

    /* how it is delivered, see fault.c */
    bool is_closed;  /* no answer at all */
    bool is_flipped; /* a wrong byte */
    bool has_wrong_size;
    int64_t cut_at;   /* bytes after which the connection breaks, or -1 */
    int64_t stall_at; /* bytes after which nothing more comes, or -1 */
    int64_t rate;     /* bytes per second, 0 for no limit */
};

void response_init(struct response *response);
void response_clear(struct response *response);
void response_header(struct response *response, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Bytes that the body has. */
int64_t response_length(const struct response *response);

/* Graph's error envelope. `inner` may be NULL. */
void response_error(const struct request *request, struct response *response, unsigned status,
                    const char *code, const char *message, const char *inner);

/* Marks the body as JSON and gives it the headers Graph's JSON has. */
void response_json(struct response *response, unsigned status);

#endif
