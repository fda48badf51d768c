/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_SCOPE_H
#define EMULATOR_SCOPE_H

#include <stdbool.h>

/* Lists of permissions, separated by spaces. Names are compared without case and without the host
 * that may stand before them. */
bool scope_has(const char *scopes, const char *name);

/* True if one of them lets its holder read drives. */
bool scope_allows_files(const char *scopes);

/* True if one of them lets its holder change drives. */
bool scope_allows_writing(const char *scopes);

/* What of `asked` is also in `consented`; ".default" asks for all of it. The caller frees the
 * result, which is NULL if nothing of it is a permission. */
char *scope_grant(const char *asked, const char *consented);

#endif
