/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_COPY_H
#define EMULATOR_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "writing.h"

struct emulator;

/* What the paths of monitors begin with, before their key; of SharePoint and of the legacy host. */
#define MONITOR_PATH        "/_api/v2.0/monitor/"
#define MONITOR_LEGACY_PATH "/v1.0/monitor/"

enum { COPY_KEY_SIZE = 33 };

enum copy_status { COPY_RUNS, COPY_IS_DONE, COPY_FAILED };

/* A copy that the service makes by itself, after it has said that it will. */
struct copy {
    char key[COPY_KEY_SIZE]; /* what its monitor's URL says */
    const struct drive *source;
    uint32_t item;
    struct target target; /* `item`: in the end, the copy */
    enum conflict conflict;
    enum copy_status status;
    int64_t begun_ms;
    int64_t due_ms;
    const char *error; /* of one that failed: its code */
};

/* All copies that were asked for, oldest first. Guarded by the world lock. */
struct copies {
    struct copy *list;
    size_t count;
    size_t capacity;
};

/* POST that asks for a copy of an item. */
void copy_post(struct request *request, struct response *response);

/* Any request to the URL of a monitor. */
void copy_serve_monitor(struct request *request, struct response *response);

/* Makes the copies that have become due. Called before each request is looked at. */
void copies_run(struct emulator *emulator);
void copies_clear(struct copies *copies);

#endif
