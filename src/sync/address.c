/* SPDX-License-Identifier: MIT */
/*
 * Most folders belong to the drive of their row. A shortcut is an item of one drive whose children
 * are those of a folder in another: that has a drive row of its own, whose root is the shortcut.
 */
#include "config.h"

#include "sync/address.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/xalloc.h"

int address_find(struct store *store, const struct node *node, struct address *ret)
{
    bool is_shortcut = node->attr.flags & NODE_SHORTCUT;
    const char *rid = is_shortcut ? node->target_rid : node->rid;
    struct drive_row drive;
    int r;

    if (node->attr.kind != NODE_FOLDER)
        return -ENOTDIR;
    r = is_shortcut ? store_find_drive_by_root(store, node->attr.ino, &drive)
                    : store_get_drive(store, node->attr.drive, &drive);
    if (r < 0)
        return r;
    if (!rid && drive.root == node->attr.ino)
        rid = drive.root_rid;
    *ret = (struct address){
        .drive = drive.id,
        .drive_id = steal_ptr(&drive.drive_id),
        .rid = x_strdup(rid),
        .has_delta = drive.kind == DRIVE_OWN,
    };
    drive_row_clear(&drive);
    return 0;
}

void address_clear(struct address *address)
{
    free(address->drive_id);
    free(address->rid);
    *address = (struct address){ 0 };
}
