/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_FAKE_REMOTE_I_H
#define GRAPHFS_TESTS_FAKE_REMOTE_I_H

/* What the files of the fake remote share. */

#include <pthread.h>

#include "fake_delta.h"
#include "fake_remote.h"
#include "fake_write.h"

struct fault {
    enum fake_request kind;
    unsigned skip, times;
    struct err err;
};

DEFINE_VEC(fault_list, struct fault);

/* A request that waits; strings are its own, and the answer until it is delivered. */
struct asked {
    uint64_t id;
    enum fake_request kind;
    bool is_cancelled;
    bool is_unheard; /* it never arrives */
    bool is_served;
    int64_t served_ms; /* real time */
    char *drive_id, *item_id, *link, *name;
    char **ids;
    size_t count;
    remote_drives_fn *drives_done;
    remote_page_fn *page_done;
    remote_items_fn *items_done;
    remote_listings_fn *listings_done;
    remote_done_fn *done;
    remote_session_fn *session_done;
    remote_fragment_fn *fragment_done;
    void *arg;
    struct drive_list *drives;
    struct item_page *page;
    struct err err;     /* of the whole */
    struct err *errors; /* by item */
    struct listing_part *parts;
    struct fake_change change;
    struct fake_reply reply;
};

DEFINE_VEC(asked_list, struct asked *);

struct fake_remote {
    struct remote remote;
    struct fake_model model;
    struct fake_settings settings;
    struct fake_delta delta;
    struct fake_writer writer;
    struct fault_list faults;
    pthread_mutex_t lock;
    /* lock */
    struct asked_list waiting;
    uint64_t last_id;
    unsigned counts[FAKE_REQUESTS];
};

/* ---- fake_remote.c ---- */

struct asked *asked_new(enum fake_request kind, void *arg);
/* Keeps it until it is answered; returns its id. */
uint64_t asked_enqueue(struct remote *remote, struct asked *asked);

/* ---- fake_ask.c: what changes the service ---- */

uint64_t ask_make_folder(struct remote *remote, const struct path_query *query,
                         remote_page_fn *done, void *arg);
uint64_t ask_change(struct remote *remote, const struct change_query *query, remote_page_fn *done,
                    void *arg);
uint64_t ask_delete(struct remote *remote, const struct delete_query *query, remote_done_fn *done,
                    void *arg);
uint64_t ask_put(struct remote *remote, const struct put_query *query, remote_page_fn *done,
                 void *arg);
uint64_t ask_session(struct remote *remote, const struct session_query *query,
                     remote_session_fn *done, void *arg);
uint64_t ask_fragment(struct remote *remote, const struct fragment_query *query,
                      remote_fragment_fn *done, void *arg);
uint64_t ask_where(struct remote *remote, const struct fragment_query *query,
                   remote_session_fn *done, void *arg);
uint64_t ask_end(struct remote *remote, const struct fragment_query *query, remote_done_fn *done,
                 void *arg);

/* Gives the answer to whoever asked. err: there is none. */
void asked_deliver_reply(struct asked *asked, const struct err *err);

static inline bool asked_is_change(const struct asked *asked)
{
    return asked->kind >= FAKE_MAKE_FOLDER;
}

#endif
