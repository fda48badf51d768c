/* SPDX-License-Identifier: MIT */
/*
 * Device sign-in, on the net thread:
 *
 *     code ──▶ poll ⟲ (pending, slow down, network trouble) ──▶ who ──▶ done
 *
 * `who` asks Graph for the user, because an access token must not be looked into. The tokens are
 * not stored here: they may turn out to be another user's.
 */
#include "config.h"

#include "graph/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/uuid.h"
#include "base/xalloc.h"
#include "graph/errmap.h"
#include "graph/oauth.h"
#include "graph/retry.h"
#include "graph/secret.h"
#include "graph/url.h"

#define REQUEST_TIMEOUT_MS (60 * 1000)
#define MAX_ANSWER_BYTES   (128 * 1024)
#define MAX_FORM_BYTES     (64 * 1024)
#define MAX_ANSWER_DEPTH   32
/* What RFC 8628 adds to the interval for each slow_down. */
#define SLOW_DOWN_S 5
/* The first poll comes early: it costs nothing, and an approval given beforehand shows at once. */
#define FIRST_POLL_MS 500
/* A new user's profile may take a while to be there. */
#define MAX_WHO_ATTEMPTS 6
#define ID_HEADER        "client-request-id: "
#define GRANT_TYPE       "urn:ietf:params:oauth:grant-type:device_code"

struct device {
    char *code_url;
    char *token_url;
    char *who_url;
    struct tokens_place place;
    char *client_id;
    char *tenant;
    char *scopes;
    struct net *net;
    struct clock *clock;
    graph_prompt_fn *prompt;
    device_done_fn *done;
    void *arg;

    /* Net thread only. */
    struct oauth_device code;
    struct oauth_grant grant;
    int64_t expires_ms; /* monotonic; of the code */
    int64_t interval_ms;
    unsigned failures; /* of the network, in a row */
    struct net_timer timer;
    struct net_request request;
    struct strbuf form; /* a secret */
    char *bearer;       /* header; a secret */
    char request_id[UUID_SIZE];
    char id_header[sizeof(ID_HEADER) + UUID_SIZE];
    const char *headers[4];
};

static void poll_now(void *arg);
static void ask_who(void *arg);

struct device *device_new(const struct device_conf *conf, struct net *net, struct clock *clock,
                          graph_prompt_fn *prompt, device_done_fn *done, void *arg)
{
    struct device *device = x_calloc(1, sizeof(*device));
    device->code_url = oauth_url(conf->place.login_url, conf->tenant, "devicecode");
    device->token_url = oauth_url(conf->place.login_url, conf->tenant, "token");
    device->who_url = x_asprintf("%s/me", conf->graph_root);
    device->place = conf->place;
    device->client_id = x_strdup(conf->client_id);
    device->tenant = x_strdup(conf->tenant);
    device->scopes = x_strdup(conf->scopes);
    device->net = net;
    device->clock = clock;
    device->prompt = prompt;
    device->done = done;
    device->arg = arg;
    strbuf_init(&device->form, MAX_FORM_BYTES);
    return device;
}

void device_free(struct device *device)
{
    if (!device)
        return;
    free(device->code_url);
    free(device->token_url);
    free(device->who_url);
    free(device->client_id);
    free(device->tenant);
    free(device->scopes);
    oauth_device_clear(&device->code);
    oauth_grant_clear(&device->grant);
    secret_clear_strbuf(&device->form);
    secret_free(device->bearer);
    free(device);
}

/* The last thing that is done with a device here: the callee may free it. */
static void finish(struct device *device, struct tokens *tokens, const struct err *err)
{
    net_timer_clear(&device->timer);
    net_request_clear(&device->request);
    device->done(tokens, err, device->arg);
}

static void send_request(struct device *device, const char *url,
                         void (*done)(struct net_request *request, void *arg))
{
    bool is_form = device->form.len > 0;
    uuid_v4(device->request_id);
    (void)snprintf(device->id_header, sizeof(device->id_header), "%s%s", ID_HEADER,
                   device->request_id);
    device->headers[0] = "Accept: application/json";
    device->headers[1] =
        is_form ? "Content-Type: application/x-www-form-urlencoded" : device->bearer;
    device->headers[2] = device->id_header;
    net_request_clear(&device->request);
    device->request = (struct net_request){
        .method = is_form ? "POST" : "GET",
        .url = url,
        .headers = device->headers,
        .body = is_form ? device->form.data : NULL,
        .body_length = device->form.len,
        .class = NET_LOGIN,
        .is_secret = is_form,
        .max_body = MAX_ANSWER_BYTES,
        .deadline_ms = net_now_ms(device->net) + REQUEST_TIMEOUT_MS,
        .done = done,
        .arg = device,
    };
    net_start(device->net, &device->request);
}

static void give_tokens(struct device *device, const char *user_id, const char *user_name)
{
    struct tokens tokens = {
        .cloud = x_strdup(device->place.cloud),
        .graph_url = x_strdup(device->place.graph_url),
        .login_url = x_strdup(device->place.login_url),
        .client_id = x_strdup(device->client_id),
        .tenant = x_strdup(device->tenant),
        .scope = x_strdup(device->scopes),
        .refresh_token = steal_ptr(&device->grant.refresh_token),
        .access_token = steal_ptr(&device->grant.access_token),
        .user_id = x_strdup(user_id),
        .user_name = x_strdup(user_name),
        .user_tenant = oauth_claim(device->grant.id_token, "tid"),
        .renew_ms = clock_real_ms(device->clock) + device->grant.lifetime_s * 900,
    };
    finish(device, &tokens, NULL);
}

/* Ends it with an error of the last request. */
static void fail(struct device *device, struct err *err)
{
    errmap_note_id(err, device->request_id);
    finish(device, NULL, err);
}

static void retry_who(struct device *device, struct err *err)
{
    uint32_t random;
    if (++device->failures >= MAX_WHO_ATTEMPTS) {
        fail(device, err);
        return;
    }
    random_bytes(&random, sizeof(random));
    int64_t pause_ms = retry_pause_ms(RETRY_FAILED, device->failures, random);
    net_timer_set(device->net, &device->timer, net_now_ms(device->net) + pause_ms, ask_who, device);
}

static void on_who(struct net_request *request, void *arg)
{
    struct device *device = arg;
    const struct strbuf *body = &request->body_received;
    const char *id;
    const char *name = NULL;
    struct err err;
    if (request->outcome != NET_ANSWERED) {
        (void)err_set(&err, -ENETDOWN, "Graph can't be asked who has signed in: %s",
                      request->error);
        retry_who(device, &err);
        return;
    }
    if (request->status != 200) {
        (void)errmap_answer(&err, request->status, body->data, body->len, NULL);
        (void)err_wrap(&err, "Graph doesn't say who has signed in");
        if (err.retry == ERR_RETRY_LATER)
            retry_who(device, &err);
        else
            fail(device, &err);
        return;
    }
    cleanup_json struct json_object *json =
        json_parse_bounded(body->data, body->len, MAX_ANSWER_DEPTH, NULL);
    if (json_get_str(json, "id", &id) != JSON_OK || *id == '\0') {
        (void)err_set(&err, -EPROTO, "Graph doesn't say who has signed in");
        fail(device, &err);
        return;
    }
    if (json_get_str(json, "userPrincipalName", &name) != JSON_OK)
        name = NULL;
    give_tokens(device, id, name);
}

static void ask_who(void *arg)
{
    struct device *device = arg;
    secret_clear_strbuf(&device->form);
    secret_replace(&device->bearer,
                   x_asprintf("Authorization: Bearer %s", device->grant.access_token));
    send_request(device, device->who_url, on_who);
}

/* Without a refresh token the sign-in would end within the hour, for good. */
static void take_grant(struct device *device)
{
    struct err err;
    if (device->grant.refresh_token) {
        ask_who(device);
        return;
    }
    (void)err_set(&err, -EACCES,
                  "the service grants no lasting sign-in (the application must be allowed "
                  "offline_access)");
    fail(device, &err);
}

static void poll_after(struct device *device, int64_t pause_ms)
{
    struct err err;
    if (net_now_ms(device->net) + pause_ms >= device->expires_ms) {
        (void)err_set(&err, -EACCES, "the code has expired (run `graphfs login` again)");
        finish(device, NULL, &err);
        return;
    }
    net_timer_set(device->net, &device->timer, net_now_ms(device->net) + pause_ms, poll_now,
                  device);
}

/* Network trouble, and that of the service, lasts no longer than the code. */
static void poll_after_trouble(struct device *device)
{
    int64_t pause_ms = device->interval_ms;
    for (unsigned i = 0; i < device->failures && pause_ms < 60 * 1000; i++)
        pause_ms *= 2;
    device->failures++;
    poll_after(device, pause_ms);
}

static void on_poll(struct net_request *request, void *arg)
{
    struct device *device = arg;
    struct err err;
    enum auth_verdict verdict = AUTH_TRANSIENT;
    if (request->outcome == NET_ANSWERED)
        verdict = oauth_read_grant(request->status, request->body_received.data,
                                   request->body_received.len, &device->grant, &err);
    if (verdict != AUTH_TRANSIENT)
        device->failures = 0;
    switch (verdict) {
    case AUTH_GRANTED:
        take_grant(device);
        break;
    case AUTH_SLOW_DOWN:
        device->interval_ms += SLOW_DOWN_S * 1000;
        poll_after(device, device->interval_ms);
        break;
    case AUTH_PENDING:
        poll_after(device, device->interval_ms);
        break;
    case AUTH_TRANSIENT:
        poll_after_trouble(device);
        break;
    case AUTH_OVER:
    case AUTH_DEAD:
    case AUTH_REFUSED:
        fail(device, &err);
        break;
    }
}

static void poll_now(void *arg)
{
    struct device *device = arg;
    secret_clear_strbuf(&device->form);
    (void)url_add_form(&device->form, "grant_type", GRANT_TYPE);
    (void)url_add_form(&device->form, "client_id", device->client_id);
    (void)url_add_form(&device->form, "device_code", device->code.device_code);
    send_request(device, device->token_url, on_poll);
}

static void on_code(struct net_request *request, void *arg)
{
    struct device *device = arg;
    struct err err;
    if (request->outcome != NET_ANSWERED) {
        (void)err_set(&err, -ENETDOWN, "the sign-in service can't be reached: %s", request->error);
        fail(device, &err);
        return;
    }
    if (oauth_read_device(request->status, request->body_received.data, request->body_received.len,
                          &device->code, &err) != AUTH_GRANTED) {
        fail(device, &err);
        return;
    }
    device->interval_ms = device->code.interval_s * 1000;
    device->expires_ms = net_now_ms(device->net) + device->code.lifetime_s * 1000;
    device->prompt(device->code.message, device->code.user_code, device->code.verification_uri,
                   device->arg);
    poll_after(device, FIRST_POLL_MS);
}

static void ask_code(void *arg)
{
    struct device *device = arg;
    (void)url_add_form(&device->form, "client_id", device->client_id);
    (void)url_add_form(&device->form, "scope", device->scopes);
    send_request(device, device->code_url, on_code);
}

void device_start(struct device *device)
{
    net_post(device->net, ask_code, device);
}
