/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_GRAPH_ID_H
#define GRAPHFS_GRAPH_ID_H

/*
 * One spelling for each id.
 *
 * The back end of personal accounts spells one and the same id in several ways: drive ids in mixed
 * case and with leading zeros dropped, item ids with either case in the owner's part before the
 * `!`. Ids of work accounts are exact and pass unchanged. Pure functions.
 */

#include <stdbool.h>

/* A drive id of a personal account (up to 16 hexadecimal digits) becomes lower case, padded with
 * zeros to 16 digits. Returns NULL if the id is in that form already or is of another kind, else a
 * string that the caller frees. */
char *id_normalise_drive(const char *id);

/* An item id of a personal account (`HEX!rest`): the owner's part becomes upper case without
 * leading zeros, which is how the service itself writes it; the GUID in `!sGUID` becomes lower
 * case. Returns as id_normalise_drive(). */
char *id_normalise_item(const char *id);

/* True for the drive id of a personal account, in any spelling. */
bool id_is_personal_drive(const char *id);

#endif
