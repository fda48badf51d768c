/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_FILL_H
#define EMULATOR_FILL_H

struct emulator;

/* Gives the drives what they hold at the start: generated items, an imported directory, the few
 * files of the library. Returns 0, or -1 after a message on stderr. */
int fill_drives(struct emulator *emulator);

#endif
