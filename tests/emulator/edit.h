/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_EDIT_H
#define EMULATOR_EDIT_H

#include "drive.h"

struct emulator;
struct json_object;
struct json_writer;

/* Makes the changes of a list of operations, in order, as if somebody else had, and writes the id
 * of what each of them changed into the array `ids`. Returns NULL, or what is wrong with an
 * operation (its number in *ret_failed); those before it are made. */
const char *edit_apply(struct emulator *emulator, struct json_object *list,
                       struct json_writer *json, int *ret_failed);

/* The drive by the name that control requests use ("default", "library", "shared"; NULL is
 * default); NULL if there is no such drive. */
struct drive *edit_find_drive(struct emulator *emulator, const char *name);

#endif
