/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_SESSION_H
#define EMULATOR_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "hashing.h"
#include "writing.h"

struct emulator;
struct request;

/* What the paths of the legacy host begin with, before the drive and the key. */
#define SESSION_LEGACY_PATH "/rup/"

enum { SESSION_KEY_SIZE = 33 };

/* A file on its way, fragment by fragment. */
struct session {
    struct session *next;
    char key[SESSION_KEY_SIZE]; /* what its URL says */
    char guid[37];              /* no secret, for show */
    struct target target;       /* `item`: of a session for an item that was named by its id */
    enum conflict conflict;
    struct times times;
    int64_t etag;     /* what the item's must still be, -1: anything */
    int64_t total;    /* -1: not known before the first fragment */
    int64_t received; /* in order, so that is where it goes on */
    int64_t offset;   /* of its region in the spool */
    struct hashing hashing;
    int64_t expires_ms;
    int64_t ends_ms; /* of the URL's token, however busy it is */
    bool is_deferred;
    bool has_odd_fragment; /* one whose size is not what it should be */
    bool is_over;          /* expired: kept to say so */
};

/* The sessions, newest first. Guarded by the world lock. */
struct sessions {
    struct session *first;
};

/* A session for a target, which it takes over. */
struct session *session_begin(struct emulator *emulator, struct target *target);

/* The session with this key, NULL: none. It may be over. */
struct session *session_find(struct emulator *emulator, const char *key);

/* The living one for something of that name there, NULL: none. */
struct session *session_find_name(struct emulator *emulator, const struct target *target);

/* It has been used, which in most profiles keeps it longer. */
void session_slide(struct emulator *emulator, struct session *session);

/* Ends the session. What it received is kept only if it became a content. */
void session_end(struct emulator *emulator, struct session *session, bool has_content);
void sessions_clear(struct sessions *sessions);

/* Adds the URL to which fragments go, and reads the key out of one; false if it is none. */
void session_add_url(const struct request *request, const struct session *session,
                     struct buffer *url);
bool session_read_url(const char *url, char ret_key[SESSION_KEY_SIZE]);

#endif
