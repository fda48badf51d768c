/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "graph_fixture.h"

#include <curl/curl.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/paths.h"
#include "base/strbuf.h"
#include "base/xalloc.h"
#include "graph/tokens.h"

#include "unit.h"

#define MAX_ARGS        16
#define WAIT_STEPS      6000
#define WAIT_STEP_US    10000
#define PASSING_STEP_US 2000
#define MAX_ANSWER      (16 * 1024 * 1024)
#define CLIENT_ID       "00000000-0000-4000-8000-000000000001"
#define YEAR_MS         (INT64_C(365) * 24 * 3600 * 1000)

/* ---- The emulator ---- */

static char *make_directory(void)
{
    char *directory = x_strdup("/tmp/graphfs-test-XXXXXX");

    assert_non_null(mkdtemp(directory));
    return directory;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static void remove_directory(char *directory)
{
    (void)nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(directory);
}

static void run_emulator(const char *port_file, const char *const *args)
{
    const char *binary = getenv("GRAPH_EMULATOR");
    const char *argv[MAX_ARGS] = { "graph-emulator", port_file, "--listen=127.0.0.1:0" };
    size_t count = 3;

    while (*args && count + 1 < MAX_ARGS)
        argv[count++] = *args++;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)execv(binary ? binary : "tests/emulator/graph-emulator", (char *const *)(uintptr_t)argv);
    _exit(127);
}

struct emulator *emulator_start(const char *const *args)
{
    struct emulator *emulator = x_calloc(1, sizeof(*emulator));

    emulator->directory = make_directory();
    cleanup_free char *path = x_asprintf("%s/port", emulator->directory);
    cleanup_free char *option = x_asprintf("--port-file=%s", path);
    emulator->pid = fork();
    if (emulator->pid == 0)
        run_emulator(option, args);
    assert_true(emulator->pid > 0);
    for (int i = 0; i < WAIT_STEPS && access(path, R_OK) < 0; i++) {
        assert_int_equal(waitpid(emulator->pid, NULL, WNOHANG), 0);
        (void)usleep(WAIT_STEP_US);
    }
    cleanup_strbuf struct strbuf ports;
    strbuf_init(&ports, 100);
    assert_int_equal(file_read_all(path, 100, &ports), 0);
    emulator->url = x_asprintf("http://127.0.0.1:%ld", strtol(ports.data, NULL, 10));
    return emulator;
}

void emulator_stop(struct emulator *emulator)
{
    int status = -1;

    if (!emulator)
        return;
    (void)kill(emulator->pid, SIGTERM);
    (void)waitpid(emulator->pid, &status, 0);
    remove_directory(emulator->directory);
    free(emulator->url);
    free(emulator);
    assert_int_equal(status, 0);
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    return strbuf_add(arg, data, size * count) < 0 ? 0 : size * count;
}

char *emulator_control(const struct emulator *emulator, const char *method, const char *name,
                       const char *body)
{
    struct strbuf answer;
    long status = 0;
    cleanup_free char *url = x_asprintf("%s/_emulator/%s", emulator->url, name);
    CURL *easy = curl_easy_init();

    strbuf_init(&answer, MAX_ANSWER);
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    if (body)
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
    CURLcode result = curl_easy_perform(easy);
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    if (result != CURLE_OK || status / 100 != 2)
        fail_msg("%s %s: status %ld: %s", method, name, status, answer.data);
    char *text = strbuf_steal(&answer);
    return text ? text : x_strdup("");
}

void emulator_do(const struct emulator *emulator, const char *method, const char *name,
                 const char *body)
{
    free(emulator_control(emulator, method, name, body));
}

void emulator_fault(const struct emulator *emulator, const char *fault)
{
    cleanup_free char *body = x_asprintf("{\"faults\":[%s]}", fault);

    emulator_do(emulator, "POST", "faults", body);
}

int64_t emulator_count(const struct emulator *emulator, const char *name)
{
    int64_t count = 0;
    cleanup_free char *text = emulator_control(emulator, "GET", "requests", NULL);
    cleanup_json struct json_object *json = json_parse_bounded(text, strlen(text), 8, NULL);

    assert_int_equal(json_get_i64(json, name, &count), JSON_OK);
    return count;
}

void emulator_wait_for(const struct emulator *emulator, const char *name, int64_t value)
{
    for (int i = 0; i < WAIT_STEPS; i++) {
        if (emulator_count(emulator, name) >= value)
            return;
        (void)usleep(WAIT_STEP_US);
    }
    fail_msg("%s doesn't become %lld", name, (long long)value);
}

/* ---- The service ---- */

static struct service *make_service(struct emulator *emulator, int64_t idle_timeout_ms,
                                    const char *scopes)
{
    struct err err = { 0 };
    struct service *service = x_calloc(1, sizeof(*service));

    service->emulator = emulator;
    service->state_dir = make_directory();
    service->clock = clock_system();
    service->pool = pool_new("test", 2);
    struct graph_conf conf = {
        .state_dir = service->state_dir,
        .client_id = CLIENT_ID,
        .graph_url = emulator->url,
        .login_url = emulator->url,
        .scopes = scopes,
        .idle_timeout_ms = idle_timeout_ms,
    };
    if (graph_new(&conf, service->clock, service->pool, &service->graph, &err) < 0)
        fail_msg("%s", err.msg);
    service->remote = graph_remote(service->graph);
    return service;
}

struct service *service_new(struct emulator *emulator, int64_t idle_timeout_ms)
{
    return make_service(emulator, idle_timeout_ms, NULL);
}

struct service *service_new_for(struct emulator *emulator, const char *scopes)
{
    return make_service(emulator, 0, scopes);
}

struct decision {
    const struct emulator *emulator;
    const char *action;
};

static void decide(const char *message, const char *user_code, const char *url, void *arg)
{
    const struct decision *decision = arg;
    cleanup_free char *body =
        x_asprintf("{\"user_code\":\"%s\",\"action\":\"%s\"}", user_code, decision->action);

    (void)message;
    (void)url;
    emulator_do(decision->emulator, "POST", "approve", body);
}

int service_try_sign_in(struct service *service, const char *decision, struct err *err)
{
    struct decision made = { service->emulator, decision };

    return graph_login_device(service->graph, decide, &made, err);
}

void service_sign_in(struct service *service)
{
    struct err err = { 0 };

    if (service_try_sign_in(service, "approve", &err) < 0)
        fail_msg("%s", err.msg);
}

void service_put_tokens(struct service *service)
{
    struct tokens tokens = {
        .cloud = (char[]){ "global" },
        .client_id = (char[]){ CLIENT_ID },
        .tenant = (char[]){ "common" },
        .refresh_token = (char[]){ "refresh" },
        .access_token = (char[]){ "access" },
        .user_id = (char[]){ "user" },
        .renew_ms = clock_real_ms(service->clock) + YEAR_MS,
    };

    assert_int_equal(tokens_save(service->state_dir, &tokens, NULL, NULL), 0);
}

void service_set_token(struct service *service, size_t field, const char *value)
{
    struct tokens tokens = { 0 };
    char **place = (char **)(void *)((char *)&tokens + field);

    assert_int_equal(tokens_load(service->state_dir, &tokens, NULL, NULL), 0);
    free(*place);
    *place = x_strdup(value);
    assert_int_equal(tokens_save(service->state_dir, &tokens, NULL, NULL), 0);
    tokens_clear(&tokens);
}

void service_age_token(struct service *service)
{
    struct tokens tokens = { 0 };

    assert_int_equal(tokens_load(service->state_dir, &tokens, NULL, NULL), 0);
    tokens.renew_ms = 0;
    assert_int_equal(tokens_save(service->state_dir, &tokens, NULL, NULL), 0);
    tokens_clear(&tokens);
}

void service_pass_time(struct service *service, int64_t ms)
{
    clock_advance(service->clock, ms);
    graph_wake(service->graph);
    (void)usleep(PASSING_STEP_US);
}

void service_free(struct service *service)
{
    if (!service)
        return;
    graph_free(service->graph);
    pool_free(service->pool);
    remove_directory(service->state_dir);
    free(service);
}

/* ---- Answers ---- */

void answer_init(struct answer *answer)
{
    *answer = (struct answer){
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };
    strbuf_init(&answer->pieces, 1024);
}

void answer_clear(struct answer *answer)
{
    item_page_free(answer->page);
    drive_list_free(answer->drives);
    version_infos_free(answer->versions);
    free(answer->url);
    free(answer->errors);
    free(answer->data);
    free(answer->etag);
    strbuf_clear(&answer->pieces);
    answer_init(answer);
}

int answer_wait(struct answer *answer)
{
    LOCKED(&answer->lock);
    while (!answer->is_done)
        (void)pthread_cond_wait(&answer->changed, &answer->lock);
    return answer->err.code;
}

bool answer_is_done(struct answer *answer)
{
    LOCKED(&answer->lock);
    return answer->is_done;
}

int answer_wait_passing(struct answer *answer, struct service *service, int64_t step_ms)
{
    while (!answer_is_done(answer))
        service_pass_time(service, step_ms);
    return answer_wait(answer);
}

/* The lock is held. */
static void finish(struct answer *answer, const struct err *err)
{
    /* A completion that runs twice is the mistake that this finds. */
    if (answer->is_done)
        abort();
    if (err)
        answer->err = *err;
    answer->is_done = true;
    (void)pthread_cond_broadcast(&answer->changed);
}

void answer_page(struct item_page *page, const struct err *err, void *arg)
{
    struct answer *answer = arg;
    LOCKED(&answer->lock);
    answer->page = page;
    finish(answer, err);
}

void answer_drives(struct drive_list *list, const struct err *err, void *arg)
{
    struct answer *answer = arg;
    LOCKED(&answer->lock);
    answer->drives = list;
    finish(answer, err);
}

void answer_items(struct item_page *page, const struct err *errors, const struct err *err,
                  void *arg)
{
    struct answer *answer = arg;
    LOCKED(&answer->lock);
    answer->page = page;
    if (page && page->count > 0) {
        answer->errors = x_calloc(page->count, sizeof(*errors));
        memcpy(answer->errors, errors, page->count * sizeof(*errors));
    }
    finish(answer, err);
}

void answer_piece(const struct fetch_answer *piece, void *arg)
{
    struct answer *answer = arg;
    LOCKED(&answer->lock);
    (void)strbuf_addf(&answer->pieces, "%lld:%.*s ", (long long)piece->offset, (int)piece->length,
                      piece->data);
}

void answer_versions(struct version_infos *list, const struct err *err, void *arg)
{
    struct answer *answer = arg;
    LOCKED(&answer->lock);
    answer->versions = list;
    finish(answer, err);
}

/* The lock is held. */
static void take_session(struct answer *answer, const struct upload_session *session)
{
    if (!session)
        return;
    answer->url = x_strdup(session->url);
    answer->next = session->next;
    answer->expires_ms = session->expires_ms;
}

void answer_session(const struct upload_session *session, const struct err *err, void *arg)
{
    struct answer *answer = arg;
    LOCKED(&answer->lock);
    take_session(answer, session);
    finish(answer, err);
}

void answer_fragment(struct item_page *page, const struct upload_session *session,
                     const struct err *err, void *arg)
{
    struct answer *answer = arg;
    LOCKED(&answer->lock);
    answer->page = page;
    take_session(answer, session);
    finish(answer, err);
}

void answer_done(const struct err *err, void *arg)
{
    struct answer *answer = arg;
    LOCKED(&answer->lock);
    finish(answer, err);
}

void answer_url(const char *url, const struct err *err, void *arg)
{
    struct answer *answer = arg;
    LOCKED(&answer->lock);
    answer->url = x_strdup(url);
    finish(answer, err);
}

void answer_fetch(const struct fetch_answer *fetched, const struct err *err, void *arg)
{
    struct answer *answer = arg;
    LOCKED(&answer->lock);
    if (fetched) {
        answer->data = x_malloc(fetched->length + 1);
        memcpy(answer->data, fetched->data, fetched->length);
        answer->data[fetched->length] = '\0';
        answer->offset = fetched->offset;
        answer->length = fetched->length;
        answer->total = fetched->total;
        answer->etag = x_strdup(fetched->etag);
    }
    finish(answer, err);
}
