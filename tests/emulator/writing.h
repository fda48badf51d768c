/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_WRITING_H
#define EMULATOR_WRITING_H

#include <stdbool.h>
#include <stdint.h>

#include "drive.h"

struct json_object;
struct place;
struct request;
struct response;

/* What all requests that change a drive have in common. Functions that return a bool have given an
 * error answer when it is false. */

/* What to do about something of that name: @microsoft.graph.conflictBehavior. */
enum conflict { CONFLICT_FAIL, CONFLICT_REPLACE, CONFLICT_RENAME };

/* A place in a folder. */
struct target {
    struct drive *drive;
    uint32_t parent;
    uint32_t item; /* what is there, ITEM_NONE: nothing */
    char *name;
};

void target_clear(struct target *target);

/* Takes the first number behind the name that makes it free. */
void target_number(struct target *target);

/* A change that is made now and lags as the options say. */
struct change writing_change(const struct request *request, struct drive *drive);

/* The body as an object; without a body an empty one. NULL after an error answer; the caller puts
 * it. */
struct json_object *writing_read_body(struct request *request, struct response *response);

/* The behaviour that the query or `body` (NULL: none) names. */
bool writing_read_conflict(struct request *request, struct response *response,
                           struct json_object *body, enum conflict missing,
                           enum conflict *ret_conflict);

/* The times in the property fileSystemInfo of `body`; INT64_MIN for what is not there. */
struct times {
    int64_t created_ms;
    int64_t modified_ms;
};

bool writing_read_times(struct request *request, struct response *response,
                        const struct drive *drive, struct json_object *body,
                        struct times *ret_times);

/* The item that the request names, which must be there, in truth too, and not be the root. */
bool writing_find_item(struct request *request, struct response *response, struct place *ret_place);

/* The folder that the property parentReference of `body` names; ITEM_NONE if it names none. Without
 * a drive of its own it is in `drive`, and only with `may_leave` in another, see *ret_drive. */
bool writing_find_parent(struct request *request, struct response *response, struct drive *drive,
                         bool may_leave, struct json_object *body, struct drive **ret_drive,
                         uint32_t *ret_parent);

/* Where a content is to go: the file that the request names, or a path in a folder that is there.
 * The caller clears it, if it was found. */
bool writing_find_target(struct request *request, struct response *response,
                         struct target *ret_target);

/* True if the user may change the item, or what is in that folder, and nobody has locked it. */
bool writing_may_change(struct request *request, struct response *response,
                        const struct drive *drive, uint32_t item);

/* The same, to take it from its place with everything in it. */
bool writing_may_take(struct request *request, struct response *response, const struct drive *drive,
                      uint32_t item);

/* True if the file is checked out by the user, where the library requires that of who edits. */
bool writing_may_edit(struct request *request, struct response *response, const struct drive *drive,
                      uint32_t item);

/* True if the item (ITEM_NONE: nothing there) is as If-Match and If-None-Match say. */
bool writing_tags_match(struct request *request, struct response *response,
                        const struct drive *drive, uint32_t item);

/* True if `tag` is one of the item's, as a header spells it. */
bool writing_is_tag(const struct drive *drive, uint32_t item, const char *tag);

/* True if the drive has room for so many bytes more. */
bool writing_has_room(struct request *request, struct response *response, const struct drive *drive,
                      int64_t grown);

/* True if the service accepts the name there. */
bool writing_check_name(struct request *request, struct response *response,
                        const struct target *target, bool is_folder);

/* Settles who gets the name: afterwards the target is free, or holds what is to be replaced.
 * `self` may have it in any case. */
bool writing_claim_name(struct request *request, struct response *response, struct target *target,
                        enum conflict conflict, uint32_t self);

/* Answers with the item as it is now. */
void writing_answer(struct request *request, struct response *response, struct drive *drive,
                    uint32_t item, unsigned status);

#endif
