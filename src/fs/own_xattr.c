/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "fs/own_xattr.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

/* The rows of Graph's own tree have none, nor has what is no row. */
static bool can_have(ino_nr ino)
{
    return ino >= STORE_INO_FIRST;
}

int own_xattr_get(struct fs *fs, ino_nr ino, const char *name, struct strbuf *ret)
{
    cleanup_free char *value = NULL;
    size_t size = 0;
    int r;

    if (!can_have(ino))
        return -ENODATA;
    {
        READING(fs);
        r = store_get_xattr(fs->conf.store, ino, name, &value, &size);
    }
    return r < 0 ? r : strbuf_add(ret, value, size);
}

static bool add_name(const char *name, void *arg)
{
    return strbuf_add(arg, name, strlen(name) + 1) == 0;
}

int own_xattr_list(struct fs *fs, ino_nr ino, struct strbuf *ret)
{
    if (!can_have(ino))
        return 0;
    READING(fs);
    return store_list_xattrs(fs->conf.store, ino, add_name, ret);
}

/* ---- changing them ---- */

static int check_kind(struct store_txn *txn, ino_nr ino)
{
    struct node_attr attr;
    int r = txn_getattr(txn, ino, &attr);

    if (r < 0)
        return fs_row_error(r);
    if (attr.kind == NODE_VIEW)
        return -EROFS;
    return attr.kind == NODE_FILE || attr.kind == NODE_FOLDER ? 0 : -EPERM;
}

/* Commits if r is 0. */
static int end(struct store_txn *txn, int r)
{
    struct err err;

    if (r < 0) {
        store_rollback(txn);
        return r;
    }
    r = store_commit(txn, &err);
    if (r < 0)
        log_warn("fs", "%s", err.msg);
    return r;
}

static int begin(struct fs *fs, ino_nr ino, struct store_txn **ret)
{
    struct err err;

    if (!fs->conf.is_writable || !can_have(ino))
        return -EROFS;
    return store_begin(fs->conf.store, ret, &err);
}

int own_xattr_set(struct fs *fs, ino_nr ino, const char *name, const char *value, size_t size,
                  int flags)
{
    struct store_txn *txn;
    int r = begin(fs, ino, &txn);

    if (r < 0)
        return r;
    r = check_kind(txn, ino);
    return end(txn, r < 0 ? r : txn_set_xattr(txn, ino, name, value, size, flags));
}

int own_xattr_remove(struct fs *fs, ino_nr ino, const char *name)
{
    struct store_txn *txn;
    int r = begin(fs, ino, &txn);

    if (r < 0)
        return r;
    r = check_kind(txn, ino);
    return end(txn, r < 0 ? r : txn_remove_xattr(txn, ino, name));
}
