/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_ITEM_PROPERTY_H
#define EMULATOR_ITEM_PROPERTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drive.h"
#include "item_json.h"
#include "json_writer.h"

struct request;

/* What is being written about: an item as a view shows it. */
struct subject {
    struct json_writer *json;
    const struct request *request;
    struct drive *drive;
    const struct item *item;
    const struct state *state;
    const struct selection *selection;
    const struct oddity *oddity; /* never NULL */
    uint32_t number;
    enum view view;
};

/* A property of a driveItem. */
struct item_property {
    const char *name;
    void (*write)(const struct subject *subject, const char *name);
    bool (*applies)(const struct subject *subject); /* NULL: always */
};

/* In the order in which they are written; row i is bit i of a selection. */
extern const struct item_property item_properties[];
extern const size_t item_property_count;

/* True if the client wants the property of this name. */
bool item_property_is_selected(const struct subject *subject, const char *name);

/* Writes the property of this name, which must be one of the above. */
void item_property_write(const struct subject *subject, const char *name);

bool subject_is_legacy(const struct subject *subject);
bool subject_is_business(const struct subject *subject);

#endif
