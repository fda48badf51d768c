/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_LOCAL_LOCAL_I_H
#define GRAPHFS_LOCAL_LOCAL_I_H

/* What the files of src/local share. */

#include "local/local.h"

/* A directory in which something can be changed. */
struct place {
    struct node_attr directory;
    int64_t drive; /* what is in it belongs to this one */
};

/* ---- place.c ---- */

/* -ENOENT, -ENOTDIR, -EROFS. */
int place_find(struct store_txn *txn, ino_nr directory, struct place *ret);

/* Whether something can be made under this name: 0, -EPERM, -EINVAL, -EILSEQ, -ENAMETOOLONG. */
int place_check_name(const char *name);

/* Whether the name is free there for the row `ino` (0: for a new one), which has to be known:
 * -EAGAIN, and -EEXIST if it is another's, or differs only in case from another's. */
int place_check_free(struct store_txn *txn, const struct place *place, const char *name,
                     ino_nr ino);

/* Whether what is made under this name there isn't sent. */
int place_is_local_only(struct store_txn *txn, const struct node_attr *directory, const char *name,
                        bool *ret);

/* Says so in the row, which the caller puts; see local_refresh_names() for those below it. */
int place_mark(struct store_txn *txn, struct node *node);

/* Puts the row to another place, under no safe name any more. *ret_attr is what it is then. */
int place_move(struct store_txn *txn, ino_nr ino, ino_nr parent, const char *name,
               struct node_attr *ret_attr);

/* A name was given up: whoever waits for it gets it. */
int place_settle_name(struct store_txn *txn, ino_nr parent, const char *name);

/* ---- stays.c ---- */

/* What is below a folder of which that has changed is marked anew. */
int stays_mark_below(struct store_txn *txn, const struct node_attr *folder);

/* ---- twin.c ---- */

/* A child of parent, but not the row `except`, whose name is the same, or is but for case. -ENOENT.
 */
int twin_find(struct store_txn *txn, ino_nr parent, const char *name, ino_nr except, ino_nr *ret);

/* ---- remove.c ---- */

/* Whether the service knows of it, or may by now: base exists, or an intent. */
int row_is_sent(struct store_txn *txn, const struct node_attr *attr, bool *ret);

/* Whether it can be removed, or replaced: -EPERM, -ENOTEMPTY, -EAGAIN. */
int row_check_removable(struct store_txn *txn, const struct node_attr *attr);

/* Takes away its local state, or all of it. */
int row_remove(struct store_txn *txn, ino_nr ino);

static inline bool row_is_directory(const struct node_attr *attr)
{
    return attr->kind == NODE_FOLDER || attr->kind == NODE_PACKAGE || attr->kind == NODE_VIEW;
}

#endif
