/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_SYNC_SETTLE_H
#define GRAPHFS_SYNC_SETTLE_H

/*
 * settle: what becomes of a row that was changed both here and on the server.
 *
 * apply never touches what was changed here: it keeps the server's word beside it (`remote`), or,
 * where a name is taken, shows the server's item under a safe one. Here both become one state
 * again, by rules that lose nothing:
 *
 * - Changed there, deleted here: it comes back.
 * - Deleted there, written here: it is as if it had been made here, with the folders that it needs.
 *   A move alone brings nothing back: there is nothing that could be sent.
 * - Moved on both sides: the server's place wins.
 * - Other content on both sides, or two things of one name: the server's keeps the place; the row
 *   from here, with its inode and its open files, takes another name beside it. Equal contents are
 *   no conflict, and two folders are one.
 *
 * No network, no clock. Blocks on the disk; runs inside the caller's transaction.
 */

#include "sync/apply.h"

enum settle_outcome {
    SETTLE_NOTHING,    /* there was nothing to settle */
    SETTLE_DONE,       /* the store changed: look at the row again, if it is still there */
    SETTLE_NEEDS_HASH, /* the server has the same size: call again with the hash of the bytes here
                        */
};

/* What is known of the bytes here, which the store doesn't know. */
struct settle_facts {
    const char *hash; /* of the row's local content, as hash_kind; NULL: not computed yet */
    enum hash_kind hash_kind;
    const char *host;       /* for the name of a conflict copy */
    const char *local_time; /* same: "2026-11-29 103000" */
};

/* Settles one row, and what stands in its way. -errno for failures of the store only. */
int settle_row(struct store_txn *txn, const struct apply_context *context, ino_nr ino,
               const struct settle_facts *facts, enum settle_outcome *ret, struct err *err);

/* The name of a conflict copy: "NAME (conflict HOST TIME).EXT", cut to what the service takes;
 * ${attempt} > 0 numbers it. For the caller to free. */
char *settle_conflict_name(const char *name, const struct settle_facts *facts, unsigned attempt);

#endif
