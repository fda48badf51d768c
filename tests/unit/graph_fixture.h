/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_TESTS_GRAPH_FIXTURE_H
#define GRAPHFS_TESTS_GRAPH_FIXTURE_H

/*
 * An emulator of the service in a process of its own, and a struct graph that talks to it.
 *
 * GRAPH_EMULATOR names the binary; without it, it is looked for below the current directory, which
 * is the build directory. What can't work here fails the test.
 */

#include "base/clock.h"
#include "base/pool.h"
#include "base/strbuf.h"
#include "graph/graph.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

struct emulator {
    pid_t pid;
    char *directory;
    char *url;
};

/* Starts one; args are further arguments of its command line, ended by NULL. */
struct emulator *emulator_start(const char *const *args);

/* Ends the process and frees all. NULL is allowed. */
void emulator_stop(struct emulator *emulator);

/* A control request below /_emulator/, with a body of JSON or NULL. Returns the text of its answer,
 * for the caller to free; any status but 2xx fails the test. */
char *emulator_control(const struct emulator *emulator, const char *method, const char *name,
                       const char *body);

/* The same where the answer doesn't matter. */
void emulator_do(const struct emulator *emulator, const char *method, const char *name,
                 const char *body);

/* Adds one fault: a JSON object. */
void emulator_fault(const struct emulator *emulator, const char *fault);

/* A number of GET requests: "total", "login", "bearer_on_content", … */
int64_t emulator_count(const struct emulator *emulator, const char *name);

/* Waits until that number is at least value. */
void emulator_wait_for(const struct emulator *emulator, const char *name, int64_t value);

struct service {
    struct emulator *emulator; /* borrowed */
    char *state_dir;
    struct clock *clock; /* moved by tests */
    struct pool *pool;
    struct graph *graph;
    struct remote *remote;
};

/* A graph with a state directory of its own, nobody signed in. idle_timeout_ms 0: the default. */
struct service *service_new(struct emulator *emulator, int64_t idle_timeout_ms);

/* The same, for one that asks for other permissions than to read. */
struct service *service_new_for(struct emulator *emulator, const char *scopes);

/* Signs in, approving its own device code. */
void service_sign_in(struct service *service);

/* Tries to, with another decision about the code: "approve", "decline", "expire". Returns what
 * graph_login_device() does. */
int service_try_sign_in(struct service *service, const char *decision, struct err *err);

/* Makes a user signed in without asking anybody: the token file has an access token for a year. */
void service_put_tokens(struct service *service);

/* Replaces a field of the token file, as another process would: one of struct tokens by its offset;
 * NULL removes it. */
void service_set_token(struct service *service, size_t field, const char *value);

/* Has the access token of the token file be renewed before it is used. */
void service_age_token(struct service *service);

/* Lets time pass, and threads that it wakes work for a moment: for loops that wait for something.
 */
void service_pass_time(struct service *service, int64_t ms);

void service_free(struct service *service);

/* What came to a completion of the remote, and a wait for it. */
struct answer {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done; /* lock */
    struct err err;
    struct item_page *page;
    struct drive_list *drives;
    struct version_infos *versions;
    char *url; /* of a version, or of a session, which has the next two as well */
    int64_t next;
    int64_t expires_ms;
    struct err *errors;   /* of items, as many as page has */
    struct strbuf pieces; /* of a range, those before data: each as `OFFSET:BYTES ` */
    char *data;
    int64_t offset;
    size_t length;
    int64_t total;
    char *etag;
};

void answer_init(struct answer *answer);
void answer_clear(struct answer *answer);

/* Returns err.code once the completion has run. */
int answer_wait(struct answer *answer);

bool answer_is_done(struct answer *answer);

/* The same as answer_wait(), while time passes in steps of so long. */
int answer_wait_passing(struct answer *answer, struct service *service, int64_t step_ms);

/* The completions, with a struct answer as their arg. */
void answer_page(struct item_page *page, const struct err *err, void *arg);
void answer_drives(struct drive_list *list, const struct err *err, void *arg);
void answer_items(struct item_page *page, const struct err *errors, const struct err *err,
                  void *arg);
void answer_versions(struct version_infos *list, const struct err *err, void *arg);
void answer_session(const struct upload_session *session, const struct err *err, void *arg);
void answer_fragment(struct item_page *page, const struct upload_session *session,
                     const struct err *err, void *arg);
void answer_done(const struct err *err, void *arg);
void answer_url(const char *url, const struct err *err, void *arg);
void answer_fetch(const struct fetch_answer *fetched, const struct err *err, void *arg);
void answer_piece(const struct fetch_answer *piece, void *arg);

#endif
