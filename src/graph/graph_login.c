/* SPDX-License-Identifier: MIT */
/*
 * Sign-in as a whole: runs the device flow on the net thread, waits for it, and stores the tokens,
 * unless they are of another user than the account's.
 */
#include "config.h"

#include "graph/graph.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "graph/device.h"
#include "graph/graph_i.h"

/* Another process that renews the token holds the lock for the time of a request. */
#define LOCK_ATTEMPTS 600
#define LOCK_PAUSE_NS (100 * 1000 * 1000)

/* On the stack of the waiting thread. */
struct waiting_login {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done; /* lock */
    struct tokens tokens;
    struct err err;
    graph_prompt_fn *prompt;
    void *prompt_arg;
};

static void on_prompt(const char *message, const char *user_code, const char *url, void *arg)
{
    struct waiting_login *waiting = arg;
    waiting->prompt(message, user_code, url, waiting->prompt_arg);
}

static void on_done(struct tokens *tokens, const struct err *err, void *arg)
{
    struct waiting_login *waiting = arg;
    LOCKED(&waiting->lock);
    if (err)
        waiting->err = *err;
    else
        waiting->tokens = *tokens;
    waiting->is_done = true;
    (void)pthread_cond_signal(&waiting->done);
}

static bool is_same(const char *one, const char *other)
{
    return one && other && strcmp(one, other) == 0;
}

static int check_user(const char *state_dir, const struct tokens *tokens, struct err *err)
{
    struct tokens before = { 0 };
    int ret = 0;
    if (tokens_load(state_dir, &before, NULL, NULL) == 0 && before.user_id &&
        !(is_same(before.user_id, tokens->user_id) && is_same(before.cloud, tokens->cloud)))
        ret =
            err_set(err, -EPERM,
                    "this account is %.80s, but %.80s has signed in (use another account name with "
                    "-a, or run `graphfs logout` first)",
                    before.user_name ? before.user_name : before.user_id,
                    tokens->user_name ? tokens->user_name : tokens->user_id);
    tokens_clear(&before);
    return ret;
}

static int wait_for_lock(const char *state_dir, struct err *err)
{
    int fd = tokens_lock(state_dir, err);
    for (int i = 0; fd == -EWOULDBLOCK && i < LOCK_ATTEMPTS; i++) {
        (void)nanosleep(&(struct timespec){ .tv_nsec = LOCK_PAUSE_NS }, NULL);
        fd = tokens_lock(state_dir, err);
    }
    return fd;
}

static int store(const char *state_dir, const struct tokens *tokens, struct err *err)
{
    cleanup_close int fd = wait_for_lock(state_dir, err);
    if (fd < 0)
        return fd;
    int ret = check_user(state_dir, tokens, err);
    return ret < 0 ? ret : tokens_save(state_dir, tokens, NULL, err);
}

int graph_login_device(struct graph *graph, graph_prompt_fn *prompt, void *arg, struct err *err)
{
    struct waiting_login waiting = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .done = PTHREAD_COND_INITIALIZER,
        .prompt = prompt,
        .prompt_arg = arg,
    };
    struct device_conf conf = {
        .place = { graph->cloud, graph->graph_url, graph->login_url },
        .graph_root = graph->root,
        .client_id = graph->client_id,
        .tenant = graph->tenant,
        .scopes = graph->scopes,
    };
    struct device *device =
        device_new(&conf, graph->net, graph->clock, on_prompt, on_done, &waiting);
    device_start(device);
    {
        LOCKED(&waiting.lock);
        while (!waiting.is_done)
            (void)pthread_cond_wait(&waiting.done, &waiting.lock);
    }
    device_free(device);
    if (waiting.err.code < 0) {
        if (err)
            *err = waiting.err;
        return waiting.err.code;
    }
    int ret = store(graph->state_dir, &waiting.tokens, err);
    tokens_clear(&waiting.tokens);
    return ret;
}

int graph_logout(const char *state_dir, struct err *err)
{
    cleanup_close int fd = wait_for_lock(state_dir, err);
    return fd < 0 ? fd : tokens_remove(state_dir, err);
}

static bool allows_writing(const char *scopes)
{
    static const char *const names[] = { "Files.ReadWrite", "Files.ReadWrite.All",
                                         "Sites.ReadWrite.All" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (graph_has_scope(scopes, names[i]))
            return true;
    }
    return false;
}

int graph_identity_load(const char *state_dir, struct graph_identity *ret_identity, struct err *err)
{
    struct tokens tokens = { 0 };
    int ret = tokens_load(state_dir, &tokens, NULL, err);
    if (ret == 0)
        *ret_identity = (struct graph_identity){
            .client_id = steal_ptr(&tokens.client_id),
            .sign_in_tenant = steal_ptr(&tokens.tenant),
            .cloud = steal_ptr(&tokens.cloud),
            .tenant = steal_ptr(&tokens.user_tenant),
            .user_id = steal_ptr(&tokens.user_id),
            .user_name = steal_ptr(&tokens.user_name),
            .writes = tokens.scope && allows_writing(tokens.scope),
        };
    tokens_clear(&tokens);
    return ret;
}

void graph_identity_clear(struct graph_identity *identity)
{
    free(identity->client_id);
    free(identity->sign_in_tenant);
    free(identity->cloud);
    free(identity->tenant);
    free(identity->user_id);
    free(identity->user_name);
    *identity = (struct graph_identity){ 0 };
}
