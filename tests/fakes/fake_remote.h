/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_FAKE_REMOTE_H
#define GRAPHFS_TESTS_FAKE_REMOTE_H

/*
 * A remote in the process, over a fake_model. Requests are kept until fake_remote_pump() answers
 * them all, or fake_remote_deliver() one, on the calling thread: so a test decides when things
 * happen, and what is on the way when they do. Requests may come from any thread; all else is for
 * the test's thread. It counts what it is asked for.
 *
 * Also defines item_page_free() and drive_list_free(): link it instead of graph's decoders.
 */

#include "base/err.h"
#include "fake_model.h"
#include "graph/remote.h"

enum fake_request {
    FAKE_ASK_DRIVES,
    FAKE_ASK_DELTA,    /* without a link */
    FAKE_ASK_LINK,     /* of delta */
    FAKE_ASK_CHILDREN, /* with or without a link */
    FAKE_ASK_ITEMS,
    FAKE_ASK_CHILD,
    FAKE_ASK_LISTINGS, /* of several folders */
    FAKE_ASK_LISTING,  /* each folder in these */
    FAKE_MAKE_FOLDER,  /* from here on: what changes the service */
    FAKE_CHANGE,
    FAKE_DELETE,
    FAKE_PUT,
    FAKE_SESSION,
    FAKE_FRAGMENT,
    FAKE_ASK_SESSION,
    FAKE_END_SESSION,
    FAKE_REQUESTS,
};

struct fake_remote;

/* What it does beside answering; for tests to set at any time. */
struct fake_settings {
    size_t children_page_size; /* 0: as page_size */
    size_t page_size;          /* items on a page */
    bool is_shuffled;          /* delta comes in any order, requests are answered in any order */
    unsigned repeat_percent; /* of items come in a round of delta twice, first in an older state */
    bool omits_tombstones;   /* below a folder that is deleted in the same round */
    bool omits_ctag;         /* in delta, as business drives do */
    int64_t deadline_ms;     /* an answer that is longer on its way is lost; 0: none is */
    bool is_offline;         /* each request ends with -ENETDOWN */
    bool is_looping;         /* next links of delta lead to the page that they are on */
    unsigned wrong_412_percent; /* of deletions are refused although the tag is right */
    unsigned rewrite_percent;   /* of contents are rewritten by the service, before and after it
                                   answers */
    bool moves_etag;            /* of an item, when an upload to it begins */
    bool is_deaf;               /* requests that come now never arrive */
    /* Unless NULL: run when a request of the client's deletes an item, or replaces its content,
     * before it does; has made one; when the service rewrites a content; and when an upload is a
     * mixture of two. */
    void (*on_loss)(size_t item, void *arg);
    void (*on_create)(size_t item, void *arg);
    void (*on_rewrite)(unsigned from, unsigned to, void *arg);
    void (*on_mixture)(void *arg);
    void *on_loss_arg; /* of all four */
    /* Unless NULL: runs as each request comes, on the thread that makes it. */
    void (*on_request)(enum fake_request kind, void *arg);
    void *on_request_arg;
    /* Unless NULL: runs as each answer that holds items is delivered. */
    void (*on_answer)(enum fake_request kind, const struct item_page *page, void *arg);
    void *on_answer_arg;
};

/* Where a piece of a content of a given number begins, data tells that number. */
void fake_stamp(void *data, size_t length, unsigned content);

struct fake_remote *fake_remote_new(struct clock *clock, uint64_t seed);
/* Requests that are still waiting are answered with -ECANCELED. */
void fake_remote_free(struct fake_remote *fake);

struct remote *fake_remote_ops(struct fake_remote *fake);
struct fake_model *fake_remote_model(struct fake_remote *fake);
struct fake_settings *fake_remote_settings(struct fake_remote *fake);

/* Answers the requests that wait, not those made meanwhile. Returns how many there were. */
size_t fake_remote_pump(struct fake_remote *fake);

/* The same for single requests, in any order: how many wait, and what each is by its index, in
 * order of asking. */
size_t fake_remote_waiting(struct fake_remote *fake);
enum fake_request fake_remote_kind(struct fake_remote *fake, size_t index);
/* Makes the answer as things are now, and keeps it on its way. False if that was done before, or is
 * not wanted any more. */
bool fake_remote_serve(struct fake_remote *fake, size_t index);
bool fake_remote_is_served(struct fake_remote *fake, size_t index);
bool fake_remote_is_too_late(struct fake_remote *fake, size_t index);
/* The answer arrives, made now unless it was before; or this failure does in its place: of a
 * change that was made before, it then says that nobody knows. */
void fake_remote_deliver(struct fake_remote *fake, size_t index, const struct err *failure);

/* How many requests of a kind came since fake_remote_reset_counts(); items: how many ids. */
unsigned fake_remote_count(const struct fake_remote *fake, enum fake_request kind);
unsigned fake_remote_total(const struct fake_remote *fake);
void fake_remote_reset_counts(struct fake_remote *fake);

/* After `skip` more requests of this kind, the next `times` fail so. */
void fake_remote_fail(struct fake_remote *fake, enum fake_request kind, unsigned skip,
                      unsigned times, int code, long http_status);

/* All links of delta given out so far are dead: they get this status and code. */
void fake_remote_expire(struct fake_remote *fake, long http_status, const char *graph_code);

/* No upload that is under way goes on. */
void fake_remote_lose_sessions(struct fake_remote *fake);

#endif
