/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_AUTH_H
#define EMULATOR_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEVICE_CODE_LENGTH = 96, USER_CODE_LENGTH = 9 };

enum device_state { DEVICE_PENDING, DEVICE_APPROVED, DEVICE_DECLINED, DEVICE_EXPIRED, DEVICE_USED };

struct device_code {
    char text[DEVICE_CODE_LENGTH + 1];
    char user_code[USER_CODE_LENGTH + 1];
    char *client_id;
    char *scope;
    enum device_state state;
    int64_t polled_ms; /* when it was last asked for; 0: never */
    int64_t expires_ms;
};

/* An access or refresh token. */
struct token {
    char *text;
    char *client_id; /* of a refresh token: who may use it */
    char *scope;     /* what it allows; of a refresh token: all that was consented to */
    int64_t expires_ms;
    bool is_revoked;
};

struct tokens {
    struct token *list;
    size_t count;
    size_t capacity;
};

/* The sign-in service. Guarded by the world lock. */
struct auth {
    struct device_code *codes;
    size_t code_count;
    size_t code_capacity;
    struct tokens access;
    struct tokens refresh;
    bool wants_conditional_access; /* refuse sign-ins by policy */
    bool wants_consent;
    bool wants_slow_down; /* the next poll is told to slow down */
};

struct request;
struct response;

/* Routes of the sign-in service. */
void auth_post_devicecode(struct request *request, struct response *response);
void auth_post_token(struct request *request, struct response *response);

/* True if the request carries a token that is good now and for what the flags of its route say;
 * otherwise the response is a 401 or a 403. */
bool auth_check_bearer(struct request *request, struct response *response, unsigned flags);

/* Adds the header that every 401 of Graph has. */
void auth_add_challenge(struct request *request, struct response *response);

/* The sign-in service can't answer now; `error` NULL: in the words that go with the status. */
void auth_answer_unavailable(struct request *request, struct response *response, unsigned status,
                             const char *error);

/* Ends the life of the access token that the request carries. */
void auth_expire_bearer(struct request *request);

/* What a user would do with a device code; an empty user_code means the newest. `action` is
 * approve, decline or expire. False if there is no such code or action. */
bool auth_decide(struct auth *auth, const char *user_code, const char *action);

/* What an administrator would do, see graph-emulator(1). False for an unknown action. */
bool auth_administer(struct auth *auth, const char *action);

void auth_clear(struct auth *auth);

#endif
