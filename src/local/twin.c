/* SPDX-License-Identifier: MIT */
/*
 * Names that differ only in case. A folder may hold a hundred thousand names, and each new one is
 * compared: so they are not gone through. The index has them in order of bytes, and so come the
 * spellings of a name: where a spelling would be stands the next name that there is, and the
 * spellings before that one are skipped. Few steps do, mostly as many as the name has letters.
 */
#include "config.h"

#include "local/local_i.h"

#include <errno.h>

#include "base/cleanup.h"
#include "tree/names.h"

/* Is a row shown under this name, and not the one excepted? */
static int is_shown(struct store_txn *txn, ino_nr parent, const char *name, ino_nr except,
                    ino_nr *ret)
{
    struct node_attr attr;
    int r = txn_lookup(txn, parent, name, &attr);

    if (r == 0 && attr.ino == except)
        return -ENOENT;
    if (r == 0)
        *ret = attr.ino;
    return r;
}

int twin_find(struct store_txn *txn, ino_nr parent, const char *name, ino_nr except, ino_nr *ret)
{
    char spelling[NAME_SPELLING_SIZE];
    bool goes_on = name_next_spelling(name, "", spelling);

    while (goes_on) {
        cleanup_free char *found = NULL;
        int r = txn_next_name(txn, parent, spelling, &found);

        if (r < 0)
            return r;
        if (name_equal_fold(found, name)) {
            r = is_shown(txn, parent, found, except, ret);
            if (r != -ENOENT)
                return r;
        }
        goes_on = name_next_spelling(name, found, spelling);
    }
    return -ENOENT;
}
