/* SPDX-License-Identifier: MIT */
/* What refusals of Graph and of the sign-in service mean. */
#include "config.h"

#include "base/cleanup.h"
#include "graph/autherr.h"
#include "graph/errmap.h"
#include "graph/oauth.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

#include "trace.h"

static void test_statuses_and_codes_become_errnos(void **state)
{
    static const struct {
        long status;
        const char *body;
        int error;
        enum err_scope scope;
        enum err_retry retry;
        const char *code;
    } rows[] = {
        { 404, "{\"error\":{\"code\":\"itemNotFound\"}}", -ENOENT, ERR_SCOPE_ITEM, ERR_RETRY_NEVER,
          "itemNotFound" },
        { 404, "", -ENOENT, ERR_SCOPE_ITEM, ERR_RETRY_NEVER, "" },
        { 404, "<html>gone</html>", -ENOENT, ERR_SCOPE_ITEM, ERR_RETRY_NEVER, "" },
        { 400, "{\"error\":{\"code\":\"invalidRequest\"}}", -EINVAL, ERR_SCOPE_ITEM,
          ERR_RETRY_NEVER, "invalidRequest" },
        { 401, "{\"error\":{\"code\":\"InvalidAuthenticationToken\"}}", -EACCES, ERR_SCOPE_ACCOUNT,
          ERR_RETRY_AFTER_LOGIN, "InvalidAuthenticationToken" },
        { 403, "{\"error\":{\"code\":\"ACCESSDENIED\"}}", -EACCES, ERR_SCOPE_ITEM, ERR_RETRY_NEVER,
          "ACCESSDENIED" },
        { 403, "{\"error\":{\"code\":\"malwareDetected\"}}", -EACCES, ERR_SCOPE_ITEM,
          ERR_RETRY_NEVER, "malwareDetected" },
        { 403, "{\"error\":{\"code\":\"quotaLimitReached\"}}", -ENOSPC, ERR_SCOPE_DRIVE,
          ERR_RETRY_NEVER, "quotaLimitReached" },
        { 403,
          "{\"error\":{\"code\":\"accessDenied\",\"innerError\":{\"code\":\"new\",\"innererror\":"
          "{\"code\":\"throttledRequest\"}}}}",
          -EAGAIN, ERR_SCOPE_ACCOUNT, ERR_RETRY_LATER, "throttledRequest" },
        { 410, "{\"error\":{\"code\":\"resyncChangesUploadDifferences\"}}", -ESTALE,
          ERR_SCOPE_DRIVE, ERR_RETRY_NEVER, "resyncChangesUploadDifferences" },
        { 410,
          "{\"error\":{\"code\":\"resyncRequired\",\"innerError\":{\"code\":"
          "\"resyncApplyDifferences\"}}}",
          -ESTALE, ERR_SCOPE_DRIVE, ERR_RETRY_NEVER, "resyncApplyDifferences" },
        { 423, "", -EBUSY, ERR_SCOPE_ITEM, ERR_RETRY_LATER, "" },
        { 429, "", -EAGAIN, ERR_SCOPE_ACCOUNT, ERR_RETRY_LATER, "" },
        { 500, "{\"error\":{\"code\":\"generalException\"}}", -EIO, ERR_SCOPE_ITEM, ERR_RETRY_LATER,
          "generalException" },
        { 502, "<html></html>", -EIO, ERR_SCOPE_ITEM, ERR_RETRY_LATER, "" },
        { 503, "", -EAGAIN, ERR_SCOPE_ACCOUNT, ERR_RETRY_LATER, "" },
        { 507, "", -ENOSPC, ERR_SCOPE_DRIVE, ERR_RETRY_NEVER, "" },
        { 418, "", -EIO, ERR_SCOPE_ITEM, ERR_RETRY_NEVER, "" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err err;
        const char *body = rows[i].body;

        assert_int_equal(errmap_answer(&err, rows[i].status, body, strlen(body), "the-id"),
                         rows[i].error);
        assert_int_equal(err.code, rows[i].error);
        assert_int_equal(err.http_status, rows[i].status);
        assert_int_equal(err.scope, rows[i].scope);
        assert_int_equal(err.retry, rows[i].retry);
        assert_string_equal(err.graph_code, rows[i].code);
        assert_non_null(strstr(err.msg, "the-id"));
    }
}

static void test_recorded_errors_are_understood(void **state)
{
    static const struct {
        const char *trace;
        long status;
        int error;
        const char *words;
    } rows[] = {
        { "microslop-onedrive/drive_items__drive_item_not_found.json", 404, -ENOENT,
          "Item not found" },
        { "microslop-onedrive/invalid_request.json", 400, -EINVAL, "Invalid request" },
        { "misc/delta-410-resyncRequired.json", 410, -ESTALE, "resyncRequired" },
        { "misc/throttle-429-business.json", 429, -EAGAIN, "throttled" },
        { "misc/throttle-429-inner-code.json", 429, -EAGAIN, "throttledRequest" },
        { "misc/upload-401-expiredToken.json", 401, -EACCES, "unauthenticated" },
        { "misc/upload-session-409-exists.json", 409, -EEXIST, "already exists" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cleanup_json struct json_object *body = trace_json(rows[i].trace);
        struct err err;

        assert_int_equal(errmap_object(&err, rows[i].status, body, NULL), rows[i].error);
        assert_non_null(strstr(err.msg, rows[i].words));
    }
}

static void test_a_failure_may_have_come_after_the_deed_a_refusal_not(void **state)
{
    static const struct {
        long status;
        const char *body;
        bool has_retry_after;
        bool leaves_doubt;
    } rows[] = {
        { 200, "{\"error\":{\"code\":\"generalException\"}}", false, true },
        { 200, "{\"error\":{\"code\":\"nameAlreadyExists\"}}", false, false },
        { 200, "{\"error\":{\"code\":\"activityLimitReached\"}}", false, false },
        { 308, "", false, true },
        { 400, "", false, false },
        { 404, "{\"error\":{\"code\":\"itemNotFound\"}}", false, false },
        { 408, "", false, true },
        { 409, "", false, false },
        { 412, "", false, false },
        { 418, "", false, false },
        { 423, "", false, false },
        { 429, "", false, false },
        { 429, "", true, false },
        { 500, "{\"error\":{\"code\":\"generalException\"}}", false, true },
        { 500, "", true, true },
        { 501, "", false, false },
        { 502, "<html></html>", false, true },
        { 503, "", false, true },
        { 503, "{\"error\":{\"code\":\"serviceNotAvailable\"}}", false, true },
        { 503, "", true, false },
        { 504, "", false, true },
        { 507, "", false, false },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err err;

        (void)errmap_answer(&err, rows[i].status, rows[i].body, strlen(rows[i].body), NULL);
        assert_int_equal(errmap_leaves_doubt(&err, rows[i].has_retry_after), rows[i].leaves_doubt);
    }
}

static void test_refused_sign_ins_are_told_in_words(void **state)
{
    static const struct {
        long status;
        const char *body;
        enum auth_verdict verdict;
        const char *words;
    } rows[] = {
        { 400, "{\"error\":\"authorization_pending\",\"error_codes\":[70016]}", AUTH_PENDING, "" },
        { 400, "{\"error\":\"slow_down\"}", AUTH_SLOW_DOWN, "" },
        { 400, "{\"error\":\"authorization_declined\"}", AUTH_OVER, "declined" },
        { 400, "{\"error\":\"access_denied\"}", AUTH_OVER, "declined" },
        { 400, "{\"error\":\"expired_token\"}", AUTH_OVER, "expired" },
        { 400, "{\"error\":\"bad_verification_code\"}", AUTH_OVER, "device code" },
        { 400, "{\"error\":\"invalid_grant\"}", AUTH_DEAD, "graphfs login" },
        { 400, "{\"error\":\"invalid_grant\",\"suberror\":\"consent_required\"}", AUTH_DEAD,
          "consent" },
        { 400, "{\"error\":\"invalid_grant\",\"error_codes\":[53003]}", AUTH_DEAD,
          "conditional access" },
        { 400, "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS50173: revoked\"}",
          AUTH_DEAD, "password" },
        { 400, "{\"error\":\"unauthorized_client\",\"error_codes\":[700016]}", AUTH_REFUSED,
          "client_id" },
        { 401, "{\"error\":\"invalid_client\",\"error_codes\":[7000218]}", AUTH_REFUSED,
          "public client flows" },
        { 400, "{\"error\":\"invalid_request\",\"error_codes\":[90002]}", AUTH_REFUSED, "tenant" },
        { 400, "{\"error\":\"something_new\"}", AUTH_REFUSED, "something_new" },
        { 400, "{\"error\":\"temporarily_unavailable\"}", AUTH_TRANSIENT, "" },
        { 429, "{\"error\":\"invalid_grant\"}", AUTH_TRANSIENT, "" },
        { 503, "", AUTH_TRANSIENT, "" },
        { 400, "<html>the hotel's network</html>", AUTH_TRANSIENT, "" },
        { 200, "<html>the hotel's network</html>", AUTH_TRANSIENT, "" },
        { 400, "{\"error\":{\"code\":\"x\"}}", AUTH_TRANSIENT, "" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err err;
        const char *body = rows[i].body;

        assert_int_equal(autherr_judge(rows[i].status, body, strlen(body), &err), rows[i].verdict);
        assert_non_null(strstr(err.msg, rows[i].words));
        assert_true(err.code < 0);
    }
}

static void test_grants_are_read_with_numbers_or_strings(void **state)
{
    static const char *const bodies[] = {
        "{\"access_token\":\"A\",\"refresh_token\":\"R\",\"expires_in\":3600}",
        "{\"access_token\":\"A\",\"refresh_token\":\"R\",\"expires_in\":\"3600\"}",
    };

    (void)state;
    for (size_t i = 0; i < ROWS(bodies); i++) {
        struct oauth_grant grant = { 0 };

        assert_int_equal(oauth_read_grant(200, bodies[i], strlen(bodies[i]), &grant, NULL),
                         AUTH_GRANTED);
        assert_string_equal(grant.access_token, "A");
        assert_string_equal(grant.refresh_token, "R");
        assert_null(grant.id_token);
        assert_int_equal(grant.lifetime_s, 3600);
        oauth_grant_clear(&grant);
    }
}

static void test_a_grant_without_token_is_none(void **state)
{
    static const char body[] = "{\"token_type\":\"Bearer\",\"access_token\":\"\"}";
    struct oauth_grant grant = { 0 };
    struct err err;

    (void)state;
    assert_int_equal(oauth_read_grant(200, body, strlen(body), &grant, &err), AUTH_TRANSIENT);
    assert_null(grant.access_token);
}

static void test_device_codes_get_default_times(void **state)
{
    static const char body[] =
        "{\"device_code\":\"D\",\"user_code\":\"U\",\"verification_uri\":\"V\"}";
    struct oauth_device device = { 0 };

    (void)state;
    assert_int_equal(oauth_read_device(200, body, strlen(body), &device, NULL), AUTH_GRANTED);
    assert_string_equal(device.user_code, "U");
    assert_null(device.message);
    assert_int_equal(device.interval_s, 5);
    assert_int_equal(device.lifetime_s, 900);
    oauth_device_clear(&device);
}

static void test_claims_are_read_from_the_middle_of_a_token(void **state)
{
    /* {"alg":"none"} . {"tid":"9188040d","oid":1} . */
    static const char token[] = "eyJhbGciOiJub25lIn0.eyJ0aWQiOiI5MTg4MDQwZCIsIm9pZCI6MX0.";
    cleanup_free char *tenant = oauth_claim(token, "tid");

    (void)state;
    assert_string_equal(tenant, "9188040d");
    assert_null(oauth_claim(token, "oid"));
    assert_null(oauth_claim("nonsense", "tid"));
    assert_null(oauth_claim("a.!!.c", "tid"));
    assert_null(oauth_claim(NULL, "tid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses_and_codes_become_errnos),
        cmocka_unit_test(test_recorded_errors_are_understood),
        cmocka_unit_test(test_a_failure_may_have_come_after_the_deed_a_refusal_not),
        cmocka_unit_test(test_refused_sign_ins_are_told_in_words),
        cmocka_unit_test(test_grants_are_read_with_numbers_or_strings),
        cmocka_unit_test(test_a_grant_without_token_is_none),
        cmocka_unit_test(test_device_codes_get_default_times),
        cmocka_unit_test(test_claims_are_read_from_the_middle_of_a_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
