/* SPDX-License-Identifier: MIT */
/*
 * What is below the pins: those that no other pin is above, and from each all that the store knows.
 * Without a network no other folder can be listed either once one could not: then what is known is
 * gathered still.
 */
#include "config.h"

#include <errno.h>

#include "base/lock.h"
#include "fs/below.h"
#include "fs/pinner_i.h"

DEFINE_VEC(pin_list, ino_nr);

struct gathering {
    struct pinner *pinner;
    struct wanted_list *wanted;
};

/* What sync said when it was asked for something. -ECANCELED: all ends. */
static int note_answer(struct pinner *pinner, const struct node_attr *attr, int code,
                       const char *what)
{
    if (code == 0 || code == -ECANCELED)
        return code;
    pinner_note_error(pinner, code, attr->ino, what);
    if (code == -ENETDOWN)
        pinner->may_ask = false;
    return 0;
}

static int enter_folder(const struct node_attr *attr, void *arg)
{
    struct pinner *pinner = ((struct gathering *)arg)->pinner;
    struct sync *sync = pinner->fs->conf.sync;

    if (pinner_is_stopping(pinner))
        return -ECANCELED;
    if (attr->kind == NODE_FOLDER &&
        (attr->flags & NODE_SHORTCUT || !sync_has_delta(sync, attr->drive)))
        pinner->has_unreported = true;
    if (!pinner->may_ask || !sync_needs_listing(sync, attr))
        return 0;
    return note_answer(pinner, attr, pinner_list_folder(pinner, attr->ino), "listing");
}

static int get_attr(struct fs *fs, ino_nr ino, struct node_attr *ret)
{
    READING(fs);
    return store_getattr(fs->conf.store, ino, ret);
}

/* A shortcut to a file: what it leads to may have changed. */
static int follow_shortcut(struct pinner *pinner, struct node_attr *attr)
{
    int r;

    pinner->has_unreported = true;
    if (!pinner->may_ask || !sync_needs_target(pinner->fs->conf.sync, attr))
        return 0;
    r = note_answer(pinner, attr, pinner_follow_shortcut(pinner, attr->ino), "looking at");
    return r == 0 ? get_attr(pinner->fs, attr->ino, attr) : r;
}

static int add_file(const struct node_attr *file, void *arg)
{
    struct gathering *gathering = arg;
    struct node_attr attr = *file;
    int r = attr.flags & NODE_SHORTCUT ? follow_shortcut(gathering->pinner, &attr) : 0;

    if (r == 0 && below_has_bytes(&attr))
        (void)wanted_list_push(gathering->wanted,
                               (struct wanted){ attr.ino, attr.generation, attr.size });
    return r == -ENOENT ? 0 : r;
}

static bool add_pin(ino_nr ino, void *arg)
{
    (void)pin_list_push(arg, ino);
    return true;
}

/* A pin below another one adds nothing, one whose row has just gone neither. 1: the pin counts. */
static int is_topmost(struct fs *fs, ino_nr ino, int64_t *ret_drive)
{
    struct node_attr attr;
    ino_nr above = STORE_INO_NONE;
    int r;

    READING(fs);
    r = store_getattr(fs->conf.store, ino, &attr);
    if (r == 0)
        r = store_find_pin(fs->conf.store, attr.parent, &above);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    *ret_drive = attr.drive;
    return above == STORE_INO_NONE;
}

static int walk_pin(struct gathering *gathering, ino_nr ino)
{
    const struct below_visitor visitor = { enter_folder, add_file, gathering };
    struct fs *fs = gathering->pinner->fs;
    int64_t drive = 0;
    int r = is_topmost(fs, ino, &drive);

    if (r <= 0)
        return r;
    sync_note_use(fs->conf.sync, drive); /* its changes are to be heard of */
    r = below_walk(fs, ino, &visitor);
    return r == -ENOENT ? 0 : r;
}

static int list_pins(struct fs *fs, struct pin_list *ret)
{
    READING(fs);
    return store_list_pins(fs->conf.store, STORE_INO_NONE, add_pin, ret);
}

int pinner_gather(struct pinner *pinner, struct wanted_list *ret)
{
    struct gathering gathering = { pinner, ret };
    struct pin_list pins = { 0 };
    int r = list_pins(pinner->fs, &pins);

    pinner->has_unreported = false;
    atomic_store(&pinner->has_pins, r < 0 || pins.len > 0);
    for (size_t i = 0; r >= 0 && i < pins.len; i++)
        r = walk_pin(&gathering, pins.items[i]);
    wanted_sort(ret, wanted_by_generation);
    if (r >= 0) {
        LOCKED(&pinner->lock);
        pinner->status.pins = (int64_t)pins.len;
    }
    pin_list_clear(&pins);
    return r < 0 ? r : 0;
}
