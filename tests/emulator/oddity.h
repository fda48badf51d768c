/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_ODDITY_H
#define EMULATOR_ODDITY_H

#include <stdbool.h>
#include <stdint.h>

struct item;
struct json_object;

/* Somebody has the file open in Office, with others or alone. */
enum lock { LOCK_NONE, LOCK_SHARED, LOCK_EXCLUSIVE };

/* By this user, or by one of those who edit by control requests. */
enum checked_out { CHECKED_IN, CHECKED_OUT, CHECKED_OUT_BY_OTHER };

/* What is out of the ordinary about an item: kinds that clients meet seldom, and lies, which are
 * things that no honest server says. */
struct oddity {
    bool is_onenote;
    bool is_shortcut; /* remoteItem: `target` in the shared drive */
    bool is_malware;
    bool is_pending;
    bool has_no_hashes;
    bool is_foreign;   /* delta shows it as an item of another drive */
    bool is_duplicate; /* listings show it twice */
    bool is_read_only; /* with all that is in it, for this user */
    bool is_draft;     /* was never checked in: who has it checked out is alone in seeing it */
    enum lock lock;
    enum checked_out checked_out;
    uint32_t checked_out_version; /* what it was then */
    uint32_t target;
    const char *special_name; /* of a special folder; static */
    struct json_object *lies; /* property -> what answers say instead, see item_json.c */
    bool has_lie_parent;
    uint32_t lie_parent; /* the item it claims as its parent */
};

/* That of an item, which gets one if it has none. */
struct oddity *oddity_of(struct item *item);

/* The access to the item as the operation of a control request says: who may write, and who else
 * has it. True if it was a draft, and is none now. */
bool oddity_set_access(struct item *item, const char *operation, bool is_shared);

/* Makes a new file a draft of whoever made it. */
void oddity_make_draft(struct item *item, enum checked_out by);

/* True if the item is a draft of that side's, which the other side doesn't see. */
bool oddity_is_draft_of(const struct item *item, enum checked_out by);

/* NULL is allowed. */
void oddity_free(struct oddity *oddity);

#endif
