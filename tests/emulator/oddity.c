/* SPDX-License-Identifier: MIT */
/* Items that are not plain files or folders, and items whose answers lie. */
#include "oddity.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "drive.h"
#include "memory.h"

void oddity_free(struct oddity *oddity)
{
    if (!oddity)
        return;
    json_object_put(oddity->lies);
    free(oddity);
}

struct oddity *oddity_of(struct item *item)
{
    if (!item->oddity)
        item->oddity = mem_zalloc(sizeof *item->oddity);
    return item->oddity;
}

bool oddity_set_access(struct item *item, const char *operation, bool is_shared)
{
    static const struct {
        const char *operation;
        enum lock lock;
        enum checked_out checked_out;
        bool is_read_only;
    } rows[] = {
        { "lock", LOCK_EXCLUSIVE, CHECKED_IN, false },
        { "unlock", LOCK_NONE, CHECKED_IN, false },
        { "check-out", LOCK_NONE, CHECKED_OUT_BY_OTHER, false },
        { "check-in", LOCK_NONE, CHECKED_IN, false },
        { "read-only", LOCK_NONE, CHECKED_IN, true },
        { "writable", LOCK_NONE, CHECKED_IN, false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].operation, operation) == 0) {
            struct oddity *oddity = oddity_of(item);
            bool was_draft = oddity->is_draft;

            oddity->lock = rows[i].lock && is_shared ? LOCK_SHARED : rows[i].lock;
            oddity->checked_out = rows[i].checked_out;
            oddity->is_read_only = rows[i].is_read_only;
            oddity->is_draft = was_draft && rows[i].checked_out != CHECKED_IN;
            return was_draft && !oddity->is_draft;
        }
    return false;
}

void oddity_make_draft(struct item *item, enum checked_out by)
{
    struct oddity *oddity = oddity_of(item);

    oddity->is_draft = true;
    oddity->checked_out = by;
    oddity->checked_out_version = item->version;
}

bool oddity_is_draft_of(const struct item *item, enum checked_out by)
{
    return item->oddity && item->oddity->is_draft && item->oddity->checked_out == by;
}
