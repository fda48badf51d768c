/* SPDX-License-Identifier: MIT */
/*
 * What an item tells of itself: user.graphfs.*, one row of a table each. They can be read by name
 * but aren't listed, so that copying a file with its attributes doesn't copy these. Most come from
 * the row; two are known to the service alone, which is asked then. All others that begin with
 * "user." are the user's own (own_xattr.c).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "fs/control.h"
#include "fs/fs_i.h"
#include "fs/own_xattr.h"
#include "fs/pin.h"
#include "fs/wait.h"
#include "fs/written.h"

#define PREFIX "user.graphfs."

enum { VALUE_MAX_BYTES = 64 * 1024 };

/* How exactly the service keeps a time. */
#define SECOND_NS INT64_C(1000000000)

/* An item with its place on the service. */
struct subject {
    struct fs *fs;
    struct node node;
    struct drive_row drive;
    const char *drive_id; /* where it lives; NULL: nowhere */
    const char *rid;
};

static int add_if_known(struct strbuf *out, const char *value)
{
    return value ? strbuf_addstr(out, value) : -ENODATA;
}

static int get_id(const struct subject *subject, struct strbuf *out)
{
    return add_if_known(out, subject->rid);
}

static int get_drive(const struct subject *subject, struct strbuf *out)
{
    return add_if_known(out, subject->drive_id);
}

static int get_etag(const struct subject *subject, struct strbuf *out)
{
    return add_if_known(out, subject->node.base.etag);
}

static int get_ctag(const struct subject *subject, struct strbuf *out)
{
    return add_if_known(out, subject->node.base.ctag);
}

static int get_url(const struct subject *subject, struct strbuf *out)
{
    if (!subject->drive_id || !subject->rid)
        return -ENODATA;
    return strbuf_addf(out, "%s/drives/%s/items/%s", subject->fs->conf.graph_url, subject->drive_id,
                       subject->rid);
}

static int get_hash(const struct subject *subject, struct strbuf *out)
{
    static const char *const names[] = {
        [HASH_QUICKXOR] = "quickXor",
        [HASH_SHA1] = "sha1",
        [HASH_SHA256] = "sha256",
    };
    const struct node_state *base = &subject->node.base;

    if (!(subject->node.attr.flags & NODE_HAS_HASH) || base->hash_kind == HASH_NONE)
        return -ENODATA;
    return strbuf_addf(out, "%s:%s", names[base->hash_kind], base->hash);
}

static void note_upload(const struct sync_upload *upload, void *arg)
{
    ino_nr *ino = arg;

    if (upload->ino == *ino)
        *ino = STORE_INO_NONE;
}

/* What isn't in step with the service says so first; 0: nothing is to be said. */
static int add_change_state(const struct subject *subject, struct strbuf *out)
{
    const struct fs *fs = subject->fs;
    ino_nr ino = subject->node.attr.ino, looked_for = ino;
    struct blocked blocked;
    int r;

    if (subject->node.attr.flags & NODE_LOCAL_ONLY)
        return strbuf_addstr(out, "local-only");
    sync_uploads(fs->conf.sync, note_upload, &looked_for);
    if (looked_for == STORE_INO_NONE)
        return strbuf_addstr(out, "uploading");
    if (store_get_blocked(fs->conf.store, ino, &blocked) == 0) {
        r = strbuf_addf(out, "blocked: %s", blocked.reason);
        free(blocked.reason);
        free(blocked.remedy);
        return r;
    }
    if (subject->node.attr.flags & NODE_CONFLICT)
        return strbuf_addstr(out, "conflict");
    return node_dirty(&subject->node, SECOND_NS) ? strbuf_addstr(out, "dirty") : 0;
}

static int get_state(const struct subject *subject, struct strbuf *out)
{
    static const char *const names[] = {
        [CONTENT_CLOUD] = "cloud",
        [CONTENT_PARTIAL] = "partial",
        [CONTENT_CACHED] = "cached",
        [CONTENT_UNVERIFIED] = "unverified",
    };
    const struct node_state *local = &subject->node.local;
    int r = add_change_state(subject, out);

    if (r < 0 || out->len > 0)
        return r;
    if (subject->node.attr.kind != NODE_FILE)
        return -ENODATA;
    /* What was sent lately, and isn't in the cache yet. */
    if (written_is_here(subject->fs, local->generation))
        return strbuf_addstr(out, names[CONTENT_CACHED]);
    return strbuf_addstr(
        out, names[content_state(subject->fs->conf.content, local->generation, local->size)]);
}

/* The only packages that the service has. */
static int get_package(const struct subject *subject, struct strbuf *out)
{
    return subject->node.attr.kind == NODE_PACKAGE ? strbuf_addstr(out, "oneNote") : -ENODATA;
}

/* Whether it is kept here, for itself or with a folder above it. */
static int get_pinned(const struct subject *subject, struct strbuf *out)
{
    struct fs *fs = subject->fs;
    ino_nr pin = STORE_INO_NONE;
    int r;

    {
        READING(fs);
        r = store_find_pin(fs->conf.store, subject->node.attr.ino, &pin);
    }
    return r < 0 ? r : strbuf_addstr(out, pin != STORE_INO_NONE ? "1" : "0");
}

static const char *take_web_url(const struct item *item)
{
    return item->web_url;
}

static const char *take_modified_by(const struct item *item)
{
    return item->modified_by;
}

/* One of the two functions is set. */
static const struct xattr {
    const char *name; /* behind the prefix */
    int (*get)(const struct subject *subject, struct strbuf *out);
    const char *(*take)(const struct item *item); /* from the service's answer */
} xattrs[] = {
    { "id", get_id, NULL },
    { "drive", get_drive, NULL },
    { "etag", get_etag, NULL },
    { "ctag", get_ctag, NULL },
    { "url", get_url, NULL },
    { "hash", get_hash, NULL },
    { "state", get_state, NULL },
    { "package", get_package, NULL },
    { "pinned", get_pinned, NULL },
    { "web_url", NULL, take_web_url },
    { "modified_by", NULL, take_modified_by },
};

static const struct xattr *find_xattr(const char *name)
{
    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof xattrs / sizeof xattrs[0]; i++) {
        if (strcmp(xattrs[i].name, name + strlen(PREFIX)) == 0)
            return &xattrs[i];
    }
    return NULL;
}

/* A size of 0 asks for the length. */
static void reply_value(fuse_req_t req, const char *value, size_t length, size_t size)
{
    if (size == 0)
        (void)fuse_reply_xattr(req, length);
    else if (length > size)
        fs_reply_error(req, -ERANGE);
    else
        (void)fuse_reply_buf(req, value, length);
}

static void subject_clear(struct subject *subject)
{
    node_clear(&subject->node);
    drive_row_clear(&subject->drive);
}

/* ret: to be cleared, also after an error. READING is held. */
static int subject_read(struct fs *fs, ino_nr ino, struct subject *ret)
{
    int r;

    *ret = (struct subject){ .fs = fs };
    r = store_get_node(fs->conf.store, ino, &ret->node);
    if (r < 0)
        return fs_row_error(r);
    ret->rid = ret->node.rid;
    if (ret->node.attr.flags & NODE_SHORTCUT) {
        ret->drive_id = ret->node.target_drive_id;
        ret->rid = ret->node.target_rid;
    } else if (ret->node.attr.drive != 0) {
        r = store_get_drive(fs->conf.store, ret->node.attr.drive, &ret->drive);
        ret->drive_id = ret->drive.drive_id;
    }
    return r;
}

static void reply_known(struct fs *fs, fuse_req_t req, ino_nr ino, const struct xattr *xattr,
                        size_t size)
{
    cleanup_strbuf struct strbuf value;
    struct subject subject;
    int r;

    strbuf_init(&value, VALUE_MAX_BYTES);
    {
        READING(fs);
        r = subject_read(fs, ino, &subject);
    }
    /* Without the lock: content may be waiting for the disk. */
    if (r == 0)
        r = xattr->get(&subject, &value);
    subject_clear(&subject);
    if (r < 0)
        fs_reply_error(req, r);
    else
        reply_value(req, value.data, value.len, size);
}

/* ---- what the service is asked for ---- */

static void on_item(struct item_page *page, const struct err *errors, const struct err *err,
                    void *arg)
{
    struct wait *wait = arg;
    const struct xattr *xattr = find_xattr(wait->name);
    const char *value = NULL;
    int r = -ENODATA;

    if (err)
        r = err->code;
    else if (errors[0].code < 0)
        r = errors[0].code;
    else
        value = xattr->take(&page->items[0]);
    if (wait_claim(wait)) {
        if (value)
            reply_value(wait->req, value, strlen(value), wait->size);
        else
            fs_reply_error(wait->req, r);
    }
    wait_end(wait);
    item_page_free(page);
}

/* The answer comes all the same; it is then for nobody. */
static bool let_item_come(struct wait *wait)
{
    remote_cancel(graph_remote(wait->fs->conf.graph), wait->work.id);
    return false;
}

static void ask_item(struct fs *fs, fuse_req_t req, const struct subject *subject, const char *name,
                     size_t size)
{
    struct wait *wait = wait_new(fs, &(struct wait_conf){
                                         .req = req,
                                         .name = name,
                                         .size = size,
                                         .abandon = let_item_come,
                                     });

    if (wait)
        wait_for_work(wait, remote_items(graph_remote(fs->conf.graph),
                                         &(struct item_query){
                                             .drive_id = subject->drive_id,
                                             .ids = &subject->rid,
                                             .count = 1,
                                             .priority = REMOTE_READ,
                                         },
                                         on_item, wait));
}

static void ask(struct fs *fs, fuse_req_t req, ino_nr ino, const char *name, size_t size)
{
    struct subject subject;
    int r;

    {
        READING(fs);
        r = subject_read(fs, ino, &subject);
    }
    if (r < 0)
        fs_reply_error(req, r);
    else if (subject.drive_id && subject.rid)
        ask_item(fs, req, &subject, name, size);
    else
        fs_reply_error(req, -ENODATA);
    subject_clear(&subject);
}

/* ---- the handlers ---- */

/* Access lists, labels and capabilities: nothing that OneDrive or this mount has. Programs that
 * copy attributes (cp -a) go on without them when they hear that, and fail at any other error. */
static bool is_of_the_user(const char *name)
{
    return strncmp(name, "user.", strlen("user.")) == 0;
}

static bool is_own(const char *name)
{
    return is_of_the_user(name) && strncmp(name, PREFIX, strlen(PREFIX)) != 0;
}

static void reply_own(struct fs *fs, fuse_req_t req, ino_nr ino, const char *name, size_t size)
{
    cleanup_strbuf struct strbuf value;
    int r;

    strbuf_init(&value, VALUE_MAX_BYTES);
    r = own_xattr_get(fs, ino, name, &value);
    if (r < 0)
        fs_reply_error(req, r);
    else
        reply_value(req, value.data, value.len, size);
}

void op_getxattr(fuse_req_t req, fuse_ino_t nodeid, const char *name, size_t size)
{
    struct fs *fs = fuse_req_userdata(req);
    const struct xattr *xattr = find_xattr(name);
    ino_nr ino = fs_row(fs, nodeid);

    if (is_own(name))
        reply_own(fs, req, ino, name, size);
    else if (!xattr)
        fs_reply_error(req, is_of_the_user(name) ? -ENODATA : -EOPNOTSUPP);
    else if (xattr->get)
        reply_known(fs, req, ino, xattr, size);
    else
        ask(fs, req, ino, name, size);
}

void op_listxattr(fuse_req_t req, fuse_ino_t nodeid, size_t size)
{
    struct fs *fs = fuse_req_userdata(req);
    cleanup_strbuf struct strbuf names;
    int r;

    strbuf_init(&names, VALUE_MAX_BYTES);
    r = own_xattr_list(fs, fs_row(fs, nodeid), &names);
    if (r < 0)
        fs_reply_error(req, r);
    else
        reply_value(req, names.data, names.len, size);
}

/* The others say what the service knows, and can't be written. */
static bool is_pinned_name(const char *name)
{
    return strcmp(name, PREFIX "pinned") == 0;
}

static void change_pin(fuse_req_t req, fuse_ino_t nodeid,
                       int (*change)(struct fs *fs, ino_nr ino, uint64_t *ret_pass,
                                     struct err *err))
{
    struct fs *fs = fuse_req_userdata(req);
    struct err err = { 0 };
    uint64_t pass;

    if (!control_is_allowed(fs, req))
        fs_reply_error(req, -EPERM);
    else
        fs_reply_error(req, fs_row_error(change(fs, fs_row(fs, nodeid), &pass, &err)));
}

/* What setxattr(2) promises of XATTR_CREATE and XATTR_REPLACE. The attributes that an item can have
 * it has, "pinned" also while it is 0. */
static int check_flags(const char *name, int flags)
{
    bool exists = find_xattr(name) != NULL;

    if (flags & XATTR_CREATE && exists)
        return -EEXIST;
    return flags & XATTR_REPLACE && !exists ? -ENODATA : 0;
}

void op_setxattr(fuse_req_t req, fuse_ino_t nodeid, const char *name, const char *value,
                 size_t size, int flags)
{
    struct fs *fs = fuse_req_userdata(req);
    int r = is_of_the_user(name) ? 0 : -EOPNOTSUPP;

    if (r == 0 && !is_own(name))
        r = check_flags(name, flags);
    if (r < 0)
        fs_reply_error(req, r);
    else if (is_own(name))
        fs_reply_error(req, own_xattr_set(fs, fs_row(fs, nodeid), name, value, size, flags));
    else if (!is_pinned_name(name))
        fs_reply_error(req, -EROFS);
    else if (size != 1 || (*value != '0' && *value != '1'))
        fs_reply_error(req, -EINVAL);
    else
        change_pin(req, nodeid, *value == '1' ? pin_set : pin_clear);
}

void op_removexattr(fuse_req_t req, fuse_ino_t nodeid, const char *name)
{
    struct fs *fs = fuse_req_userdata(req);

    if (is_pinned_name(name))
        change_pin(req, nodeid, pin_clear);
    else if (is_own(name))
        fs_reply_error(req, own_xattr_remove(fs, fs_row(fs, nodeid), name));
    else
        fs_reply_error(req, is_of_the_user(name) ? -EROFS : -EOPNOTSUPP);
}
