/* SPDX-License-Identifier: MIT */
/*
 * Content that no row has any more. A generation belongs to one row, which can have it in each of
 * its states, and while it is being sent in its intent: an upload that was killed goes on with what
 * it began, though the row may have another content by now. It is told when the last of these goes.
 */
#include "config.h"

#include "store/store_i.h"

#include <errno.h>

static bool has(const struct node *node, uint64_t generation)
{
    unsigned flags = node ? node->attr.flags : 0;

    return (flags & NODE_LOCAL && node->local.generation == generation) ||
           (flags & NODE_BASE && node->base.generation == generation) ||
           (flags & NODE_REMOTE && !node->remote_deleted && node->remote.generation == generation);
}

static void tell(struct store_txn *txn, uint64_t generation)
{
    (void)change_list_push(&txn->changes, (struct change){
                                              .kind = CHANGE_UNUSED,
                                              .generation = generation,
                                              .is_own = txn->is_own,
                                          });
}

int unused_get_intended(struct store_txn *txn, ino_nr ino, uint64_t *ret)
{
    int64_t generation = 0;
    int r = SQL_GET(txn->conn, STMT_INTENT_GENERATION, &generation, sql_number((int64_t)ino));

    if (r < 0 && r != -ENOENT)
        return r;
    *ret = (uint64_t)generation;
    return 0;
}

static int tell_unless_intended(struct store_txn *txn, ino_nr ino, uint64_t generation)
{
    uint64_t intended;
    int r = unused_get_intended(txn, ino, &intended);

    if (r == 0 && intended != generation)
        tell(txn, generation);
    return r;
}

int unused_note_row(struct store_txn *txn, const struct node *before, const struct node *after)
{
    uint64_t generations[3];
    int r = 0;

    if (!before || before->attr.kind != NODE_FILE)
        return 0;
    generations[0] = before->local.generation;
    generations[1] = before->base.generation;
    generations[2] = before->remote.generation;
    for (size_t i = 0; i < 3 && r == 0; i++) {
        uint64_t generation = generations[i];
        bool is_first = true;

        for (size_t j = 0; j < i; j++)
            is_first = is_first && generations[j] != generation;
        if (generation != 0 && is_first && has(before, generation) && !has(after, generation))
            r = tell_unless_intended(txn, before->attr.ino, generation);
    }
    return r;
}

int unused_note_intent(struct store_txn *txn, ino_nr ino, uint64_t generation)
{
    struct node node = { 0 };
    int r = generation != 0 ? read_node(txn->conn, ino, &node) : 0;

    if (r < 0 && r != -ENOENT)
        return r;
    if (generation != 0 && !has(&node, generation))
        tell(txn, generation);
    node_clear(&node);
    return 0;
}
