/* SPDX-License-Identifier: MIT */
/* Ranges that come in pieces, from hosts that say what they like. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/xalloc.h"

#include "unit.h"

#include "graph_wire.h"

#define PART(range, length)                                                                        \
    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " range "\r\nContent-Length: " length    \
    "\r\nETag: \"one\"\r\n"

/* Asks for ${length} bytes from 2 on in pieces of four. Returns err.code. */
static int fetch(struct wire *wire, size_t length, struct answer *answer)
{
    struct fetch_query query = {
        .url = wire->peer->url,
        .offset = 2,
        .length = length,
        .priority = REMOTE_READ,
        .piece = answer_piece,
        .piece_length = 4,
    };

    answer_init(answer);
    (void)remote_fetch(wire->service->remote, &query, answer_fetch, answer);
    return answer_wait_passing(answer, wire->service, 1000);
}

static void test_pieces_come_in_order_and_the_rest_comes_last(void **state)
{
    static const struct {
        size_t length; /* asked for */
        const char *answer;
        const char *pieces;
        const char *rest;
        int64_t rest_at;
    } rows[] = {
        { 10, PART("2-11/26", "10") "\r\ncdefghijkl", "2:cdef 6:ghij ", "kl", 10 },
        { 8, PART("2-9/26", "8") "\r\ncdefghij", "2:cdef ", "ghij", 6 },
        { 4, PART("2-5/26", "4") "\r\ncdef", "", "cdef", 2 },
        { 3, PART("2-4/26", "3") "\r\ncde", "", "cde", 2 },
        /* The content ends before what was asked for does. */
        { 20, PART("2-8/9", "7") "\r\ncdefghi", "2:cdef ", "ghi", 6 },
        { 20, PART("2-9/10", "8") "\r\ncdefghij", "2:cdef 6:ghij ", "", 10 },
        /* The host ignores the range. */
        { 10, "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz",
          "2:cdef 6:ghij ", "kl", 10 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *const answers[] = { rows[i].answer, NULL };
        struct wire *wire = wire_new(answers);
        struct answer answer;

        assert_int_equal(fetch(wire, rows[i].length, &answer), 0);
        assert_string_equal(answer.pieces.data, rows[i].pieces);
        assert_string_equal(answer.data, rows[i].rest);
        assert_int_equal(answer.offset, rows[i].rest_at);
        answer_clear(&answer);
        wire_free(wire);
    }
}

static void test_no_piece_of_another_range_is_given(void **state)
{
    static const char *const heads[] = {
        PART("0-9/26", "10") "\r\nabcdefghij",
        PART("2-10/26", "10") "\r\ncdefghijkl",
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\n\r\ncdefghijkl",
    };

    (void)state;
    for (size_t i = 0; i < ROWS(heads); i++) {
        const char *const answers[] = { heads[i], NULL };
        struct wire *wire = wire_new(answers);
        struct answer answer;

        assert_int_equal(fetch(wire, 10, &answer), -EPROTO);
        assert_string_equal(answer.pieces.data, "");
        assert_int_equal(peer_count(wire->peer), 3);
        answer_clear(&answer);
        wire_free(wire);
    }
}

static void test_no_piece_that_is_compressed_is_given(void **state)
{
    static const char *const answers[] = {
        PART("2-11/26", "10") "Content-Encoding: gzip\r\n\r\ncdefghijkl", NULL
    };
    struct wire *wire = wire_new(answers);
    struct answer answer;

    (void)state;
    assert_int_equal(fetch(wire, 10, &answer), -EPROTO);
    assert_string_equal(answer.pieces.data, "");
    answer_clear(&answer);
    wire_free(wire);
}

/* ---- A receiver that is slower than the host ---- */

#define PIECE ((size_t)64 * 1024)
#define WHOLE (256 * PIECE)

/* Who gets the pieces waits in the first until it is told to go on. */
struct slow {
    struct answer answer;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_begun; /* lock */
    bool may_go_on; /* lock */
    size_t length;  /* of the pieces that came */
};

static void slow_piece(const struct fetch_answer *piece, void *arg)
{
    struct slow *slow = arg;

    slow->length += piece->length;
    LOCKED(&slow->lock);
    slow->has_begun = true;
    (void)pthread_cond_broadcast(&slow->changed);
    while (!slow->may_go_on)
        (void)pthread_cond_wait(&slow->changed, &slow->lock);
}

static void slow_done(const struct fetch_answer *answer, const struct err *err, void *arg)
{
    struct slow *slow = arg;

    answer_fetch(answer, err, &slow->answer);
}

static char *large_answer(void)
{
    char *body = x_malloc(WHOLE + 1);
    char *answer;

    memset(body, 'x', WHOLE);
    body[WHOLE] = '\0';
    answer = x_asprintf("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-%zu/%zu\r\n"
                        "Content-Length: %zu\r\n\r\n%s",
                        WHOLE - 1, WHOLE, WHOLE, body);
    free(body);
    return answer;
}

static uint64_t start_slow(struct wire *wire, struct slow *slow)
{
    struct fetch_query query = {
        .url = wire->peer->url,
        .length = WHOLE,
        .priority = REMOTE_READ,
        .piece = slow_piece,
        .piece_length = PIECE,
    };
    uint64_t id;

    *slow = (struct slow){ .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
    answer_init(&slow->answer);
    id = remote_fetch(wire->service->remote, &query, slow_done, slow);
    LOCKED(&slow->lock);
    while (!slow->has_begun)
        (void)pthread_cond_wait(&slow->changed, &slow->lock);
    return id;
}

static void let_go_on(struct slow *slow)
{
    LOCKED(&slow->lock);
    slow->may_go_on = true;
    (void)pthread_cond_broadcast(&slow->changed);
}

/* Each such call has the net thread look at all connections once at least. */
static void call_often(struct wire *wire, const char *url)
{
    for (unsigned i = 0; i < 40; i++) {
        struct fetch_query query = { .url = url, .length = 1, .priority = REMOTE_READ };
        struct answer answer;

        answer_init(&answer);
        (void)remote_fetch(wire->service->remote, &query, answer_fetch, &answer);
        assert_int_equal(answer_wait(&answer), 0);
        answer_clear(&answer);
    }
}

static void test_a_slow_receiver_is_not_flooded_and_holds_up_nobody(void **state)
{
    static const char *const quick[] = {
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-0/1\r\nContent-Length: 1\r\n\r\nq",
        NULL
    };
    cleanup_free char *large = large_answer();
    const char *const answers[] = { large, NULL };
    struct wire *wire = wire_new(answers);
    struct peer *other = peer_start(quick);
    struct slow slow;

    (void)state;
    (void)start_slow(wire, &slow);
    call_often(wire, other->url);
    /* Two pieces that wait, the one that arrives, and one of libcurl's buffers. */
    assert_true(graph_count(wire->service->graph).bytes_received < 8 * PIECE);
    /* Its patience isn't with the host meanwhile. */
    service_pass_time(wire->service, 50 * 1000);
    let_go_on(&slow);
    assert_int_equal(answer_wait(&slow.answer), 0);
    assert_int_equal(slow.length + slow.answer.length, WHOLE);
    assert_int_equal(peer_count(wire->peer), 1);
    answer_clear(&slow.answer);
    peer_stop(other);
    wire_free(wire);
}

static void test_a_cancelled_range_ends_after_its_pieces(void **state)
{
    cleanup_free char *large = large_answer();
    const char *const answers[] = { large, NULL };
    struct wire *wire = wire_new(answers);
    struct slow slow;
    uint64_t id = start_slow(wire, &slow);

    (void)state;
    remote_cancel(wire->service->remote, id);
    assert_false(answer_is_done(&slow.answer));
    let_go_on(&slow);
    assert_int_equal(answer_wait(&slow.answer), -ECANCELED);
    answer_clear(&slow.answer);
    wire_free(wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_come_in_order_and_the_rest_comes_last),
        cmocka_unit_test(test_no_piece_of_another_range_is_given),
        cmocka_unit_test(test_no_piece_that_is_compressed_is_given),
        cmocka_unit_test(test_a_slow_receiver_is_not_flooded_and_holds_up_nobody),
        cmocka_unit_test(test_a_cancelled_range_ends_after_its_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
