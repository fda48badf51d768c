/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "graph_wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct wire *wire_new_at(const char *scheme, const char *const *answers)
{
    struct wire *wire = x_calloc(1, sizeof(*wire));

    wire->peer = peer_start(answers);
    wire->disguise.url = x_asprintf("%s%s", scheme, strchr(wire->peer->url, ':'));
    wire->service = service_new(&wire->disguise, 0);
    service_put_tokens(wire->service);
    return wire;
}

struct wire *wire_new(const char *const *answers)
{
    return wire_new_at("http", answers);
}

void wire_free(struct wire *wire)
{
    service_free(wire->service);
    peer_stop(wire->peer);
    free(wire->disguise.url);
    free(wire);
}
