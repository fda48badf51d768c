/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_NAMES_H
#define EMULATOR_NAMES_H

#include <stdbool.h>
#include <stdint.h>

enum { NAME_MAX_UNITS = 255, PATH_MAX_UNITS = 400 };

/* Case-insensitive order of names as the service sees them; 0 when they collide. NFC and NFD stay
 * different. */
int names_compare(const char *a, const char *b);

/* A hash that is equal for names that collide. */
uint64_t names_hash(const char *name);

/* UTF-16 units that `text` takes, or -1 when it is not valid UTF-8. */
long names_utf16_length(const char *text);

/* Why the service refuses `name`, in its own inner error code, or NULL when it is acceptable. */
const char *names_refusal(const char *name);

/* The same for what only a library of SharePoint refuses. */
const char *names_library_refusal(const char *name, bool is_folder, bool is_in_root);

/* "name 1.ext" for "name.ext" and 1. The caller frees it. */
char *names_numbered(const char *name, unsigned number);

#endif
