/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_IDS_H
#define EMULATOR_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "drive.h"

enum { ID_SIZE = 64, TAG_SIZE = 96, GUID_SIZE = 37 };

/* Gives the drive its id, in the shape that its profile uses, from its seed. */
void ids_init_drive(struct drive *drive);

/* The id of an item, NUL-terminated. */
void ids_format(const struct drive *drive, uint32_t item, char ret_id[ID_SIZE]);

/* The form with a GUID that webUrl and SharePoint use, also for personal accounts. */
void ids_format_business(const struct drive *drive, uint32_t item, char ret_id[ID_SIZE]);

/* The item with this id, ITEM_NONE if the drive has no such item. Personal ids are compared without
 * case. Deleted items have ids too. */
uint32_t ids_parse(const struct drive *drive, const char *id);

/* True if `id` names the drive. */
bool ids_is_drive(const struct drive *drive, const char *id);

/* The item's GUID in its usual text form. */
void ids_guid(const struct drive *drive, uint32_t item, bool upper_case, char ret_guid[GUID_SIZE]);

void ids_etag(const struct drive *drive, uint32_t item, const struct state *state,
              char ret_tag[TAG_SIZE]);
void ids_ctag(const struct drive *drive, uint32_t item, const struct state *state,
              char ret_tag[TAG_SIZE]);

#endif
