/* SPDX-License-Identifier: MIT */
/* Pins are rows of the store; that they are kept is the pinner's work. */
#include "config.h"

#include "fs/pin.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/pinner.h"

static int change_pins(struct fs *fs, ino_nr ino, int (*change)(struct store_txn *, ino_nr),
                       uint64_t *ret_pass, struct err *err)
{
    struct store_txn *txn;
    struct node_attr attr;
    int r = store_begin(fs->conf.store, &txn, err);

    if (r < 0)
        return r;
    r = txn_getattr(txn, ino, &attr);
    if (r == 0)
        r = change(txn, ino);
    if (r < 0) {
        store_rollback(txn);
        return err_set_errno(err, r, "changing the pins");
    }
    r = store_commit(txn, err);
    if (r == 0)
        *ret_pass = pinner_wake(fs->pinner);
    return r;
}

int pin_set(struct fs *fs, ino_nr ino, uint64_t *ret_pass, struct err *err)
{
    return change_pins(fs, ino, txn_pin, ret_pass, err);
}

/* The pin above a row that would hold it still. */
static int check_above(struct fs *fs, ino_nr ino, struct err *err)
{
    struct node_attr attr;
    ino_nr above = STORE_INO_NONE;
    char *path = NULL;
    int r;

    READING(fs);
    r = store_getattr(fs->conf.store, ino, &attr);
    if (r == 0)
        r = store_find_pin(fs->conf.store, attr.parent, &above);
    if (r < 0)
        return err_set_errno(err, r, "changing the pins");
    if (above == STORE_INO_NONE)
        return 0;
    (void)store_path(fs->conf.store, above, &path);
    r = err_set(err, -EBUSY, "it is kept because %s is pinned (unpin that)",
                path ? path : "a folder above it");
    free(path);
    return r;
}

int pin_clear(struct fs *fs, ino_nr ino, uint64_t *ret_pass, struct err *err)
{
    int r = check_above(fs, ino, err);

    return r == 0 ? change_pins(fs, ino, txn_unpin, ret_pass, err) : r;
}
