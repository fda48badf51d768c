/* SPDX-License-Identifier: MIT */
/*
 * The sign-in service: device codes and tokens.
 *
 * A device code goes from pending to one of its ends by a control request (or at once with
 * --auto-approve); an approved one is redeemed once. A refresh token works until it is revoked,
 * also after it was exchanged for a newer one, for the client that got it and the permissions that
 * it asked for then. Tokens are opaque, of the length that real ones
 * have, and good only when every character is.
 */
#include "auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_writer.h"
#include "memory.h"
#include "request.h"
#include "route.h"
#include "scope.h"

enum {
    CODE_LIFE_MS = 900 * 1000,
    POLL_INTERVAL_S = 1,
    POLL_SLACK_MS = 100, /* clients measure with another clock */
    ACCESS_TEXT_LENGTH = 2500,
    REFRESH_TEXT_LENGTH = 700,
};

#define REFRESH_LIFE_MS ((int64_t)90 * 24 * 3600 * 1000)

/* The tenant that all personal accounts belong to. */
#define PERSONAL_TENANT "9188040d-6c67-4c5b-b112-36a304b66dad"
#define BUSINESS_TENANT "8a5c7e3d-1f2b-4c6a-9d0e-2b4f6a8c0e1d"

static void refuse(struct request *request, struct response *response, const char *error,
                   int number, const char *description)
{
    struct json_writer json = { .out = &response->body };
    char now[TIME_TEXT_SIZE];

    time_format(clock_now_ms(&request->emulator->clock), false, now);
    now[10] = ' ';
    response_header(response, "Content-Type", "application/json; charset=utf-8");
    response_header(response, "Cache-Control", "no-store, no-cache");
    response->status = 400;
    response->may_pack = true;
    json_begin_object(&json, NULL);
    json_string(&json, "error", error);
    json_format(&json, "error_description",
                "AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", number, description,
                request->request_id, request->request_id, now);
    json_begin_array(&json, "error_codes");
    json_number(&json, NULL, number);
    json_end_array(&json);
    json_string(&json, "timestamp", now);
    json_string(&json, "trace_id", request->request_id);
    json_string(&json, "correlation_id", request->request_id);
    json_format(&json, "error_uri", "%s/error?code=%d", request->base_url, number);
    if (strcmp(error, "invalid_grant") == 0 && number == 65001)
        json_string(&json, "suberror", "consent_required");
    json_end_object(&json);
}

void auth_answer_unavailable(struct request *request, struct response *response, unsigned status,
                             const char *error)
{
    refuse(request, response,
           error                            ? error
           : status == 500                  ? "server_error"
           : status == 401                  ? "invalid_client"
           : status >= 500 || status == 429 ? "temporarily_unavailable"
                                            : "invalid_request",
           status == 429 ? 90055 : 90033, "A transient error has occurred. Please try again.");
    response->status = status;
}

/* Checks tenant and client id, which every endpoint takes; false after an answer. */
static bool check_client(struct request *request, struct response *response,
                         const struct pairs *form)
{
    static const char *const business[] = { "common", "organizations", BUSINESS_TENANT,
                                            "contoso.onmicrosoft.com", NULL };
    static const char *const personal[] = { "common", "consumers", PERSONAL_TENANT, NULL };
    const struct options *options = request->emulator->options;
    const char *const *tenant = options->profile == PROFILE_BUSINESS ? business : personal;
    const char *client_id = pairs_get(form, "client_id");

    while (*tenant && strcasecmp(*tenant, request->vars[0]) != 0)
        tenant++;
    if (!*tenant) {
        refuse(request, response, "invalid_request", 90002,
               "Tenant not found. Check that it has an active subscription and that the right "
               "tenant is named.");
        return false;
    }
    if (!client_id || !*client_id) {
        refuse(request, response, "invalid_request", 900144,
               "The request body must contain the following parameter: 'client_id'.");
        return false;
    }
    if (pairs_get(form, "client_secret") || pairs_get(form, "client_assertion")) {
        refuse(request, response, "invalid_client", 700025,
               "Client is public so neither 'client_assertion' nor 'client_secret' should be "
               "presented.");
        response->status = 401;
        return false;
    }
    if (options->client_id && strcasecmp(options->client_id, client_id) != 0) {
        refuse(request, response, "unauthorized_client", 700016,
               "Application with this identifier was not found in the directory.");
        return false;
    }
    return true;
}

static void answer_devicecode(struct request *request, struct response *response,
                              const struct device_code *code)
{
    struct json_writer json = { .out = &response->body };
    const char *page = request->emulator->options->profile == PROFILE_BUSINESS
                           ? "https://microsoft.com/devicelogin"
                           : "https://www.microsoft.com/link";

    response_header(response, "Content-Type", "application/json; charset=utf-8");
    response->may_pack = true;
    json_begin_object(&json, NULL);
    json_string(&json, "user_code", code->user_code);
    json_string(&json, "device_code", code->text);
    json_string(&json, "verification_uri", page);
    json_number(&json, "expires_in", CODE_LIFE_MS / 1000);
    json_number(&json, "interval", POLL_INTERVAL_S);
    json_format(&json, "message",
                "To sign in, use a web browser to open the page %s and enter the code %s to "
                "authenticate.",
                page, code->user_code);
    json_end_object(&json);
}

void auth_post_devicecode(struct request *request, struct response *response)
{
    struct emulator *emulator = request->emulator;
    struct auth *auth = &emulator->auth;
    struct pairs form = { 0 };

    pairs_parse(&form, buffer_text(&request->body));
    if (check_client(request, response, &form)) {
        const char *scope = pairs_get(&form, "scope");

        if (!scope || !*scope) {
            refuse(request, response, "invalid_request", 900144,
                   "The request body must contain the following parameter: 'scope'.");
        } else {
            struct device_code *code;

            MEM_GROW(auth->codes, auth->code_count, auth->code_capacity);
            code = &auth->codes[auth->code_count++];
            *code = (struct device_code){
                .client_id = mem_strdup(pairs_get(&form, "client_id")),
                .scope = mem_strdup(scope),
                .state = emulator->options->auto_approve ? DEVICE_APPROVED : DEVICE_PENDING,
                .expires_ms = clock_now_ms(&emulator->clock) + CODE_LIFE_MS,
            };
            random_hex(&emulator->random, code->text, DEVICE_CODE_LENGTH);
            for (int i = 0; i < USER_CODE_LENGTH; i++)
                code->user_code[i] = "BCDFGHJKLMNPQRSTVWXZ"[random_below(&emulator->random, 20)];
            answer_devicecode(request, response, code);
        }
    }
    pairs_clear(&form);
}

/* What kinds of tokens differ in: a prefix as real ones have, and how long they are. */
struct token_form {
    const char *prefix;
    size_t length;
};

static const struct token_form access_form = { "EwC", ACCESS_TEXT_LENGTH };
static const struct token_form refresh_form = { "M.C5", REFRESH_TEXT_LENGTH };

static const struct token *add_token(struct emulator *emulator, struct tokens *tokens,
                                     const struct token_form *form, const char *client_id,
                                     const char *scope, int64_t life_ms)
{
    size_t used = strlen(form->prefix);
    char *text = mem_alloc(form->length + 1);

    memcpy(text, form->prefix, used);
    random_hex(&emulator->random, text + used, form->length - used);
    MEM_GROW(tokens->list, tokens->count, tokens->capacity);
    tokens->list[tokens->count] =
        (struct token){ .text = text,
                        .client_id = mem_strdup(client_id),
                        .scope = mem_strdup(scope),
                        .expires_ms = clock_now_ms(&emulator->clock) + life_ms };
    return &tokens->list[tokens->count++];
}

/* The token whose text this is. */
static struct token *find_token(const struct tokens *tokens, const char *text)
{
    for (size_t i = tokens->count; i-- > 0;)
        if (strcmp(text, tokens->list[i].text) == 0)
            return &tokens->list[i];
    return NULL;
}

/* Gives a token that allows `scope`, and one to refresh it that is good for all of `consented`. */
static void answer_token(struct request *request, struct response *response, const char *client_id,
                         const char *scope, const char *consented)
{
    struct emulator *emulator = request->emulator;
    struct auth *auth = &emulator->auth;
    struct json_writer json = { .out = &response->body };
    int64_t life_ms = emulator->options->token_ttl_ms;

    response_header(response, "Content-Type", "application/json; charset=utf-8");
    response_header(response, "Cache-Control", "no-store, no-cache");
    response->may_pack = true;
    json_begin_object(&json, NULL);
    json_string(&json, "token_type", "Bearer");
    json_string(&json, "scope", scope);
    json_number(&json, "expires_in", life_ms / 1000);
    json_number(&json, "ext_expires_in", life_ms / 1000);
    json_string(&json, "access_token",
                add_token(emulator, &auth->access, &access_form, client_id, scope, life_ms)->text);
    if (scope_has(consented, "offline_access"))
        json_string(&json, "refresh_token",
                    add_token(emulator, &auth->refresh, &refresh_form, client_id, consented,
                              REFRESH_LIFE_MS)
                        ->text);
    if (scope_has(scope, "openid"))
        json_string(&json, "id_token", "e30.e30.");
    json_end_object(&json);
}

/* Policies that stop any sign-in; false after an answer. */
static bool check_policies(struct request *request, struct response *response)
{
    struct auth *auth = &request->emulator->auth;

    if (auth->wants_conditional_access)
        refuse(request, response, "invalid_grant", 53003,
               "Access has been blocked by Conditional Access policies. The access policy does "
               "not allow token issuance.");
    else if (auth->wants_consent)
        refuse(request, response, "invalid_grant", 65001,
               "The user or administrator has not consented to use the application.");
    else
        return true;
    return false;
}

/* What polling says while there is nothing to redeem; NULL error when there is. */
static const struct refusal {
    const char *error;
    int number;
    const char *description;
} device_refusals[] = {
    [DEVICE_PENDING] = { "authorization_pending", 70016,
                         "OAuth 2.0 device flow error. Authorization is pending. Continue "
                         "polling." },
    [DEVICE_APPROVED] = { NULL, 0, NULL },
    [DEVICE_DECLINED] = { "authorization_declined", 70017,
                          "The end user denied the authorization request." },
    [DEVICE_EXPIRED] = { "expired_token", 70020, "The provided value for the code is expired." },
    [DEVICE_USED] = { "invalid_grant", 54005, "OAuth2 Authorization code was already redeemed." },
};

/* A code or token is good for the client that got it; false after an answer to another. */
static bool check_owner(struct request *request, struct response *response,
                        const struct pairs *form, const char *client_id)
{
    if (strcasecmp(pairs_get(form, "client_id"), client_id) == 0)
        return true;
    refuse(request, response, "invalid_grant", 70000,
           "The provided grant was issued for a different client id.");
    return false;
}

/* Polling while there is nothing yet, sooner than the client was told, is too fast. */
static bool is_too_fast(const struct emulator *emulator, struct device_code *code)
{
    int64_t now_ms = clock_now_ms(&emulator->clock);
    bool is_early = code->state == DEVICE_PENDING && code->polled_ms &&
                    now_ms - code->polled_ms < POLL_INTERVAL_S * 1000 - POLL_SLACK_MS;

    code->polled_ms = now_ms;
    return is_early;
}

static void redeem_device_code(struct request *request, struct response *response,
                               const struct pairs *form)
{
    struct auth *auth = &request->emulator->auth;
    const char *text = pairs_get(form, "device_code");
    struct device_code *code = NULL;

    for (size_t i = 0; text && i < auth->code_count; i++)
        if (strcmp(auth->codes[i].text, text) == 0)
            code = &auth->codes[i];
    if (!code) {
        refuse(request, response, "bad_verification_code", 70018,
               "Invalid verification code due to a typo or a wrong code.");
        return;
    }
    if (!check_owner(request, response, form, code->client_id))
        return;
    if (code->state != DEVICE_USED && clock_now_ms(&request->emulator->clock) > code->expires_ms)
        code->state = DEVICE_EXPIRED;
    if (is_too_fast(request->emulator, code) || auth->wants_slow_down) {
        auth->wants_slow_down = false;
        refuse(request, response, "slow_down", 70016, "The client polls too fast.");
        return;
    }

    const struct refusal *refusal = &device_refusals[code->state];

    if (refusal->error) {
        refuse(request, response, refusal->error, refusal->number, refusal->description);
    } else if (check_policies(request, response)) {
        code->state = DEVICE_USED;
        answer_token(request, response, code->client_id, code->scope, code->scope);
    }
}

/* True if the refresh token can be used at all; otherwise after an answer. */
static bool check_refresh_token(struct request *request, struct response *response,
                                const struct pairs *form, const struct token *token)
{
    if (!token)
        refuse(request, response, "invalid_grant", 9002313, "The refresh token is malformed.");
    else if (!check_owner(request, response, form, token->client_id))
        return false;
    else if (token->is_revoked)
        refuse(request, response, "invalid_grant", 50173,
               "The provided grant has expired due to it being revoked, a fresh auth token is "
               "needed.");
    else if (clock_now_ms(&request->emulator->clock) > token->expires_ms)
        refuse(request, response, "invalid_grant", 700082,
               "The refresh token has expired due to inactivity.");
    else
        return check_policies(request, response);
    return false;
}

static void redeem_refresh_token(struct request *request, struct response *response,
                                 const struct pairs *form)
{
    const char *text = pairs_get(form, "refresh_token");
    const char *scope = pairs_get(form, "scope");
    const struct token *token = text ? find_token(&request->emulator->auth.refresh, text) : NULL;
    char *consented, *granted;

    if (!check_refresh_token(request, response, form, token))
        return;
    /* A copy: the list that the token is in will grow. */
    consented = mem_strdup(token->scope);
    granted = scope_grant(scope && *scope ? scope : consented, consented);
    if (granted)
        answer_token(request, response, pairs_get(form, "client_id"), granted, consented);
    else
        refuse(request, response, "invalid_grant", 65001,
               "The user or administrator has not consented to use the application.");
    free(granted);
    free(consented);
}

void auth_post_token(struct request *request, struct response *response)
{
    static const struct {
        const char *name;
        void (*redeem)(struct request *, struct response *, const struct pairs *);
    } grants[] = {
        { "urn:ietf:params:oauth:grant-type:device_code", redeem_device_code },
        { "refresh_token", redeem_refresh_token },
    };
    struct pairs form = { 0 };

    pairs_parse(&form, buffer_text(&request->body));
    if (check_client(request, response, &form)) {
        const char *grant = pairs_get(&form, "grant_type");
        size_t i = 0;

        while (i < 2 && (!grant || strcmp(grant, grants[i].name) != 0))
            i++;
        if (i < 2)
            grants[i].redeem(request, response, &form);
        else
            refuse(request, response, "unsupported_grant_type", 70003,
                   "The app requested an unsupported grant type.");
    }
    pairs_clear(&form);
}

static struct token *bearer_of(const struct request *request)
{
    const char *header = pairs_get(&request->headers, "Authorization");

    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return NULL;
    return find_token(&request->emulator->auth.access, header + 7);
}

void auth_add_challenge(struct request *request, struct response *response)
{
    response_header(response, "WWW-Authenticate",
                    "Bearer realm=\"\", authorization_uri=\"%s/common/oauth2/authorize\", "
                    "client_id=\"00000003-0000-0000-c000-000000000000\"",
                    request->base_url);
}

/* True if the permissions suffice for a route of these flags. */
static bool is_allowed(const char *scope, unsigned flags)
{
    if ((flags & ROUTE_WRITES) == ROUTE_WRITES)
        return scope_allows_writing(scope);
    return (flags & ROUTE_FILES) != ROUTE_FILES || scope_allows_files(scope);
}

bool auth_check_bearer(struct request *request, struct response *response, unsigned flags)
{
    struct token *token = bearer_of(request);

    if (token && !token->is_revoked &&
        clock_now_ms(&request->emulator->clock) < token->expires_ms) {
        if (is_allowed(token->scope, flags))
            return true;
        response_error(request, response, 403, "accessDenied", "Access denied", NULL);
        return false;
    }
    response_error(request, response, 401, "InvalidAuthenticationToken",
                   !pairs_get(&request->headers, "Authorization") ? "Access token is empty."
                   : token ? "Lifetime validation failed, the token is expired."
                           : "IDX14100: JWT is not well formed, there are no dots (.).",
                   NULL);
    auth_add_challenge(request, response);
    return false;
}

void auth_expire_bearer(struct request *request)
{
    struct token *token = bearer_of(request);

    if (token)
        token->is_revoked = true;
}

bool auth_decide(struct auth *auth, const char *user_code, const char *action)
{
    static const struct {
        const char *name;
        enum device_state state;
    } actions[] = {
        { "approve", DEVICE_APPROVED },
        { "decline", DEVICE_DECLINED },
        { "expire", DEVICE_EXPIRED },
    };

    for (size_t i = auth->code_count; i-- > 0;) {
        if (*user_code && strcasecmp(auth->codes[i].user_code, user_code) != 0)
            continue;
        for (size_t j = 0; j < 3; j++)
            if (strcmp(actions[j].name, action) == 0) {
                auth->codes[i].state = actions[j].state;
                return true;
            }
        return false;
    }
    return false;
}

static void revoke_all(struct tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++)
        tokens->list[i].is_revoked = true;
}

bool auth_administer(struct auth *auth, const char *action)
{
    if (strcmp(action, "expire-access") == 0) {
        revoke_all(&auth->access);
    } else if (strcmp(action, "revoke-refresh") == 0) {
        revoke_all(&auth->refresh);
    } else if (strcmp(action, "expire-refresh") == 0) {
        for (size_t i = 0; i < auth->refresh.count; i++)
            auth->refresh.list[i].expires_ms = 0;
    } else if (strcmp(action, "conditional-access") == 0) {
        auth->wants_conditional_access = true;
    } else if (strcmp(action, "consent") == 0) {
        auth->wants_consent = true;
    } else if (strcmp(action, "slow-down") == 0) {
        auth->wants_slow_down = true;
    } else if (strcmp(action, "clear") == 0) {
        auth->wants_conditional_access = false;
        auth->wants_consent = false;
        auth->wants_slow_down = false;
    } else {
        return false;
    }
    return true;
}

static void tokens_clear(struct tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        free(tokens->list[i].text);
        free(tokens->list[i].client_id);
        free(tokens->list[i].scope);
    }
    free(tokens->list);
}

void auth_clear(struct auth *auth)
{
    for (size_t i = 0; i < auth->code_count; i++) {
        free(auth->codes[i].client_id);
        free(auth->codes[i].scope);
    }
    free(auth->codes);
    tokens_clear(&auth->access);
    tokens_clear(&auth->refresh);
}
