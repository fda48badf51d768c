/* SPDX-License-Identifier: MIT */
/* What goes over the wire, byte for byte, and answers that the service itself never gives. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

#include "unit.h"

#include "graph_fixture.h"
#include "graph_peer.h"

#define EMPTY_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

/* A service that is signed in to a peer. */
struct wire {
    struct peer *peer;
    struct emulator disguise; /* the peer, as the service's emulator */
    struct service *service;
};

static struct wire *wire_new(const char *const *answers)
{
    struct wire *wire = x_calloc(1, sizeof(*wire));

    wire->peer = peer_start(answers);
    wire->disguise.url = wire->peer->url;
    wire->service = service_new(&wire->disguise, 0);
    service_put_tokens(wire->service);
    return wire;
}

static void wire_free(struct wire *wire)
{
    service_free(wire->service);
    peer_stop(wire->peer);
    free(wire);
}

/* One raw call; returns its err.code. */
static int call(struct wire *wire, const char *method, const char *body, size_t length)
{
    struct graph_response response;
    int ret = graph_call_sync(wire->service->graph, method, "/me", body, length, &response, NULL);

    graph_response_clear(&response);
    return ret;
}

static void test_a_body_with_a_nul_is_sent_as_it_is(void **state)
{
    static const char *const answers[] = { EMPTY_ANSWER, NULL };
    static const char body[] = "begin\0end";
    struct wire *wire = wire_new(answers);

    (void)state;
    assert_int_equal(call(wire, "PUT", body, sizeof(body)), 0);
    assert_int_equal(peer_request(wire->peer, 0)->body_length, sizeof(body));
    assert_memory_equal(peer_request(wire->peer, 0)->body, body, sizeof(body));
    wire_free(wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_with_a_nul_is_sent_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
