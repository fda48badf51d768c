/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_APPLY_H
#define GRAPHFS_SYNC_APPLY_H

/*
 * apply: the one door through which what the server says enters the store.
 *
 * It knows that reports come late, twice and in any order, and that the server may lie. It decides
 * by a pure function over (base, local, remote, report), part by part (place; content with its
 * mtime), and then writes rows. No network, no clock of its own. All of it blocks on the disk, and
 * runs inside the caller's transaction.
 */

#include "store/store.h"

enum apply_source {
    APPLY_FIRST,    /* a page of the very first round: children before parents happen */
    APPLY_DELTA,    /* a staged round: what a report depends on is pulled out of staging first */
    APPLY_LISTING,  /* children of a folder, ahead of the rounds: adds, never removes or moves back
                     */
    APPLY_ITEM,     /* the item was asked for, just now: the best word there is */
    APPLY_NO_DELTA, /* a listing or item of a place without delta: the only word there is */
};

enum apply_outcome {
    APPLY_NOTHING,  /* equal to what is known */
    APPLY_CHANGED,  /* the store changed */
    APPLY_CHECK,    /* a part was not applied: the item must be asked for (late, or its content
                       can't be told) */
    APPLY_LEFT_OUT, /* not applied: a lie or no concern of ours; logged where it is a lie */
};

struct apply_context {
    const struct drive_row *drive;
    enum apply_source source;
    int64_t now_ms;          /* real time */
    int64_t staged_since_ms; /* the report may have been told at any time since then; 0: just now */
    ino_nr
        listed; /* APPLY_LISTING, APPLY_NO_DELTA: the folder that was listed; else STORE_INO_NONE */
};

/*
 * One report. -errno only for failures of the store; the transaction is then to be rolled back.
 * ret may be NULL.
 *
 * With APPLY_DELTA, staged reports on which this one depends (its parent, who holds its name,
 * folders that would close a cycle, what moves out of a folder that is deleted) are applied in the
 * same call and unstaged, but for those whose outcome is APPLY_CHECK. The report itself is the
 * caller's to unstage.
 */
int apply_report(struct store_txn *txn, const struct apply_context *context,
                 const struct item *report, enum apply_outcome *ret, struct err *err);

/* What a shortcut to a file leads to: the row takes its content and keeps its place. */
int apply_target(struct store_txn *txn, const struct apply_context *context, ino_nr shortcut,
                 const struct item *target, struct err *err);

/* Removes the row and, for a directory, all below it, because the server has confirmed that it is
 * gone. What is dirty below stays, with its ancestors, as local-only; the row itself, if it is
 * dirty, stays with its deletion in `remote`. Leaves tombstones. */
int apply_delete(struct store_txn *txn, const struct apply_context *context, ino_nr ino,
                 struct err *err);

/* ---- ids that change: a migrated account has the same items under other ids ---- */

/* Gives a row, or a drive's root, the id that its item has now. -EEXIST: another row has it. */
int apply_take_id(struct store_txn *txn, const struct apply_context *context, ino_nr ino,
                  const char *rid, struct err *err);
int apply_take_root_id(struct store_txn *txn, const struct apply_context *context, const char *rid,
                       struct err *err);

/* After a full enumeration was staged: rows that it lacks are given the ids of staged items that no
 * row has, where place, kind, and for files the content are the same. What they hold stays. */
int apply_match_ids(struct store_txn *txn, const struct apply_context *context, struct err *err);

/* ---- the decision, pure: what apply does with each part ---- */

enum apply_action {
    ACT_NONE,        /* nothing to do */
    ACT_FOLLOW,      /* local and base become the report (local equalled base) */
    ACT_AGREE,       /* base becomes the report: local said the same already */
    ACT_KEEP_BESIDE, /* the report goes to remote: local differs, a conflict to settle */
    ACT_CHECK,       /* ask for the item first */
};

struct apply_decision {
    enum apply_action place;
    enum apply_action content; /* with its mtime */
    enum apply_action
        existence;       /* for a tombstone: FOLLOW and AGREE remove, KEEP_BESIDE marks deleted */
    bool is_new_content; /* content is FOLLOW or KEEP_BESIDE for its bytes, not for mtime alone */
    bool is_outdated;    /* the report is older than what is known: not even its tags are taken */
};

/* The report in the store's terms: its parent found, its name decoded. */
struct apply_view {
    struct node_state state; /* strings borrowed */
    bool deleted;
    bool has_size;
    bool has_mtime;
    bool is_pending; /* the service hasn't settled its content: size and hash mean nothing yet */
    bool is_target;  /* of a shortcut to a file: it tells of the content, others of the place */
};

/* Times are compared at this granularity: what the services keep. */
#define APPLY_MTIME_GRANULARITY_NS INT64_C(1000000000)

/* How long after our own answer for an item a report that differs is taken for a late one. */
#define APPLY_LATE_MS (5 * 60 * INT64_C(1000))

/* What is to be done with each part of the report. Pure: reads its arguments and nothing else. */
struct apply_decision apply_decide(const struct node *node, const struct apply_view *report,
                                   enum apply_source source, int64_t now_ms);

#endif
