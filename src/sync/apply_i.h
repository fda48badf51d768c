/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_APPLY_I_H
#define GRAPHFS_SYNC_APPLY_I_H

/* What the files of apply share: apply.c (one report), apply_place.c (where it goes), apply_order.c
 * (what has to come before it), apply_delete.c (removals), apply_identity.c (ids that change). */

#include <string.h>

#include "base/vec.h"
#include "sync/apply.h"

/* A name that was given up: somebody may be waiting for it. */
struct freed_name {
    ino_nr parent;
    char *name;
};

DEFINE_VEC(freed_names, struct freed_name);
DEFINE_VEC(node_numbers, ino_nr);

/* One call of apply_report or apply_delete. */
struct applying {
    struct store_txn *txn;
    const struct apply_context *context;
    struct freed_names freed;
    bool folder_moved; /* a place that was a cycle, or was being filled, may be none now */
};

/* ---- apply.c ---- */

/* Applies one report to its row, as things are now. */
int apply_one(struct applying *applying, const struct item *report, enum apply_outcome *ret);

/* Whether it concerns this drive and says enough to be taken: if not, apply leaves it out. */
bool apply_is_usable(const struct apply_context *context, const struct item *report);

/* Whether the report is about something of another kind, or a shortcut to another target, than the
 * row: under the same id, or in the same place. */
bool apply_is_another_thing(const struct node *node, const struct item *report);

/* The report in the store's terms, for a parent and a name that were found already. Its strings are
 * borrowed. */
struct apply_view apply_view_of(const struct item *report, ino_nr parent, char *name);

/* The row of a report: found by id, the root also as the root. -ENOENT if there is none. */
int apply_find_row(struct applying *applying, const struct item *report, struct node *ret);

/* Removes what a tombstone or a 404 was about, or keeps its deletion beside, as decided. */
int apply_existence(struct applying *applying, struct node *node, enum apply_action action);

/* ---- apply_own.c ---- */

/* Takes a report on the row (NULL: there is none yet) as the answer to what was asked for from
 * here, if it is that. */
int apply_own(struct applying *applying, const struct node *known, const struct item *report,
              bool *ret_is_taken);

/* ---- apply_decide.c ---- */

/* As of when a report on the node is to be judged: one that was staged may be older than our own
 * answer, however long ago that was. */
int64_t apply_told_ms(const struct apply_context *context, const struct node *node);

/* Whether we have asked for the item so lately that this source's report may be an older one. */
bool apply_is_late(const struct node *node, enum apply_source source, int64_t now_ms);

/* Whether the service has told us of the item itself so lately that it may not know it everywhere.
 */
bool apply_is_fresh(const struct node *node, int64_t now_ms);

/* Whether two times are the same at APPLY_MTIME_GRANULARITY_NS. */
bool apply_is_same_mtime(int64_t a_ns, int64_t b_ns);

/* ---- apply_parts.c ---- */

/* A shortcut to a file: its content is another item's, of which its own reports know little. */
static inline bool parts_are_elsewhere(const struct node *node)
{
    return node->attr.kind == NODE_FILE && node->attr.flags & NODE_SHORTCUT;
}

/* NULL is the same as NULL only. */
static inline bool text_is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Replaces *variable by a copy of text; true if that is a change. */
bool parts_take_text(char **variable, const char *text);

/* Content of a new generation, in local and base. */
int parts_take_content(struct store_txn *txn, struct node *node, const struct apply_view *view);

/* What names the same content anew. True if anything changed. */
bool parts_take_content_tags(struct node *node, const struct node_state *state);

/* Carries the decision out on *node, which the caller puts if *ret_changed. */
int parts_carry_out(struct applying *applying, struct node *node, const struct apply_view *view,
                    const struct apply_decision *decision, bool *ret_changed);

/* ---- apply_place.c ---- */

/* The number of a report's parent, in *ret; a row is made for one that nobody has told of. */
int place_find_parent(struct applying *applying, const char *parent_id, ino_nr *ret);

/* The same, but -ENOENT for one that nobody has told of. */
int place_look_up_parent(struct applying *applying, const char *parent_id, ino_nr *ret);

/* The shown form of the server's name, even of one that can't be shown; the caller frees it. */
char *place_decode_name(const char *server_name);

/* Moves local and base of *node, which the caller puts, to (parent, name): under a safe name if
 * need be, or to no place at all, kept in `remote`, if the parent is no folder or is below the
 * node, or if something is being made just there. */
int place_follow(struct applying *applying, struct node *node, ino_nr parent, const char *name);

/* True if ino is above the directory `from`, or is it. */
int place_is_above(struct store_txn *txn, ino_nr ino, ino_nr from, bool *ret);

/* Two rows have become one: what was in the folder `from`, here or on the server, is in `to`. */
int place_take_children(struct applying *applying, ino_nr from, ino_nr to);

/* A folder that was deleted here is shown again, with those above it: something in it is. */
int place_revive(struct applying *applying, ino_nr folder);

/* Takes the row out of the tree until its own report is applied, and puts it. */
int place_vacate(struct applying *applying, struct node *node);

/* Notes that the node's local name is free from now on. */
void place_note_freed(struct applying *applying, const struct node *node);

/* The end of each call: gives freed names to those who wait for them, and tries again what was a
 * cycle; not if r, the result so far, is a failure. Returns r or its own. */
int place_settle(struct applying *applying, int r);

/* ---- apply_delete.c ---- */

/* Removes the row and all below it but what is dirty there; see apply_delete(). */
int delete_tree(struct applying *applying, ino_nr top);

/* The numbers of a row and of all below it, parents first; the caller clears the list. */
int delete_list_tree(struct store_txn *txn, ino_nr top, struct node_numbers *ret);

/* ---- apply_identity.c ---- */

/* Gives the root of the drive another id, which the caller puts. */
int identity_take_root(struct applying *applying, struct node *root, const char *rid);

/* The item of the row `from` is the row `to`'s from now on: so is the doubt whether it is there. */
int identity_take_doubt(struct store_txn *txn, ino_nr from, ino_nr to);

/* ---- apply_order.c ---- */

/* Applies a staged report after what it depends on, which is pulled out of staging. */
int order_apply(struct applying *applying, const struct item *report, enum apply_outcome *ret);

/* Before a folder is removed: takes rows out of it whose staged reports say that they live on. */
int order_spare_below(struct applying *applying, ino_nr top);

#endif
