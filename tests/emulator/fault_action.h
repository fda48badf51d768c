/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_FAULT_ACTION_H
#define EMULATOR_FAULT_ACTION_H

#include <stdbool.h>

struct fault;
struct request;
struct response;

/* One way to go wrong. Either function may be NULL. */
struct fault_action {
    const char *name;
    /* Before the request is served; true if that was the answer. */
    bool (*before)(const struct fault *, struct request *, struct response *);
    /* On the answer. */
    void (*after)(const struct fault *, struct request *, struct response *);
    /* About how bytes come over the wire, which the requests inside a batch don't by themselves. */
    bool is_delivery;
};

/* The action of this name, NULL if there is none. */
const struct fault_action *fault_action_find(const char *name);

#endif
