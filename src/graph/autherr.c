/* SPDX-License-Identifier: MIT */
/*
 * Two tables: `error` decides what the program does; the number in the description, or the
 * suberror, or again `error`, chooses what it tells the user.
 */
#include "config.h"

#include "graph/autherr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

#define MAX_ANSWER_DEPTH 16

static const struct {
    const char *error;
    enum auth_verdict verdict;
} verdicts[] = {
    { "authorization_pending", AUTH_PENDING },
    { "slow_down", AUTH_SLOW_DOWN },
    { "authorization_declined", AUTH_OVER }, /* Microsoft's name */
    { "access_denied", AUTH_OVER },          /* RFC 8628's */
    { "bad_verification_code", AUTH_OVER },
    { "expired_token", AUTH_OVER },
    { "code_expired", AUTH_OVER },
    { "invalid_grant", AUTH_DEAD },
    { "interaction_required", AUTH_DEAD },
    { "consent_required", AUTH_DEAD },
    { "login_required", AUTH_DEAD },
    { "temporarily_unavailable", AUTH_TRANSIENT },
    { "server_error", AUTH_TRANSIENT },
};

static const struct {
    int64_t number;   /* AADSTS number; 0: go by name */
    const char *name; /* error or suberror */
    const char *words;
} explanations[] = {
    { 50020, NULL,
      "this account does not belong to the tenant (check `tenant`, or sign in as another user)" },
    { 50034, NULL, "the tenant does not know this account (check `tenant`)" },
    { 50053, NULL,
      "the account is locked after too many attempts (wait, or ask the administrator)" },
    { 50057, NULL, "the account is disabled (ask the administrator)" },
    { 50059, NULL, "the tenant can't be told from the request (set `tenant`)" },
    { 50076, NULL, "multi-factor authentication is needed (run `graphfs login`)" },
    { 50079, NULL, "multi-factor authentication has to be set up (run `graphfs login`)" },
    { 50105, NULL, "the administrator has not assigned this user to the application" },
    { 50158, NULL, "a further check of the user is needed (run `graphfs login`)" },
    { 50173, NULL, "the password has changed since the sign-in (run `graphfs login`)" },
    { 50194, NULL, "the application is registered for one tenant only (set `tenant` to it)" },
    { 53000, NULL, "conditional access wants a managed device (ask the administrator)" },
    { 53003, NULL, "conditional access forbids this sign-in (ask the administrator to allow it)" },
    { 530036, NULL,
      "conditional access forbids the device code flow (ask the administrator to allow it)" },
    { 54005, NULL, "the code was used already (run `graphfs login` again)" },
    { 65001, NULL,
      "consent is missing (run `graphfs login`; if it asks for an administrator, they must grant "
      "it)" },
    { 65005, NULL, "the application asks for what this tenant does not have (check `client_id`)" },
    { 70008, NULL, "the sign-in has expired (run `graphfs login`)" },
    { 70011, NULL,
      "a permission asked for does not exist for this kind of account (check --scope)" },
    { 700016, NULL, "the tenant does not know this application (check `client_id` and `tenant`)" },
    { 700025, NULL, "the application is registered as public and takes no secret" },
    { 700082, NULL, "the sign-in has expired, unused for too long (run `graphfs login`)" },
    { 700084, NULL, "the sign-in has expired (run `graphfs login`)" },
    { 7000218, NULL,
      "the application must allow public client flows (switch it on in its registration)" },
    { 90002, NULL, "there is no such tenant (check `tenant`)" },
    { 90094, NULL, "an administrator has to consent to the application" },
    { 9002331, NULL, "the application is for personal accounts only (set `tenant = consumers`)" },
    { 9002346, NULL, "the application is for personal accounts only (set `tenant = consumers`)" },
    { 0, "consent_required", "consent is missing (run `graphfs login`)" },
    { 0, "user_password_expired", "the password has expired (run `graphfs login`)" },
    { 0, "basic_action", "the service wants to see the user (run `graphfs login`)" },
    { 0, "additional_action", "the service wants to see the user (run `graphfs login`)" },
    { 0, "authorization_pending", "the code has not been entered yet" },
    { 0, "slow_down", "the service asks to poll less often" },
    { 0, "authorization_declined", "the sign-in was declined" },
    { 0, "access_denied", "the sign-in was declined" },
    { 0, "bad_verification_code",
      "the service does not know the device code (run `graphfs login` again)" },
    { 0, "expired_token", "the code has expired (run `graphfs login` again)" },
    { 0, "code_expired", "the code has expired (run `graphfs login` again)" },
    { 0, "invalid_grant", "the sign-in is no longer valid (run `graphfs login`)" },
    { 0, "interaction_required", "the service wants to see the user (run `graphfs login`)" },
    { 0, "login_required", "the service wants to see the user (run `graphfs login`)" },
    { 0, "invalid_client",
      "the application is refused (check `client_id`, and that it allows public client flows)" },
    { 0, "unauthorized_client",
      "the application may not sign in here (check `client_id` and `tenant`)" },
    { 0, "invalid_scope", "a permission asked for is refused (check --scope)" },
    { 0, "temporarily_unavailable", "the sign-in service is busy" },
    { 0, "server_error", "the sign-in service is in trouble" },
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static enum auth_verdict verdict_of(const char *error)
{
    for (size_t i = 0; i < LENGTH(verdicts); i++) {
        if (strcmp(verdicts[i].error, error) == 0)
            return verdicts[i].verdict;
    }
    return AUTH_REFUSED;
}

static const char *words_by_number(int64_t number)
{
    for (size_t i = 0; i < LENGTH(explanations) && number != 0; i++) {
        if (explanations[i].number == number)
            return explanations[i].words;
    }
    return NULL;
}

static const char *words_by_name(const char *name)
{
    for (size_t i = 0; i < LENGTH(explanations) && name; i++) {
        if (explanations[i].name && strcmp(explanations[i].name, name) == 0)
            return explanations[i].words;
    }
    return NULL;
}

/* The personal authority often leaves error_codes out; the description begins with the number. */
static int64_t find_number(struct json_object *answer, const char *description)
{
    struct json_object *codes;
    if (json_get_array(answer, "error_codes", &codes) == JSON_OK &&
        json_object_array_length(codes) > 0)
        return json_object_get_int64(json_object_array_get_idx(codes, 0));
    if (description && strncmp(description, "AADSTS", 6) == 0)
        return strtoll(description + 6, NULL, 10);
    return 0;
}

static int errno_of(enum auth_verdict verdict)
{
    switch (verdict) {
    case AUTH_GRANTED:
        return 0;
    case AUTH_PENDING:
    case AUTH_SLOW_DOWN:
    case AUTH_TRANSIENT:
        return -EAGAIN;
    case AUTH_OVER:
    case AUTH_DEAD:
    case AUTH_REFUSED:
        return -EACCES;
    }
    return -EIO;
}

static enum auth_verdict judge_foreign(long status, struct err *err)
{
    (void)err_set(err, -EAGAIN, "the sign-in service gave no proper answer (HTTP %ld)", status);
    if (err) {
        err->http_status = status;
        err->scope = ERR_SCOPE_ACCOUNT;
        err->retry = ERR_RETRY_LATER;
    }
    return AUTH_TRANSIENT;
}

enum auth_verdict autherr_judge(long status, const char *body, size_t length, struct err *err)
{
    cleanup_json struct json_object *answer =
        json_parse_bounded(body, length, MAX_ANSWER_DEPTH, NULL);
    const char *error = NULL;
    const char *suberror = NULL;
    const char *description = NULL;
    const char *trace = NULL; /* these two: by which the service's operators find it */
    const char *correlation = NULL;
    if (!answer || json_get_str(answer, "error", &error) != JSON_OK || status == 429 ||
        status >= 500)
        return judge_foreign(status, err);
    if (json_get_str(answer, "suberror", &suberror) != JSON_OK)
        suberror = NULL;
    if (json_get_str(answer, "error_description", &description) != JSON_OK)
        description = NULL;
    if (json_get_str(answer, "trace_id", &trace) != JSON_OK)
        trace = NULL;
    if (json_get_str(answer, "correlation_id", &correlation) != JSON_OK)
        correlation = NULL;

    enum auth_verdict verdict = verdict_of(error);
    int64_t number = find_number(answer, description);
    const char *words = words_by_number(number);
    if (!words)
        words = words_by_name(suberror);
    if (!words)
        words = words_by_name(error);
    char code[32] = "";
    if (number != 0)
        (void)snprintf(code, sizeof(code), ", AADSTS%lld", (long long)number);
    (void)err_set(err, errno_of(verdict), "%s [%.40s%s%s%.40s%s%.40s]",
                  words ? words : "the sign-in service refuses", error, code,
                  trace ? ", trace_id " : "", trace ? trace : "",
                  correlation ? ", correlation_id " : "", correlation ? correlation : "");
    if (err) {
        err->http_status = status;
        err->scope = ERR_SCOPE_ACCOUNT;
        err->retry = errno_of(verdict) == -EAGAIN ? ERR_RETRY_LATER : ERR_RETRY_AFTER_LOGIN;
        (void)snprintf(err->graph_code, sizeof(err->graph_code), "%s", error);
    }
    return verdict;
}
