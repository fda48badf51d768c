/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_TOKENS_H
#define GRAPHFS_GRAPH_TOKENS_H

/*
 * The token file of an account: `token.json` in its state directory, mode 0600, replaced
 * atomically.
 *
 * Daemon, `login` and `api` share it. Whoever replaces a token holds the lock from before reading
 * the old one to after writing the new one, so that a rotation is never lost.
 */

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Zeroed memory is an empty set. All strings are owned; a missing one is NULL. */
struct tokens {
    char *cloud;
    char *graph_url; /* the services that they are for, without a version */
    char *login_url;
    char *client_id;
    char *tenant; /* as configured: common, a GUID, … */
    char *scope;  /* as asked for */
    char *refresh_token;
    char *access_token;
    int64_t renew_ms;  /* wall clock: from then on the access token is renewed before use */
    char *signed_out;  /* why the refresh token is void; NULL while it is good */
    char *user_id;     /* who signed in, as /me says */
    char *user_name;   /* userPrincipalName */
    char *user_tenant; /* GUID of the user's tenant, if the id token told it */
};

/* Which file was read: another process has replaced it if this differs. */
struct tokens_stamp {
    ino_t inode;
    struct timespec changed;
};

/* Which services a sign-in is for. */
struct tokens_place {
    const char *cloud;
    const char *graph_url;
    const char *login_url;
};

/* Whether tokens may be sent there: never to another service than they were obtained from. What a
 * file doesn't tell, one of an older version, isn't compared. Returns 0, or -EACCES with a message
 * for the user. */
int tokens_check_place(const struct tokens *tokens, const struct tokens_place *place,
                       struct err *err);

/* Frees the strings, after wiping them. */
void tokens_clear(struct tokens *tokens);

/* Reads the file into an empty set. Returns 0; -ENOENT if nobody is signed in; -EACCES if others
 * may read it; -EBADMSG if it is damaged. Messages say what to do. ret_stamp may be NULL. */
int tokens_load(const char *state_dir, struct tokens *ret_tokens, struct tokens_stamp *ret_stamp,
                struct err *err);

/* Writes the file. The lock is held. ret_stamp may be NULL. */
int tokens_save(const char *state_dir, const struct tokens *tokens, struct tokens_stamp *ret_stamp,
                struct err *err);

/* Removes the file, and what a killed process has left of one. Returns 0, also if there was none.
 * The lock is held. */
int tokens_remove(const char *state_dir, struct err *err);

/* True if the file is another one than when stamp was taken, or has gone. */
bool tokens_changed(const char *state_dir, const struct tokens_stamp *stamp);

/* Takes the lock, without waiting. Returns a descriptor to close, -EWOULDBLOCK if another process
 * (or descriptor) has it, or -errno. Creates the state directory. */
int tokens_lock(const char *state_dir, struct err *err);

#endif
