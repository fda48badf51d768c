/* SPDX-License-Identifier: MIT */
/*
 * Names and attributes: one SELECT each. Only a name in a folder that was never listed waits, for
 * an answer about that one name. FORGET needs nothing: a node id is a row's number, and costs no
 * memory here.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "fs/control.h"
#include "fs/fs_i.h"
#include "fs/opens.h"
#include "fs/wait.h"
#include "tree/names.h"

/* Short: the kernel holds the directory's lock meanwhile, which others and our own notifications
 * wait for. */
#define LOOKUP_DEADLINE_MS 15000

struct attr_reply {
    fuse_req_t req;
    struct fuse_entry_param entry;
};

static void send_entry(void *arg)
{
    const struct attr_reply *reply = arg;

    (void)fuse_reply_entry(reply->req, &reply->entry);
}

static void send_attr(void *arg)
{
    const struct attr_reply *reply = arg;

    (void)fuse_reply_attr(reply->req, &reply->entry.attr, reply->entry.attr_timeout);
}

static void reply_with(const struct fs *fs, fuse_req_t req, const struct node_attr *attr,
                       void (*send)(void *reply))
{
    struct attr_reply reply = { .req = req };

    attr_fill_entry(fs, attr, &reply.entry);
    opens_tell(fs->opens, attr->ino, send, &reply);
}

static void reply_absent(const struct fs *fs, fuse_req_t req, const struct node_attr *directory)
{
    struct fuse_entry_param entry = {
        .entry_timeout = attr_absence_timeout_s(fs, directory),
    };

    (void)fuse_reply_entry(req, &entry);
}

/* No drive can have it, and it is no name that is shown for another. */
static bool is_too_long(const char *name)
{
    return utf8_utf16_units(name, strlen(name)) > NAME_SERVER_UNITS;
}

/* Answers from the store. False, without an answer, if the name has to be asked for and may be. */
static bool look_up(struct fs *fs, fuse_req_t req, ino_nr parent, const char *name, bool may_ask)
{
    READING(fs);
    struct node_attr directory, attr;
    int r = store_lookup(fs->conf.store, parent, name, &attr);

    if (r == 0)
        r = link_show(fs, &attr);
    if (r == 0) {
        reply_with(fs, req, &attr, send_entry);
        return true;
    }
    if (r == -ENOENT)
        r = is_too_long(name) ? -ENAMETOOLONG
                              : fs_row_error(store_getattr(fs->conf.store, parent, &directory));
    if (r != 0) {
        fs_reply_error(req, r);
        return true;
    }
    if (may_ask && !(directory.flags & NODE_COMPLETE) &&
        sync_needs_listing(fs->conf.sync, &directory))
        return false;
    reply_absent(fs, req, &directory);
    return true;
}

static void on_asked(struct wait *wait, const struct err *err)
{
    if (err && err->code != -ENOENT)
        fs_reply_error(wait->req, err->code);
    else
        (void)look_up(wait->fs, wait->req, wait->ino, wait->name, false);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fuse_req_userdata(req);
    struct wait *wait;

    if (control_lookup(fs, req, parent, name))
        return;
    /* "foo:" is the entity of foo: not here yet, so nobody is asked, and nothing is remembered. */
    if (name_is_reserved_shown(name)) {
        fs_reply_error(req, -ENOENT);
        return;
    }
    if (look_up(fs, req, fs_row(fs, parent), name, true))
        return;
    wait = wait_new(fs, &(struct wait_conf){
                            .req = req,
                            .ino = fs_row(fs, parent),
                            .name = name,
                            .deadline_ms = LOOKUP_DEADLINE_MS,
                            .resume = on_asked,
                            .abandon = wait_forget_sync,
                        });
    if (wait)
        wait_for_work(wait,
                      sync_want_child(fs->conf.sync, wait->ino, wait->name, wait_sync_done, wait));
}

void op_getattr(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file)
{
    struct fs *fs = fuse_req_userdata(req);
    ino_nr ino = fs_row(fs, nodeid);
    struct node_attr attr;
    int r;

    (void)file;
    if (control_getattr(fs, req, nodeid))
        return;

    READING(fs);
    r = store_getattr(fs->conf.store, ino, &attr);
    /* The row of an open file may have gone, or have another number now. */
    if (r == -ENOENT && opens_get_attr(fs->opens, ino, &attr))
        r = 0;
    if (r == 0)
        r = link_show(fs, &attr);
    if (r < 0) {
        fs_reply_error(req, fs_row_error(r));
        return;
    }
    reply_with(fs, req, &attr, send_attr);
}

void op_readlink(fuse_req_t req, fuse_ino_t nodeid)
{
    struct fs *fs = fuse_req_userdata(req);
    cleanup_free char *target = NULL;
    struct node_attr attr;
    int r;

    READING(fs);
    r = store_getattr(fs->conf.store, fs_row(fs, nodeid), &attr);
    if (r == 0 && attr.kind != NODE_LINK)
        r = -EINVAL;
    if (r == 0)
        r = link_target(fs, &attr, &target);
    if (r < 0)
        fs_reply_error(req, fs_row_error(r));
    else
        (void)fuse_reply_readlink(req, target);
}
