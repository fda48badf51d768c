/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_FAKE_WRITE_H
#define GRAPHFS_TESTS_FAKE_WRITE_H

/*
 * The writing side of the fake remote: what a request does to the model, and what is answered.
 *
 * Bytes are not kept. A content is a number, and data begins with it wherever it is read from: see
 * fake_stamp(). So whatever arrives tells which content it is a piece of.
 */

#include "fake_remote.h"

/* What is asked for. Strings are its own. */
struct fake_change {
    enum fake_request kind;
    char *item_id, *parent_id, *name, *if_match, *url;
    bool has_mtime;
    int64_t mtime_ns;
    int64_t size;     /* bytes: of the whole content */
    int64_t offset;   /* bytes */
    size_t length;    /* bytes */
    const void *data; /* borrowed */
};

void fake_change_clear(struct fake_change *change);

/* What it is answered with; err.code 0: it was done. */
struct fake_reply {
    struct item_page *page;
    bool has_session;
    struct upload_session session; /* its url is this struct's */
    char url[32];
    struct err err;
};

/* An upload that is under way. */
struct fake_session {
    bool is_live;
    size_t item;   /* of the model; SIZE_MAX: a new one */
    size_t parent; /* of a new one */
    char name[256];
    char *if_match;
    int64_t size, received;
    bool has_mtime;
    int64_t mtime_ns;
    unsigned content; /* 0: nothing has come yet */
};

DEFINE_VEC(fake_sessions, struct fake_session);

struct fake_writer {
    struct fake_model *model;
    const struct fake_settings *settings;
    struct fake_sessions sessions; /* their urls are their numbers */
};

void fake_writer_clear(struct fake_writer *writer);

/* Carries it out, or refuses it. */
void fake_writer_serve(struct fake_writer *writer, const struct fake_change *change,
                       struct fake_reply *ret);

/* No session that has begun goes on. */
void fake_writer_lose_sessions(struct fake_writer *writer);

#endif
