/* SPDX-License-Identifier: MIT */
#ifndef GRAPHFS_FS_FS_I_H
#define GRAPHFS_FS_FS_I_H

/*
 * What the files of src/fs share and nobody else sees.
 *
 * Numbers: the kernel's node id is the row's number, and st_ino the same; but the row at the
 * mount's root is FUSE_ROOT_ID there. The numbers of `.graphfs` are below STORE_INO_FIRST, where no
 * row of a drive is.
 */

#define FUSE_USE_VERSION 34
#include <errno.h>
#include <fuse_lowlevel.h>

#include "base/strbuf.h"
#include "fs/fs.h"

struct control;
struct evictor;
struct notifier;
struct open_file;
struct opens;
struct pinner;
struct prefetcher;
struct waits;

/* The longest time that the kernel may believe something it is told the changes of. */
#define TIMEOUT_FOREVER_S 86400.0

/* What has no note is const after fs_new(), or has a lock of its own. */
struct fs {
    struct fs_conf conf;
    _Atomic ino_nr root; /* the row at the mount's root; 0 until fs_mount() */
    char *root_path;     /* const after fs_mount(); from "/": says what a link would leave */
    struct fuse_session *session;
    struct opens *opens;
    struct prefetcher *prefetcher;
    struct waits *waits;
    struct notifier *notifier;
    struct control *control;
    struct pinner *pinner;
    struct evictor *evictor;
    _Atomic size_t closing;      /* files that are being closed, and are out of the table */
    bool is_mounted;             /* fs_mount, fs_serve and fs_free only */
    _Atomic bool is_initialised; /* the kernel's first request has been taken up */
    _Atomic bool has_said_ready; /* and answered */
    void (*ready)(void *arg);    /* of fs_serve(); const while it runs */
    void *ready_arg;
};

/* ---- the store's shared lock as a scope: from SELECT to reply ---- */

#define READING(fs)                                                                                \
    __attribute__((cleanup(fs_end_reading), unused)) struct store *reading_store =                 \
        fs_begin_reading(fs)

static inline struct store *fs_begin_reading(const struct fs *fs)
{
    store_lock_shared(fs->conf.store);
    return fs->conf.store;
}

static inline void fs_end_reading(struct store **store)
{
    store_unlock_shared(*store);
}

/* ---- numbers ---- */

static inline ino_nr fs_row(const struct fs *fs, fuse_ino_t nodeid)
{
    return nodeid == FUSE_ROOT_ID ? fs->root : nodeid;
}

static inline fuse_ino_t fs_nodeid(const struct fs *fs, ino_nr row)
{
    return row == fs->root ? FUSE_ROOT_ID : row;
}

/* ---- ops.c ---- */

/* What the kernel may ask, and who answers. */
extern const struct fuse_lowlevel_ops fs_ops;

/* Answers with a negative errno of ours. */
void fs_reply_error(fuse_req_t req, int code);

/* What it means that a row that the kernel names by its number is not there. The kernel learnt the
 * number from a name, and hasn't been told yet that the name is gone or stands for another row:
 * -ESTALE has it ask for the name again, where -ENOENT would deny a file that is there. Other
 * codes stay as they are. */
static inline int fs_row_error(int code)
{
    return code == -ENOENT ? -ESTALE : code;
}

/* ---- attr.c ---- */

/* What stat shows of a row. For a NODE_LINK, size is the length of its target. READING is held. */
void attr_fill_stat(const struct fs *fs, const struct node_attr *attr, struct stat *ret);

/* How long the kernel may believe attributes and name of this row, in seconds. READING is held. */
double attr_timeout_s(const struct fs *fs, const struct node_attr *attr);

/* The same for the absence of a name in this directory. READING is held. */
double attr_absence_timeout_s(const struct fs *fs, const struct node_attr *directory);

/* Whether the kernel may keep what it lists of this directory until it is told of a change. */
bool attr_listing_lasts(const struct fs *fs, const struct node_attr *directory);

/* An entry for the kernel of this row. READING is held. */
void attr_fill_entry(const struct fs *fs, const struct node_attr *attr,
                     struct fuse_entry_param *ret);

/* ---- link.c ---- */

/* A link whose target is outside of the mount is replaced by the target itself; others are left
 * alone. -ENOENT if the target is gone. READING is held. */
int link_show(const struct fs *fs, struct node_attr *attr);

/* What readlink gives for a NODE_LINK, for the caller to free. READING is held. */
int link_target(const struct fs *fs, const struct node_attr *attr, char **ret_target);

/* The relative path from a symlink at the path `from` to the path `to`; both absolute, without
 * "." and "..". The caller frees it. */
char *link_relative_path(const char *from, const char *to);

/* Whether path is root or below it. */
bool link_is_inside(const char *root, const char *path);

/* ---- open.c ---- */

/* What content knows of a file. Borrows from node and drive_id. */
struct content_id fs_content_id(const struct node *node, const char *drive_id);

/* Opens the version that the row shows. -errno with a message. */
int fs_open_version(struct fs *fs, const struct node *node, struct content_file **ret,
                    struct err *err);

/* Opens a file as the row shows it, as if by open(2), and not for reading alone if ${is_writer};
 * for fs_close_file(). */
int fs_open_file(struct fs *fs, ino_nr ino, bool is_writer, struct open_file **ret);
void fs_close_file(struct fs *fs, struct open_file *file);

/* Those that are being closed are among them. */
size_t fs_count_open_files(struct fs *fs);

/* ---- the handlers ---- */

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_getattr(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file);
void op_readlink(fuse_req_t req, fuse_ino_t nodeid);

void op_opendir(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file);
void op_readdir(fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
                struct fuse_file_info *file);
void op_readdirplus(fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
                    struct fuse_file_info *file);

void op_open(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file);
void op_read(fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
             struct fuse_file_info *file);
void op_write(fuse_req_t req, fuse_ino_t nodeid, const char *data, size_t size, off_t offset,
              struct fuse_file_info *file);
void op_release(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file);

void op_getxattr(fuse_req_t req, fuse_ino_t nodeid, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t nodeid, size_t size);
void op_setxattr(fuse_req_t req, fuse_ino_t nodeid, const char *name, const char *value,
                 size_t size, int flags);
void op_removexattr(fuse_req_t req, fuse_ino_t nodeid, const char *name);
void op_statfs(fuse_req_t req, fuse_ino_t nodeid);

void op_flush(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *file);
void op_fsync(fuse_req_t req, fuse_ino_t nodeid, int data_only, struct fuse_file_info *file);
void op_fsyncdir(fuse_req_t req, fuse_ino_t nodeid, int data_only, struct fuse_file_info *file);

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *file);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t nodeid, fuse_ino_t new_parent, const char *new_name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags);
void op_setattr(fuse_req_t req, fuse_ino_t nodeid, struct stat *attr, int to_set,
                struct fuse_file_info *file);
void op_fallocate(fuse_req_t req, fuse_ino_t nodeid, int mode, off_t offset, off_t length,
                  struct fuse_file_info *file);

#endif
