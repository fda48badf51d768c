/* SPDX-License-Identifier: MIT */
/* Sign-in, renewal of the token, and what is known of the connection, against the emulator. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "graph/tokens.h"

#include "unit.h"

#include "graph_fixture.h"

#define HOUR_MS (INT64_C(3600) * 1000)

static int set_up_all(void **state)
{
    static const char *const args[] = { "--plain", NULL };

    *state = emulator_start(args);
    return 0;
}

static int tear_down_all(void **state)
{
    emulator_stop(*state);
    return 0;
}

static int set_up(void **state)
{
    emulator_do(*state, "DELETE", "faults", NULL);
    emulator_do(*state, "POST", "tokens", "{\"action\":\"clear\"}");
    return 0;
}

static void ask_drives(struct service *service, struct answer *answer)
{
    answer_init(answer);
    remote_drives(service->remote, answer_drives, answer);
}

/* One request that needs a token; returns its err.code. */
static int try_drives(struct service *service, struct err *ret_err)
{
    struct answer answer;

    ask_drives(service, &answer);
    int ret = answer_wait(&answer);
    if (ret_err)
        *ret_err = answer.err;
    answer_clear(&answer);
    return ret;
}

/* ---- Sign-in ---- */

static void test_a_sign_in_stores_who_it_was_for_the_user_alone(void **state)
{
    struct service *service = service_new(*state, 0);
    struct graph_identity identity = { 0 };
    struct stat status;
    cleanup_free char *path = x_asprintf("%s/token.json", service->state_dir);

    assert_int_equal(graph_identity_load(service->state_dir, &identity, NULL), -ENOENT);
    service_sign_in(service);
    assert_int_equal(graph_identity_load(service->state_dir, &identity, NULL), 0);
    assert_string_equal(identity.cloud, "global");
    assert_string_equal(identity.user_name, "alex@contoso.example");
    assert_non_null(identity.user_id);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    graph_identity_clear(&identity);
    assert_int_equal(graph_logout(service->state_dir, NULL), 0);
    assert_int_equal(graph_identity_load(service->state_dir, &identity, NULL), -ENOENT);
    assert_int_equal(graph_logout(service->state_dir, NULL), 0);
    service_free(service);
}

static void test_sign_ins_that_fail_say_why(void **state)
{
    static const struct {
        const char *decision;
        const char *token_action; /* NULL: none */
        const char *words;
    } rows[] = {
        { "decline", NULL, "declined" },
        { "expire", NULL, "expired" },
        { "approve", "conditional-access", "conditional access" },
        { "approve", "consent", "consent" },
    };
    struct emulator *emulator = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct service *service = service_new(emulator, 0);
        struct err err = { 0 };

        emulator_do(emulator, "POST", "tokens", "{\"action\":\"clear\"}");
        if (rows[i].token_action) {
            cleanup_free char *body = x_asprintf("{\"action\":\"%s\"}", rows[i].token_action);
            emulator_do(emulator, "POST", "tokens", body);
        }
        assert_int_equal(service_try_sign_in(service, rows[i].decision, &err), -EACCES);
        assert_non_null(strstr(err.msg, rows[i].words));
        assert_int_equal(graph_identity_load(service->state_dir, NULL, NULL), -ENOENT);
        service_free(service);
    }
}

/* A thread that lets a sign-in go on once the service was polled often enough. */
struct patience {
    struct service *service;
    int64_t polls;
    _Atomic bool is_over; /* the sign-in has ended */
};

static void *approve_after_polls(void *arg)
{
    struct patience *patience = arg;
    struct emulator *emulator = patience->service->emulator;

    while (!patience->is_over && emulator_count(emulator, "login") < 1 + patience->polls)
        service_pass_time(patience->service, 1000);
    emulator_do(emulator, "POST", "approve", "{\"user_code\":\"\",\"action\":\"approve\"}");
    while (!patience->is_over)
        service_pass_time(patience->service, 1000);
    return NULL;
}

static void show_nothing(const char *message, const char *user_code, const char *url, void *arg)
{
    (void)arg;
    assert_true(message || (user_code && url));
}

static void test_a_sign_in_waits_for_the_code_to_be_entered(void **state)
{
    struct emulator *emulator = *state;
    struct service *service = service_new(emulator, 0);
    struct patience patience = { .service = service, .polls = 4 };
    pthread_t thread;
    struct err err = { 0 };

    emulator_do(emulator, "POST", "reset-counts", NULL);
    emulator_do(emulator, "POST", "tokens", "{\"action\":\"slow-down\"}");
    emulator_fault(emulator, "{\"host\":\"login\",\"path\":\"*token\",\"nth\":3,\"count\":1,"
                             "\"action\":\"status\",\"status\":503,\"body\":\"html\"}");
    assert_int_equal(pthread_create(&thread, NULL, approve_after_polls, &patience), 0);
    int ret = graph_login_device(service->graph, show_nothing, NULL, &err);
    patience.is_over = true;
    (void)pthread_join(thread, NULL);
    assert_int_equal(ret, 0);
    service_free(service);
}

static void test_an_account_stays_with_its_user(void **state)
{
    static const char *const args[] = { "--profile=consumer", NULL };
    struct emulator *other = emulator_start(args);
    struct service *service = service_new(*state, 0);
    struct err err = { 0 };

    service_sign_in(service);
    service_sign_in(service);
    struct graph_conf conf = {
        .state_dir = service->state_dir,
        .client_id = "00000000-0000-4000-8000-000000000001",
        .graph_url = other->url,
        .login_url = other->url,
    };
    struct service second = { .emulator = other };
    assert_int_equal(graph_new(&conf, service->clock, service->pool, &second.graph, NULL), 0);
    assert_int_equal(service_try_sign_in(&second, "approve", &err), -EPERM);
    assert_non_null(strstr(err.msg, "alex@contoso.example"));
    graph_free(second.graph);
    assert_int_equal(try_drives(service, NULL), 0);
    service_free(service);
    emulator_stop(other);
}

static void test_configurations_that_cannot_work_are_refused(void **state)
{
    static const struct {
        struct graph_conf conf;
        const char *words;
    } rows[] = {
        { { .client_id = NULL }, "client_id" },
        { { .client_id = "x", .cloud = "moon" }, "moon" },
        { { .client_id = "x", .graph_url = "http://graph.example" }, "https" },
        { { .client_id = "x", .login_url = "ftp://127.0.0.1" }, "login_url" },
        { { .client_id = "x", .tenant = "a/b" }, "tenant" },
        { { .client_id = "x", .ca_file = "/nonexistent" }, "ca_file" },
    };
    struct pool *pool = pool_new("test", 1);

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct graph *graph = NULL;
        struct graph_conf conf = rows[i].conf;
        struct err err = { 0 };

        conf.state_dir = "/nonexistent";
        assert_true(graph_new(&conf, clock_system(), pool, &graph, &err) < 0);
        assert_null(graph);
        assert_non_null(strstr(err.msg, rows[i].words));
    }
    pool_free(pool);
}

/* ---- The token ---- */

static void test_a_refused_token_is_renewed_once_for_all(void **state)
{
    enum { CALLS = 20 };
    struct emulator *emulator = *state;
    struct service *service = service_new(emulator, 0);
    struct answer answers[CALLS];

    service_sign_in(service);
    assert_int_equal(try_drives(service, NULL), 0);
    emulator_do(emulator, "POST", "tokens", "{\"action\":\"expire-access\"}");
    emulator_do(emulator, "POST", "reset-counts", NULL);
    for (size_t i = 0; i < CALLS; i++)
        ask_drives(service, &answers[i]);
    for (size_t i = 0; i < CALLS; i++) {
        assert_int_equal(answer_wait(&answers[i]), 0);
        answer_clear(&answers[i]);
    }
    assert_int_equal(emulator_count(emulator, "login"), 1);
    service_free(service);
}

static void test_an_old_token_is_renewed_before_it_is_sent(void **state)
{
    struct emulator *emulator = *state;
    struct service *service = service_new(emulator, 0);

    service_sign_in(service);
    assert_int_equal(try_drives(service, NULL), 0);
    clock_advance(service->clock, HOUR_MS);
    emulator_do(emulator, "POST", "reset-counts", NULL);
    assert_int_equal(try_drives(service, NULL), 0);
    assert_int_equal(emulator_count(emulator, "login"), 1);
    /* One for each of the two drive requests, none of them refused. */
    assert_int_equal(emulator_count(emulator, "total"), 3);
    service_free(service);
}

static void test_trouble_of_the_sign_in_service_passes(void **state)
{
    static const char *const faults[] = {
        "{\"host\":\"login\",\"action\":\"status\",\"status\":503,\"count\":2,\"body\":\"html\"}",
        "{\"host\":\"login\",\"action\":\"status\",\"status\":429,\"count\":1,\"retry_after\":3}",
        "{\"host\":\"login\",\"action\":\"status\",\"status\":400,\"count\":1,\"body\":\"html\"}",
        "{\"host\":\"login\",\"action\":\"cut\",\"count\":1}",
        "{\"host\":\"login\",\"action\":\"close\",\"count\":1}",
    };
    struct emulator *emulator = *state;
    struct service *service = service_new(emulator, 0);

    service_sign_in(service);
    for (size_t i = 0; i < ROWS(faults); i++) {
        struct answer answer;

        emulator_do(emulator, "POST", "tokens", "{\"action\":\"expire-access\"}");
        emulator_fault(emulator, faults[i]);
        ask_drives(service, &answer);
        assert_int_equal(answer_wait_passing(&answer, service, 500), 0);
        answer_clear(&answer);
        assert_int_equal(graph_state(service->graph, NULL, 0), GRAPH_ONLINE);
    }
    service_free(service);
}

struct changes {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum graph_link last;
    unsigned count;
};

static void on_state(enum graph_link link, void *arg)
{
    struct changes *changes = arg;

    (void)pthread_mutex_lock(&changes->lock);
    changes->last = link;
    changes->count++;
    (void)pthread_cond_broadcast(&changes->changed);
    (void)pthread_mutex_unlock(&changes->lock);
}

static void wait_for_change(struct changes *changes, unsigned count)
{
    (void)pthread_mutex_lock(&changes->lock);
    while (changes->count < count)
        (void)pthread_cond_wait(&changes->changed, &changes->lock);
    (void)pthread_mutex_unlock(&changes->lock);
}

static void test_a_revoked_sign_in_waits_for_a_new_one(void **state)
{
    struct emulator *emulator = *state;
    struct service *service = service_new(emulator, 0);
    struct changes changes = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };
    struct err err;
    char message[256];

    graph_listen(service->graph, on_state, &changes);
    service_sign_in(service);
    assert_int_equal(try_drives(service, NULL), 0);
    emulator_do(emulator, "POST", "tokens", "{\"action\":\"revoke-refresh\"}");
    emulator_do(emulator, "POST", "tokens", "{\"action\":\"expire-access\"}");
    assert_int_equal(try_drives(service, &err), -ENETDOWN);
    assert_int_equal(err.retry, ERR_RETRY_AFTER_LOGIN);
    wait_for_change(&changes, 1);
    assert_int_equal(changes.last, GRAPH_SIGNED_OUT);
    assert_int_equal(graph_state(service->graph, message, sizeof(message)), GRAPH_SIGNED_OUT);
    assert_non_null(strstr(message, "graphfs login"));

    /* The void token is neither tried again nor thrown away. */
    emulator_do(emulator, "POST", "reset-counts", NULL);
    assert_int_equal(try_drives(service, NULL), -ENETDOWN);
    assert_int_equal(emulator_count(emulator, "total"), 0);
    struct tokens tokens = { 0 };
    assert_int_equal(tokens_load(service->state_dir, &tokens, NULL, NULL), 0);
    assert_non_null(tokens.refresh_token);
    assert_non_null(tokens.signed_out);
    tokens_clear(&tokens);

    service_sign_in(service);
    assert_int_equal(try_drives(service, NULL), 0);
    wait_for_change(&changes, 2);
    assert_int_equal(changes.last, GRAPH_ONLINE);
    service_free(service);
}

static void test_a_token_renewed_by_another_process_is_taken(void **state)
{
    struct emulator *emulator = *state;
    struct service *one = service_new(emulator, 0);
    struct graph *other = NULL;
    struct graph_response response;

    service_sign_in(one);
    assert_int_equal(try_drives(one, NULL), 0);
    struct graph_conf conf = {
        .state_dir = one->state_dir,
        .client_id = "00000000-0000-4000-8000-000000000001",
        .graph_url = emulator->url,
        .login_url = emulator->url,
    };
    assert_int_equal(graph_new(&conf, one->clock, one->pool, &other, NULL), 0);
    emulator_do(emulator, "POST", "tokens", "{\"action\":\"expire-access\"}");
    emulator_do(emulator, "POST", "reset-counts", NULL);
    assert_int_equal(graph_call_sync(other, "GET", "/me", NULL, 0, &response, NULL), 0);
    graph_response_clear(&response);
    assert_int_equal(try_drives(one, NULL), 0);
    assert_int_equal(emulator_count(emulator, "login"), 1);
    graph_free(other);
    service_free(one);
}

static void test_a_renewal_waits_for_the_lock_of_another_process(void **state)
{
    struct emulator *emulator = *state;
    struct service *service = service_new(emulator, 0);
    struct answer answer;

    service_sign_in(service);
    assert_int_equal(try_drives(service, NULL), 0);
    emulator_do(emulator, "POST", "tokens", "{\"action\":\"expire-access\"}");
    emulator_do(emulator, "POST", "reset-counts", NULL);
    int fd = tokens_lock(service->state_dir, NULL);
    assert_true(fd >= 0);
    assert_int_equal(tokens_lock(service->state_dir, NULL), -EWOULDBLOCK);
    ask_drives(service, &answer);
    emulator_wait_for(emulator, "total", 1);
    for (int i = 0; i < 10; i++)
        service_pass_time(service, 200);
    assert_int_equal(emulator_count(emulator, "login"), 0);
    (void)close(fd);
    assert_int_equal(answer_wait_passing(&answer, service, 500), 0);
    assert_int_equal(emulator_count(emulator, "login"), 1);
    answer_clear(&answer);
    service_free(service);
}

static void test_tokens_that_others_may_read_are_refused(void **state)
{
    struct service *service = service_new(*state, 0);
    cleanup_free char *path = x_asprintf("%s/token.json", service->state_dir);
    struct tokens tokens = { 0 };
    struct err err;

    service_sign_in(service);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(tokens_load(service->state_dir, &tokens, NULL, &err), -EACCES);
    assert_non_null(strstr(err.msg, "chmod"));
    service_free(service);
}

static void test_the_tokens_of_another_user_are_not_used(void **state)
{
    struct emulator *emulator = *state;
    struct service *service = service_new(emulator, 0);
    char message[256];
    struct err err;

    service_sign_in(service);
    assert_int_equal(try_drives(service, NULL), 0);
    assert_int_equal(graph_logout(service->state_dir, NULL), 0);
    service_sign_in(service);
    service_set_token(service, offsetof(struct tokens, user_id), "another-user");
    emulator_do(emulator, "POST", "tokens", "{\"action\":\"expire-access\"}");
    emulator_do(emulator, "POST", "reset-counts", NULL);
    (void)try_drives(service, &err);
    assert_int_equal(err.code, -ENETDOWN);
    assert_int_equal(err.retry, ERR_RETRY_AFTER_LOGIN);
    assert_non_null(strstr(err.msg, "another user"));
    assert_int_equal(emulator_count(emulator, "login"), 0);
    assert_int_equal(graph_state(service->graph, message, sizeof(message)), GRAPH_SIGNED_OUT);
    assert_non_null(strstr(message, "mount again"));

    /* The user who was there before may come back. */
    assert_int_equal(graph_logout(service->state_dir, NULL), 0);
    service_sign_in(service);
    assert_int_equal(try_drives(service, NULL), 0);
    service_free(service);
}

static void test_a_token_file_that_cannot_be_read_for_a_moment_is_no_sign_out(void **state)
{
    struct service *service = service_new(*state, 0);
    cleanup_free char *path = x_asprintf("%s/token.json", service->state_dir);
    cleanup_free char *aside = x_asprintf("%s/aside", service->state_dir);
    cleanup_free char *directory = x_asprintf("%s/directory", service->state_dir);
    struct answer answer;

    service_sign_in(service);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_int_equal(symlink(directory, path), 0);
    ask_drives(service, &answer);
    for (int i = 0; i < 10; i++)
        service_pass_time(service, 500);
    assert_false(answer_is_done(&answer));
    assert_int_equal(graph_state(service->graph, NULL, 0), GRAPH_ONLINE);
    /* At no moment is there none. */
    assert_int_equal(rename(aside, path), 0);
    assert_int_equal(answer_wait_passing(&answer, service, 500), 0);
    answer_clear(&answer);
    service_free(service);
}

static void test_a_sign_out_leaves_no_token(void **state)
{
    struct service *service = service_new(*state, 0);
    cleanup_free char *leftover = x_asprintf("%s/token.json.aBcDeF", service->state_dir);

    service_put_tokens(service);
    assert_int_equal(file_write_atomic(leftover, "{}", 2, 0600), 0);
    assert_int_equal(graph_logout(service->state_dir, NULL), 0);
    assert_int_equal(access(leftover, F_OK), -1);
    service_free(service);
}

static void test_a_sign_out_is_noticed_although_the_token_is_fresh(void **state)
{
    struct service *service = service_new(*state, 0);
    struct err err;

    service_sign_in(service);
    assert_int_equal(try_drives(service, NULL), 0);
    assert_int_equal(graph_logout(service->state_dir, NULL), 0);
    clock_advance(service->clock, 2000);
    assert_int_equal(try_drives(service, &err), -ENETDOWN);
    assert_int_equal(err.retry, ERR_RETRY_AFTER_LOGIN);
    service_free(service);
}

/* ---- The connection ---- */

static void test_without_connection_readers_are_told_at_once(void **state)
{
    static const char *const args[] = { "--plain", NULL };
    struct emulator *gone = emulator_start(args);
    struct service *service = service_new(gone, 0);
    struct answer waiting;
    char message[256];
    struct page_query query = {
        .kind = PAGE_DELTA,
        .drive_id = "any",
        .priority = REMOTE_BACKGROUND,
    };

    (void)state;
    service_sign_in(service);
    assert_int_equal(try_drives(service, NULL), 0);
    emulator_stop(gone);
    assert_int_equal(try_drives(service, NULL), -ENETDOWN);
    assert_int_equal(graph_state(service->graph, message, sizeof(message)), GRAPH_OFFLINE);
    assert_true(message[0] != '\0');
    struct graph_counters before = graph_count(service->graph);
    assert_int_equal(try_drives(service, NULL), -ENETDOWN);
    assert_true(graph_count(service->graph).requests == before.requests);

    /* What runs in the background goes on trying until its deadline. */
    answer_init(&waiting);
    (void)remote_page(service->remote, &query, answer_page, &waiting);
    assert_int_equal(answer_wait_passing(&waiting, service, 500), -ENETDOWN);
    assert_true(graph_count(service->graph).requests > before.requests + 2);
    answer_clear(&waiting);
    service->emulator = NULL;
    service_free(service);
}

static void test_raw_calls_stay_on_the_service(void **state)
{
    struct emulator *emulator = *state;
    struct service *service = service_new(emulator, 0);
    struct graph_response response;
    struct err err;

    service_sign_in(service);
    assert_int_equal(graph_call_sync(service->graph, "GET", "me", NULL, 0, &response, &err), 0);
    assert_int_equal(response.status, 200);
    graph_response_clear(&response);
    assert_int_equal(graph_call_sync(service->graph, "GET", "https://evil.example/v1.0/me", NULL, 0,
                                     &response, &err),
                     -EPROTO);
    graph_response_clear(&response);
    assert_true(graph_call_sync(service->graph, "GET", "/me/drive/items/nope", NULL, 0, &response,
                                &err) < 0);
    assert_int_equal(response.status, 404);
    assert_non_null(strstr(response.body.data, "itemNotFound"));
    graph_response_clear(&response);
    service_free(service);
}

#define AUTH_TEST(fn) cmocka_unit_test_setup(fn, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUTH_TEST(test_a_sign_in_stores_who_it_was_for_the_user_alone),
        AUTH_TEST(test_sign_ins_that_fail_say_why),
        AUTH_TEST(test_a_sign_in_waits_for_the_code_to_be_entered),
        AUTH_TEST(test_an_account_stays_with_its_user),
        AUTH_TEST(test_configurations_that_cannot_work_are_refused),
        AUTH_TEST(test_a_refused_token_is_renewed_once_for_all),
        AUTH_TEST(test_an_old_token_is_renewed_before_it_is_sent),
        AUTH_TEST(test_trouble_of_the_sign_in_service_passes),
        AUTH_TEST(test_a_revoked_sign_in_waits_for_a_new_one),
        AUTH_TEST(test_a_token_renewed_by_another_process_is_taken),
        AUTH_TEST(test_a_renewal_waits_for_the_lock_of_another_process),
        AUTH_TEST(test_tokens_that_others_may_read_are_refused),
        AUTH_TEST(test_a_sign_out_leaves_no_token),
        AUTH_TEST(test_a_sign_out_is_noticed_although_the_token_is_fresh),
        AUTH_TEST(test_the_tokens_of_another_user_are_not_used),
        AUTH_TEST(test_a_token_file_that_cannot_be_read_for_a_moment_is_no_sign_out),
        AUTH_TEST(test_without_connection_readers_are_told_at_once),
        AUTH_TEST(test_raw_calls_stay_on_the_service),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
