/* SPDX-License-Identifier: MIT */
#ifndef EMULATOR_ODDITY_H
#define EMULATOR_ODDITY_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;

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
    uint32_t target;
    const char *special_name; /* of a special folder; static */
    struct json_object *lies; /* property -> what answers say instead, see item_json.c */
    bool has_lie_parent;
    uint32_t lie_parent; /* the item it claims as its parent */
};

/* NULL is allowed. */
void oddity_free(struct oddity *oddity);

#endif
