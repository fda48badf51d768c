/* SPDX-License-Identifier: MIT */
/* How contents go over the wire, byte for byte, and hosts that lie about upload sessions. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

#include "unit.h"

#include "graph_wire.h"

#define PAGE "{\"value\":[]}"
#define ITEM "{\"id\":\"i\",\"name\":\"n\",\"file\":{}}"
#define UNIT ((int64_t)REMOTE_FRAGMENT_UNIT)

static int put(struct wire *wire, struct upload_target target, const void *data, size_t length,
               struct answer *answer)
{
    struct put_query query = {
        .target = target,
        .data = data,
        .length = length,
        .priority = REMOTE_UPLOAD,
    };

    answer_init(answer);
    (void)remote_put(wire->service->remote, &query, answer_page, answer);
    return answer_wait(answer);
}

static int begin(struct wire *wire, struct session_query query, struct answer *answer)
{
    query.priority = REMOTE_UPLOAD;
    answer_init(answer);
    (void)remote_session_begin(wire->service->remote, &query, answer_session, answer);
    return answer_wait(answer);
}

/* With the URL of a session at the peer, unless there is one. */
static struct fragment_query complete(struct wire *wire, struct fragment_query query, char **ret)
{
    *ret = x_asprintf("%s/up%%2Bload?tempauth=secret", wire->peer->url);
    query.url = query.url ? query.url : *ret;
    query.priority = REMOTE_UPLOAD;
    return query;
}

static int put_fragment(struct wire *wire, struct fragment_query query, struct answer *answer)
{
    cleanup_free char *url = NULL;

    query = complete(wire, query, &url);
    answer_init(answer);
    (void)remote_session_put(wire->service->remote, &query, answer_fragment, answer);
    return answer_wait(answer);
}

static int ask(struct wire *wire, struct fragment_query query, struct answer *answer)
{
    cleanup_free char *url = NULL;

    query = complete(wire, query, &url);
    answer_init(answer);
    (void)remote_session_ask(wire->service->remote, &query, answer_session, answer);
    return answer_wait(answer);
}

static int commit(struct wire *wire, struct fragment_query query, struct answer *answer)
{
    cleanup_free char *url = NULL;

    query = complete(wire, query, &url);
    answer_init(answer);
    (void)remote_session_commit(wire->service->remote, &query, answer_page, answer);
    return answer_wait(answer);
}

static int end(struct wire *wire, struct fragment_query query, struct answer *answer)
{
    cleanup_free char *url = NULL;

    query = complete(wire, query, &url);
    answer_init(answer);
    (void)remote_session_end(wire->service->remote, &query, answer_done, answer);
    return answer_wait(answer);
}

/* ---- what is sent ---- */

/* A line of the head of request i, or its absence: NULL. */
static void assert_header(struct wire *wire, size_t i, const char *name, const char *value)
{
    cleanup_free char *found = peer_header(wire->peer, i, name);

    assert_string_equal(found ? found : "none", value ? value : "none");
}

static void assert_line(struct wire *wire, size_t i, const char *line)
{
    assert_memory_equal(peer_request(wire->peer, i)->head, line, strlen(line));
}

static void test_a_whole_content_goes_to_an_item_or_to_a_name(void **state)
{
    static const char *const answers[] = { ITEM, NULL };
    static const char data[] = "a\0b";
    struct wire *wire = wire_new(answers);
    struct upload_target old = { .drive_id = "d!1", .item_id = "i/2", .if_match = "\"{G},1\"" };
    struct upload_target new = { .drive_id = "d!1", .parent_id = "p", .name = "100% #\u00FC:?" };
    struct answer answer;

    (void)state;
    assert_int_equal(put(wire, old, data, sizeof(data), &answer), 0);
    assert_line(wire, 0, "PUT /v1.0/drives/d%211/items/i%2F2/content HTTP/1.1\r\n");
    assert_header(wire, 0, "If-Match", "\"{G},1\"");
    assert_header(wire, 0, "Content-Type", "application/octet-stream");
    assert_header(wire, 0, "Content-Length", "4");
    assert_header(wire, 0, "Content-Range", NULL);
    assert_header(wire, 0, "Expect", NULL);
    assert_header(wire, 0, "Authorization", "Bearer access");
    assert_memory_equal(peer_request(wire->peer, 0)->body, data, sizeof(data));
    answer_clear(&answer);
    assert_int_equal(put(wire, new, NULL, 0, &answer), 0);
    assert_line(wire, 1,
                "PUT /v1.0/drives/d%211/items/p:/100%25%20%23%C3%BC%3A%3F:/content"
                "?@microsoft.graph.conflictBehavior=fail HTTP/1.1\r\n");
    assert_header(wire, 1, "If-Match", NULL);
    assert_header(wire, 1, "Content-Length", "0");
    answer_clear(&answer);
    wire_free(wire);
}

#define SESSION "{\"uploadUrl\":\"https://u.example/x\",\"nextExpectedRanges\":[\"0-\"]}"

static void test_a_session_is_asked_for_with_all_that_it_has_to_know(void **state)
{
    static const struct {
        struct session_query query;
        const char *line;
        const char *if_match;
        const char *body;
    } rows[] = {
        { { .target = { .drive_id = "d", .parent_id = "p", .name = "a\"b" },
            .size = 5000000000,
            .has_mtime = true,
            .mtime_ns = 1100000000 },
          "POST /v1.0/drives/d/items/p:/a%22b:/createUploadSession HTTP/1.1\r\n",
          NULL,
          "{\"item\":{\"@microsoft.graph.conflictBehavior\":\"fail\",\"name\":\"a\\\"b\","
          "\"fileSize\":5000000000,\"fileSystemInfo\":{\"lastModifiedDateTime\":"
          "\"1970-01-01T00:00:01.1Z\"}}}" },
        { { .target = { .drive_id = "d", .item_id = "i", .if_match = "\"t\"" },
            .size = 1,
            .defers_commit = true },
          "POST /v1.0/drives/d/items/i/createUploadSession HTTP/1.1\r\n",
          "\"t\"",
          "{\"item\":{\"@microsoft.graph.conflictBehavior\":\"replace\",\"fileSize\":1},"
          "\"deferCommit\":true}" },
    };

    static const char *const answers[] = { SESSION, NULL };
    struct wire *wire = wire_new(answers);
    struct answer answer;

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(begin(wire, rows[i].query, &answer), 0);
        assert_line(wire, i, rows[i].line);
        assert_header(wire, i, "If-Match", rows[i].if_match);
        assert_header(wire, i, "Content-Type", "application/json");
        assert_string_equal(peer_request(wire->peer, i)->body, rows[i].body);
        assert_string_equal(answer.url, "https://u.example/x");
        assert_int_equal(answer.expires_ms, 0);
        answer_clear(&answer);
    }
    wire_free(wire);
}

/* Of the requests to a session: no token, and the URL as it is. */
static void assert_bare(struct wire *wire, size_t i, const char *method)
{
    cleanup_free char *line = x_asprintf("%s /up%%2Bload?tempauth=secret HTTP/1.1\r\n", method);

    assert_line(wire, i, line);
    assert_header(wire, i, "Authorization", NULL);
    assert_header(wire, i, "Expect", NULL);
    assert_header(wire, i, "If-Match", NULL);
}

static void test_requests_to_a_session_have_no_token(void **state)
{
    static const char *const answers[] = { "{\"nextExpectedRanges\":[\"327680-\"]}",
                                           "{\"nextExpectedRanges\":[\"327680-\"]}", ITEM,
                                           "HTTP/1.1 204 No Content\r\n\r\n", NULL };
    struct wire *wire = wire_new(answers);
    cleanup_free char *data = x_calloc(1, (size_t)UNIT);
    struct fragment_query query = { .total = 3 * UNIT, .data = data, .length = (size_t)UNIT };
    struct answer answer;

    (void)state;
    assert_int_equal(put_fragment(wire, query, &answer), 0);
    assert_int_equal(answer.next, UNIT);
    answer_clear(&answer);
    assert_bare(wire, 0, "PUT");
    assert_header(wire, 0, "Content-Range", "bytes 0-327679/983040");
    assert_header(wire, 0, "Content-Length", "327680");
    assert_header(wire, 0, "Content-Type", "application/octet-stream");
    assert_int_equal(ask(wire, query, &answer), 0);
    assert_int_equal(answer.next, UNIT);
    answer_clear(&answer);
    assert_bare(wire, 1, "GET");
    assert_int_equal(commit(wire, query, &answer), 0);
    assert_non_null(answer.page);
    answer_clear(&answer);
    assert_bare(wire, 2, "POST");
    assert_header(wire, 2, "Content-Length", "0");
    assert_header(wire, 2, "Content-Range", NULL);
    assert_int_equal(end(wire, query, &answer), 0);
    assert_bare(wire, 3, "DELETE");
    answer_clear(&answer);
    wire_free(wire);
}

static void test_what_no_service_takes_is_not_sent(void **state)
{
    static const char *const answers[] = { ITEM, NULL };
    static const char data[2 * REMOTE_FRAGMENT_UNIT];
    const struct fragment_query bad[] = {
        { .total = 10, .data = data, .length = 0 },
        { .total = 10, .data = data, .length = 11 },
        { .total = 10, .offset = -1, .data = data, .length = 5 },
        { .total = 10, .offset = 6, .data = data, .length = 5 },
        { .total = 10, .offset = INT64_MAX, .data = data, .length = 5 },
        { .total = 10, .offset = 0, .data = data, .length = 5 },
        { .total = 2 * UNIT, .data = data, .length = (size_t)UNIT + 1 },
        { .total = 100 * UNIT, .data = data, .length = REMOTE_FRAGMENT_MAX + REMOTE_FRAGMENT_UNIT },
    };
    struct wire *wire = wire_new(answers);
    struct session_query empty = { .target = { .drive_id = "d", .item_id = "i" } };
    struct answer answer;

    (void)state;
    for (size_t i = 0; i < ROWS(bad); i++) {
        assert_int_equal(put_fragment(wire, bad[i], &answer), -EINVAL);
        assert_false(answer.err.is_fate_unknown);
        answer_clear(&answer);
    }
    assert_int_equal(begin(wire, empty, &answer), -EINVAL);
    answer_clear(&answer);
    assert_int_equal(peer_count(wire->peer), 0);
    wire_free(wire);
}

static void test_no_session_is_sought_where_it_is_not_safe(void **state)
{
    static const char *const urls[] = { "http://elsewhere.example/up", "file:///etc/passwd", "",
                                        "https://user@u.example/up" };
    static const char *const answers[] = { ITEM, NULL };
    struct wire *wire = wire_new(answers);
    struct answer answer;

    (void)state;
    for (size_t i = 0; i < ROWS(urls); i++) {
        struct fragment_query query = { .url = urls[i], .total = 1, .data = "x", .length = 1 };

        assert_int_equal(put_fragment(wire, query, &answer), -EPROTO);
        answer_clear(&answer);
        assert_int_equal(ask(wire, query, &answer), -EPROTO);
        answer_clear(&answer);
        assert_int_equal(commit(wire, query, &answer), -EPROTO);
        answer_clear(&answer);
        assert_int_equal(end(wire, query, &answer), -EPROTO);
        answer_clear(&answer);
    }
    assert_int_equal(peer_count(wire->peer), 0);
    wire_free(wire);
}

/* ---- lies ---- */

#define BEGUN(rest) "{\"uploadUrl\":\"https://u.example/x\"" rest "}"

static void test_a_session_that_cannot_be_used_has_not_begun(void **state)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        { SESSION, 0 },
        { BEGUN(""), 0 },
        { BEGUN(",\"nextExpectedRanges\":null"), 0 },
        { BEGUN(",\"nextExpectedRanges\":[\"0-8\",\"3-\"]"), 0 },
        { BEGUN(",\"nextExpectedRanges\":[\"5-\"]"), -EPROTO },
        { BEGUN(",\"nextExpectedRanges\":[]"), -EPROTO },
        { BEGUN(",\"nextExpectedRanges\":\"0-\""), -EPROTO },
        { "{\"nextExpectedRanges\":[\"0-\"]}", -EPROTO },
        { "{\"uploadUrl\":null}", -EPROTO },
        { "{\"uploadUrl\":\"http://u.example/x\"}", -EPROTO },
        { "{\"uploadUrl\":\"/x\"}", -EPROTO },
        { "{}", -EPROTO },
        { ITEM, -EPROTO },
    };
    struct session_query query = { .target = { .drive_id = "d", .item_id = "i" }, .size = 9 };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *const answers[] = { rows[i].text, NULL };
        struct wire *wire = wire_new(answers);
        struct answer answer;

        assert_int_equal(begin(wire, query, &answer), rows[i].code);
        assert_int_equal(answer.err.is_fate_unknown, rows[i].code < 0);
        assert_int_equal(answer.url != NULL, rows[i].code == 0);
        answer_clear(&answer);
        wire_free(wire);
    }
}

static void test_a_session_goes_on_within_its_bounds(void **state)
{
    static const struct {
        const char *ranges;
        int64_t sent; /* of fragments, the second of three: next, or -1 */
        int64_t last; /* the third: the same */
        int64_t asked;
    } rows[] = {
        { "[\"655360-\"]", 2 * UNIT, 2 * UNIT, 2 * UNIT },
        { "[\"655360-983039\"]", 2 * UNIT, 2 * UNIT, 2 * UNIT },
        { "[\"400000-700000\",\"800000-\"]", 400000, 400000, 400000 },
        { "[\"0-\"]", 0, 0, 0 },
        { "[\"655361-\"]", -1, 655361, 655361 },
        { "[\"983040-\"]", -1, 3 * UNIT, 3 * UNIT },
        { "[\"983041-\"]", -1, -1, -1 },
        { "[]", -1, 3 * UNIT, 3 * UNIT },
        { "null", -1, -1, -1 },
        { "{}", -1, -1, -1 },
        { "[7]", -1, -1, -1 },
        { "[null]", -1, -1, -1 },
        { "[\"\"]", -1, -1, -1 },
        { "[\"-5\"]", -1, -1, -1 },
        { "[\"5\"]", -1, -1, -1 },
        { "[\"5-x\"]", -1, -1, -1 },
        { "[\" 5-\"]", -1, -1, -1 },
        { "[\"99999999999999999999-\"]", -1, -1, -1 },
    };

    static const char data[REMOTE_FRAGMENT_UNIT];
    struct fragment_query query = { .total = 3 * UNIT, .data = data, .length = sizeof(data) };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cleanup_free char *text = x_asprintf("{\"nextExpectedRanges\":%s}", rows[i].ranges);
        const char *const answers[] = { text, NULL };
        const int64_t expected[] = { rows[i].sent, rows[i].last, rows[i].asked };
        struct wire *wire = wire_new(answers);

        for (size_t j = 0; j < ROWS(expected); j++) {
            struct answer answer;
            query.offset = j == 0 ? UNIT : 2 * UNIT;
            int code = j < 2 ? put_fragment(wire, query, &answer) : ask(wire, query, &answer);

            assert_int_equal(code, expected[j] < 0 ? -EPROTO : 0);
            assert_int_equal(answer.err.is_fate_unknown, code < 0 && j < 2);
            assert_int_equal(answer.next, expected[j] < 0 ? 0 : expected[j]);
            answer_clear(&answer);
        }
        wire_free(wire);
    }
}

static void test_content_is_sent_nowhere_else(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", NULL
    };
    struct wire *wire = wire_new(answers);
    struct fragment_query query = { .total = 1, .data = "x", .length = 1 };
    struct upload_target target = { .drive_id = "d", .item_id = "i" };
    struct answer answer;

    (void)state;
    assert_int_equal(put_fragment(wire, query, &answer), -EIO);
    assert_true(answer.err.is_fate_unknown);
    answer_clear(&answer);
    assert_int_equal(commit(wire, query, &answer), -EIO);
    answer_clear(&answer);
    assert_int_equal(end(wire, query, &answer), -EIO);
    answer_clear(&answer);
    assert_int_equal(put(wire, target, "x", 1, &answer), -EPROTO);
    assert_true(answer.err.is_fate_unknown);
    answer_clear(&answer);
    assert_int_equal(peer_count(wire->peer), 4);
    wire_free(wire);
}

static void test_the_url_of_a_session_is_in_no_message(void **state)
{
    static const char *const answers[] = { PEER_HANGUP,
                                           "HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n", "{}",
                                           NULL };
    struct wire *wire = wire_new(answers);
    struct fragment_query query = { .total = 1, .data = "x", .length = 1 };
    struct answer answer;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(put_fragment(wire, query, &answer) < 0);
        assert_null(strstr(answer.err.msg, "tempauth"));
        answer_clear(&answer);
    }
    wire_free(wire);
}

/* ---- a slow host ---- */

#define SLOW_BYTES  ((size_t)2 * 1024 * 1024)
#define SLOW_STEP   ((size_t)64 * 1024)
#define SLOW_BUFFER (32 * 1024)
#define STEP_MS     10000

static int listen_slowly(char **ret_url)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t length = sizeof(address);
    int buffer = SLOW_BUFFER;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&address, length), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&address, &length), 0);
    *ret_url = x_asprintf("http://127.0.0.1:%u/slow", (unsigned)ntohs(address.sin_port));
    return fd;
}

/* Has the net thread go round at least once. */
static void go_round(struct wire *wire)
{
    struct page_query query = { .kind = PAGE_CHILDREN, .drive_id = "d", .priority = REMOTE_READ };
    struct answer answer;

    answer_init(&answer);
    (void)remote_page(wire->service->remote, &query, answer_page, &answer);
    assert_int_equal(answer_wait(&answer), 0);
    answer_clear(&answer);
}

/* Takes what is sent, a piece every ten seconds: the whole takes minutes, while nothing comes back.
 */
static void test_an_upload_that_moves_slowly_goes_on(void **state)
{
    static const char *const answers[] = { PAGE, NULL };
    static const char last[] = "HTTP/1.1 201 Created\r\nContent-Length: 31\r\n\r\n" ITEM;
    cleanup_free char *data = x_calloc(1, SLOW_BYTES);
    cleanup_free char *url = NULL;
    cleanup_free char *piece = x_malloc(SLOW_STEP);
    struct wire *wire = wire_new(answers);
    struct answer answer;
    cleanup_close int listener = listen_slowly(&url);
    struct fragment_query query = {
        .url = url,
        .total = (int64_t)SLOW_BYTES,
        .data = data,
        .length = SLOW_BYTES,
        .priority = REMOTE_UPLOAD,
        .deadline_ms = 3600 * 1000,
    };

    (void)state;
    answer_init(&answer);
    (void)remote_session_put(wire->service->remote, &query, answer_fragment, &answer);
    cleanup_close int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    for (size_t taken = 0; taken < SLOW_BYTES; taken += SLOW_STEP) {
        assert_int_equal(recv(fd, piece, SLOW_STEP, MSG_WAITALL), SLOW_STEP);
        clock_advance(wire->service->clock, STEP_MS);
        go_round(wire);
        assert_false(answer_is_done(&answer));
    }
    assert_int_equal(send(fd, last, sizeof(last) - 1, MSG_NOSIGNAL), sizeof(last) - 1);
    assert_int_equal(answer_wait(&answer), 0);
    assert_non_null(answer.page);
    answer_clear(&answer);
    wire_free(wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_content_goes_to_an_item_or_to_a_name),
        cmocka_unit_test(test_a_session_is_asked_for_with_all_that_it_has_to_know),
        cmocka_unit_test(test_requests_to_a_session_have_no_token),
        cmocka_unit_test(test_what_no_service_takes_is_not_sent),
        cmocka_unit_test(test_no_session_is_sought_where_it_is_not_safe),
        cmocka_unit_test(test_a_session_that_cannot_be_used_has_not_begun),
        cmocka_unit_test(test_a_session_goes_on_within_its_bounds),
        cmocka_unit_test(test_content_is_sent_nowhere_else),
        cmocka_unit_test(test_the_url_of_a_session_is_in_no_message),
        cmocka_unit_test(test_an_upload_that_moves_slowly_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
