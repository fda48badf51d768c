/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_STATE_H
#define EMULATOR_STATE_H

#include <stddef.h>
#include <stdint.h>

struct drive;
struct emulator;
struct json_object;
struct json_writer;

/* What --state keeps over a restart: a JSON text, and beside it the spool. */

/* The path of the spool; NULL without --state. The caller frees it. */
char *state_spool_path(const struct emulator *emulator);

/* Reads what the last run left into an emulator that has its drives, but nothing in them. Returns
 * 1; 0 if there is nothing to read; -1 after a message on stderr. */
int state_load(struct emulator *emulator);

/* Writes it, all or nothing. What was to come later comes before: lags, copies and late tags end
 * with a run. Returns 0, or -1 after a message on stderr. */
int state_save(struct emulator *emulator);

/* What of a drive is kept: read from `source`, or written as properties of an open object. */
int state_read_drive(struct emulator *emulator, struct drive *drive, struct json_object *source);
void state_write_drive(struct json_writer *json, const struct drive *drive);

/* A number in a struct, under a name. */
enum state_type { STATE_INT64, STATE_UINT64, STATE_UINT32, STATE_BOOL };

struct state_number {
    const char *name;
    size_t place;
    enum state_type type;
};

/* What is not there, or not told because it is 0, is 0. */
void state_write_numbers(struct json_writer *json, const void *object,
                         const struct state_number *numbers, size_t count);
void state_read_numbers(struct json_object *source, void *object,
                        const struct state_number *numbers, size_t count);

#endif
