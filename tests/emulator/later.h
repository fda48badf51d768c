/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_LATER_H
#define EMULATOR_LATER_H

#include <stddef.h>
#include <stdint.h>

struct drive;
struct emulator;

/* A new eTag that an item will get, though nobody changes it. */
struct later_tag {
    struct drive *drive;
    int64_t due_ms;
    uint32_t item;
};

/* What the service does by itself, after the answer. Guarded by the world lock. */
struct later {
    struct later_tag *tags;
    size_t count;
    size_t capacity;
};

void later_add_tag(struct emulator *emulator, struct drive *drive, uint32_t item, int64_t delay_ms);

/* Does what has become due. Called before each request is looked at. */
void later_run(struct emulator *emulator);
void later_clear(struct later *later);

#endif
