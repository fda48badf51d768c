/* SPDX-License-Identifier: MIT */
/* Names that differ only in case. A folder may hold a hundred thousand names, and each new one is
 * compared: so they are not gone through, see name_find_twin(). */
#include "config.h"

#include "local/local_i.h"

#include <errno.h>

#include "tree/names.h"

struct search {
    struct store_txn *txn;
    ino_nr parent;
    ino_nr except;
    ino_nr found;
};

static int next_name(void *arg, const char *from, char **ret)
{
    const struct search *search = arg;

    return txn_next_name(search->txn, search->parent, from, ret);
}

/* Is a row shown under this name, and not the one excepted? */
static int is_shown(void *arg, const char *name)
{
    struct search *search = arg;
    struct node_attr attr;
    int r = txn_lookup(search->txn, search->parent, name, &attr);

    if (r == 0 && attr.ino == search->except)
        return -ENOENT;
    if (r == 0)
        search->found = attr.ino;
    return r;
}

int twin_find(struct store_txn *txn, ino_nr parent, const char *name, ino_nr except, ino_nr *ret)
{
    struct search search = { .txn = txn, .parent = parent, .except = except };
    const struct name_source source = { next_name, is_shown, &search };
    int r = name_find_twin(&source, name);

    if (r == 0)
        *ret = search.found;
    return r;
}
