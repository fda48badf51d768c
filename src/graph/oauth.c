/* SPDX-License-Identifier: MIT */
/* See oauth.h. Numbers may come as strings (the service's first version does so). */
#include "config.h"

#include "graph/oauth.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/xalloc.h"
#include "graph/secret.h"

#define MAX_ANSWER_DEPTH 16
#define MAX_CLAIMS_BYTES 8192

/* Used where the answer leaves them out; those of RFC 8628 and of RFC 6749's examples. */
#define DEFAULT_INTERVAL_S 5
#define DEFAULT_LIFETIME_S 900
#define LONGEST_LIFETIME_S (INT64_C(7) * 24 * 60 * 60)

char *oauth_url(const char *login_url, const char *tenant, const char *leaf)
{
    return x_asprintf("%s/%s/oauth2/v2.0/%s", login_url, tenant, leaf);
}

static char *copy_string(struct json_object *json, const char *key)
{
    const char *value;
    return json_get_str(json, key, &value) == JSON_OK && *value ? x_strdup(value) : NULL;
}

static int64_t read_seconds(struct json_object *json, const char *key, int64_t otherwise)
{
    int64_t seconds;
    if (json_get_i64(json, key, &seconds) != JSON_OK || seconds <= 0)
        return otherwise;
    return seconds < LONGEST_LIFETIME_S ? seconds : LONGEST_LIFETIME_S;
}

void oauth_grant_clear(struct oauth_grant *grant)
{
    secret_free(grant->access_token);
    secret_free(grant->refresh_token);
    secret_free(grant->id_token);
    *grant = (struct oauth_grant){ 0 };
}

enum auth_verdict oauth_read_grant(long status, const char *body, size_t length,
                                   struct oauth_grant *ret_grant, struct err *err)
{
    cleanup_json struct json_object *json =
        json_parse_bounded(body, length, MAX_ANSWER_DEPTH, NULL);
    char *access_token = status == 200 ? copy_string(json, "access_token") : NULL;
    if (!access_token)
        return autherr_judge(status, body, length, err);
    *ret_grant = (struct oauth_grant){
        .access_token = access_token,
        .refresh_token = copy_string(json, "refresh_token"),
        .id_token = copy_string(json, "id_token"),
        .lifetime_s = read_seconds(json, "expires_in", DEFAULT_LIFETIME_S),
    };
    return AUTH_GRANTED;
}

void oauth_device_clear(struct oauth_device *device)
{
    secret_free(device->device_code);
    free(device->user_code);
    free(device->verification_uri);
    free(device->message);
    *device = (struct oauth_device){ 0 };
}

enum auth_verdict oauth_read_device(long status, const char *body, size_t length,
                                    struct oauth_device *ret_device, struct err *err)
{
    cleanup_json struct json_object *json =
        json_parse_bounded(body, length, MAX_ANSWER_DEPTH, NULL);
    struct oauth_device device = {
        .device_code = copy_string(json, "device_code"),
        .user_code = copy_string(json, "user_code"),
        .verification_uri = copy_string(json, "verification_uri"),
        .message = copy_string(json, "message"),
        .lifetime_s = read_seconds(json, "expires_in", DEFAULT_LIFETIME_S),
        .interval_s = read_seconds(json, "interval", DEFAULT_INTERVAL_S),
    };
    if (status != 200 || !device.device_code || !device.user_code || !device.verification_uri) {
        oauth_device_clear(&device);
        return autherr_judge(status, body, length, err);
    }
    *ret_device = device;
    return AUTH_GRANTED;
}

char *oauth_claim(const char *id_token, const char *claim)
{
    const char *start = id_token ? strchr(id_token, '.') : NULL;
    const char *end = start ? strchr(start + 1, '.') : NULL;
    uint8_t claims[MAX_CLAIMS_BYTES];
    size_t length;
    if (!end)
        return NULL;
    cleanup_free char *encoded = x_strndup(start + 1, (size_t)(end - start - 1));
    if (base64_decode(encoded, claims, sizeof(claims), &length) < 0)
        return NULL;
    cleanup_json struct json_object *json =
        json_parse_bounded((const char *)claims, length, MAX_ANSWER_DEPTH, NULL);
    return copy_string(json, claim);
}
