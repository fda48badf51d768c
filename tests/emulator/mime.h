/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_MIME_H
#define EMULATOR_MIME_H

/* MIME type by the ending of a name; static. */
const char *mime_type(const char *name);

#endif
