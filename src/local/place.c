/* SPDX-License-Identifier: MIT */
/*
 * Where something can be made, and under which name.
 *
 * A shortcut is an item of one drive, and what is in it belongs to another. Graph's own tree can't
 * be changed, a package can't be entered.
 *
 * What isn't sent is a function of names alone: that of the thing, and those of the folders above
 * it as far as they aren't on the service themselves, where such a name is one like any other. The
 * rows of these say so (NODE_LOCAL_ONLY), so that a look at the one above is enough.
 */
#include "config.h"

#include "local/local_i.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "tree/names.h"

/* ---- directories ---- */

static int find_drive_of_target(struct store_txn *txn, ino_nr shortcut, int64_t *ret)
{
    struct drive_row drive;
    int r = txn_find_drive_by_root(txn, shortcut, &drive);

    if (r < 0)
        return r == -ENOENT ? -EROFS : r;
    *ret = drive.id;
    drive_row_clear(&drive);
    return 0;
}

static int check_kind(enum node_kind kind)
{
    switch (kind) {
    case NODE_FOLDER:
        return 0;
    case NODE_VIEW:
    case NODE_PACKAGE:
        return -EROFS;
    case NODE_FILE:
    case NODE_LINK:
        break;
    }
    return -ENOTDIR;
}

int place_find(struct store_txn *txn, ino_nr directory, struct place *ret)
{
    struct place place;
    int r = txn_getattr(txn, directory, &place.directory);

    if (r == 0 && !(place.directory.flags & NODE_LOCAL))
        r = -ENOENT;
    if (r == 0)
        r = check_kind(place.directory.kind);
    if (r == 0 && place.directory.parent == STORE_INO_NONE)
        r = -ENOENT;
    if (r < 0)
        return r;
    place.drive = place.directory.drive;
    if (place.directory.flags & NODE_SHORTCUT)
        r = find_drive_of_target(txn, directory, &place.drive);
    if (r == 0)
        *ret = place;
    return r;
}

/* ---- names ---- */

int place_check_name(const char *name)
{
    char server_name[NAME_SIZE];
    int r;

    if (name_is_trash(name))
        return -EPERM;
    r = name_encode(name, server_name, sizeof server_name);
    if (r == 0)
        r = name_check(server_name);
    if (r == 0 && utf8_utf16_units(server_name, strlen(server_name)) > NAME_SERVER_UNITS)
        r = -ENAMETOOLONG;
    return r;
}

int place_check_free(struct store_txn *txn, const struct place *place, const char *name, ino_nr ino)
{
    ino_nr directory = place->directory.ino, twin;
    struct node_attr holder;
    int r = txn_lookup(txn, directory, name, &holder);

    if (r == 0)
        return holder.ino == ino ? 0 : -EEXIST;
    if (r != -ENOENT)
        return r;
    if (!(place->directory.flags & NODE_COMPLETE))
        return -EAGAIN;
    r = twin_find(txn, directory, name, ino, &twin);
    if (r == 0)
        return -EEXIST;
    return r == -ENOENT ? 0 : r;
}

/* ---- what isn't sent ---- */

static int is_library_root(struct store_txn *txn, ino_nr directory, bool *ret)
{
    struct drive_row drive;
    int r = txn_find_drive_by_root(txn, directory, &drive);

    *ret = false;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    *ret = drive.kind == DRIVE_OWN && drive.type && strcmp(drive.type, "personal") != 0;
    drive_row_clear(&drive);
    return 0;
}

int place_is_local_only(struct store_txn *txn, const struct node_attr *directory, const char *name,
                        bool *ret)
{
    bool is_below = !(directory->flags & NODE_BASE) && directory->flags & NODE_LOCAL_ONLY;

    *ret = is_below || name_is_local_only(name, false);
    if (*ret || !name_is_local_only(name, true))
        return 0;
    return is_library_root(txn, directory->ino, ret);
}

int place_mark(struct store_txn *txn, struct node *node)
{
    struct node_attr directory;
    bool is_local_only = false;
    int r = 0;

    if (!(node->attr.flags & NODE_BASE))
        r = txn_getattr(txn, node->local.parent, &directory);
    if (r == 0 && !(node->attr.flags & NODE_BASE))
        r = place_is_local_only(txn, &directory, node->local.name, &is_local_only);
    node->attr.flags &= ~(unsigned)NODE_LOCAL_ONLY;
    if (is_local_only)
        node->attr.flags |= NODE_LOCAL_ONLY;
    return r;
}

/* ---- moves ---- */

int place_move(struct store_txn *txn, ino_nr ino, ino_nr parent, const char *name,
               struct node_attr *ret_attr)
{
    struct node node;
    unsigned before;
    int r = txn_get_node(txn, ino, &node);

    if (r < 0)
        return r;
    before = node.attr.flags;
    node.attr.flags &= ~(unsigned)NODE_SAFE_NAME;
    if (strcmp(node.local.name, name) != 0)
        node.attr.flags &= ~(unsigned)NODE_CONFLICT; /* the user has seen to it */
    node.local.parent = parent;
    free(node.local.name);
    node.local.name = x_strdup(name);
    r = place_mark(txn, &node);
    if (r == 0)
        r = txn_put_node(txn, &node);
    if (r == 0 && (before ^ node.attr.flags) & NODE_LOCAL_ONLY)
        r = stays_mark_below(txn, &node.attr);
    if (r == 0)
        r = txn_clear_blocked(txn, ino);
    if (r == 0)
        *ret_attr = node.attr;
    node_clear(&node);
    return r;
}

static int give_name(struct store_txn *txn, ino_nr waiting, ino_nr parent, const char *name)
{
    struct node_attr attr;
    bool was_own = txn_set_own(txn, false);
    int r = place_move(txn, waiting, parent, name, &attr);

    (void)txn_set_own(txn, was_own);
    return r;
}

int place_settle_name(struct store_txn *txn, ino_nr parent, const char *name)
{
    ino_nr waiting, twin;
    int r = txn_find_waiting(txn, parent, name, &waiting);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = twin_find(txn, parent, name, waiting, &twin);
    return r == -ENOENT ? give_name(txn, waiting, parent, name) : r;
}
