/* SPDX-License-Identifier: MIT */
/*
 * Reports of what was asked for from here and not answered yet: delta can be faster than the
 * answer, or the answer is lost. Such a report is the answer. Taken for somebody else's change it
 * would be a conflict with what was changed here since, and what was made here would be shown
 * twice.
 */
#include "config.h"

#include <errno.h>

#include "graph/tag.h"
#include "sync/apply_i.h"
#include "sync/push_store.h"

static int find_intent(struct store_txn *txn, const struct node *known, const struct item *report,
                       struct intent *ret)
{
    ino_nr ino = STORE_INO_NONE;
    int r = 0;

    if (known)
        ino = known->attr.ino;
    else if (report->parent_id && report->name)
        r = txn_find_intent(txn, report->parent_id, report->name, &ino);
    else
        return -ENOENT;
    return r < 0 ? r : txn_get_intent(txn, ino, ret);
}

/* One that is older than what is known can look the same. */
static bool is_answer(const struct intent *intent, const struct node *known,
                      const struct item *report)
{
    return intent->verb != INTENT_DELETE && push_is_done(intent, report) &&
           (!known || tag_compare(report->etag, known->base.etag) != TAG_BEFORE);
}

int apply_own(struct applying *applying, const struct node *known, const struct item *report,
              bool *ret_is_taken)
{
    struct intent intent = { 0 };
    struct err err = { 0 };
    int r = find_intent(applying->txn, known, report, &intent);

    *ret_is_taken = r == 0 && is_answer(&intent, known, report);
    if (*ret_is_taken)
        r = push_take_item(applying->txn, applying->context, &intent, report, &err);
    intent_clear(&intent);
    return r == -ENOENT ? 0 : r;
}
