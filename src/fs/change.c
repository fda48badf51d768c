/* SPDX-License-Identifier: MIT */
/*
 * What the user does to names: create, mkdir, unlink, rmdir, rename. Each is one transaction of
 * rows (src/local), committed before the call returns; what the service is to learn of it is the
 * difference that the rows show then. The reply goes out under the store's exclusive lock, so that
 * no notification of a later change can overtake it.
 *
 * A name can be given or taken only in a directory whose children are all known; one that isn't is
 * listed first. The same for a directory that is to be removed.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "fs/control.h"
#include "fs/opens.h"
#include "fs/wait.h"
#include "local/local.h"

/* A call, as long as it is under way. */
struct changing {
    struct fs *fs;
    fuse_req_t req;
    int (*run)(struct changing *changing, struct store_txn *txn);
    void (*reply)(void *changing);
    ino_nr parent;
    char *name;
    ino_nr new_parent;
    char *new_name;
    mode_t mode;
    unsigned flags;
    struct fuse_file_info file;
    struct node_attr attr;    /* of what was made */
    struct open_file *opened; /* create alone */
    bool is_lost;             /* nobody got the answer */
};

static void changing_free(struct changing *changing)
{
    free(changing->name);
    free(changing->new_name);
    free(changing);
}

/* ---- replies, under the store's exclusive lock ---- */

static void reply_done(void *arg)
{
    const struct changing *changing = arg;

    fs_reply_error(changing->req, 0);
}

static void reply_entry(void *arg)
{
    const struct changing *changing = arg;
    struct fuse_entry_param entry;

    attr_fill_entry(changing->fs, &changing->attr, &entry);
    (void)fuse_reply_entry(changing->req, &entry);
}

/* A process that was interrupted never learns of the handle, and so will not release it. */
static void reply_created(void *arg)
{
    struct changing *changing = arg;
    struct fuse_entry_param entry;

    attr_fill_entry(changing->fs, &changing->attr, &entry);
    changing->file.fh = (uintptr_t)changing->opened;
    changing->file.keep_cache = 1;
    changing->is_lost = fuse_reply_create(changing->req, &entry, &changing->file) == -ENOENT;
}

/* ---- what each does, in its transaction ---- */

static int64_t now_ns(const struct changing *changing)
{
    return clock_real_ms(changing->fs->conf.clock) * 1000000;
}

/* What umask leaves of the mode, where that isn't what is shown anyway. The reply shows it already.
 */
static int keep_mode(struct changing *changing, struct store_txn *txn)
{
    const struct fs_conf *conf = &changing->fs->conf;
    bool is_folder = changing->attr.kind == NODE_FOLDER;
    mode_t usual = (is_folder ? 0777 : 0666) & ~conf->umask;
    mode_t mode = changing->mode & 07777;
    struct local_attr attr = { .set = ATTR_MODE, .mode = mode };

    if (mode == usual)
        return 0;
    changing->attr.flags |= NODE_HAS_ATTR;
    return local_set_attr(txn, changing->attr.ino, &attr);
}

static int make(struct changing *changing, struct store_txn *txn, enum node_kind kind)
{
    int r = local_create(txn, changing->parent, changing->name, kind, now_ns(changing),
                         &changing->attr);

    return r < 0 ? r : keep_mode(changing, txn);
}

static int run_mkdir(struct changing *changing, struct store_txn *txn)
{
    return make(changing, txn, NODE_FOLDER);
}

/* The file's overlay, which is there before the row says so. */
static int add_overlay(struct changing *changing, struct overlay **ret)
{
    struct fs *fs = changing->fs;
    cleanup_free char *path = NULL;
    struct node parent = { 0 };
    struct drive_row drive = { 0 };
    struct err err = { 0 };
    int r;

    (void)store_get_node(fs->conf.store, changing->parent, &parent);
    (void)store_get_drive(fs->conf.store, changing->attr.drive, &drive);
    (void)store_path(fs->conf.store, changing->parent, &path);
    r = overlay_create(fs->conf.overlays, changing->attr.generation,
                       &(struct overlay_place){
                           .drive_id = drive.drive_id,
                           .parent_id = parent.rid,
                           .name = changing->name,
                           .path = path,
                       },
                       NULL, ret, &err);
    if (r < 0)
        log_warn("fs", "creating a file: %s", err.code ? err.msg : ERRNO_TEXT(r));
    node_clear(&parent);
    drive_row_clear(&drive);
    return r;
}

static int run_create(struct changing *changing, struct store_txn *txn)
{
    struct overlay *overlay = NULL;
    int r = make(changing, txn, NODE_FILE);

    if (r == 0)
        r = add_overlay(changing, &overlay);
    KILL_POINT("overlay-made");
    if (r < 0)
        return r;
    changing->opened = opens_add(changing->fs->opens, &changing->attr);
    opens_set_overlay(changing->opened->inode, overlay);
    changing->opened->is_writer = true;
    sync_hold(changing->fs->conf.sync, changing->attr.ino);
    (void)opens_note_pages(changing->fs->opens, changing->attr.ino, changing->attr.generation);
    return 0;
}

/* As create, but nobody has it open. */
static int run_mknod(struct changing *changing, struct store_txn *txn)
{
    struct overlay *overlay = NULL;
    int r = make(changing, txn, NODE_FILE);

    if (r == 0)
        r = add_overlay(changing, &overlay);
    if (r == 0)
        overlay_unref(overlay);
    return r;
}

static int run_remove(struct changing *changing, struct store_txn *txn)
{
    bool wants_directory = S_ISDIR(changing->mode);
    int r = local_remove(txn, changing->parent, changing->name, wants_directory, now_ns(changing),
                         &changing->attr);

    if (r == 0)
        opens_note_unlinked(changing->fs->opens, changing->attr.ino);
    return r;
}

static int run_rename(struct changing *changing, struct store_txn *txn)
{
    bool is_exchange = changing->flags & RENAME_EXCHANGE;
    struct local_rename renamed;
    int r = local_rename(txn, changing->parent, changing->name, changing->new_parent,
                         changing->new_name, changing->flags, now_ns(changing), &renamed);

    if (r < 0)
        return r;
    changing->attr = renamed.moved;
    if (renamed.replaced.ino != STORE_INO_NONE)
        sync_note_change(changing->fs->conf.sync, renamed.replaced.ino);
    if (renamed.replaced.ino != STORE_INO_NONE && !is_exchange)
        opens_note_unlinked(changing->fs->opens, renamed.replaced.ino);
    return 0;
}

/* ---- running it ---- */

static int transact(struct changing *changing)
{
    struct store_txn *txn = NULL;
    struct err err = { 0 };
    int r = store_begin(changing->fs->conf.store, &txn, &err);

    if (r < 0)
        return r;
    (void)txn_set_own(txn, true);
    r = changing->run(changing, txn);
    if (r < 0) {
        store_rollback(txn);
        return r;
    }
    sync_note_change(changing->fs->conf.sync, changing->attr.ino);
    r = store_commit_reply(txn, changing->reply, changing, &err);
    if (r < 0)
        log_warn("fs", "%s", err.msg);
    return r;
}

/* What was opened for nothing. */
static void undo_open(struct changing *changing, bool is_made)
{
    struct overlay *overlay;

    if (!changing->opened)
        return;
    overlay = opens_get_overlay(changing->opened->inode);
    if (!is_made)
        overlay_drop(overlay);
    overlay_unref(overlay);
    fs_close_file(changing->fs, changing->opened);
}

static void run_now(struct changing *changing)
{
    int r = transact(changing);

    if (r < 0)
        fs_reply_error(changing->req, r);
    if (r < 0 || changing->is_lost)
        undo_open(changing, r == 0);
    changing_free(changing);
}

static bool is_unknown(struct fs *fs, ino_nr ino)
{
    struct node_attr attr;

    return store_getattr(fs->conf.store, ino, &attr) == 0 &&
           sync_needs_listing(fs->conf.sync, &attr);
}

/* A directory that has to be listed before the call can be decided; STORE_INO_NONE: none. */
static ino_nr unknown_directory(const struct changing *changing)
{
    struct fs *fs = changing->fs;

    const struct {
        ino_nr parent;
        const char *name; /* NULL: the name can't be a directory's that has to be empty */
    } places[] = {
        { changing->parent, S_ISDIR(changing->mode) ? changing->name : NULL },
        { changing->new_parent, changing->new_name },
    };

    READING(fs);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct node_attr attr;

        if (places[i].parent == STORE_INO_NONE)
            continue;
        if (is_unknown(fs, places[i].parent))
            return places[i].parent;
        if (places[i].name &&
            store_lookup(fs->conf.store, places[i].parent, places[i].name, &attr) == 0 &&
            attr.kind == NODE_FOLDER && is_unknown(fs, attr.ino))
            return attr.ino;
    }
    return STORE_INO_NONE;
}

static void start(struct changing *changing);

static void on_listed(struct wait *wait, const struct err *err)
{
    struct changing *changing = steal_ptr(&wait->handle);

    if (err) {
        fs_reply_error(wait->req, err->code);
        changing_free(changing);
    } else {
        start(changing);
    }
}

static void free_handle(void *handle)
{
    if (handle)
        changing_free(handle);
}

static void start(struct changing *changing)
{
    ino_nr unknown = unknown_directory(changing);
    struct wait *wait;

    if (unknown == STORE_INO_NONE) {
        run_now(changing);
        return;
    }
    wait = wait_new(changing->fs, &(struct wait_conf){
                                      .req = changing->req,
                                      .handle = changing,
                                      .resume = on_listed,
                                      .free_handle = free_handle,
                                      .abandon = wait_forget_sync,
                                  });
    if (wait)
        wait_for_work(wait,
                      sync_want_listing(changing->fs->conf.sync, unknown, wait_sync_done, wait));
}

/* Answers at once where nothing can be changed. */
static bool is_refused(struct fs *fs, fuse_req_t req, fuse_ino_t parent, const char *name)
{
    int r = 0;

    if (!fs->conf.is_writable)
        r = -EROFS;
    else if (control_is_place(parent, name))
        r = -EINVAL;
    if (r < 0)
        fs_reply_error(req, r);
    return r < 0;
}

static struct changing *changing_new(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct changing *changing = x_calloc(1, sizeof *changing);

    changing->fs = fuse_req_userdata(req);
    changing->req = req;
    changing->parent = fs_row(changing->fs, parent);
    changing->name = x_strdup(name);
    return changing;
}

/* ---- the handlers ---- */

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *file)
{
    struct changing *changing;

    if (is_refused(fuse_req_userdata(req), req, parent, name))
        return;
    changing = changing_new(req, parent, name);
    changing->mode = mode & 07777;
    changing->file = *file;
    changing->run = run_create;
    changing->reply = reply_created;
    start(changing);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    struct changing *changing;

    (void)device;
    if (is_refused(fuse_req_userdata(req), req, parent, name))
        return;
    if (!S_ISREG(mode)) {
        fs_reply_error(req, -EPERM);
        return;
    }
    changing = changing_new(req, parent, name);
    changing->mode = mode & 07777;
    changing->run = run_mknod;
    changing->reply = reply_entry;
    start(changing);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct changing *changing;

    if (is_refused(fuse_req_userdata(req), req, parent, name))
        return;
    changing = changing_new(req, parent, name);
    changing->mode = mode & 07777;
    changing->run = run_mkdir;
    changing->reply = reply_entry;
    start(changing);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct changing *changing;

    if (is_refused(fuse_req_userdata(req), req, parent, name))
        return;
    changing = changing_new(req, parent, name);
    changing->mode = mode;
    changing->run = run_remove;
    changing->reply = reply_done;
    start(changing);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    remove_name(req, parent, name, 0);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    remove_name(req, parent, name, S_IFDIR);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags)
{
    struct fs *fs = fuse_req_userdata(req);
    struct changing *changing;

    if (is_refused(fs, req, parent, name) || is_refused(fs, req, new_parent, new_name))
        return;
    changing = changing_new(req, parent, name);
    changing->new_parent = fs_row(fs, new_parent);
    changing->new_name = x_strdup(new_name);
    changing->flags = flags;
    changing->run = run_rename;
    changing->reply = reply_done;
    start(changing);
}

/* OneDrive has neither. */
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    (void)target;
    if (!is_refused(fuse_req_userdata(req), req, parent, name))
        fs_reply_error(req, -EPERM);
}

void op_link(fuse_req_t req, fuse_ino_t nodeid, fuse_ino_t new_parent, const char *new_name)
{
    (void)nodeid;
    if (!is_refused(fuse_req_userdata(req), req, new_parent, new_name))
        fs_reply_error(req, -EPERM);
}
