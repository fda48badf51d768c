/* SPDX-License-Identifier: MIT */
/*
 * The token's life.
 *
 *     idle ──wait──▶ locking ──lock──▶ asking ──answer──▶ idle
 *
 * Locking polls the lock file, since another process that renews holds it for as long as a request
 * takes. With the lock in hand the token file is read again: if the other one has renewed the
 * token, that is the end of it. So there is one renewal at a time, in this process and beside it.
 *
 * Always holds: a new refresh token is on disk before its access token is used; the old one is
 * given up only for a well-formed refusal (`signed_out` is set then, and the token kept in the
 * file); any change of the file by another process, a new sign-in or the end of one, is seen at the
 * next wait, and within seconds.
 */
#include "config.h"

#include "graph/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/uuid.h"
#include "base/xalloc.h"
#include "graph/errmap.h"
#include "graph/retry.h"
#include "graph/secret.h"
#include "graph/url.h"

/* What is refused for the sake of the configuration is asked for again this seldom. */
#define REFUSAL_MS         (60 * 1000)
#define LOOK_MS            2000
#define ID_HEADER          "client-request-id: "
#define LOCK_POLL_MS       100
#define RENEWAL_TIMEOUT_MS (60 * 1000)
#define MAX_ANSWER_BYTES   (128 * 1024)
#define MAX_FORM_BYTES     (64 * 1024)
/* Renewed this long before it ends, or after nine tenths of a short life. */
#define RENEW_EARLY_MS (INT64_C(5) * 60 * 1000)

enum auth_step {
    AUTH_IDLE,
    AUTH_LOCKING,
    AUTH_ASKING,
};

struct auth {
    char *state_dir;
    struct tokens_place place;
    char *client_id;
    char *tenant;
    struct net *net;
    struct clock *clock;
    struct link *link;

    char *
        user_id; /* whose tokens they were at first: nobody else's are used later; NULL: none yet */
    struct tokens tokens;
    struct tokens_stamp stamp; /* of the file that tokens came from; zero: none was read */
    unsigned generation;       /* of the access token */
    enum auth_step step;
    int64_t looked_ms; /* monotonic: when the token file was last looked at */
    int64_t held_ms;   /* monotonic: until then the service isn't asked, but held is the answer */
    struct err held;
    int lock_fd; /* -1: not held */
    struct net_timer timer;
    struct net_request request;
    char *url;          /* of request */
    struct strbuf form; /* body of request; a secret */
    char request_id[UUID_SIZE];
    char id_header[sizeof(ID_HEADER) + UUID_SIZE];
    const char *headers[4];
    TAILQ_HEAD(, auth_waiter) waiters;
};

struct auth *auth_new(const struct auth_conf *conf, struct net *net, struct clock *clock,
                      struct link *link)
{
    struct auth *auth = x_calloc(1, sizeof(*auth));
    auth->state_dir = x_strdup(conf->state_dir);
    auth->place = conf->place;
    auth->client_id = x_strdup(conf->client_id);
    auth->tenant = x_strdup(conf->tenant);
    auth->net = net;
    auth->clock = clock;
    auth->link = link;
    auth->lock_fd = -1;
    strbuf_init(&auth->form, MAX_FORM_BYTES);
    TAILQ_INIT(&auth->waiters);
    return auth;
}

static void unlock(struct auth *auth)
{
    if (auth->lock_fd >= 0)
        (void)close(auth->lock_fd);
    auth->lock_fd = -1;
}

void auth_stop(struct auth *auth)
{
    net_timer_clear(&auth->timer);
    if (auth->step == AUTH_ASKING)
        net_cancel(&auth->request);
    net_request_clear(&auth->request);
    auth->step = AUTH_IDLE;
    unlock(auth);
}

void auth_free(struct auth *auth)
{
    if (!auth)
        return;
    unlock(auth);
    secret_clear_strbuf(&auth->form);
    tokens_clear(&auth->tokens);
    free(auth->state_dir);
    free(auth->client_id);
    free(auth->tenant);
    free(auth->user_id);
    free(auth->url);
    free(auth);
}

static bool is_fresh(const struct auth *auth)
{
    return auth->tokens.access_token && !auth->tokens.signed_out &&
           clock_real_ms(auth->clock) < auth->tokens.renew_ms;
}

static void set_tokens(struct auth *auth, const struct tokens *tokens,
                       const struct tokens_stamp *stamp)
{
    tokens_clear(&auth->tokens);
    auth->tokens = *tokens;
    auth->stamp = *stamp;
    auth->held_ms = 0;
    auth->generation++;
}

/* Whether tokens that were read may be used here: what the caches hold is one user's, and a token
 * goes only where it came from. */
static int check_tokens(struct auth *auth, const struct tokens *tokens, struct err *err)
{
    if (tokens_check_place(tokens, &auth->place, err) < 0)
        return -EACCES;
    if (!auth->user_id)
        auth->user_id = x_strdup(tokens->user_id);
    if (auth->user_id && tokens->user_id && strcmp(auth->user_id, tokens->user_id) != 0)
        return err_set(err, -EACCES,
                       "another user, %.80s, has signed in under this account: mount again",
                       tokens->user_name ? tokens->user_name : tokens->user_id);
    return 0;
}

/* A failure to read that says nothing about the sign-in: no descriptor, no memory, a disk error. */
static bool is_passing(int code)
{
    return code != -ENOENT && code != -EACCES && code != -EBADMSG;
}

/* Reads the token file if it isn't the one that was read before. Without a usable file nobody is
 * signed in; of one that must not be used nothing but the reason is kept. */
static int reload_if_changed(struct auth *auth, struct err *err)
{
    struct tokens tokens = { 0 };
    struct tokens_stamp stamp = { 0 };
    if (auth->stamp.inode != 0 && !tokens_changed(auth->state_dir, &auth->stamp))
        return 0;
    int ret = tokens_load(auth->state_dir, &tokens, &stamp, err);
    if (ret < 0 && is_passing(ret))
        return ret;
    if (ret == 0 && check_tokens(auth, &tokens, err) < 0) {
        tokens_clear(&tokens);
        tokens.signed_out = x_strdup(err->msg);
    }
    set_tokens(auth, &tokens, &stamp);
    return ret;
}

/* A token goes on being good after its user has signed out, or signed in anew for more: whether the
 * file still is the one it came from is looked at every few seconds. */
static void drop_if_changed(struct auth *auth)
{
    int64_t now = net_now_ms(auth->net);
    if (auth->looked_ms != 0 && now - auth->looked_ms < LOOK_MS)
        return;
    auth->looked_ms = now;
    if (tokens_changed(auth->state_dir, &auth->stamp))
        secret_replace(&auth->tokens.access_token, NULL);
}

const char *auth_token(struct auth *auth, unsigned *ret_generation)
{
    if (is_fresh(auth))
        drop_if_changed(auth);
    if (!is_fresh(auth))
        return NULL;
    *ret_generation = auth->generation;
    return auth->tokens.access_token;
}

void auth_reject(struct auth *auth, unsigned generation)
{
    if (generation == auth->generation)
        secret_replace(&auth->tokens.access_token, NULL);
}

/* Ends a round of waiting. Those who begin to wait meanwhile stand behind the others, and wait for
 * the next round. */
static void finish(struct auth *auth, const struct err *err)
{
    size_t count = 0;
    struct auth_waiter *waiter;
    unlock(auth);
    auth->step = AUTH_IDLE;
    TAILQ_FOREACH (waiter, &auth->waiters, link)
        count++;
    while (count-- > 0 && !TAILQ_EMPTY(&auth->waiters)) {
        waiter = TAILQ_FIRST(&auth->waiters);
        auth_unwait(auth, waiter);
        waiter->fn(err, waiter->arg);
    }
}

/* Those who wait next get the same answer, without another request, for so long. */
static void hold(struct auth *auth, const struct err *err, int64_t pause_ms)
{
    auth->held = *err;
    auth->held_ms = net_now_ms(auth->net) + pause_ms;
}

static void finish_signed_out(struct auth *auth, const char *why)
{
    struct err err;
    (void)err_set(&err, -ENETDOWN, "%s", why);
    err.scope = ERR_SCOPE_ACCOUNT;
    err.retry = ERR_RETRY_AFTER_LOGIN;
    link_set_signed_in(auth->link, false, why);
    finish(auth, &err);
}

static void finish_transient(struct auth *auth, struct err *err)
{
    err->scope = ERR_SCOPE_ACCOUNT;
    err->retry = ERR_RETRY_LATER;
    if (err->retry_after_ms > 0)
        hold(auth, err, err->retry_after_ms);
    finish(auth, err);
}

static void finish_held(struct auth *auth)
{
    struct err err = auth->held;
    if (err.retry == ERR_RETRY_LATER)
        err.retry_after_ms = auth->held_ms - net_now_ms(auth->net);
    else
        link_set_signed_in(auth->link, false, err.msg);
    finish(auth, &err);
}

/* The configuration is at fault, or what the service knows of the application, not the token: it
 * isn't marked. */
static void finish_refused(struct auth *auth, struct err *err)
{
    err->code = -ENETDOWN;
    err->scope = ERR_SCOPE_ACCOUNT;
    err->retry = ERR_RETRY_AFTER_LOGIN;
    hold(auth, err, REFUSAL_MS);
    finish_held(auth);
}

static void take_grant(struct auth *auth, struct oauth_grant *grant)
{
    struct err err;
    int64_t life_ms = grant->lifetime_s * 1000;
    int64_t early_ms = life_ms / 10 < RENEW_EARLY_MS ? life_ms / 10 : RENEW_EARLY_MS;
    secret_replace(&auth->tokens.access_token, steal_ptr(&grant->access_token));
    /* A service that sends no new refresh token wants the old one to be used on. */
    if (grant->refresh_token)
        secret_replace(&auth->tokens.refresh_token, steal_ptr(&grant->refresh_token));
    auth->tokens.renew_ms = clock_real_ms(auth->clock) + life_ms - early_ms;
    auth->generation++;
    /* The old refresh token in the file stays good, so this is a nuisance, no loss: go on. */
    if (tokens_save(auth->state_dir, &auth->tokens, &auth->stamp, &err) < 0)
        log_warn("graph", "the renewed token can't be stored: %s", err.msg);
    link_set_signed_in(auth->link, true, "");
    finish(auth, NULL);
}

static void take_refusal(struct auth *auth, const struct err *err)
{
    secret_replace(&auth->tokens.signed_out, x_strdup(err->msg));
    if (tokens_save(auth->state_dir, &auth->tokens, &auth->stamp, NULL) < 0)
        log_debug("graph", "the end of the sign-in can't be stored");
    finish_signed_out(auth, err->msg);
}

static void on_answer(struct net_request *request, void *arg)
{
    struct auth *auth = arg;
    struct oauth_grant grant = { 0 };
    struct err err;
    err_clear(&err);
    secret_clear_strbuf(&auth->form);
    enum auth_verdict verdict = AUTH_TRANSIENT;
    if (request->outcome == NET_ANSWERED) {
        verdict = oauth_read_grant(request->status, request->body_received.data,
                                   request->body_received.len, &grant, &err);
        err.retry_after_ms =
            retry_after_ms(net_header(request, "Retry-After"), clock_real_ms(auth->clock));
        if (err.retry_after_ms < 0)
            err.retry_after_ms = 0;
    } else {
        bool is_offline = request->outcome == NET_UNREACHABLE || request->outcome == NET_UNTRUSTED;
        (void)err_set(&err, is_offline ? -ENETDOWN : -EAGAIN,
                      "the sign-in service can't be reached: %s", request->error);
    }
    if (verdict != AUTH_GRANTED)
        errmap_note_id(&err, auth->request_id);
    net_request_clear(request);
    switch (verdict) {
    case AUTH_GRANTED:
        take_grant(auth, &grant);
        break;
    case AUTH_DEAD:
    case AUTH_OVER:
        take_refusal(auth, &err);
        break;
    case AUTH_REFUSED:
        finish_refused(auth, &err);
        break;
    case AUTH_PENDING:
    case AUTH_SLOW_DOWN:
    case AUTH_TRANSIENT:
        finish_transient(auth, &err);
        break;
    }
    oauth_grant_clear(&grant);
}

static void make_headers(struct auth *auth)
{
    uuid_v4(auth->request_id);
    (void)snprintf(auth->id_header, sizeof(auth->id_header), "%s%s", ID_HEADER, auth->request_id);
    auth->headers[0] = "Content-Type: application/x-www-form-urlencoded";
    auth->headers[1] = "Accept: application/json";
    auth->headers[2] = auth->id_header;
}

static void ask(struct auth *auth)
{
    const struct tokens *tokens = &auth->tokens;
    /* A refresh token is bound to the application and the authority that it was issued for. */
    free(auth->url);
    auth->url =
        oauth_url(auth->place.login_url, tokens->tenant ? tokens->tenant : auth->tenant, "token");
    secret_clear_strbuf(&auth->form);
    (void)url_add_form(&auth->form, "grant_type", "refresh_token");
    (void)url_add_form(&auth->form, "client_id",
                       tokens->client_id ? tokens->client_id : auth->client_id);
    (void)url_add_form(&auth->form, "refresh_token", tokens->refresh_token);
    if (tokens->scope)
        (void)url_add_form(&auth->form, "scope", tokens->scope);
    make_headers(auth);
    auth->request = (struct net_request){
        .method = "POST",
        .url = auth->url,
        .headers = auth->headers,
        .body = auth->form.data,
        .body_length = auth->form.len,
        .class = NET_LOGIN,
        .is_secret = true,
        .max_body = MAX_ANSWER_BYTES,
        .deadline_ms = net_now_ms(auth->net) + RENEWAL_TIMEOUT_MS,
        .done = on_answer,
        .arg = auth,
    };
    auth->step = AUTH_ASKING;
    net_start(auth->net, &auth->request);
}

/* Goes on as far as it can. Runs from the timer, so nobody is answered inside auth_wait(). */
static void advance(void *arg)
{
    struct auth *auth = arg;
    struct err err;
    err_clear(&err);
    int ret = reload_if_changed(auth, &err);
    if (ret < 0 && is_passing(ret)) {
        finish_transient(auth, &err);
        return;
    }
    if (ret < 0) {
        finish_signed_out(auth, err.msg);
        return;
    }
    if (auth->tokens.signed_out || !auth->tokens.refresh_token) {
        finish_signed_out(auth, auth->tokens.signed_out
                                    ? auth->tokens.signed_out
                                    : "nobody is signed in (run `graphfs login`)");
        return;
    }
    if (is_fresh(auth)) {
        link_set_signed_in(auth->link, true, "");
        finish(auth, NULL);
        return;
    }
    if (net_now_ms(auth->net) < auth->held_ms) {
        finish_held(auth);
        return;
    }
    if (auth->lock_fd >= 0) {
        ask(auth);
        return;
    }
    int fd = tokens_lock(auth->state_dir, &err);
    if (fd >= 0)
        auth->lock_fd = fd;
    else if (fd != -EWOULDBLOCK) {
        finish_transient(auth, &err);
        return;
    }
    auth->step = AUTH_LOCKING;
    net_timer_set(auth->net, &auth->timer, net_now_ms(auth->net) + (fd >= 0 ? 0 : LOCK_POLL_MS),
                  advance, auth);
}

void auth_wait(struct auth *auth, struct auth_waiter *waiter)
{
    waiter->is_waiting = true;
    TAILQ_INSERT_TAIL(&auth->waiters, waiter, link);
    if (auth->step == AUTH_IDLE && !auth->timer.is_set)
        net_timer_set(auth->net, &auth->timer, net_now_ms(auth->net), advance, auth);
}

void auth_unwait(struct auth *auth, struct auth_waiter *waiter)
{
    if (!waiter->is_waiting)
        return;
    waiter->is_waiting = false;
    TAILQ_REMOVE(&auth->waiters, waiter, link);
}
