/* SPDX-License-Identifier: MIT */
/* What goes over the wire, byte for byte, and answers that the service itself never gives. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xalloc.h"
#include "graph/tokens.h"

#include "unit.h"

#include "graph_wire.h"

#define PAGE "{\"value\":[]}"

/* One raw call; returns its err.code. */
static int call(struct wire *wire, const char *method, const char *body, size_t length)
{
    struct graph_response response;
    int ret = graph_call_sync(wire->service->graph, method, "/me", body, length, &response, NULL);

    graph_response_clear(&response);
    return ret;
}

/* Gets a path; returns its err.code. */
static int get(struct wire *wire, const char *path, struct err *ret_err)
{
    struct graph_response response;
    int ret = graph_call_sync(wire->service->graph, "GET", path, NULL, 0, &response, ret_err);

    graph_response_clear(&response);
    return ret;
}

static void test_a_body_with_a_nul_is_sent_as_it_is(void **state)
{
    static const char *const answers[] = { "{}", NULL };
    static const char body[] = "begin\0end";
    struct wire *wire = wire_new(answers);

    (void)state;
    assert_int_equal(call(wire, "PUT", body, sizeof(body)), 0);
    assert_int_equal(peer_request(wire->peer, 0)->body_length, sizeof(body));
    assert_memory_equal(peer_request(wire->peer, 0)->body, body, sizeof(body));
    wire_free(wire);
}

static void test_a_request_without_a_body_says_that_it_has_none(void **state)
{
    static const char *const methods[] = { "POST", "PUT", "PATCH" };
    static const char *const answers[] = { "{}", NULL };
    struct wire *wire = wire_new(answers);

    (void)state;
    for (size_t i = 0; i < ROWS(methods); i++) {
        assert_int_equal(call(wire, methods[i], NULL, 0), 0);
        cleanup_free char *length = peer_header(wire->peer, i, "Content-Length");
        assert_non_null(length);
        assert_string_equal(length, "0");
    }
    wire_free(wire);
}

static void test_a_large_body_is_sent_without_asking_first(void **state)
{
    static const char *const answers[] = { "{}", NULL };
    size_t length = 2 * 1024 * 1024;
    cleanup_free char *body = x_calloc(1, length);
    struct wire *wire = wire_new(answers);

    (void)state;
    assert_int_equal(call(wire, "PUT", body, length), 0);
    assert_int_equal(peer_request(wire->peer, 0)->body_length, length);
    assert_null(peer_header(wire->peer, 0, "Expect"));
    wire_free(wire);
}

static void test_paths_may_be_written_as_the_documentation_writes_them(void **state)
{
    static const struct {
        const char *path;
        const char *line;
    } rows[] = {
        { "/me/drive/root/search(q='finance report')?$select=id,name",
          "GET /v1.0/me/drive/root/search(q='finance%20report')?$select=id,name HTTP" },
        { "users?$filter=startswith(displayName,'J\xC3\xBCrgen')",
          "GET /v1.0/users?$filter=startswith(displayName,'J%C3%BCrgen') HTTP" },
        { "/me/drive/root:/a%20b#1:/children",
          "GET /v1.0/me/drive/root:/a%20b%231:/children HTTP" },
    };

    static const char *const answers[] = { "{}", NULL };
    struct wire *wire = wire_new(answers);

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(get(wire, rows[i].path, NULL), 0);
        assert_non_null(strstr(peer_request(wire->peer, i)->head, rows[i].line));
    }
    wire_free(wire);
}

/* ---- Connections ---- */

/* A page, which is asked for until its deadline. */
static void ask_page(struct wire *wire, struct answer *answer)
{
    struct page_query query = {
        .kind = PAGE_CHILDREN,
        .drive_id = "drive",
        .priority = REMOTE_BACKGROUND,
    };

    answer_init(answer);
    (void)remote_page(wire->service->remote, &query, answer_page, answer);
}

static void test_a_connection_over_which_nothing_comes_is_not_used_again(void **state)
{
    static const char *const answers[] = { PAGE, PEER_SILENCE, PAGE, NULL };
    struct wire *wire = wire_new(answers);
    struct answer answer;

    (void)state;
    ask_page(wire, &answer);
    assert_int_equal(answer_wait(&answer), 0);
    answer_clear(&answer);
    ask_page(wire, &answer);
    peer_wait_for(wire->peer, 2);
    assert_int_equal(answer_wait_passing(&answer, wire->service, 500), 0);
    answer_clear(&answer);
    assert_int_equal(peer_request(wire->peer, 1)->connection, 0);
    assert_int_equal(peer_request(wire->peer, 2)->connection, 1);
    wire_free(wire);
}

static void test_a_change_is_not_sent_again_when_a_kept_connection_closes(void **state)
{
    static const char *const answers[] = { "{}", PEER_HANGUP, "{}", NULL };
    struct wire *wire = wire_new(answers);
    struct graph_response response;
    struct err err;

    (void)state;
    assert_int_equal(get(wire, "/me", NULL), 0);
    assert_int_equal(graph_call_sync(wire->service->graph, "POST", "/me", "{}", 2, &response, &err),
                     -EIO);
    assert_true(err.is_fate_unknown);
    assert_int_equal(peer_count(wire->peer), 2);
    assert_int_equal(peer_request(wire->peer, 1)->connection, 0);
    graph_response_clear(&response);
    wire_free(wire);
}

#define TOO_MANY "{\"error\":{\"code\":\"TooManyRequests\",\"message\":\"later\"}}"
#define AT_ONCE  "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"

static void test_an_error_object_that_throttles_is_repeated_whatever_its_status(void **state)
{
    static const char *const answers[] = { TOO_MANY, PAGE, NULL };
    struct wire *wire = wire_new(answers);
    struct answer answer;

    (void)state;
    ask_page(wire, &answer);
    assert_int_equal(answer_wait_passing(&answer, wire->service, 500), 0);
    assert_int_equal(peer_count(wire->peer), 2);
    answer_clear(&answer);
    wire_free(wire);
}

static void test_a_service_that_asks_for_no_pause_is_not_asked_without_one(void **state)
{
    static const char *const answers[] = { AT_ONCE, NULL };
    struct wire *wire = wire_new(answers);
    struct answer answer;

    (void)state;
    ask_page(wire, &answer);
    assert_int_equal(answer_wait_passing(&answer, wire->service, 500), -ETIMEDOUT);
    assert_true(peer_count(wire->peer) < 30);
    answer_clear(&answer);
    wire_free(wire);
}

#define LONG_PAUSE                                                                                 \
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1000\r\nContent-Length: 0\r\n\r\n"

static void test_a_call_that_was_never_sent_says_why(void **state)
{
    static const char *const answers[] = { LONG_PAUSE, "{}", NULL };
    struct wire *wire = wire_new(answers);
    struct err err;

    (void)state;
    assert_int_equal(get(wire, "/me", &err), -ETIMEDOUT);
    assert_int_equal(err.http_status, 429);
    assert_int_equal(get(wire, "/me", &err), -ETIMEDOUT);
    assert_non_null(strstr(err.msg, "the service asks to wait"));
    assert_int_equal(peer_count(wire->peer), 1);
    wire_free(wire);
}

static void test_a_server_that_cannot_prove_who_it_is_is_told_of(void **state)
{
    static const char *const answers[] = { "{}", NULL };
    struct wire *wire = wire_new_at("https", answers);
    char message[ERR_MSG_SIZE];
    struct err err;

    (void)state;
    assert_int_equal(get(wire, "/me", &err), -ENETDOWN);
    assert_non_null(strstr(err.msg, "identity can't be verified"));
    assert_non_null(strstr(err.msg, "client-request-id"));
    assert_int_equal(graph_state(wire->service->graph, message, sizeof(message)), GRAPH_OFFLINE);
    assert_non_null(strstr(message, "identity can't be verified"));
    /* Who comes just then is told the same. */
    assert_int_equal(get(wire, "/me", &err), -ENETDOWN);
    assert_non_null(strstr(err.msg, "identity can't be verified"));
    wire_free(wire);
}

static int fetch_from_gone(struct wire *wire, enum remote_priority priority)
{
    static const char *const answers[] = { "{}", NULL };
    struct peer *gone = peer_start(answers);
    cleanup_free char *url = x_asprintf("%s/content", gone->url);
    struct fetch_query query = { .url = url, .length = 5, .priority = priority };
    struct answer answer;
    int r;

    peer_stop(gone);
    answer_init(&answer);
    (void)remote_fetch(wire->service->remote, &query, answer_fetch, &answer);
    r = answer_wait(&answer);
    answer_clear(&answer);
    return r;
}

static void test_who_wants_content_is_told_that_there_is_no_connection(void **state)
{
    static const char *const answers[] = { "{}", NULL };
    struct wire *wire = wire_new(answers);

    (void)state;
    assert_int_equal(fetch_from_gone(wire, REMOTE_READ), -ENETDOWN);
    assert_int_equal(fetch_from_gone(wire, REMOTE_PREFETCH), -ENETDOWN);
    wire_free(wire);
}

/* ---- Answers ---- */

static int ask_drives(struct wire *wire, struct err *ret_err)
{
    struct answer answer;

    answer_init(&answer);
    remote_drives(wire->service->remote, answer_drives, &answer);
    int ret = answer_wait(&answer);
    *ret_err = answer.err;
    answer_clear(&answer);
    return ret;
}

static void test_a_list_of_drives_that_goes_on_elsewhere_is_an_error(void **state)
{
    /* Both requests are under way at once: each can read of it what it is to be. */
    static const char *const answers[] = {
        "{\"id\":\"drive\",\"driveType\":\"business\",\"value\":[],"
        "\"@odata.nextLink\":\"https://evil.example/v1.0/me/drives\"}",
        NULL,
    };
    struct wire *wire = wire_new(answers);
    struct err err;

    (void)state;
    assert_int_equal(ask_drives(wire, &err), -EPROTO);
    assert_non_null(strstr(err.msg, "another host"));
    assert_int_equal(peer_count(wire->peer), 2);
    wire_free(wire);
}

static void test_an_answer_that_cannot_be_used_is_told_of_with_its_id(void **state)
{
    static const char *const rows[] = { "{", "{\"value\":1}", "{\"error\":{\"code\":\"odd\"}}" };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *const answers[] = { rows[i], NULL };
        struct wire *wire = wire_new(answers);
        struct answer answer;

        ask_page(wire, &answer);
        assert_true(answer_wait(&answer) < 0);
        cleanup_free char *id = peer_header(wire->peer, 0, "client-request-id");
        assert_non_null(id);
        assert_non_null(strstr(answer.err.msg, id));
        answer_clear(&answer);
        wire_free(wire);
    }
}

/* A read of content that is at the peer; returns its err.code. */
static int fetch(struct wire *wire, struct err *ret_err)
{
    cleanup_free char *url = x_asprintf("%s/content", wire->peer->url);
    struct fetch_query query = { .url = url, .length = 5, .priority = REMOTE_READ };
    struct answer answer;

    answer_init(&answer);
    (void)remote_fetch(wire->service->remote, &query, answer_fetch, &answer);
    int ret = answer_wait(&answer);
    *ret_err = answer.err;
    answer_clear(&answer);
    return ret;
}

#define REDIRECT(location)                                                                         \
    "HTTP/1.1 302 Found\r\nLocation: " location "\r\nContent-Length: 0\r\n\r\n"
#define CONTENT "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbytes"

static void test_content_that_has_moved_is_followed_twice(void **state)
{
    static const struct {
        const char *answers[5];
        size_t requests;
        int code;
    } rows[] = {
        { { REDIRECT("/there"), CONTENT, NULL }, 2, 0 },
        { { REDIRECT("/there"), REDIRECT("/and/there?x=1"), CONTENT, NULL }, 3, 0 },
        { { REDIRECT("/1"), REDIRECT("/2"), REDIRECT("/3"), CONTENT, NULL }, 3, -EPROTO },
        { { REDIRECT("http://evil.example/"), CONTENT, NULL }, 1, -EPROTO },
        { { REDIRECT("file:///etc/passwd"), CONTENT, NULL }, 1, -EPROTO },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct wire *wire = wire_new(rows[i].answers);
        struct err err;

        assert_int_equal(fetch(wire, &err), rows[i].code);
        assert_int_equal(peer_count(wire->peer), rows[i].requests);
        for (size_t j = 0; j < rows[i].requests; j++)
            assert_null(peer_header(wire->peer, j, "Authorization"));
        if (i == 1)
            assert_non_null(strstr(peer_request(wire->peer, 2)->head, "GET /and/there?x=1 HTTP"));
        wire_free(wire);
    }
}

/* ---- Where tokens go ---- */

#define GRANT "{\"access_token\":\"new\",\"refresh_token\":\"newer\",\"expires_in\":3600}"

static void test_a_token_is_renewed_for_the_application_that_it_was_issued_to(void **state)
{
    static const char *const answers[] = { GRANT, "{}", NULL };
    struct wire *wire = wire_new(answers);

    (void)state;
    service_set_token(wire->service, offsetof(struct tokens, client_id), "another-application");
    service_set_token(wire->service, offsetof(struct tokens, tenant), "contoso.example");
    service_age_token(wire->service);
    assert_int_equal(call(wire, "GET", NULL, 0), 0);
    assert_non_null(strstr(peer_request(wire->peer, 0)->head, "POST /contoso.example/oauth2/"));
    assert_non_null(strstr(peer_request(wire->peer, 0)->body, "client_id=another-application"));
    wire_free(wire);
}

#define BUSY "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1000\r\nContent-Length: 2\r\n\r\n{}"
#define REFUSED                                                                                    \
    "HTTP/1.1 401 Unauthorized\r\nContent-Length: 84\r\n\r\n{\"error\":\"invalid_client\","        \
    "\"trace_id\":\"the-trace\",\"correlation_id\":\"the-correlation\"}"

static void test_what_the_sign_in_service_says_holds_for_everybody(void **state)
{
    static const struct {
        const char *answers[4];
        int code;
        const char *words;
    } rows[] = {
        { { BUSY, GRANT, "{}", NULL }, -ETIMEDOUT, "HTTP 429" },
        { { REFUSED, GRANT, "{}", NULL }, -ENETDOWN, "trace_id the-trace, correlation_id the-co" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct wire *wire = wire_new(rows[i].answers);
        struct err err;

        service_age_token(wire->service);
        for (int j = 0; j < 3; j++) {
            assert_int_equal(get(wire, "/me", &err), rows[i].code);
            assert_non_null(strstr(err.msg, rows[i].words));
            assert_int_equal(peer_count(wire->peer), 1);
        }
        cleanup_free char *id = peer_header(wire->peer, 0, "client-request-id");
        assert_non_null(id);
        assert_non_null(strstr(err.msg, id));
        /* A new sign-in is tried at once. */
        service_set_token(wire->service, offsetof(struct tokens, refresh_token), "another");
        assert_int_equal(get(wire, "/me", &err), 0);
        wire_free(wire);
    }
}

#define CODE                                                                                       \
    "{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"https://v.example\","       \
    "\"expires_in\":900,\"interval\":1}"

static void show_nothing(const char *message, const char *user_code, const char *url, void *arg)
{
    (void)message;
    (void)user_code;
    (void)url;
    (void)arg;
}

static void test_a_sign_in_asks_for_what_it_needs_to_last(void **state)
{
    static const struct {
        const char *cloud;
        const char *asked;
        const char *sent;
    } rows[] = {
        { "global", NULL, "scope=Files.Read.All%20User.Read%20offline_access%20openid%20profile" },
        { "global", "Files.Read", "scope=Files.Read%20User.Read%20offline_access%20openid%20pro" },
        { "global", "openid user.read", "scope=openid%20user.read%20offline_access%20profile" },
        { "china", "Mail.Read", "%20https%3A%2F%2Fmicrosoftgraph.chinacloudapi.cn%2FUser.Read%20" },
        { "global", "https://x/.default", "x%2F.default%20offline_access%20openid%20profile" },
    };

    static const char *const answers[] = { CODE, "{\"access_token\":\"brief\"}", NULL };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct wire *wire = wire_new(answers);
        struct graph *graph = NULL;
        struct err err;
        struct graph_conf conf = {
            .state_dir = wire->service->state_dir,
            .client_id = "application",
            .cloud = rows[i].cloud,
            .graph_url = wire->disguise.url,
            .login_url = wire->disguise.url,
            .scopes = rows[i].asked,
        };

        assert_int_equal(graph_new(&conf, wire->service->clock, wire->service->pool, &graph, &err),
                         0);
        assert_int_equal(graph_login_device(graph, show_nothing, NULL, &err), -EACCES);
        assert_non_null(strstr(err.msg, "offline_access"));
        assert_non_null(strstr(peer_request(wire->peer, 0)->body, rows[i].sent));
        graph_free(graph);
        wire_free(wire);
    }
}

static void test_a_token_goes_only_to_the_services_that_it_is_for(void **state)
{
    static const struct {
        size_t field;
        const char *value;
    } rows[] = {
        { offsetof(struct tokens, cloud), "china" },
        { offsetof(struct tokens, graph_url), "https://graph.example" },
        { offsetof(struct tokens, login_url), "https://login.example" },
    };

    static const char *const answers[] = { "{}", NULL };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct wire *wire = wire_new(answers);
        struct graph_response response;
        struct err err;

        service_set_token(wire->service, rows[i].field, rows[i].value);
        assert_int_equal(
            graph_call_sync(wire->service->graph, "GET", "/me", NULL, 0, &response, &err),
            -ENETDOWN);
        graph_response_clear(&response);
        assert_int_equal(err.retry, ERR_RETRY_AFTER_LOGIN);
        assert_non_null(strstr(err.msg, "graphfs login"));
        assert_non_null(strstr(err.msg, rows[i].value));
        assert_int_equal(peer_count(wire->peer), 0);
        wire_free(wire);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_with_a_nul_is_sent_as_it_is),
        cmocka_unit_test(test_a_request_without_a_body_says_that_it_has_none),
        cmocka_unit_test(test_a_large_body_is_sent_without_asking_first),
        cmocka_unit_test(test_paths_may_be_written_as_the_documentation_writes_them),
        cmocka_unit_test(test_a_connection_over_which_nothing_comes_is_not_used_again),
        cmocka_unit_test(test_a_change_is_not_sent_again_when_a_kept_connection_closes),
        cmocka_unit_test(test_an_error_object_that_throttles_is_repeated_whatever_its_status),
        cmocka_unit_test(test_a_service_that_asks_for_no_pause_is_not_asked_without_one),
        cmocka_unit_test(test_a_call_that_was_never_sent_says_why),
        cmocka_unit_test(test_a_server_that_cannot_prove_who_it_is_is_told_of),
        cmocka_unit_test(test_who_wants_content_is_told_that_there_is_no_connection),
        cmocka_unit_test(test_a_list_of_drives_that_goes_on_elsewhere_is_an_error),
        cmocka_unit_test(test_an_answer_that_cannot_be_used_is_told_of_with_its_id),
        cmocka_unit_test(test_content_that_has_moved_is_followed_twice),
        cmocka_unit_test(test_a_token_is_renewed_for_the_application_that_it_was_issued_to),
        cmocka_unit_test(test_what_the_sign_in_service_says_holds_for_everybody),
        cmocka_unit_test(test_a_sign_in_asks_for_what_it_needs_to_last),
        cmocka_unit_test(test_a_token_goes_only_to_the_services_that_it_is_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
